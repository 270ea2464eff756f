"""The terminal tree: what folds and what never does, its width, its colours, its safety."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

import handmade
import snapshot
from handmade import MEBI, NODE, PASS, STAGE, Builder
from onnxspan import conventions as c
from onnxspan.reading.source.trace import Trace
from onnxspan.reading.tree import tree


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch):
    """No variable of the caller's decides about colours or width."""
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)


def printed(builder, **options):
    """What the tree of the spans prints into something that is no terminal, 80 columns wide."""
    stream = io.StringIO()
    tree.show(Trace.from_spans(builder.spans), file=stream, **{"width": 80, **options})
    return stream.getvalue()


def test_a_pipe_has_whole_names(monkeypatch):
    """Without a terminal and without COLUMNS no name is shortened, whatever its line's length."""
    long = "_jit_pass_onnx_assign_scoped_names_for_node_and_value"
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 100, None, handmade.root())
    builder.add(long, 1, 99, top, PASS)
    assert f"└ {long}" in printed(builder, unfold=True, width=None)
    assert f"└ {long}" not in printed(builder, unfold=True, width=60)
    monkeypatch.setenv("COLUMNS", "60")
    assert f"└ {long}" not in printed(builder, unfold=True, width=None)


def plain_export():
    """An export that goes well."""
    builder = Builder()
    handmade.export(builder)
    return builder


def failed_export():
    """A failure three spans deep, at a node; its message holds a line feed and a long path."""
    builder = Builder()
    message = "SymbolicValueError: Unsupported: " + "aten::erfcx of opset 17, " * 8 + "sorry"
    failed = {c.ERROR_TYPE: "torch.onnx.errors.SymbolicValueError"}
    top = builder.add("torch.onnx.export", 0, 100, None, handmade.root(**failed), error=message)
    graph = builder.add("_model_to_graph", 1, 99, top, {**STAGE, **failed}, error=message)
    convert = builder.add("_jit_pass_onnx", 2, 98, graph, {**PASS, **failed}, error=message)
    where = {
        c.NODE_OPERATOR: "aten::erfcx",
        c.NODE_SCOPE: "models.Net::/Block::blocks.3/Head::head",
        c.FILE: "/home/me/models.py",
        c.LINE: 42,
    }
    builder.add("aten::erfcx", 90, 90.001, convert, {**NODE, **failed, **where}, error=message)
    return builder


def handled_failure():
    """A failure that torch itself handled: the root is well."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 100, None, handmade.root(**{c.EXPORTER: "dynamo"}))
    builder.add("TorchExportStrictStrategy", 1, 2, top, STAGE, error="UserError: no\nsecond line")
    builder.add("TorchExportNonStrictStrategy", 3, 60, top, STAGE)
    return builder


def unended():
    """A process that was killed inside a pass: what was open has no end."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, None, None, handmade.root())
    graph = builder.add("_model_to_graph", 1, None, top, STAGE)
    builder.add("_create_jit_graph", 2, 40, graph, STAGE)
    builder.add("_jit_pass_onnx", 41, None, graph, PASS)
    return builder


def users_spans():
    """Two exports below the user's own span, one of them with a user's span inside."""
    builder = Builder()
    nightly = builder.add("nightly build", 0, 3000, None, {"team": "vision"}, scope="mine")
    handmade.export(builder, nightly, 100)
    top = builder.add("torch.onnx.export", 1500, 2000, nightly, handmade.root())
    graph = builder.add("_trace_and_get_graph_from_model", 1510, 1900, top, STAGE)
    builder.add("load weights", 1520, 1800, graph, scope="mine")
    return builder


def incomplete():
    """Spans that were lost on the way, errors of onnxspan's own, and every note."""
    builder = Builder()
    own = {c.TRACING_SPANS: 9, c.TRACING_ERRORS: 2, c.TRACING_ERROR: "after of x: KeyError: 'a'"}
    top = builder.add("torch.onnx.export", 0, 100, None, handmade.root(**own))
    builder.add("_decide_input_format", 1, 2, top, {**STAGE, c.FORMAT_DROPPED: ["unknown", "y"]})
    wrong = {
        c.JIT_INVARIANT: False, c.JIT_PARAMETERS: 8, c.JIT_FLAT_INPUTS: 1, c.JIT_GRAPH_INPUTS: 7,
    }  # fmt: skip
    builder.add("_create_jit_graph", 3, 50, top, {**STAGE, **wrong})
    return builder


