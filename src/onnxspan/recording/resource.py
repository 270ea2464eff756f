"""What an export runs in: the machine, the service, the commit, and a pipeline's trace."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from onnxspan.recording.faults import goes_on
from onnxspan.version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource

SERVICE = "onnxspan"
"""The service's name where `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` give none."""
_GIT_SECONDS = 2.0
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "i686": "x86"}
"""What OpenTelemetry's conventions call a machine of Python's `platform`, where it differs."""


def context() -> Context | None:
    """The context that a root span belongs to.

    The current one when a span is open in it; else that of `TRACEPARENT` and `TRACESTATE` in
    the environment, when they hold one: an export joins the trace of its pipeline.
    """
    traceparent = os.environ.get("TRACEPARENT")
    if not traceparent or otel.get_current_span().get_span_context().is_valid:
        return None
    carrier = {"traceparent": traceparent, "tracestate": os.environ.get("TRACESTATE", "")}
    return TraceContextTextMapPropagator().extract(carrier, otel_context.get_current())


def resource() -> Resource:
    """Who made the spans: service, host, process, versions, and the git commit if there is one.

    `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over what is found here.
    """
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    found: dict[str, str | int] = {
        "service.name": SERVICE,
        "telemetry.distro.name": "onnxspan",
        "telemetry.distro.version": __version__,
        "host.name": socket.gethostname(),
        "host.arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os.type": platform.system().lower(),
        "process.pid": os.getpid(),
        "process.parent_pid": os.getppid(),
        **_rank(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
        **_git(),
    }
    from_environment = OTELResourceDetector().detect()
    try:
        whole = Resource.create(dict(found))
    except Exception as error:  # its detectors are threads, which a full process cannot begin
        if goes_on(error):
            raise
        whole = Resource(dict(found))
    return whole.merge(from_environment)


_RANKS = {
    "process.rank": ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"),
    "process.local_rank": (
        "LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID",
    ),
    "process.world_size": ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"),
}  # fmt: skip
"""Resource attribute, and the variables that say it: of torchrun, Open MPI, MPICH and Slurm."""


def _rank() -> dict[str, int]:
    """Which of a launcher's processes this is; nothing where no launcher says so."""
    found = {}
    for key, variables in _RANKS.items():
        values = [os.environ[name] for name in variables if os.environ.get(name, "").isdigit()]
        if values:
            found[key] = int(values[0])
    return found


def _git() -> dict[str, str]:
    """The commit and branch of the script's folder; nothing outside a repository."""
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path()
    folder = script.parent if script.is_file() else Path()
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD", "--abbrev-ref", "HEAD"],  # noqa: S607  # whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    commit, _, branch = answer.stdout.strip().partition("\n")
    names = {"vcs.ref.head.revision": commit}
    if branch and branch != "HEAD":  # a detached head has no name
        names["vcs.ref.head.name"] = branch
    return names
