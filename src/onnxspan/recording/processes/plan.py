"""What a followed process is told: one variable of the environment, in JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "ONNXSPAN_FOLLOW"
STARTUP = str(Path(__file__).with_name("startup"))
"""The folder that stands first on PYTHONPATH; its `sitecustomize` begins the recording."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a child records.

    Attributes:
        folder: where its files go.
        within: the `traceparent` of the run's own span; empty when there is none.
        options: arguments of `onnxspan.trace` that a child is given: text, numbers and lists.
    """

    folder: str
    within: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> Plan | None:
        """The plan of this process; None when it is not followed."""
        text = os.environ.get(VARIABLE)
        return cls(**json.loads(text)) if text else None

    @contextlib.contextmanager
    def announced(self) -> Iterator[None]:
        """Put the plan into the environment that children inherit, and take it out again."""
        path = os.environ.get("PYTHONPATH")
        before = {VARIABLE: os.environ.get(VARIABLE), "PYTHONPATH": path}
        os.environ[VARIABLE] = json.dumps(dataclasses.asdict(self))
        os.environ["PYTHONPATH"] = os.pathsep.join([STARTUP, *([path] if path else [])])
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
