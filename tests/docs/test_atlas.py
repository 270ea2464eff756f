"""The atlas: each minimal model makes its pass act, in the torch that is installed."""

import importlib
import pathlib
import sys

import pytest

import torch_facts
from onnxspan import explanations

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "tools" / "atlas"


def tool(name):
    """One of the atlas's modules; its folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


MODELS = tool("minimal").MODELS


@pytest.mark.skipif(
    bool(torch_facts.unknown(["dynamo"])),
    reason=f"the examples name an exporter: {torch_facts.unknown(['dynamo'])}",
)
@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_minimal_model_makes_its_pass_act(name):
    """The page of a pass with a model shows a graph that the pass really changed."""
    page = tool("build").page(name)
    diff = page.partition("```diff\n--- before\n+++ after\n")[2]
    assert any(line[0] in "+-" for line in diff.splitlines() if line)
    assert page.startswith(f"# `{name}`")


def test_every_model_is_for_something_explained():
    """No model is left behind under a name that has no text."""
    assert set(MODELS) <= set(explanations.names())


def test_what_has_no_model_says_so():
    """A pass without a model has a page that says that none is known."""
    build = tool("build")
    assert build.page("_jit_pass_lint").rstrip().endswith(build.UNKNOWN)
    assert build.page("RewritePass").rstrip().endswith(build.NOT_YET)


def test_the_index_lists_every_page():
    """Each text is linked once from the atlas's first page."""
    build = tool("build")
    for name in explanations.names():
        assert build.index().count(f"]({build.file_name(name)})") == 1
        assert " " not in build.file_name(name)
