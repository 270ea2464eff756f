"""Every stage and pass has a text, and what the texts show of the IR is what torch does."""

import importlib.util
import pathlib
import re
import warnings

import pytest
import torch

import onnxspan
import torch_facts
from models import convolutional
from onnxspan import explanations
from onnxspan.conventions import Level
from onnxspan.recording.probes import ENTRY_POINTS, TABLES
from onnxspan.recording.probes.packs import PACKS

ROWS = [
    row
    for rows in (ENTRY_POINTS, *TABLES.values())
    for row in rows
    if not any(place.endswith("*") for place in row.places)
]

ARGUMENTS = {
    "_jit_pass_peephole": (True,),
    "_jit_pass_onnx_remove_inplace_ops_for_onnx": (None,),
    "_jit_pass_onnx_set_dynamic_input_shape": ({"x": {0: "batch"}}, ["x"]),
    "_jit_pass_onnx_graph_shape_type_inference": ({}, 17),
    "_jit_pass_onnx_eliminate_unused_items": ({"w": torch.ones(2)},),
    "_jit_pass_onnx_deduplicate_initializers": (
        {"a": torch.ones(2), "b": torch.ones(2)},
        False,
    ),
}
"""What an example's pass takes after the graph; the others take the graph alone."""


WRITTEN_FOR = {"_jit_pass_prepare_division_for_onnx": (2, 13)}
"""The torch from which on an example is as it is shown; the text says what was before."""


def passes_in_sources():
    """Names of the passes that the installed torch.onnx calls."""
    folder = pathlib.Path(torch.__file__).parent / "onnx"
    found = set()
    for file in folder.rglob("*.py"):
        found |= set(re.findall(r"_C\.(_jit_pass_\w+)", file.read_text(encoding="utf-8")))
    return sorted(found)


def examples():
    """Name and graphs of each text that shows a graph before and after."""
    for name in explanations.names():
        blocks = re.findall(
            r"```ir\n(.*?)```", explanations.get(name).sections["Example"], re.DOTALL
        )
        if blocks:
            yield pytest.param(name, blocks, id=name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_probe_has_a_text(row):
    """No row of the tables is without an explanation under the name of its span."""
    assert explanations.get(row.name) is not None


@pytest.mark.parametrize("pack", PACKS)
def test_every_step_of_a_pack_has_a_text(pack):
    """The steps of all packs are explained as passes are."""
    assert [row.name for row in PACKS[pack] if explanations.get(row.name) is None] == []


@pytest.mark.parametrize("name", passes_in_sources())
def test_every_pass_of_the_exporter_sources_has_a_text(name):
    """What the wildcard row can meet in the installed torch's exporter is explained."""
    assert explanations.get(name) is not None


def test_every_span_of_a_real_export_has_a_text(tmp_path):
    """Stages and passes that a real export shows are explained."""
    model, args = convolutional()
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, tmp_path / "model.onnx", **torch_facts.TORCHSCRIPT)
    names = {span.name for span in trace.spans}
    assert len(names) > 40
    assert {name for name in names if explanations.get(name) is None} == set()


@pytest.mark.parametrize("name", explanations.names())
def test_a_text_is_whole(name):
    """Each file has a head, all sections, its own name, and one line of one sentence."""
    text = explanations.get(name)
    assert text.name == name
    assert text.exporter in explanations.EXPORTERS
    assert "\n" not in text.one_line
    assert text.one_line.endswith((".", "`."))
    assert text.source.split(":")[0].split(" ")[0].endswith((".py", ".cpp"))


@pytest.mark.skipif(torch_facts.NUMBERS != torch_facts.PINNED, reason=torch_facts.SHOWS_PINNED)
@pytest.mark.parametrize(
    "name", [name for name in explanations.names() if ".py: " in explanations.get(name).source]
)
def test_the_named_source_has_the_function(name):
    """The file that a text names is there, and defines the function or class that it names."""
    file, _, place = explanations.get(name).source.partition(": ")
    spec = importlib.util.find_spec(file.partition("/")[0])
    if spec is None:
        pytest.skip("the library of this pack is not installed")
    folder = pathlib.Path(spec.submodule_search_locations[0]).parent
    text = (folder / file).read_text(encoding="utf-8")
    name = place.split(" ")[0].rpartition(".")[2]
    assert re.search(rf"(?m)^ *(def|class) {name}\b", text)