TRACES = {
    "folded": plain_export,
    "failed": failed_export,
    "handled": handled_failure,
    "unended": unended,
    "users": users_spans,
    "incomplete": incomplete,
}


@pytest.mark.parametrize("name", TRACES)
def test_the_printed_tree(name):
    """In a pipe, 80 columns wide, each kind of trace prints as kept."""
    snapshot.matches(printed(TRACES[name]()), f"tree-{name}")


def test_the_wide_tree():
    """From 110 columns on, there are longer guides and a bar."""
    snapshot.matches(printed(plain_export(), width=120), "tree-wide")


def test_the_unfolded_tree():
    """Unfolded, every span has its own line."""
    builder = plain_export()
    text = printed(builder, unfold=True)
    snapshot.matches(text, "tree-unfolded")
    assert text.count("_lint") == 10


def test_no_export():
    """A trace without spans says so."""
    assert printed(Builder()) == "No export was recorded.\n"


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("unfold", [False, True])
def test_no_line_is_too_wide(name, width, unfold):
    """No line takes more columns than there are, and no figure is cut off."""
    text = printed(TRACES[name](), width=width, unfold=unfold)
    assert max(map(cell_len, text.splitlines())) <= width
    assert any(line.split()[:1] == ["time"] for line in text.splitlines())


def test_a_long_models_name_leaves_the_file():
    """A class deep in a package loses what its line has no room for, its file nothing."""
    kind, file = (
        "package.of.the.models.modeling.ForConditionalGeneration",
        "decoder_with_past.onnx",
    )
    builder = Builder()
    handmade.export(builder, **{c.MODEL_CLASS: kind, c.RESULT_FILE: file})
    assert f"{kind} → {file}" in printed(builder, width=120).splitlines()
    shown = next(line for line in printed(builder, width=70).splitlines() if " → dec" in line)
    assert shown == f"….models.modeling.ForConditionalGeneration → {file}"
    narrow = next(line for line in printed(builder, width=40).splitlines() if " → dec" in line)
    assert narrow.startswith("….ForConditionalGeneration → dec")


AT_LINE = {c.LEVEL: "nodes", c.FILE: "/home/me/net/model.py", c.LINE: 31}


@pytest.mark.parametrize(
    ("scope", "module"),
    [
        ("m.Net::/m.Block::blocks.0/torch.nn.Linear::up", "blocks.0.up"),
        ("m.Net::/m.Block::blocks.0/torch.nn.Linear::blocks.0.up", "blocks.0.up"),
        ("blocks.0.up", "blocks.0.up"),
        ("m.Net::", ""),
    ],
)
def test_a_node_says_where_it_is_from(scope, module):
    """At level `nodes` the line of the model stands behind an operator, then the module's path."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 1000, None, handmade.root())
    builder.add("aten::linear", 1, 900, top, {**AT_LINE, c.NODE_SCOPE: scope})
    line = next(line for line in printed(builder).splitlines() if "└ aten::linear" in line)
    assert line.startswith(f"└ aten::linear  model.py:31{'  ' + module if module else ''}  ")
    narrow = printed(builder, width=45)
    assert max(map(cell_len, narrow.splitlines())) <= 45
    assert "aten::linear" in narrow


def test_a_failure_is_never_folded():
    """Among a hundred equal passes the one that failed keeps its own line."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 1000, None, handmade.root())
    for number in range(100):
        builder.add("_jit_pass_lint", number, number + 0.1, top, PASS,
                    error="RuntimeError: lint" if number == 57 else None)  # fmt: skip
    text = printed(builder)
    assert "✗ _jit_pass_lint" in text
    assert "RuntimeError: lint" in text
    assert "99 \N{MULTIPLICATION SIGN} _jit_pass_lint" in text


