"""The walk: which spans become steps, what a step says, and how one moves between them."""

import warnings

import pytest
import torch
from rich.console import Console
from torch import nn

import onnxspan
import torch_facts
from onnxspan import conventions as c
from onnxspan.reading import answer
from onnxspan.reading.source.trace import Event, Span, Trace
from onnxspan.reading.walk.steps import Walker, steps
from onnxspan.reading.walk.view import page


def span(name, number, parent=0, end=None, **attributes):
    """A span; its times follow its number, its attributes are given by the vocabulary's names."""
    start = number * 1_000_000
    return Span(
        name=name,
        trace_id="t",
        span_id=str(number),
        parent_id=str(parent) if parent else "",
        start=start,
        end=start + 500_000 if end is None else end,
        attributes={getattr(c, key): value for key, value in attributes.items()},
        events=[],
        error=False,
        description="",
        scope=c.SCOPE,
        resource={},
    )


def small(**last):
    """An export with one stage, two passes that change something and two that do not."""
    passes = {"LEVEL": "passes", "FUNCTION": "torch._C.some_pass"}
    return Trace(
        [
            span(
                "torch.onnx.export", 1, end=20_000_000, LEVEL="stages", EXPORTER="torchscript",
                MODEL_CLASS="my.Model", MODEL_INPUT_SHAPES=["float32[1, 3]"], OPSET=18,
                FILE="torch/onnx/__init__.py", LINE=65, VERSION_TORCH="2.13.0",
            ),
            span("_optimize_graph", 2, 1, end=18_000_000, LEVEL="stages", NODES=6, INPUTS=3),
            span("_jit_pass_lint", 3, 2, NODES=9, NODES_CHANGE=0, INPUTS=3, **passes),
            span("_jit_pass_cse", 4, 2, NODES=7, NODES_CHANGE=-2, INPUTS=3, **passes),
            span("_jit_pass_lint", 5, 2, NODES=7, NODES_CHANGE=0, INPUTS=3, **passes),
            span("_jit_pass_lint", 6, 2, NODES=7, NODES_CHANGE=0, INPUTS=3, **passes),
            span(
                "_jit_pass_onnx_eliminate_unused_items", 7, 2, NODES=7, NODES_CHANGE=0, INPUTS=2,
                PARAMETERS=1, PARAMETER_BYTES=2048, **passes,
            ),
            span("_export_file", 8, 1, LEVEL="stages", RESULT_BYTES=3 * 1024, **last),
        ]
    )  # fmt: skip


def drawn(step, total, width=72):
    """A step as text, without the blanks at the ends of the lines."""
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(page(step, total))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_stages_and_acting_passes_are_steps():
    """Every stage is a step, a pass only when it changed nodes or inputs; the rest is counted."""
    found = steps(small())
    assert [(step.depth, step.kind, step.name) for step in found] == [
        (0, "export", "torch.onnx.export"),
        (1, "stage", "_optimize_graph"),
        (2, "pass", "_jit_pass_cse"),
        (2, "pass", "_jit_pass_onnx_eliminate_unused_items"),
        (1, "stage", "_export_file"),
    ]
    assert found[1].unchanged == ("_jit_pass_lint",)
    assert found[2].unchanged == ("2 x _jit_pass_lint",)


def test_a_pass_says_what_went_in_and_came_out():
    """The size before a pass is its size after less its change."""
    step = steps(small())[2]
    assert step.went_in == ("graph: 9 nodes, 3 inputs",)
    assert step.came_out == ("graph: 7 nodes (-2), 3 inputs",)
    assert step.source.endswith("common_subexpression_elimination.cpp")


def test_a_pass_that_only_drops_inputs_is_a_step():
    """Fewer inputs and parameters are a change, though no node is."""
    step = steps(small())[3]
    assert step.went_in == ("graph: 7 nodes, 3 inputs",)
    assert step.came_out == ("graph: 7 nodes, 2 inputs", "parameters: 1 tensor, 2.00 KiB")


