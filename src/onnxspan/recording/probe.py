"""What a probe is: one row that says where, under which name, and what to measure."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from onnxspan.conventions import Level

if TYPE_CHECKING:
    from onnxspan.recording.call import Call

Before = Callable[["Call"], None]
After = Callable[["Call", Any], None]
Failed = Callable[["Call", BaseException], None]


class Exporter(str, enum.Enum):
    """The two exporters, as `torch.onnx.exporter` names them."""

    TORCHSCRIPT = "torchscript"
    DYNAMO = "dynamo"


@dataclasses.dataclass(frozen=True)
class PerNode:
    """Work that is done once for every node: summed by operator, or a span each.

    Attributes:
        sums: the four attribute keys (operators, calls, durations, longest).
        operator: reads the operator's name from the call's positional arguments.
        spans: whether the level `nodes` gives each call a span; else it is always summed.
        ends_work: the call is only the end of the work: the time since the end of the work before
            it is summed, in the call around it.
        describe: writes what is known of the node, for a span or a failure.
        level: the least level at which it is summed.
        note: at the level `nodes`, writes on the call around it what work without a span
            found out: given that call, the arguments and the result.
    """

    sums: tuple[str, str, str, str]
    operator: Callable[[tuple[Any, ...]], str]
    spans: bool = True
    ends_work: bool = False
    level: Level = Level.PASSES
    describe: Before | None = None
    note: Callable[[Call, tuple[Any, ...], Any], None] | None = None


@dataclasses.dataclass(frozen=True)
class Probe:
    """One thing that is wrapped, for `trace(probes=[…])` too.

    What `before`, `after`, `failed` and `named` raise is counted, and kept away from the export.

    Attributes:
        name: the span's name: torch's own short name of the function.
        places: `module:attribute.path`, tried in order; the first that exists is wrapped.
            A path that ends in `*` stands for every attribute that begins so; the module
            `{apis}` for the module of onnxscript that the installed torch calls.
        level: the least level at which the span exists; `"stages"`, `"passes"` and `"nodes"`
            are taken too.
        opens: tells the exporter that this call begins; None for a call around exports. A row
            that has it may begin a trace, when no export is under way.
        before: reads the arguments when the call begins.
        after: reads the result when it ends.
        failed: reads the exception when it raises, before the failure is recorded.
        named: gives a call's span another name than the row's, from the arguments.
        most: how many spans of this row one export gets below the level `nodes`; the
            calls beyond are counted on the root. 0 stands for no limit.
        per_node: set for per-node work.
        once: skip direct recursion: only the outermost call of a chain gets a span.
        root: for a user's function around exports: it begins a trace, in which those nest.
        runs_model: calls the model's `forward`: the users' own probes come off meanwhile.
        when_loaded: it is looked for once this module is there, which is not imported for it.
        pack: the pack that the row belongs to: its spans stand outside exports only.
        calls_python: a C function that calls back into Python code, which may warn.
    """

    name: str
    places: tuple[str, ...]
    level: Level = Level.STAGES
    opens: Callable[[Call], Exporter | None] | None = None
    before: Before | None = None
    after: After | None = None
    failed: Failed | None = None
    named: Callable[[Call], str] | None = None
    most: int = 0
    per_node: PerNode | None = None
    once: bool = False
    calls_python: bool = False
    root: bool = False
    runs_model: bool = False
    when_loaded: str = ""
    pack: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", Level.parse(self.level))  # the row itself is frozen

    @property
    def wrapped_at(self) -> Level:
        """The least level at which the function is wrapped.

        Most per-node work is summed from `passes` on; a node that can say where it failed is
        watched at every level.
        """
        if self.per_node is None:
            return self.level
        return self.per_node.level if self.per_node.describe is None else Level.STAGES