def test_short_passes_of_a_killed_process_fold():
    """What an export that never ended is long is known up to the last moment; shares fold by it."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, None, None, handmade.root())
    for number, name in enumerate(("_jit_pass_a", "_jit_pass_b", "_jit_pass_c")):
        builder.add(name, number, number + 0.1, top, PASS)
    builder.add("_jit_pass_onnx", 100, 1000, top, PASS)
    assert "… 3 more passes" in printed(builder)


def test_what_grew_or_changed_is_never_folded():
    """Short passes that changed the graph by 1 % or the memory by 5 % keep their lines."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 10_000, None, handmade.root())
    for number in range(5):
        builder.add("_jit_pass_lint", number, number + 0.1, top, handmade.size(1000))
    builder.add("_jit_pass_grows", 20, 20.1, top, handmade.size(1000, growth=30 * MEBI))
    builder.add("_jit_pass_changes", 21, 21.1, top, handmade.size(985, change=-15))
    builder.add("_jit_pass_hardly", 22, 22.1, top, handmade.size(984, change=-1))
    builder.add("_jit_pass_nothing", 23, 23.1, top, handmade.size(984))
    text = printed(builder)
    assert re.search(r"^. _jit_pass_grows .*\+30\.0 MiB$", text, re.MULTILINE)
    assert re.search(r"^. _jit_pass_changes .* 985 +-15", text, re.MULTILINE)
    assert "… 2 more passes" in text
    assert "_hardly" not in text


def test_one_pass_is_not_folded():
    """A line that would stand for a single pass is that pass, in its place."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 1000, None, handmade.root())
    for number in range(4):
        builder.add("_jit_pass_lint", 1 + number, 1.5 + number, top, handmade.size(310))
    builder.add("_jit_pass_inline", 9, 9.5, top, handmade.size(310))
    builder.add("_export_onnx", 10, 900, top, STAGE)
    text = printed(builder)
    assert " more " not in text
    tree = text[text.index("torch.onnx.export  ") :]
    assert tree.index("_jit_pass_inline") < tree.index("_export_onnx") < tree.index("4 × _jit")


def test_what_was_not_kept_is_said():
    """Log lines beyond what a span keeps are counted below it."""
    builder = Builder()
    top = builder.add("torch.onnx.export", 0, 1000, None, handmade.root())
    builder.add("_jit_pass_cse", 1, 900, top, {**handmade.size(310), c.EVENTS_DROPPED: 4321})
    assert "4,321 log lines or warnings more were not kept" in printed(builder)


def test_folding_leaves_nothing_out_of_the_sums():
    """Each level's lines stand for every span below, once."""
    from onnxspan.reading.tree.folding import Folding

    trace = Trace.from_spans(plain_export().spans)
    folding = Folding(trace.roots[0])
    for span in trace.spans:
        stood_for = [id(one) for line in folding.lines(span) for one in line.spans]
        assert sorted(stood_for) == sorted(id(child) for child in span.children)


class Terminal(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self):
        return True


COLOUR = "\x1b["


def test_no_escape_codes_in_a_pipe():
    """Into a pipe goes no escape code."""
    assert "\x1b" not in printed(failed_export())


def coloured(monkeypatch, stream, **variables):
    """Whether the tree is coloured on a stream, with these variables set."""
    for name, value in {"TERM": "xterm-256color", **variables}.items():
        monkeypatch.setenv(name, value)
    tree.show(Trace.from_spans(failed_export().spans), file=stream, width=80)
    return COLOUR in stream.getvalue()


def test_a_terminal_gets_colours(monkeypatch):
    """A terminal gets colours."""
    assert coloured(monkeypatch, Terminal())


def test_no_color(monkeypatch):
    """NO_COLOR leaves the text without any colour, on a terminal too."""
    stream = Terminal()
    coloured(monkeypatch, stream, NO_COLOR="1")
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", stream.getvalue()))
    assert not any(30 <= int(part) <= 107 for code in codes for part in code.split(";") if part)


def test_force_color(monkeypatch):
    """FORCE_COLOR colours a pipe."""
    assert coloured(monkeypatch, io.StringIO(), FORCE_COLOR="1")


