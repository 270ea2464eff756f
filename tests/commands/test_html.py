"""`onnxspan html`, and the diffs of `onnxspan show`."""

from click.testing import CliRunner

import synthetic
from onnxspan.cli import main


def run(*arguments):
    """Call the command in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def trace_file(folder):
    """A synthetic trace on disk."""
    path = folder / "export.jsonl"
    path.write_text(synthetic.lines(synthetic.export(60)))
    return path


def test_writes_the_report_beside_the_trace(tmp_path):
    """Without -o the report has the trace's name, and its path is printed."""
    result = run("html", trace_file(tmp_path))
    assert result.exit_code == 0
    assert result.output.strip() == str(tmp_path / "export.html")
    assert (tmp_path / "export.html").read_text().startswith("<!doctype html>")


def test_bad_input_writes_nothing(tmp_path):
    """A file that is no trace gives exit code 2, one line that names it, and no report."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x0a\x1b[31m" * 10)
    result = run("html", path)
    assert result.exit_code == 2
    assert str(path) in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_trace_is_never_overwritten(tmp_path):
    """A trace called .html, or a report in no folder, is refused and left as it was."""
    path = trace_file(tmp_path).rename(tmp_path / "export.html")
    before = path.read_bytes()
    assert run("html", path).exit_code == 2
    assert path.read_bytes() == before
    result = run("html", path, "-o", tmp_path / "none" / "x.html")
    assert result.exit_code == 2
    assert "cannot be written" in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["export.html"]


def test_diff_needs_snapshots(tmp_path):
    """Asking for diffs of a trace without snapshots says how to record them."""
    result = run("show", trace_file(tmp_path), "--pass", "_jit_pass_cse", "--diff")
    assert result.exit_code == 2
    assert "--snapshots changed" in result.output
    assert run("show", tmp_path / "export.jsonl", "--pass", "x").exit_code == 2
