"""The ways in which the dynamo exporter is called."""

import io
import warnings

import pytest
import torch
from torch import nn

import onnxspan
import torch_facts
from dynamo_models import by_name, export
from onnxspan import conventions as c
from onnxspan.reading import figures, report
from onnxspan.reading.compare.diff import compare
from onnxspan.reading.compare.samples import samples_of
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.walk.facts import in_and_out
from onnxspan.recording import recorder
from onnxspan.recording.patching import Patches, resolve_all
from onnxspan.recording.probe import Probe
from onnxspan.recording.probes.dynamo.table import DYNAMO


def test_exported_program_needs_no_capture(small, example, tmp_path):
    """Given an ExportedProgram, no strategy runs and the root names its inputs and weights."""
    program = torch.export.export(small, example)
    with onnxspan.trace() as trace:
        torch.onnx.export(program, (), tmp_path / "m.onnx", verbose=False)
    [root] = trace.result.roots
    assert root.get(c.CAPTURE_STRATEGY) == "ExportedProgram"
    assert root.get(c.MODEL_INPUT_SHAPES) == ["float32[2, 4]"]
    assert root.get(c.MODEL_PARAMETERS) == 20
    assert not by_name(trace, "torch.export.export")


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_program_saved_later_opens_its_own_trace(small, example, tmp_path):
    """After `f=None`, each later save, optimize or verify is a root of its own."""
    with onnxspan.trace() as trace:
        program = export(small, example, optimize=False)
        program.optimize()
        program.save(tmp_path / "later.onnx", external_data=True)
        torch.onnx.verification.verify_onnx_program(program)
    roots = trace.result.roots
    assert [root.name for root in roots] == [
        "torch.onnx.export",
        "ONNXProgram.optimize",
        "ONNXProgram.save",
        "verify_onnx_program",
    ]
    assert roots[0].get(c.OPTIONS) == ["optimize=False"]
    assert not [span for span in roots[0].walk() if span.name == "ONNXProgram.optimize"]
    assert roots[2].get(c.RESULT_BYTES) == (tmp_path / "later.onnx").stat().st_size
    assert roots[2].get(c.RESULT_EXTERNAL_BYTES) is not None
    assert {root.get(c.EXPORTER) for root in roots} == {"dynamo"}
    assert trace.errors == []


def test_every_view_weighs_model_and_weights(example, tmp_path, capsys):
    """Tree, report, comparison and walk say the bytes of both files together."""
    path = tmp_path / "m.onnx"
    with onnxspan.trace("stages") as trace:
        export(nn.Linear(4, 4096).eval(), example, path)
    weights = path.with_name("m.onnx.data").stat().st_size
    whole = path.stat().st_size + weights
    assert weights > 65_000
    trace.show()
    said = f"{figures.size(whole)} written, of it {figures.size(weights)} external data"
    assert said in capsys.readouterr().err
    [sample] = samples_of(trace.result)
    assert compare([sample], [sample]).totals["bytes"].before.median == whole
    assert sample.size == whole
    assert any(figures.size(whole) in line for line in in_and_out(trace.result.roots[0], None)[1])
    page = report.data(trace.result)
    at = page["spans"][0]["attributes"]
    keys = page["keys"]
    assert at[keys["resultBytes"]] + at[keys["externalBytes"]] == whole


def test_a_program_saved_after_the_trace_is_untouched(small, example, tmp_path):
    """After `with`, save writes what it writes without a trace, and adds no span."""
    export(small, example, tmp_path / "plain.onnx")
    with onnxspan.trace() as trace:
        program = export(small, example)
    spans = len(trace.spans)
    program.save(tmp_path / "plain2.onnx", external_data=True)
    assert (tmp_path / "plain2.onnx.data").read_bytes() == (
        tmp_path / "plain.onnx.data"
    ).read_bytes()
    assert len(trace.spans) == spans
    assert [root.name for root in trace.result.roots] == ["torch.onnx.export"]


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_options_that_change_the_way(small, example, tmp_path):
    """Without optimization there is no such span, and a dumped program has one."""
    with onnxspan.trace() as trace:
        export(
            small,
            example,
            tmp_path / "m.onnx",
            optimize=False,
            dump_exported_program=True,
            artifacts_dir=tmp_path,
        )
    assert not by_name(trace, "ONNXProgram.optimize")
    assert not by_name(trace, "FoldConstantsPass")
    assert by_name(trace, "torch.export.save")
    assert trace.result.roots[0].get(c.OPTIONS) == ["optimize=False", "dump_exported_program=True"]