def test_a_quiet_pass_inside_an_acting_one_is_no_step():
    """What a pass calls after its own work is measured by its own change."""
    passes = {"LEVEL": "passes", "INPUTS": 1}
    spans = [
        span("optimize_ir", 1, end=9_000_000, LEVEL="stages", NODES=5, INPUTS=1),
        span("FoldConstantsPass", 2, 1, end=8_000_000, NODES=5, NODES_CHANGE=-4, **passes),
        span("NameFixPass", 3, 2, NODES=5, NODES_CHANGE=0, **passes),
    ]
    found = steps(Trace(spans))
    assert [step.name for step in found] == ["optimize_ir", "FoldConstantsPass"]
    assert found[1].unchanged == ("NameFixPass",)


def test_the_kind_of_graph_is_said():
    """Where fx nodes become ONNX nodes, a step says which it counts; what a pass says counts."""
    spans = [
        span("_core.export", 1, end=9_000_000, LEVEL="stages"),
        span("torch.export.export", 2, 1, LEVEL="stages", GRAPH_KIND="fx", NODES=8, INPUTS=3),
        span(
            "_translate_fx_graph", 3, 1, LEVEL="stages", GRAPH_KIND="onnx", NODES=9, INPUTS=1,
        ),
        span(
            "DeduplicateInitializersPass", 4, 1, LEVEL="passes", GRAPH_KIND="onnx", NODES=9,
            NODES_CHANGE=0, INPUTS=1, PASS_MODIFIED=True,
        ),
        span(
            "NameFixPass", 5, 1, LEVEL="passes", GRAPH_KIND="onnx", NODES=9, NODES_CHANGE=0,
            INPUTS=1, PASS_MODIFIED=False,
        ),
    ]  # fmt: skip
    found = steps(Trace(spans))
    assert found[2].went_in == ("graph: 8 fx nodes, 3 inputs",)
    assert found[2].came_out == ("graph: 9 onnx nodes, 1 input",)
    assert [step.name for step in found[3:]] == ["DeduplicateInitializersPass"]
    assert found[3].unchanged == ("NameFixPass",)


def test_a_failure_is_a_step_with_its_message():
    """A failed pass is shown even if it changed nothing, and so are the spans around it."""
    trace = small()
    lint = trace.spans[2]
    lint.error = True
    lint.description = "broken \x1b[31m graph"
    lint.attributes[c.ERROR_TYPE] = "RuntimeError"
    step = next(step for step in steps(trace) if step.name == "_jit_pass_lint")
    assert step.error == "RuntimeError: broken \\x1b[31m graph"
    assert "Failed" in drawn(step, 6)


def test_a_span_that_never_ended_says_so():
    """What a killed process left is a step, too."""
    trace = small()
    trace.spans[2].end = 0
    assert "never ended" in next(s for s in steps(trace) if s.name == "_jit_pass_lint").error


def test_a_diff_makes_a_step():
    """A pass that changes types only is a step when its snapshot differs."""
    found = steps(small(), lambda span: "-a\n+b" if span.span_id == "5" else "")
    lint = [step for step in found if step.name == "_jit_pass_lint"]
    assert [step.diff for step in lint] == ["-a\n+b"]
    assert "+b" in drawn(lint[0], 6)


def test_events_are_the_log():
    """What a pass said itself is shown in order, an exception is not repeated there."""
    trace = small()
    cse = trace.spans[3]
    cse.events += [
        Event("native log", 1, {"message": "Replacing %3 with %2"}),
        Event(c.EXCEPTION_EVENT, 2, {}),
    ]
    assert steps(trace)[2].log == ("native log Replacing %3 with %2",)


def test_what_was_said_reads_as_torch_wrote_it():
    """A C++ pass's line has file and line in front; what was cut is said; such a pass is a step."""
    trace = small()
    lint = trace.spans[2]
    native = {c.LOG_LEVEL: "UPDATE", c.FILE: "lint.cpp", c.LINE: 7, c.LOG_MESSAGE: "%1 is\nfine"}
    lint.events.append(Event(c.NATIVE_LOG_EVENT, 1, native))
    warned = {c.WARNING_CATEGORY: "UserWarning", c.FILE: "m.py", c.LINE: 3, c.LOG_MESSAGE: "hm"}
    lint.events.append(Event(c.WARNING_EVENT, 2, warned))
    record = {c.LOG_LEVEL: "INFO", c.LOG_LOGGER: "onnxscript.rewriter", c.LOG_MESSAGE: "applied"}
    lint.events += [Event(c.LOG_EVENT, 3, record)] * 60
    lint.attributes[c.EVENTS_DROPPED] = 1234
    step = next(step for step in steps(trace) if step.name == "_jit_pass_lint")
    assert step.log[:3] == (
        "lint.cpp:7 %1 is",
        "UserWarning: hm (m.py:3)",
        "INFO onnxscript.rewriter: applied",
    )
    assert step.log[-2:] == ("and 22 more in the trace", "and 1,234 more that were not kept")


