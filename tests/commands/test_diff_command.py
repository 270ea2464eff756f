"""`onnxspan diff` and `onnxspan growth` as they are called."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

import torch_facts
from comparing import export, write
from onnxspan.cli import main


def run(*args):
    """The command as it is called in a terminal of 80 columns."""
    return CliRunner().invoke(main, list(args), env={"COLUMNS": "80"})


@pytest.fixture
def files(tmp_path):
    """Six traces: three of 1 s, three of 2 s."""
    times = (1.0, 1.01, 1.02, 2.0, 2.01, 2.02)
    return [write(tmp_path / f"{i}.jsonl", export({"pass": t})) for i, t in enumerate(times)]


def test_two_files(files):
    """Two files are two sides; the slower pass is in the text, in 80 columns."""
    result = run("diff", files[0], files[3])
    assert result.exit_code == 0, result.output
    assert "2.00x" in result.output
    assert "assumed" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_a_narrow_terminal_has_every_column(files):
    """In 60 columns a table still has both sides and the verdict, beside a shorter name."""
    result = CliRunner().invoke(main, ["diff", files[0], files[3]], env={"COLUMNS": "60"})
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 60
    (time,) = (line for line in lines if line.startswith("time "))
    assert "1.00 s" in time
    assert "2.00 s" in time
    assert "2.00x" in time


def test_sides_are_divided_by_two_dashes(files):
    """Several files a side, an option behind them, and the noise is known."""
    result = run("diff", *files[:3], "--", *files[3:], "--json")
    data = json.loads(result.stdout)
    assert data["noise_known"]
    assert data["duration"]["differs"]
    assert [len(data[side]) for side in ("before", "after")] == [3, 3]


def test_a_crossed_threshold_is_exit_code_1(files):
    """And one that is not crossed is 0."""
    assert run("diff", files[0], files[3], "--fail-if", "duration>1.5x").exit_code == 1
    assert run("diff", files[0], files[3], "--fail-if", "duration>2.5x").exit_code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("diff", "{0}"), "two sides"),
        (("diff", "{0}", "{1}", "{2}"), "--"),
        (("diff", "{0}", "--"), "files before and after"),
        (("diff", "{0}", "missing.jsonl"), "missing.jsonl"),
        (("diff", "{0}", "{1}", "--fail-if", "speed>2"), "not a threshold"),
        (("diff", "{0}", "{1}", "--fail-if", "duration(nope)>2x"), "neither side has a step"),
        (("diff", "{0}", "{1}", "--export", "4"), "no number 4"),
        (("diff", "{0}", "{1}", "--html", "no/such/folder.html"), "cannot be written"),
        (("growth", "{0}", "{1}"), "three sizes"),
    ],
)
def test_bad_input_is_exit_code_2(files, args, said):
    """With a message that says what to do."""
    result = run(*(arg.format(*files) for arg in args))
    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_growth_names_the_quadratic_pass(tmp_path):
    """From files, in text and JSON; the exit code is 1 when that is asked for."""
    made = [
        write(
            tmp_path / f"{n}.jsonl",
            export({"bad": 0.01 * (n / 100) ** 2, "good": n / 1e3}, nodes=n),
        )
        for n in (100, 200, 400)
    ]
    result = run("growth", *made)
    assert result.exit_code == 0, result.output
    assert "2.00 (" in result.output
    narrow = CliRunner().invoke(main, ["growth", *made], env={"COLUMNS": "60"})
    assert "2.00 (" in narrow.output, "a narrow terminal has the exponent"
    found = json.loads(run("growth", *made, "--json").stdout)
    assert [step["path"] for step in found["steps"] if step["superlinear"]] == [["bad"]]
    assert run("growth", *made, "--fail-if-superlinear").exit_code == 1


def test_growth_without_numpy_says_what_to_install(tmp_path):
    """The error names the package, in a process where numpy cannot be imported."""
    made = [write(tmp_path / f"{n}.jsonl", export({"a": n / 1e3}, nodes=n)) for n in (1, 2, 4)]
    code = "import sys; sys.modules['numpy'] = None; from onnxspan.cli import main; main()"
    done = subprocess.run(  # our own command line
        [sys.executable, "-c", code, "growth", *made], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install numpy" in done.stderr


@pytest.mark.parametrize("command", ["diff", "growth"])
def test_a_page_is_written_instead_of_text(files, tmp_path, command):
    """`--html` writes the page whole, and says so on stderr alone."""
    sizes = [
        write(tmp_path / f"g{n}.jsonl", export({"bad": 0.01 * (n / 100) ** 2}, nodes=n))
        for n in (100, 200, 400)
    ]
    page = tmp_path / "page.html"
    result = run(command, *(sizes if command == "growth" else files[:2]), "--html", str(page))
    assert (result.exit_code, result.stdout) == (0, "")
    assert page.read_text(encoding="utf-8").endswith("</html>\n")


@pytest.mark.parametrize("command", ["diff", "growth"])
def test_the_help_has_examples(command):
    """They stand as they are typed, a line each."""
    lines = run(command, "--help").stdout.splitlines()
    assert [line for line in lines if line.strip().startswith(f"onnxspan {command} ")]


def test_run_repeats_into_numbered_files(tmp_path):
    """Two runs of a failing script stop at the first, with the script's own exit code."""
    script = tmp_path / "script.py"
    script.write_text("import sys; print('ran', sys.argv[1]); sys.exit(7)", encoding="utf-8")
    command = [sys.executable, "-m", "onnxspan", "run", "--repeat", "2"]
    done = subprocess.run(  # our own command line
        [*command, "-o", str(tmp_path / "t.jsonl"), str(script), "--batch"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7
    assert done.stdout == "ran --batch\n"
    assert "run 1 of 2" in done.stderr


def test_repeat_hands_its_options_on(tmp_path):
    """Each of the runs gets the options that one run would get, and its own numbered files."""
    script = tmp_path / "script.py"
    script.write_text(
        torch_facts.spoken(
            "import io, torch\nmodel = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())\n"
            "torch.onnx.export(model, (torch.zeros(1, 2),), io.BytesIO(), dynamo=False)\n"
        ),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "onnxspan", "run", "--repeat", "2", "--quiet"]
    done = subprocess.run(  # our own command line
        [*command, "--snapshots", "changed", "-o", str(tmp_path / "t.jsonl"), str(script)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "run 1 of 2" not in done.stderr  # --quiet prints nothing but errors
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {
        "script.py", "t-1.jsonl", "t-1.snapshots", "t-2.jsonl", "t-2.snapshots",
    }  # fmt: skip


def test_repeat_needs_an_output(tmp_path):
    """Without names for the files it is refused before anything runs."""
    script = tmp_path / "script.py"
    script.write_text("", encoding="utf-8")
    result = run("run", "--repeat", "2", str(script))
    assert result.exit_code == 2
    assert "-o" in result.stderr
