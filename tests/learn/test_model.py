"""`onnxspan learn model`: each small model is traced, and shown in the walk or the Graph view."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import browsers
import torch_facts
from onnxspan import explanations
from onnxspan.cli import main
from onnxspan.commands import learn_model
from onnxspan.learn import small
from onnxspan.reading.source.trace import Trace

pytestmark = pytest.mark.skipif(
    torch_facts.NUMBERS != torch_facts.PINNED, reason=torch_facts.SHOWS_PINNED
)


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words, **options):
    """The command's result."""
    return CliRunner().invoke(main, ["learn", "model", *words], **options)


def test_the_list_has_every_model():
    """Without a name each model is listed with its exporter and what its pass does."""
    done = run()
    assert done.exit_code == 0
    for name in small.models():
        assert explanations.one_line(name) in done.output
        assert f"  {name}: " in done.output


@pytest.mark.parametrize("name", ["_jit_pass_cse", "FoldConstantsPass"])
def test_the_graph_opens_at_the_pass(name):
    """`--graph` writes the report; the address is that of the step at which the pass acted."""
    done = run(name, "--graph", "-d", "made")
    assert done.exit_code == 0, done.output
    address = done.output.splitlines()[-1]
    page, _, place = address.removeprefix("file://").partition("#tab=graph&step=")
    assert Path(page) == Path("made/example.html").resolve()
    assert Path(page).is_file()
    trace = Trace.read(Path("made/example.jsonl"))
    assert learn_model._step(trace, name) == int(place) > 0
    assert name in {span.name for span in trace.spans}


@pytest.mark.parametrize("name", ["_jit_pass_cse", "RewriteRuleSet.apply_to_model"])
def test_the_address_shows_the_graph_in_a_browser(name):
    """In a browser the address opens the Graph view, with that pass chosen and drawn."""
    address = run(name, "--graph", "-d", "made").output.splitlines()[-1]
    with browsers.chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector(".graphs[data-drawn]")
        assert page.locator(".graphs ol [aria-current=true]").inner_text() == name
        assert page.locator(".graphs .node").count()


def test_the_walk_has_the_graphs():
    """`--walk` goes through the export, with the difference that the pass made."""
    done = run("_jit_pass_cse", "--walk")
    assert done.exit_code == 0, done.output
    assert "_jit_pass_cse" in done.output
    assert "-  %" in done.output
    assert Path("_jit_pass_cse/example.py").is_file()


def test_a_menu_in_a_terminal(monkeypatch):
    """In a terminal one chooses a model by its number, and then the view."""
    monkeypatch.setattr(learn_model, "_is_terminal", lambda: True)
    opened = []
    monkeypatch.setattr(learn_model.webbrowser, "open", opened.append)
    number = list(small.models()).index("_jit_pass_dce") + 1
    done = run(input=f"{number}\ngraph\n")
    assert done.exit_code == 0, done.output
    assert "_jit_pass_dce/example.html#tab=graph&step=" in opened[0]


def test_an_unknown_name_leads_on():
    """A name without a model exits 2 and says which come close."""
    done = run("_jit_pass_ces")
    assert done.exit_code == 2
    assert "_jit_pass_cse" in done.output


@pytest.mark.parametrize("name", sorted(small.models()))
def test_every_model_is_traced(tmp_path, name):
    """Each model's script exports, and the trace has the stage or pass that it is for."""
    trace = Trace.read(small.record(small.models()[name], tmp_path))
    assert len(trace.exports) == 1
    names = {span.name for span in trace.spans}
    functions = {str(span.get("code.function.name")) for span in trace.spans}
    assert name in names or name in functions