def test_the_users_own_spans_are_no_steps():
    """Spans of another library around the export are passed over."""
    around = span("my.service", 9)
    around.scope = "my.library"
    export = span("torch.onnx.export", 10, 9, LEVEL="stages", EXPORTER="dynamo")
    assert [(s.depth, s.name) for s in steps(Trace([around, export]))] == [
        (0, "torch.onnx.export")
    ]


def test_deep_nesting_is_no_problem():
    """A file that nests deeper than Python recurses is walked."""
    spans = [span("stage", number, number - 1, LEVEL="stages") for number in range(1, 1500)]
    assert steps(Trace(spans))[-1].depth == 1498


def test_a_step_as_text():
    """The page of a step, as a whole."""
    assert drawn(steps(small())[2], 5) == (
        "3/5  _jit_pass_cse  pass, 0.50 ms\n"
        "Keeps one of several nodes that compute the same.\n"
        "\n"
        "What     Two nodes of the same kind with the same inputs and attributes\n"
        "         become one, also across nested blocks. Nodes that are not\n"
        "         deterministic, have side effects, have blocks, or whose values\n"
        "         are written to are left alone.\n"
        "Why      A trace repeats itself, most of all with constants and casts:\n"
        "         autocast with its cache off casts the same weight again at each\n"
        "         use.\n"
        "Changes  Fewer nodes. Returns whether it changed anything; only then\n"
        "         _jit_pass_onnx_lint follows.\n"
        "Where    torch/csrc/jit/passes/common_subexpression_elimination.cpp\n"
        "         torch._C.some_pass\n"
        "In       graph: 9 nodes, 3 inputs\n"
        "Out      graph: 7 nodes (-2), 3 inputs\n"
        "Then     no change of nodes or inputs: 2 x _jit_pass_lint"
    )


def test_the_export_as_text():
    """The first step says model, inputs and versions."""
    text = drawn(steps(small())[0], 5)
    assert "model: my.Model\n" in text
    assert "inputs: float32[1, 3]\n" in text
    assert "exporter: torchscript, opset 18, torch 2.13.0" in text
    assert "torch/onnx/__init__.py:65\n" in text


def test_hostile_names_stay_text():
    """Names, values and diffs with control characters or markup are shown as they are."""
    trace = small(FUNCTION="evil\x1b]0;x\x07", RESULT_FILE="[red]a\x1b[0m")
    trace.spans[-1].name = "[bold]\x1b[2J"
    text = "".join(drawn(step, 5) for step in steps(trace, lambda _span: "+\x1b[31m"))
    assert "\x1b" not in text
    assert "[bold]\\x1b[2J" in text


@pytest.mark.parametrize("junk", ["\x1b[31m", None, [1, "a"], -1.5, {"a": 1}, True])
def test_attributes_of_other_types_are_shown_not_trusted(junk):
    """A file may have anything in an attribute: no error, and nothing that steers a terminal."""
    trace = small()
    odd = Trace([span("_create_jit_graph", 19), span("_decide_input_format", 18), *small().spans])
    for one in (*trace.spans, *odd.spans):
        one.attributes = {attribute.key: junk for attribute in c.ATTRIBUTES}
    for one in odd.spans:
        del one.attributes[c.EXPORTER]
    for shown in (trace, odd):
        assert "\x1b" not in "".join(drawn(step, 9) for step in steps(shown))


@pytest.fixture
def walker():
    """At the first step of the small export."""
    return Walker(steps(small()))


def test_on_goes_through_every_step_and_back(walker):
    """`on` visits all steps in order and stops at the last, `back` returns to the first."""
    seen = [walker.index]
    while walker.on():
        seen.append(walker.index)
    assert seen == [0, 1, 2, 3, 4]
    while walker.back():
        seen.pop()
    assert (walker.index, seen) == (0, [0])


