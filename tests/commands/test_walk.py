"""`onnxspan walk`: the pipe, bad files, and the keys in a real terminal."""

import os
import re
import select
import sys
import warnings

import onnx
import pytest
import torch
from click.testing import CliRunner

import models
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

    def __init__(self, file, lines=30, options=()):
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", COLUMNS="100", LINES=str(lines))
            arguments = ["walk", str(file), *options]
            code = f"from onnxspan.cli import main; main({arguments!r})"
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


@pytest.fixture(scope="module", params=torch_facts.EITHER)
def whole(request, tmp_path_factory):
    """A trace with snapshots and nodes, by each exporter; and what that exporter calls things."""
    folder = tmp_path_factory.mktemp("whole")
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.GELU()).eval()
    trace = onnxspan.trace("nodes", snapshots="changed")
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.ones(1, 3),), folder / "m.onnx", **request.param)
    trace.save(folder / "trace.jsonl")
    return folder / "trace.jsonl", "dynamo" in request.param and request.param["dynamo"]


def test_operators_one_by_one(whole):
    """`--operators`: node in, the function with its source, nodes out."""
    file, by_dynamo = whole
    result = CliRunner().invoke(main, ["walk", str(file), "--operators"])
    assert result.exit_code == 0, result.output
    operator = "aten.gelu.default" if by_dynamo else "aten::gelu"
    [page] = [part for part in result.output.split("operator ") if operator in part.split("\n")[0]]
    rows = page.split("\n")
    assert any(line.startswith("In ") and operator in line for line in rows)
    assert any(line.startswith("By ") and "gelu" in line for line in rows)
    assert any(line.startswith("Where ") and ".py:" in line for line in rows)
    assert "def " in page
    made = page[page.index("\nOut") :]
    assert "Gelu(" in made or "Erf(" in made


@pytest.mark.parametrize("options", torch_facts.EITHER)
def test_the_lines_of_the_model(tmp_path, trace_file, options):
    """A step that made or removed nodes names the model's line; without graphs it says how to."""
    model, args = models.convolutional()
    trace = onnxspan.trace(snapshots="changed")
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, args, tmp_path / "m.onnx", **options)
    trace.save(tmp_path / "t.jsonl")
    result = CliRunner().invoke(main, ["walk", str(tmp_path / "t.jsonl"), "--print"])
    assert re.search(r"\nModel +\S*models\.py:\d+ +\S", result.output)
    assert "graphs of the passes: not recorded" not in result.output
    bare = CliRunner().invoke(main, ["walk", str(trace_file), "--print"])
    assert "\nModel" not in bare.output
    assert bare.output.count("graphs of the passes: not recorded") == 1


def test_following_a_value(whole):
    """`--follow`: the value of GELU from the capture through its conversion to the end."""
    file, by_dynamo = whole
    trace = onnxspan.Trace.read(file)
    final = next(one.node for one in trace.origins.nodes if one.op_type in ("Gelu", "Mul"))
    assert final
    wanted = "gelu" if by_dynamo else "/1/"
    if not by_dynamo:  # the name in the file is given last, and followed back to the capture
        nodes = onnx.load(file.with_name("m.onnx")).graph.node
        wanted = next(out for node in nodes for out in node.output if "/1/" in node.name)
    result = CliRunner().invoke(main, ["walk", str(file), "--follow", wanted])
    assert result.exit_code == 0, result.output
    assert "captured   the capture" in result.output
    assert "\nconverted  " in result.output or "\nmade" in result.output
    last = [line for line in result.output.splitlines() if line and line[0] != " "][-1]
    assert last.split()[0] == "kept"


@pytest.mark.parametrize("options", torch_facts.EITHER)
def test_a_value_that_became_several_nodes(tmp_path, options):
    """An operator that becomes several nodes is followed by the last, whatever the others are called."""
    trace = onnxspan.trace("nodes", snapshots="changed")
    with trace, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.nn.GELU()
        file = tmp_path / "m.onnx"
        torch.onnx.export(model, (torch.zeros(2, 3),), file, opset_version=18, **options)
    trace.save(tmp_path / "t.jsonl")
    wanted = onnx.load(file).graph.output[0].name
    result = CliRunner().invoke(main, ["walk", str(tmp_path / "t.jsonl"), "--follow", wanted])
    assert result.exit_code == 0, result.output
    assert "captured   the capture" in result.output
    end = result.output[result.output.rindex("kept") :]
    assert "Mul(" in end


def test_a_value_that_is_not_there(whole, trace_file):
    """An unknown name gets names like it; a trace without snapshots how to record them."""
    file, _ = whole
    result = CliRunner().invoke(main, ["walk", str(file), "--follow", "geluu\x1b[31m"])
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert "no graph of this export has a value or node" in result.output
    bare = CliRunner().invoke(main, ["walk", str(trace_file), "--follow", "x"])
    assert bare.exit_code == 2
    assert "--snapshots changed" in bare.output
    assert bare.output.count(str(trace_file)) == 1


def opened(file, *options):
    """The walk on a terminal of 50 lines, with its first step shown."""
    terminal = Terminal(file, lines=50, options=options)
    terminal.until("q: quit")
    return terminal


def test_stepping_into_the_operators(whole):
    """`s` goes into a conversion and back; on another step it says where one is."""
    file, by_dynamo = whole
    terminal = opened(file)
    terminal.press("s")
    terminal.until("converts no operators")
    terminal.press("/_translate_fx\r" if by_dynamo else "/_jit_pass_onnx\r")
    terminal.until("q: quit")
    terminal.press("s")
    terminal.until("operator 1/")
    terminal.press("\r")
    terminal.until("operator 2/")
    terminal.press("s")
    terminal.until("q: quit")
    terminal.press("fnowhere_at_all\r")
    terminal.until("no graph of this export has")
    terminal.press("q")
    assert terminal.exit_code() == 0
    os.close(terminal.screen)


def test_ask_me(whole):
    """`--ask`: a question before the result, the judgement after the answer, the score at the end."""
    file, by_dynamo = whole
    if by_dynamo:
        pytest.skip("no pass of this export changes the graph")
    terminal = opened(file, "--ask")
    terminal.press("/_jit_pass_onnx\r")
    terminal.until("same number (s)?")
    terminal.press("z")
    terminal.until("a: ask no more")
    terminal.press("f")
    terminal.until("of 1 right)")
    terminal.press("q")
    terminal.until("of 1 answers were right.")
    assert terminal.exit_code() == 0
    os.close(terminal.screen)