def test_an_ascii_output():
    """An output that has only ASCII gets plain guides, and no line is lost."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    tree.show(Trace.from_spans(failed_export().spans), file=stream)
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert "! _jit_pass_onnx" in text
    assert len(text.splitlines()) == len(printed(failed_export()).splitlines())


HOSTILE = (
    "\x1b]0;owned\x07", "\x9b31m", "\u202eabc", "\u2066", "\ud800", "\udfff", "[red]boo[/red]",
    "[/]", "a\nb", "a\r", "\t", "\x00", "\x7f", "漢字" * 30, "e\u0301", "👩‍👩‍👧", "\ufeff",
    ":smile:", "\u2028", "\\", "",
)  # fmt: skip
texts = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=30), max_size=4).map("".join)


def hostile(text):
    """Spans that bear the text wherever a trace can bear one."""
    builder = Builder()
    strings = {
        c.MODEL_CLASS: text, c.RESULT_FILE: text, c.EXPORTER: text, c.OPSET: text,
        c.VERSION_TORCH: text, c.TRACING_ERROR: text, c.TRACING_ERRORS: 1, c.LEVEL: text,
        c.NODE_SCOPE: text, c.NODE_OPERATOR: text, c.FILE: text, c.LINE: text,
        c.ERROR_TYPE: text, c.FORMAT_DROPPED: [text], c.JIT_INVARIANT: False,
        c.JIT_PARAMETERS: text, c.JIT_FLAT_INPUTS: text, c.JIT_GRAPH_INPUTS: text,
        c.SYMBOLIC[0]: [text], c.SYMBOLIC[1]: [3], c.SYMBOLIC[2]: [0.1],
        f"torch.onnx.{text}.operators": ["x"], f"torch.onnx.{text}.calls": [1],
        f"torch.onnx.{text}.durations": [0.01],
    }  # fmt: skip
    top = builder.add(text, 0, 100, None, strings, error=text or None)
    builder.add(text, 1, 50, top, strings, error=(text + "!"))
    for number in range(4):
        builder.add(text, 51 + number, 52 + number, top, PASS)
    return builder


def _is_harmless(character):
    return character == "\n" or unicodedata.category(character) not in {
        "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp",
    }  # fmt: skip


@given(text=texts, width=st.sampled_from([40, 80, 120]))
@settings(max_examples=40, deadline=None)
def test_nothing_in_a_trace_steers_the_terminal(text, width):
    """Whatever names, messages and attributes hold, only harmless characters are printed."""
    output = printed(hostile(text), width=width)
    assert all(map(_is_harmless, output))
    assert max(map(cell_len, output.splitlines())) <= width
    calm = printed(hostile("calm"), width=width)
    assert len(output.splitlines()) >= len(calm.splitlines()) - 12  # fewer of an empty text


def test_markup_is_shown_as_it_stands():
    """Rich's own markup in a name is text."""
    assert "[red]boo[/red]" in printed(hostile("[red]boo[/red]"), unfold=True)
    assert r"\x1b]0;owned\x07" in printed(hostile("\x1b]0;owned\x07"), unfold=True)


def test_a_deep_tree():
    """A thousand spans inside each other neither reach Python's limit nor leave the lines."""
    builder = Builder()
    parent = builder.add("torch.onnx.export", 0, 5000, None, handmade.root())
    for depth in range(1, 1100):
        parent = builder.add("deep", depth, 5000 - depth, parent, STAGE)
    lines = printed(builder).splitlines()
    assert sum(" deep " in line for line in lines) == 1100  # one of them in the answer
    assert max(map(cell_len, lines)) <= 80


odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)  # fmt: skip
KEYS = [attribute.key for attribute in c.ATTRIBUTES]


@given(st.dictionaries(st.sampled_from(KEYS), odd, max_size=12))
@settings(max_examples=60, deadline=None)
def test_attributes_of_any_type(attributes):
    """Spans whose attributes have other types than ours are shown, not a traceback."""
    builder = Builder(first_three=attributes)
    handmade.export(builder)
    assert "_optimize_graph" in printed(builder)