def test_into_over_and_out(walker):
    """`into` enters a stage, `over` stays on the level, `out` leaves the stage."""
    assert not walker.over()
    assert walker.into()
    assert walker.into()
    assert walker.step.name == "_jit_pass_cse"
    assert walker.trail() == ["torch.onnx.export", "_optimize_graph"]
    assert not walker.into()
    assert walker.over()
    assert walker.step.name == "_jit_pass_onnx_eliminate_unused_items"
    assert walker.out()
    assert walker.step.name == "_export_file"
    assert not walker.out()


def test_over_leaves_a_stage_at_its_end(walker):
    """After the last step of a stage `over` goes on behind the stage."""
    walker.index = 3
    assert walker.over()
    assert walker.step.name == "_export_file"


def test_search_goes_round(walker):
    """A search finds the next step after this one, then the first again; empty repeats it."""
    assert walker.search("JIT_PASS")
    assert walker.index == 2
    assert walker.search("")
    assert walker.index == 3
    assert walker.search("")
    assert walker.index == 2
    assert not walker.search("nowhere")
    assert walker.index == 2


class Pair(nn.Module):
    """Four layers, an unused argument and one with a default."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 2))

    def forward(self, x, mask=None, scale=2.0):
        return self.layers(x) * scale


def walked(model, args, path):
    """The steps of a real export, by name."""
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model.eval(), args, path, **torch_facts.TORCHSCRIPT)
    assert trace.errors == []
    return {step.name: step for step in steps(trace.result)}


def test_a_real_export_with_a_dictionary(tmp_path):
    """What became of keyword arguments, and the graph and parameters of a traced model."""
    args = (torch.zeros(1, 3), {"scale": torch.ones(1), "unknown": torch.ones(1)})
    found = walked(Pair(), args, tmp_path / "a.onnx")
    chosen = found["_decide_input_format"]
    assert chosen.went_in == ("1 positional argument", "a dictionary with scale, unknown")
    assert chosen.came_out == (
        "3 positional arguments",
        "placed from the dictionary: scale",
        "filled with their defaults: mask",
        "dropped, `forward` does not know them: unknown",
    )
    made = found["_create_jit_graph"]
    assert made.went_in == ("traced module, 2 tensors in its flattened arguments",)
    assert made.came_out[1:] == (
        "params: 6 parameters",
        "torch_out: kept from the run",
        "module: None",
        "invariant: 6 parameters + 2 flattened inputs = 8 graph inputs: holds",
    )
    assert "_jit_pass_onnx" in found
    assert all(step.one_line and step.what and step.why for step in found.values())
    assert ".py:" in found["_optimize_graph"].place


def test_a_real_export_of_a_scripted_model(tmp_path):
    """A scripted model is not run, and its frozen module comes out."""
    model = torch.jit.script(nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    made = walked(model, (torch.zeros(1, 3),), tmp_path / "a.onnx")["_create_jit_graph"]
    assert made.went_in == ("ScriptModule, 1 tensor in its flattened arguments",)
    assert "torch_out: none, the model was not run" in made.came_out


def test_of_very_many_attributes_some_are_listed():
    """A file from elsewhere may have a million attributes on a span: the rest is counted."""
    many = small()
    many.roots[0].attributes.update({f"x.{number}": number for number in range(2_000)})
    found = steps(many)
    page_text = drawn(found[0], len(found))
    assert sum(line.strip().startswith(("x.", "Also")) for line in page_text.splitlines()) <= 501
    assert "more attributes: `onnxspan show --json FILE` has" in page_text


def test_deep_nesting_is_read_once():
    """The answer reads each of deeply nested spans a bounded number of times."""
    deep = [span("torch.onnx.export", 1, end=9_000_000_000, LEVEL="stages", EXPORTER="torchscript",
                 RESULT_NODES=7)]  # fmt: skip
    deep += [span("x", at, at - 1, end=9_000_000_000 - at, NODES=7, NODES_CHANGE=at // 301)
             for at in range(2, 302)]  # fmt: skip
    trace = Trace(deep)
    reads = []
    with pytest.MonkeyPatch.context() as patch:
        number = Span.number
        patch.setattr(Span, "number", lambda one, key: reads.append(key) or number(one, key))
        (_time, graph) = answer.sentences(trace.exports[0])[:2]
    assert "x +1" in answer.text(graph)
    assert len(reads) < 40 * len(deep)