@pytest.mark.parametrize("external", [True, False])
def test_saving_weighs_the_files(example, tmp_path, external):
    """The save's span has the bytes of the model and, with external data, of the weights."""
    path = tmp_path / "m.onnx"
    with onnxspan.trace("stages") as trace:
        export(nn.Linear(4, 256).eval(), example, path, external_data=external)
    [span] = by_name(trace, "ONNXProgram.save")
    assert span.get(c.RESULT_BYTES) == path.stat().st_size
    if external:
        assert (
            span.get(c.RESULT_EXTERNAL_BYTES) == (tmp_path / "m.onnx.data").stat().st_size > 4096
        )
    else:
        assert span.get(c.RESULT_EXTERNAL_BYTES) is None


@pytest.mark.skipif(
    torch_facts.NUMBERS < (2, 9),
    reason=f"the dynamo exporter of torch {torch_facts.VERSION} writes to paths alone",
)
def test_bytes_io(small, example):
    """Written to memory, the root says the bytes, and torch's own warning is kept."""
    file = io.BytesIO()
    with warnings.catch_warnings(record=True) as caught, onnxspan.trace() as trace:
        warnings.simplefilter("always")
        export(small, example, file)
    assert trace.result.roots[0].get(c.RESULT_BYTES) == len(file.getvalue()) > 0
    assert by_name(trace, "serialize_model")
    assert any("BytesIO" in str(warning.message) for warning in caught)


def test_profile(small, example, tmp_path, capsys):
    """With `profile=True` the export is traced all the same, and torch prints its profile."""
    pytest.importorskip("pyinstrument")
    with onnxspan.trace() as trace:
        torch.onnx.export(
            small, example, tmp_path / "m.onnx", dynamo=True, profile=True, artifacts_dir=tmp_path
        )
    assert "profile=True" in trace.result.roots[0].get(c.OPTIONS)
    assert by_name(trace, "compare_ops")
    assert "frames hidden]" in capsys.readouterr().out
    assert trace.errors == []


@pytest.mark.skipif(torch_facts.NUMBERS < (2, 6), reason=torch_facts.IS_EARLY)
def test_branches_are_translated_each(example, tmp_path):
    """`torch.cond` gives a translation for each branch, and If's nodes are counted."""

    class Conditional(nn.Module):
        def forward(self, x):
            return torch.cond(x.sum() > 0, lambda x: x.sin() * 2, lambda x: x.cos(), (x,))

    with onnxspan.trace() as trace:
        export(Conditional(), example, tmp_path / "m.onnx")
    assert len(by_name(trace, "_translate_fx_graph")) == 3
    [root] = trace.result.roots
    assert "cond=1" in root.get(c.CAPTURED_OPERATORS)
    assert {"onnx::If=1", "onnx::Sin=1", "onnx::Cos=1"} <= set(root.get(c.RESULT_OPERATORS))


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_custom_translation(example, tmp_path):
    """A function of `custom_translation_table` is named on the root and on the node."""
    from onnxscript import opset18 as op

    def our_relu(x):
        return op.Relu(op.Identity(x))

    with onnxspan.trace("nodes") as trace:
        export(
            nn.ReLU(),
            example,
            tmp_path / "m.onnx",
            custom_translation_table={torch.ops.aten.relu.default: our_relu},
        )
    assert trace.result.roots[0].get(c.CUSTOM_TRANSLATIONS) == ["aten.relu.default"]
    [span] = by_name(trace, "aten.relu.default")
    assert span.get(c.NODE_FUNCTION).endswith("our_relu")
    assert any("aten_relu: comes after" in line for line in span.get(c.NODE_REFUSED))


@torch.library.custom_op("onnxspan_tests::thrice", mutates_args=())
def thrice(x: torch.Tensor) -> torch.Tensor:
    """An operator of the user's own, with a translation."""
    return x * 3


