"""`onnxspan explain`."""

import pytest
from click.testing import CliRunner

from onnxspan import explanations
from onnxspan.cli import main


def run(*arguments):
    """The command's result."""
    return CliRunner().invoke(main, ["explain", *arguments])


def test_a_pipe_gets_the_plain_page():
    """Without a terminal the output is the Markdown text, without escape codes."""
    result = run("_jit_pass_onnx")
    assert result.exit_code == 0
    assert result.output == explanations.get("_jit_pass_onnx").markdown()


def test_the_list_has_every_name():
    """`--list` shows each name with its line."""
    result = run("--list")
    assert result.exit_code == 0
    for name in explanations.names():
        assert f"  {name} " in result.output
        assert explanations.one_line(name) in result.output


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("_jit_pass_ces", "_jit_pass_cse"),
        ("aten::linear", "_run_symbolic_function"),
        ("aten.view.default", "_handle_call_function_node_with_lowering"),
        ("xyzzy", "--list"),
    ],
)
def test_an_unknown_name_leads_on(name, hint):
    """An unknown name exits 2 and says which names come close."""
    result = run(name)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("op recorder", "OpRecorder.eval"),
        ("…_onnx_grap…pe_type_inference", "_jit_pass_onnx_graph_shape_type_inference"),
        ("…_constant_propagation", "_jit_pass_constant_propagation"),
    ],
)
def test_a_name_as_the_tree_shows_it(shown, name):
    """A name with letters left out, or with a blank, is explained as the whole name is."""
    assert run(shown).output == explanations.get(name).markdown()


def test_a_hostile_name_stays_text():
    """A name with control characters does not reach the terminal as such."""
    result = run("\x1b[31mred")
    assert result.exit_code == 2
    assert "\x1b" not in result.output


def test_no_name_is_a_usage_error():
    """Without a name and without `--list` it says what to give."""
    result = run()
    assert result.exit_code == 2
    assert "--list" in result.output
