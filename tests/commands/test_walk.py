"""`onnxspan walk`: the pipe, bad files, and the keys in a real terminal."""

import os
import select
import sys
import warnings

import pytest
import torch
from click.testing import CliRunner

import onnxspan
import torch_facts
from models import convolutional
from onnxspan.cli import main

pty = pytest.importorskip("pty", reason="no pseudo-terminals here")


@pytest.fixture(scope="module")
def trace_file(tmp_path_factory):
    """A trace of a real export, in a file."""
    folder = tmp_path_factory.mktemp("walk")
    model, args = convolutional()
    with onnxspan.trace() as trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, folder / "model.onnx", **torch_facts.TORCHSCRIPT)
    trace.save(folder / "trace.jsonl")
    return folder / "trace.jsonl"


def test_a_pipe_gets_every_step(trace_file):
    """`--print` shows the steps in order, without escape codes or blanks at line ends."""
    result = CliRunner().invoke(main, ["walk", "--print", str(trace_file)])
    assert result.exit_code == 0
    heads = [line for line in result.output.splitlines() if line[:1].isdigit()]
    total = len(heads)
    assert [head.split("  ")[0] for head in heads] == [f"{n}/{total}" for n in range(1, total + 1)]
    assert "_jit_pass_onnx_eval_peephole" in result.output
    assert "\x1b" not in result.output
    assert all(line == line.rstrip() for line in result.output.splitlines())


def test_without_a_terminal_it_prints(trace_file):
    """A pipe gets the same without being asked for."""
    printed = CliRunner().invoke(main, ["walk", "--print", str(trace_file)]).output
    assert CliRunner().invoke(main, ["walk", str(trace_file)]).output == printed


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x1f\x8b\x08", b'{"resourceSpans": 3}'])
def test_a_bad_file_is_refused(tmp_path, content):
    """What is not a trace gives a message with the file's name, and exit code 2."""
    file = tmp_path / "bad.jsonl"
    if content is not None:
        file.write_bytes(content)
    result = CliRunner().invoke(main, ["walk", str(file)])
    assert result.exit_code == 2
    assert "bad.jsonl" in result.output
    assert "Traceback" not in result.output


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, file, lines=30):
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="100", LINES=str(lines))
            code = f"from onnxspan.cli import main; main(['walk', {str(file)!r}])"
            os.execv(sys.executable, [sys.executable, "-c", code])  # noqa: S606  # no shell is wanted

    def until(self, text):
        """Read until the text is shown, and give what was read."""
        seen = b""
        while text.encode() not in seen:
            ready, _, _ = select.select([self.screen], [], [], 60)
            assert ready, f"waited in vain for {text!r}, saw {seen[-2000:]!r}"
            seen += os.read(self.screen, 65536)
        return seen

    def press(self, keys):
        os.write(self.screen, keys.encode())

    def exit_code(self):
        try:
            while os.read(self.screen, 65536):
                pass
        except OSError:  # Linux says so when the other end is closed
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(trace_file):
    """The command, waiting for a key."""
    terminal = Terminal(trace_file)
    terminal.until("q: quit")
    yield terminal
    os.close(terminal.screen)


def test_the_keys(terminal):
    """Step, into, over, back, out, search and quit do in a terminal what the help line says."""
    terminal.press("i")
    terminal.until("2/")
    terminal.press("\r")
    terminal.until("_setup_trace_module_map")
    terminal.press("n")
    terminal.until("_decide_input_format")
    terminal.press("b")
    terminal.until("_setup_trace_module_map")
    terminal.press("/constant_prop\r")
    terminal.until("_optimize_graph\x1b")
    terminal.press("i")
    terminal.until("no step inside this one")
    terminal.press("o")
    terminal.until("_jit_pass_onnx_eval_peephole")
    terminal.press("/nowhere\r")
    terminal.until("No step has that")
    terminal.press("q")
    assert terminal.exit_code() == 0


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_interrupting_leaves_the_terminal_as_it_was(terminal, key):
    """Ctrl-C and Ctrl-D end the walk, and the alternate screen is left."""
    terminal.press(key)
    terminal.until("\x1b[?1049l")
    assert terminal.exit_code() == 0


def test_scrolling(trace_file):
    """A page that is longer than the screen says how much is left, and moves by the arrow keys."""
    terminal = Terminal(trace_file, lines=12)
    assert b"1/" in terminal.until("lines more: down)")
    terminal.press("\x1b[B\x1b[B\x1b[Bz")
    scrolled = terminal.until("That key does nothing")
    assert b"Why" in scrolled.rpartition(b"\x1b[2J")[2]
    assert b"1/" not in scrolled.rpartition(b"\x1b[2J")[2]
    terminal.press("q")
    assert terminal.exit_code() == 0
    os.close(terminal.screen)
