"""`onnxspan doctor`: does every probe find its place in the installed torch?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import json
import platform
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from onnxspan.errors import OnnxspanError
from onnxspan.version import __version__

PACKAGES = (
    "torch", "onnx", "onnxscript", "onnx-ir", "onnxruntime", "opentelemetry-sdk", "structlog",
)  # fmt: skip


@click.command(epilog="Example: onnxspan doctor --json")
@click.option("--json", "to_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--packs",
    "with_packs",
    is_flag=True,
    help="Also import the libraries of packs, and look there.",
)
def command(to_json: bool, with_packs: bool) -> None:
    """Say which versions are here, and where each probe is found or missing."""
    versions = _versions()
    try:
        probes = _probes()
    except OnnxspanError:  # what is here is said all the same
        click.echo(json.dumps({"versions": versions}, indent=1) if to_json else _lines(versions))
        raise
    if with_packs:
        probes += _packs()
    untraced = _untraced()
    if to_json:
        found = {"versions": versions, "probes": probes, "untraced": untraced}
        click.echo(json.dumps(found, indent=1))
        return
    console = Console(file=sys.stdout, highlight=False)
    console.print(_lines(versions), markup=False)
    for table in dict.fromkeys(row["table"] for row in probes):
        rows = [row for row in probes if row["table"] == table]
        if rows:
            console.print()
            console.print(_table(table, rows))
    missing = [row["name"] for row in probes if not row["found"]]
    said = f"not in this torch, and skipped: {', '.join(missing)}" if missing else "all found"
    for place, reason in untraced.items():
        console.print(f"\n{place} is not traced: {reason}", markup=False)
    console.print(f"\n{len(probes)} probes, {said}", markup=False)


def _lines(versions: dict[str, str]) -> str:
    return "\n".join(f"{name:20} {version}" for name, version in versions.items())


def _versions() -> dict[str, str]:
    found = {"onnxspan": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _probes() -> list[dict[str, Any]]:
    try:
        import torch.onnx  # noqa: F401  # the reading half runs without torch
    except ImportError as error:
        raise OnnxspanError(
            f"torch cannot be imported: {error}. Install it: pip install torch onnx onnxscript"
        ) from error
    from onnxspan.recording import recorder  # needs torch
    from onnxspan.recording.patching import resolve
    from onnxspan.recording.probes import ENTRY_POINTS, TABLES

    tables = {"openers": ENTRY_POINTS} | {kind.value: rows for kind, rows in TABLES.items()}
    listed = []
    for table, probes in tables.items():
        for probe in probes:
            targets = resolve(probe)
            listed.append(
                {
                    "table": table,
                    "name": probe.name,
                    "level": probe.level.name.lower(),
                    "found": len(targets),
                    "place": targets[0].place if len(targets) == 1 else "",
                    "installed": any(map(recorder.patches.wraps, targets)),
                }
            )
    return listed


def _packs() -> list[dict[str, Any]]:
    """The rows of the packs whose library is installed."""
    from onnxspan.recording.patching import resolve
    from onnxspan.recording.probes.packs import PACKS

    listed = []
    for pack, rows in PACKS.items():
        if importlib.util.find_spec(pack) is None:
            continue
        for probe in rows:
            targets = resolve(probe)
            listed.append(
                {
                    "table": f"pack {pack}",
                    "name": probe.name,
                    "level": probe.level.name.lower(),
                    "found": len(targets),
                    "place": targets[0].place if targets else "",
                    "installed": False,
                }
            )
    return listed


def _untraced() -> dict[str, str]:
    """What can export here too, and has no probes; each with the reason."""
    import torch.onnx  # the reading half runs without torch

    found = {}
    if hasattr(torch.onnx, "dynamo_export"):
        found["torch.onnx.dynamo_export"] = (
            "an earlier exporter with other stages, which later versions of torch dropped"
        )
    arguments = inspect.signature(getattr(torch.onnx, "export", _untraced)).parameters
    if "dynamo" in arguments and not _has_exporter():
        found["torch.onnx.export(..., dynamo=True)"] = (
            "it calls that one here; of an export with it there is the root span alone"
        )
    return found


def _has_exporter() -> bool:
    try:
        return importlib.util.find_spec("torch.onnx._internal.exporter._core") is not None
    except ImportError:  # up to torch 2.4 `exporter` is a module, not a package
        return False


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("span", overflow="fold", ratio=5)
    table.add_column("level", no_wrap=True)
    table.add_column("found at", overflow="fold", ratio=7)
    table.add_column("now", no_wrap=True)
    for row in rows:
        several = f"{row['found']} places" if row["found"] else "missing in this torch"
        place = row["place"].replace("torch.onnx._internal.", "…")
        table.add_row(
            row["name"], row["level"], place or several, "wrapped" if row["installed"] else ""
        )
    return table
