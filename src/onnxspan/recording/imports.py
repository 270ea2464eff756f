"""The modules that wrapping an exporter imports, shown as a span of the export.

torch imports its default exporter, and that imports onnxscript and torch._dynamo, when the
first export of a process needs them. Wrapping needs them a moment before. The seconds are
the export's own, not tracing's: without a span they would be missing from the first trace.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from onnxspan import conventions as c
from onnxspan.recording import cpu_time, spans
from onnxspan.recording.call import Call
from onnxspan.recording.patching import Target
from onnxspan.recording.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

_PROBE = Probe(c.IMPORT, ())


class Imports:
    """Notes when importing began and ended, and how many modules came.

    Attributes:
        began: nanoseconds of the recorder's clock.
        ended: likewise; 0 while it is under way.
        spent: what the thread had spent when it began.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._modules = len(sys.modules)
        self.began = clock()
        self.ended = 0
        self.spent = cpu_time.spent()
        self._attributes: dict[str, Any] = {}

    def finish(self) -> Imports | None:
        """Stop the clock; None when nothing was imported."""
        self._modules = len(sys.modules) - self._modules
        self.ended = self._clock()
        self._attributes = cpu_time.since(self.spent)
        return self if self._modules > 0 else None

    def record(self, root: Call) -> None:
        """Give the export, whose span has begun, a child span of the import."""
        constants = {c.FUNCTION: "importlib.import_module", c.LEVEL: _PROBE.level.name.lower()}
        target = Target(_PROBE, "", None, "", lambda: None, constants)
        call = Call(target, root.export, root, (), {})
        call.began = self.began
        call.attributes[c.IMPORT_MODULES] = self._modules
        call.attributes |= self._attributes
        spans.start(call)
        spans.detach(call)
        spans.end(call, self.ended)