@thrice.register_fake
def _(x):
    return torch.empty_like(x)


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_custom_operator_and_what_verification_finds(example, tmp_path, capsys):
    """A wrong translation of the user's operator shows by how much, and at which output."""
    from onnxscript import opset18 as op

    def nearly(x):
        return op.Add(op.Mul(x, op.Constant(value_float=3.0)), op.Constant(value_float=0.5))

    class Two(nn.Module):
        def forward(self, x):
            return x + 1, torch.ops.onnxspan_tests.thrice(x)

    with onnxspan.trace("nodes") as trace:
        export(
            Two(),
            example,
            tmp_path / "m.onnx",
            verify=True,
            custom_translation_table={torch.ops.onnxspan_tests.thrice.default: nearly},
        )
    [root] = trace.result.roots
    assert root.get(c.CAPTURED_OPERATORS).count("onnxspan_tests.thrice.default=1") == 1
    assert root.get(c.VERIFY_OUTPUTS) == ["add", "thrice"]
    assert root.get(c.VERIFY_ABSOLUTE) == [0.0, 0.5]
    # The first input is 0: torch divides by it and a tiny number.
    assert root.get(c.VERIFY_RELATIVE)[0] == 0.0
    assert root.get(c.VERIFY_RELATIVE)[1] > 1
    [node] = by_name(trace, "onnxspan_tests.thrice.default")
    assert node.get(c.NODE_PRODUCED) == 4
    trace.show()
    shown = capsys.readouterr().err
    assert shown.index("thrice: differs by 0.5 at most") < shown.index("add: differs by 0 at most")


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_what_cannot_be_compared_is_kept(example, tmp_path):
    """Not-a-number and infinity go through the file and come back."""

    class Odd(nn.Module):
        def forward(self, x):
            return torch.log(x - 100), x[:0]

    with onnxspan.trace() as trace:
        export(Odd(), example, tmp_path / "m.onnx", verify=True)
    trace.save(tmp_path / "t.jsonl")
    [root] = Trace.read(tmp_path / "t.jsonl").roots
    first, second = root.get(c.VERIFY_ABSOLUTE)
    assert first != first  # noqa: PLR0124  # not a number
    assert second == float("inf")


@pytest.mark.skipif(torch_facts.EARLY_DYNAMO, reason=torch_facts.IS_EARLY)
def test_dynamic_axes_and_names(small, example, tmp_path):
    """Old arguments are translated, names given, and the opset that came out is shown."""
    with onnxspan.trace() as trace:
        export(
            small,
            example,
            tmp_path / "m.onnx",
            dynamic_axes={"x": {0: "rows"}},
            input_names=["x"],
            output_names=["y"],
            opset_version=18,
        )
    for name in ("from_dynamic_axes_to_dynamic_shapes", "rename_inputs", "rename_outputs"):
        assert by_name(trace, name), name
    [span] = by_name(trace, "convert_version")
    assert (span.get(c.VERSION_ASKED), span.get(c.VERSION_RESULT)) == (18, 18)


def often():
    """What the limited row of the test below wraps."""


def test_calls_beyond_a_share_are_counted(example):
    """A function gets its share of spans, and the root says how many calls had none."""

    class Calling(nn.Module):
        def forward(self, x):
            for _ in range(5):
                often()
            return x + 1

    patches = Patches(recorder.make_wrapper)
    targets = resolve_all([Probe("often", (f"{__name__}:often",), most=2)])
    patches.install(targets)
    try:
        with onnxspan.trace() as trace:
            export(Calling(), example)
    finally:
        patches.restore(targets)
    assert len(by_name(trace, "often")) == 2
    omitted = "often=8" if torch_facts.NUMBERS < (2, 6) else "often=3"  # torch 2.5 captures twice
    assert trace.result.roots[0].get(c.TRACING_OMITTED) == [omitted]


def test_rows_called_once_a_subgraph_have_a_share():
    """Whatever the model's number of branches, the default level stays small."""
    for name in ("_translate_fx_graph", "_MakefxTracer.trace", "PassBase"):
        [probe] = [probe for probe in DYNAMO if probe.name == name]
        assert 0 < probe.most <= 80, name