@pytest.mark.parametrize(("former", "name"), explanations.FORMERLY.items())
def test_a_former_name_leads_to_the_text(former, name):
    """What an older version calls otherwise is explained too, and the text is listed once."""
    assert explanations.get(former) == explanations.get(name)
    assert former not in explanations.names()
    assert name in explanations.names()


@pytest.mark.parametrize(("other", "name"), explanations.ALSO.items())
def test_another_name_of_a_function_leads_to_the_text(other, name):
    """`onnx.load_model` is `onnx.load`, and the text is listed once."""
    assert explanations.get(other) == explanations.get(name)
    assert other not in explanations.names()
    module, _, function = other.rpartition(".")
    imported = importlib.import_module(module)
    assert getattr(imported, function) is getattr(imported, name.rpartition(".")[2])


def test_no_two_names_differ_in_case_alone():
    """The files survive a file system that does not tell upper from lower case."""
    lowered = [name.lower() for name in explanations.names()]
    assert len(set(lowered)) == len(lowered)


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
@pytest.mark.parametrize(("name", "blocks"), list(examples()))
def test_an_example_is_what_the_pass_does(name, blocks):
    """The first graph of an example, run through the pass, gives the second one."""
    before, after = blocks
    if torch.torch_version.TorchVersion(torch.__version__) < WRITTEN_FOR.get(name, (2, 1)):
        pytest.skip("an older torch does it in another way")
    graph = torch._C.parse_ir(before, True)
    getattr(torch._C, name)(graph, *ARGUMENTS.get(name, ()))
    assert renumbered(str(graph)) == renumbered(after)


def renumbered(text):
    """The graph's text with its values numbered in the order in which they appear."""
    numbers = {}
    text = re.sub(r"%[\w.]+", lambda m: f"%{numbers.setdefault(m[0], len(numbers))}", text)
    return " ".join(text.split())


def test_most_graph_passes_show_an_example():
    """The examples above are found at all."""
    assert len(list(examples())) >= 15


def test_one_line_of_an_unknown_pass_is_honest():
    """A pass without a text says that no exporter calls it, another name says nothing."""
    assert explanations.one_line("_jit_pass_autocast") == explanations.NOT_CALLED
    assert explanations.one_line("aten::relu") == ""


def test_the_place_decides_between_equal_names():
    """`_export` is a function of both exporters; each has its own text."""
    of_torchscript = explanations.for_span("_export", "torch.onnx.utils._export")
    of_dynamo = explanations.for_span("_export", "torch.export._trace._export")
    assert of_torchscript.exporter == "torchscript"
    assert of_dynamo.exporter == "dynamo"
    assert explanations.one_line("_export", "torch.export._trace._export") == of_dynamo.one_line


def test_closest_finds_a_mistyped_name():
    """A letter too many and a part of a name both lead to the right one."""
    assert explanations.closest("_jit_pass_lintt")[0] == "_jit_pass_lint"
    assert explanations.closest("shape_type_inference")[0].endswith("shape_type_inference")
    assert explanations.closest("") == []


def test_a_text_without_a_section_is_refused():
    """A file in which a section is missing does not pass silently."""
    head = "---\nname: x\nexporter: both\none_line: X.\nsource: x.py\n---\n"
    with pytest.raises(ValueError, match="sections"):
        explanations.parse(head + "\n## What it does\n\nA.\n")


def test_the_page_names_its_source():
    """The Markdown page has the name, every section and the place in torch."""
    page = explanations.get("_jit_pass_cse").markdown()
    assert page.startswith("# `_jit_pass_cse`\n")
    assert all(f"## {title}\n" in page for title in explanations.SECTIONS)
    assert "common_subexpression_elimination.cpp" in page


def test_levels_are_where_texts_are_needed():
    """The rows tested here cover stages and passes."""
    assert {Level.STAGES, Level.PASSES} <= {row.level for row in ROWS}
