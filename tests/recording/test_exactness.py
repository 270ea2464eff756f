"""Failures, warnings and other people's patches pass through the wrappers as if there were none."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import traceback

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from conftest import attributes, changed
from onnxspan import conventions as c
from onnxspan.recording import recorder
from tiny import ARGS, MODEL, Broken, export, targets


class Raising(nn.Module):
    """Raises what it is told to, while it is traced."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


def frames(error):
    """File, line and function of a traceback, this file's left out."""
    listed = traceback.extract_tb(error.__traceback__)
    return [(f.filename, f.lineno, f.name) for f in listed if f.filename != __file__]


@pytest.mark.parametrize(
    "kind", [ValueError, RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit, BaseException]
)
@pytest.mark.parametrize("level", ["stages", "nodes"])
def test_the_users_exception_passes_through(kind, level):
    """The model's exception comes out as the same object with the same frames, and red spans."""
    before = attributes()
    error = kind("the user's own")
    with pytest.raises(kind) as untraced:
        export(Raising(error))
    expected = frames(untraced.value)
    error.__traceback__ = None
    with pytest.raises(kind) as caught, onnxspan.trace(level) as trace:
        export(Raising(error))
    assert caught.value is error
    assert frames(error) == expected
    assert error.__context__ is None
    assert not hasattr(error, "__notes__")
    failed = [span for span in trace.spans if span.error]
    assert [span.name for span in failed][:2] == ["torch.onnx.export", "_export"]
    assert failed[-1].name == "_trace_and_get_graph_from_model"
    assert [len(span.events) for span in failed] == [0] * (len(failed) - 1) + [1]
    assert "<onnxspan" not in failed[-1].events[0].attributes[c.EXCEPTION_STACKTRACE]
    assert trace.errors == []
    assert changed(before) == []


def test_an_exception_caught_in_the_block_has_one_frame_more():
    """Inside the block only the outermost wrapper, which is still running, stands in a traceback."""
    with onnxspan.trace(), pytest.raises(ValueError, match="mine") as caught:
        export(Raising(ValueError("mine")))
    assert sum(frame[0].startswith("<onnxspan") for frame in frames(caught.value)) == 1


def _met():
    """The places that this export calls, one per name."""
    with onnxspan.trace("nodes") as trace:
        export()
    names = {span.get(c.FUNCTION) for span in trace.spans}
    names.discard(None)  # a node's span that names a line of the model has no function of torch
    names |= {one.place.replace(":", ".") for one in targets() if one.probe.per_node is not None}
    return sorted(names)


@pytest.mark.parametrize("kind", [Broken, KeyboardInterrupt])
def test_every_probe_passes_an_exception_through(kind):
    """What the function under any wrapper raises comes out as the same object, when torch lets it."""
    for place in _met():
        target = next(t for t in targets() if t.place.replace(":", ".") == place)
        raw = vars(target.holder)[target.attribute]
        error = kind("from beneath")

        def faulty(*args, error=error, **kwargs):
            raise error

        outcomes = []
        for traced in (False, True):
            setattr(target.holder, target.attribute, faulty)
            try:
                if traced:
                    with onnxspan.trace("nodes") as trace:
                        export()
                else:
                    export()
                outcomes.append(None)
            except BaseException as raised:  # KeyboardInterrupt among them
                outcomes.append(raised)
            finally:
                setattr(target.holder, target.attribute, raw)
                recorder.patches.restore_everything(unless=lambda: False)
        assert outcomes[0] is outcomes[1], place
        assert trace.errors == [], place
        assert vars(target.holder)[target.attribute] is raw


def test_a_handled_exception_leaves_its_parents_green():
    """An error that the caller handles stays on its own span."""
    utils = torch_facts.torchscript_utils()
    original = utils._setup_trace_module_map

    def handles(*args, **kwargs):
        try:
            torch._C._jit_pass_lint(1)
        except TypeError:
            pass
        return original(*args, **kwargs)

    utils._setup_trace_module_map = handles
    try:
        with onnxspan.trace() as trace:
            export()
    finally:
        utils._setup_trace_module_map = original
    failed = [span.name for span in trace.spans if span.error]
    assert failed == ["_jit_pass_lint"]


SCRIPT = """
import io, warnings, torch
from torch import nn
{begin}
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(10, 4))
    def forward(self, x):
        if x.sum() > 0:
            x = x + 1
        warnings.warn("from forward", stacklevel=1)
        return torch.special.zeta(x @ self.weight[::2, :].t(), x.sum())
def zeta(g, a, b):
    warnings.warn("from the symbolic function", stacklevel=1)
    warnings.warn("and its caller", stacklevel=2)
    warnings.warn("and far above", stacklevel=8)
    return g.op("custom::Zeta", a, b)
torch.onnx.register_custom_op_symbolic("aten::special_zeta", zeta, 17)
def export(**options):
    torch.onnx.export(Model(), (torch.ones(2, 4),), io.BytesIO(), **{torchscript}, **options)
export(opset_version=17)
export(opset_version=17)
{end}
"""


@pytest.mark.parametrize("filters", [[], ["-W", "always"]], ids=["default", "always"])
def test_warnings_are_the_same(filters, tmp_path):
    """All of stderr, each warning's file and line in it, is that of the untraced script."""
    script = tmp_path / "script.py"
    shown = []
    for begin, end in (
        ("", ""),
        (
            "import onnxspan; trace = onnxspan.trace('nodes').__enter__()",
            "trace.__exit__(None, None, None); assert len(trace.result.exports) == 2",
        ),
    ):
        script.write_text(
            textwrap.dedent(SCRIPT).format(
                begin=begin, end=end, torchscript=torch_facts.TORCHSCRIPT
            )
        )
        done = subprocess.run(  # our own interpreter
            [sys.executable, *filters, str(script)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        # The time of day in the lines that C++ logs by itself.
        shown.append(re.sub(r"\[W\d+ [\d:.]+ ", "[W ", done.stderr))
    assert shown[0] == shown[1]
    texts = ["Only steps=1", "TracerWarning", "from the symbolic", "and far above"]
    if torch_facts.NUMBERS >= (2, 8):  # torch did not say it before
        texts.append("legacy TorchScript")
    for text in texts:
        assert text in shown[0]


def test_somebody_elses_patch_survives():
    """A patch put on top of ours while open stays, is called once, and no call is two spans."""
    utils = torch_facts.torchscript_utils()
    original = utils._export
    calls = []
    with onnxspan.trace() as first:
        beneath = utils._export

        def patch(*args, **kwargs):
            calls.append(1)
            return beneath(*args, **kwargs)

        utils._export = patch
        export()
    try:
        assert utils._export is patch
        with onnxspan.trace() as second:
            export()
        assert utils._export is patch
        export()
    finally:
        utils._export = original
    assert len(calls) == 3
    assert len(second.spans) == len(first.spans)


def test_passes_are_recorded_inside_an_export_alone():
    """A pass that runs outside an export, while a trace is open, is the plain function."""
    graph = torch.jit.trace(MODEL, ARGS).graph
    plain = torch._C._jit_pass_lint
    with onnxspan.trace() as trace:
        assert torch._C._jit_pass_lint is plain
        torch._C._jit_pass_lint(graph)
        export()
        assert torch._C._jit_pass_lint is plain
        torch._C._jit_pass_lint(graph)
    assert trace.result.roots[0].name == "torch.onnx.export"
    assert len(trace.result.roots) == 1
