"""The atlas: each minimal model makes its pass act, in the torch that is installed."""

import importlib
import pathlib
import sys

import pytest

import torch_facts
from onnxspan import explanations
from onnxspan.learn.small import dynamo, torchscript

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "tools" / "atlas"


def tool(name):
    """One of the atlas's modules; its folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


build, looking = tool("build"), tool("looking")
TORCHSCRIPT = torchscript.MODELS
DYNAMO = dynamo.MODELS
DIRECT = tool("minimal_onnx").PASSES
MADE = "It is given no graph, and makes one"
PINNED = pytest.mark.skipif(
    torch_facts.NUMBERS != torch_facts.PINNED, reason=torch_facts.SHOWS_PINNED
)


def assert_shows_a_change(name):
    page = build.page(name)
    assert page.startswith(f"# `{name}`")
    before, _, after = page.partition("\nAfter (")
    kinds = before.rpartition("Before (")[2].partition(")")[0], after.partition(")")[0]
    if kinds[0] == kinds[1]:
        diff = page.partition("```diff\n--- before\n+++ after\n")[2]
        assert any(line[0] in "+-" for line in diff.splitlines() if line)
    else:
        assert ("two kinds of graph" in page) is not (MADE in page)


@pytest.mark.skipif(
    bool(torch_facts.unknown(["dynamo"])),
    reason=f"the examples name an exporter: {torch_facts.unknown(['dynamo'])}",
)
@pytest.mark.parametrize("name", sorted(TORCHSCRIPT))
def test_a_minimal_model_makes_its_pass_act(name):
    """The page of a pass with a model shows a graph that the pass really changed, or made."""
    assert_shows_a_change(name)


@PINNED
@pytest.mark.parametrize("name", sorted({**DYNAMO, **DIRECT}))
def test_a_minimal_model_of_the_dynamo_exporter_makes_its_pass_act(name):
    """The same for the dynamo exporter's stages, and for passes that are called directly."""
    assert_shows_a_change(name)


@PINNED
@pytest.mark.parametrize("name", ["_model_to_graph", "optimize_ir", "rename_inputs"])
def test_what_is_said_to_change_nothing_changes_nothing(name):
    """In an export, a stage whose text says `Nothing` leaves its graph as it was."""
    changes = looking.watch(build.EXAMPLES[name]).changes
    silent = {name for name in changes if build.leaves_graphs(name)}
    assert len(silent) >= 2
    for stage in silent:
        assert {change.after for change in changes[stage] if change.before != change.after} == {
            change.after for change in changes[stage] if change.before is None
        }


def test_a_graph_that_nothing_changes_is_no_example():
    """A model that does not make its pass act is refused, not shown."""
    example = looking.Direct(DIRECT["ShapeInferencePass"].model, "IdentityEliminationPass()")
    pytest.importorskip("onnx_ir")
    assert looking.look("IdentityEliminationPass", example) is None


def test_every_model_is_for_something_explained():
    """No model is left behind under a name that has no text, or that has two."""
    assert set(build.EXAMPLES) <= set(explanations.names())
    assert len(build.EXAMPLES) == len(TORCHSCRIPT) + len(DYNAMO) + len(DIRECT)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("_jit_pass_onnx_block", build.UNKNOWN),
        ("_jit_pass_lint", build.LEAVES),
        ("dispatch", build.LEAVES),
        ("_export_file", build.NO_GRAPH),
    ],
)
def test_what_has_no_model_says_so(name, said):
    """A page without a graph says why: none is known, or there is none to show."""
    assert build.page(name).rstrip().endswith(said)


def test_a_node_is_one_line_whatever_its_number():
    """The text of a model in ONNX IR changes by what a pass did, not by its counting."""
    one = '    9 |  # node_a\n         %"a" ⬅️ ::Relu(%"x")\n'
    other = '    10 |  # node_b\n          %"a" ⬅️ ::Relu(%"x")\n'
    assert looking.plain_onnx(one) == looking.plain_onnx(other) == '    %"a" ← ::Relu(%"x")\n'


def test_the_index_lists_every_page():
    """Each text is linked once from the atlas's first page, with a mark where a graph is."""
    index = build.index()
    for name in explanations.names():
        assert index.count(f"]({build.file_name(name)})") == 1
        assert " " not in build.file_name(name)
        assert (f"]({build.file_name(name)}) ◆" in index) is (name in build.EXAMPLES)


def test_the_index_has_the_order_of_the_pipeline():
    """Stages and passes stand as an export calls them, and each page names its neighbours."""
    text = build.index()
    order = build.in_order("torchscript")
    places = [text.index(f"[`{name}`]") for name in order if name != "torch.onnx.export"]
    assert places == sorted(places)
    assert len(places) > 30
    following = order[order.index("_jit_pass_cse") + 1]
    assert f"after it [`{following}`]" in build.neighbours("_jit_pass_cse")
    assert build.neighbours("_jit_pass_onnx_block") == ""
