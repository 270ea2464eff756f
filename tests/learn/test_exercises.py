"""Each exercise: the solution passes; the untouched start and a likely wrong answer do not."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import onnxspan
import torch_facts
from onnxspan.cli import main
from onnxspan.learn import checks, progress
from onnxspan.learn.exercise import exercises, numbered

pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.skipif(
    torch_facts.NUMBERS != torch_facts.PINNED, reason=torch_facts.SHOWS_PINNED
)
FOLDER = Path(onnxspan.__file__).parent / "learn" / "exercises"
FOLDERS = sorted(path for path in FOLDER.iterdir() if path.name[:2].isdigit())


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def symbolics():
    """What an exercise registers is taken out again."""
    import torch

    yield
    for name in ("aten::gelu", "aten::hypot"):
        try:
            torch.onnx.unregister_custom_op_symbolic(name, 17)
        except Exception:  # noqa: S110  # not registered
            pass


def test_enough_of_both_kinds():
    """There are at least fifteen, for both exporters, numbered in order, with hints and a page."""
    found = exercises()
    assert [one.number for one in found] == list(range(1, len(found) + 1))
    assert len(found) >= 15
    assert {"torchscript", "dynamo"} <= {one.exporter for one in found}
    docs = Path(__file__).parents[2] / "docs"
    for one in found:
        assert one.hints
        assert (docs / one.page).is_file(), one.page


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_solution_passes(folder):
    """The solution is one."""
    assert checks.check(numbered(int(folder.name[:2])), folder / "solution.py") == []


@pytest.mark.parametrize("which", ["start", "wrong"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_what_does_not_pass(folder, which):
    """The untouched start and the likely wrong answer are told what they lack."""
    lacking = checks.check(numbered(int(folder.name[:2])), folder / f"{which}.py")
    assert lacking
    assert all(isinstance(line, str) and line for line in lacking)


def run(*words):
    return CliRunner().invoke(main, ["learn", *words])


def test_from_the_list_to_the_solution(tmp_path):
    """List, start, check, hint, solution, check: as a learner goes; progress is kept."""
    assert "[ ]  3  Which pass removed your layer?" in run().output
    started = run("start", "3")
    assert "exercise_03.py was written" in started.output
    first = run("check", "3")
    assert (first.exit_code, "ANSWER is still to be written" in first.output) == (1, True)
    assert "1 of 2" in run("hint", "3").output
    assert "2 of 2" in run("hint", "3").output
    Path("exercise_03.py").write_text(run("solution", "3").output)
    solved = run("check", "3")
    assert (solved.exit_code, "Solved" in solved.output) == (0, True)
    assert "onnxspan learn start 4" in solved.output
    assert "[x]  3" in run().output
    assert "left as it is" in run("start", "3").output


@pytest.mark.parametrize(
    ("words", "said"),
    [(("start", "99"), "from 1 to"), (("check", "1"), "onnxspan learn start 1")],
)
def test_what_is_not_there(words, said):
    """A number or file that does not exist is answered with the next step; exit code 2."""
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("text", ["", "[]", '{"solved": 3}', '{"solved": {"1": "x"}}'])
def test_damaged_progress(text):
    """A damaged file of the progress is no error, and is written anew."""
    progress.place().parent.mkdir(parents=True)
    progress.place().write_text(text)
    assert progress.read() == {"solved": {}, "hints": {}}
    progress.note("solved", 2)
    assert progress.read()["solved"] == {"2": 1}
