"""The magic `%%onnxspan` in a real IPython shell."""

import pytest

import onnxspan
import torch_facts

testing = pytest.importorskip("IPython.testing.globalipapp", reason="needs IPython")

CELL = f"""
import io, torch
torch.onnx.export(torch.nn.ReLU(), (torch.ones(1),), io.BytesIO(), **{torch_facts.TORCHSCRIPT!r})
"""


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "onnxspan")
    yield made
    InteractiveShell.clear_instance()


def test_a_cell_is_recorded(shell):
    """The recording is the cell's result and a variable; it is drawn by the notebook."""
    result = shell.run_cell_magic("onnxspan", "--level stages mine", CELL)
    assert isinstance(result, onnxspan.Tracing)
    assert shell.user_ns["mine"] is result
    assert len(result.exports) == 1
    assert {span.get("torch.onnx.level") for span in result.spans} == {"stages"}
    assert "torch.onnx.export" in result._repr_html_()


def test_verification(shell):
    """`--verify` verifies."""
    pytest.importorskip("onnxruntime")
    result = shell.run_cell_magic("onnxspan", "--verify", CELL)
    assert result.exports[0].get("torch.onnx.verify.steps") > 0


def test_a_cell_that_fails(shell, capsys):
    """The cell's own traceback is shown, and the recording has the failure."""
    failing = CELL.replace("torch.nn.ReLU()", "torch.nn.Linear(2, 2)").replace(
        "ones(1)", "ones(3)"
    )
    result = shell.run_cell_magic("onnxspan", "", failing)
    assert result.failure is not None
    assert "RuntimeError" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["--levle nodes", "--level deep", "a b"])
def test_what_is_not_known(shell, line):
    """An option that does not exist is IPython's usage error, which shows no traceback."""
    from IPython.core.error import UsageError

    with pytest.raises(UsageError, match="Usage: %%onnxspan"):
        shell.run_cell_magic("onnxspan", line, CELL)


def test_show_in_a_notebook_is_text(shell, capsys, monkeypatch):
    """`trace.show()` writes plain lines where rich would display each as an output of its own."""
    import rich.console
    from IPython.display import display  # noqa: F401  # rich asks for it in a notebook

    displayed = []
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *args: displayed.append(args))
    result = shell.run_cell_magic("onnxspan", "", CELL)
    capsys.readouterr()
    result.show()
    shown = capsys.readouterr().err
    assert displayed == []
    assert "_jit_pass_onnx" in shown
    assert "_create_jit_graph" in shown
