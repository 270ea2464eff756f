"""The pages are true: their fences run, and print what is shown."""

import textwrap

import pytest

import fences
import masks
import pages
import playing
import torch_facts

PAGES = pages.pages()
TRANSLATIONS = [(page, other) for page in PAGES for other in pages.translations(page)]


def page(text):
    """A page, written with indentation in a test."""
    return textwrap.dedent(text).lstrip()


@pytest.mark.skipif(torch_facts.NUMBERS != torch_facts.PINNED, reason=torch_facts.SHOWS_PINNED)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(pages.ROOT).as_posix())
def test_a_page_runs_and_prints_what_it_shows(path):
    """Every fence of the page works, in order, and no shown output is outdated."""
    found, _ = pages.check(path.read_text(encoding="utf-8"))
    assert not found, "\n".join(f"{path}:{finding.line}: {finding.text}" for finding in found)


@pytest.mark.parametrize(
    ("path", "other"), TRANSLATIONS, ids=lambda path: path.relative_to(pages.ROOT).as_posix()
)
def test_a_translation_has_its_originals_fences(path, other):
    """What is run and shown in one language is so in the other."""
    text = other.read_text(encoding="utf-8")
    assert pages.translated(path.read_text(encoding="utf-8"), text) == text


def test_a_false_output_is_found_and_written_anew():
    """A shown output that is not printed is a finding, and is replaced by what is."""
    text = page("""
        ```python
        print("three")
        ```

        ```text
        four
        ```
        """)
    found, renewed = pages.check(text)
    assert [finding.outdated for finding in found] == [True]
    assert renewed == text.replace("four", "three")


def test_a_raising_fence_is_found():
    """A fence that raises is a finding at its line, and what follows is not run."""
    found, renewed = pages.check("words\n\n```python\n1 / 0\n```\n\n```python\nprint(1)\n```\n")
    assert [(finding.line, finding.outdated) for finding in found] == [(4, False)]
    assert "ZeroDivisionError" in found[0].text
    assert renewed.startswith("words")


@pytest.mark.parametrize("code", ["import os; os._exit(3)", "raise SystemExit(0)"])
def test_a_fence_that_ends_the_process_is_found(code):
    """A page whose process ends before its last fence is not taken for a good one."""
    found, _ = pages.check(f"```python\n{code}\n```\n")
    assert len(found) == 1


def test_a_command_must_end_as_it_is_said_to():
    """A command that fails is a finding, unless the page says with which status; then success is."""
    failing = "```console\n$ exit 3\n```\n"
    assert "exit status 3" in pages.check(failing)[0][0].text
    assert pages.check("<!-- exit status: 3 -->\n" + failing)[0] == []
    assert len(pages.check("<!-- exit status: 2 -->\n" + failing)[0]) == 1


def test_a_page_has_one_namespace_and_one_folder_of_its_own():
    """Later fences and commands see what earlier ones made; another page does not."""
    text = page("""
        ```python
        import pathlib
        assert not pathlib.Path("made").exists()
        assert "torch.onnx._internal.exporter" not in __import__("sys").modules
        ```

        ```python title="made"
        as it stands
        ```

        ```console
        $ cat made
        ```

        ```text
        as it stands
        ```

        <!-- run: python
        hidden = pathlib.Path("made").read_text()
        -->

        ```python
        assert hidden == "as it stands\\n"
        import torch.onnx._internal.exporter
        ```
        """)
    assert pages.check(text)[0] == []
    assert pages.check(text)[0] == []


def test_a_fence_defines_what_torch_can_find_the_source_of():
    """A function of a fence has its source, as one of a script would."""
    text = page("""
        ```python
        import torch, inspect, warnings
        warnings.simplefilter("ignore")  # some versions of torch say that scripts are going
        ```

        ```python
        class Doubling(torch.nn.Module):
            def forward(self, x):
                return x + x
        print(torch.jit.script(Doubling()).code)
        print(inspect.getsourcelines(Doubling.forward)[1])
        ```

        ```text
        def forward(self,
            x: Tensor) -> Tensor:
          return torch.add(x, x)

        5
        ```
        """)
    assert pages.check(text)[0] == []


def test_what_is_not_to_be_run_is_not():
    """A fence with a reason is left out, and its output is not compared."""
    text = "<!-- not run: it is 1999 -->\n```python\n1 / 0\n```\n\n```text\nno\n```\n"
    assert pages.check(text) == ([], text)


@pytest.mark.parametrize(
    "text", ["<!-- not run: no fence -->\nwords\n\n```python\n```\n", "<!-- exit status: 1 -->\n"]
)
def test_a_note_must_belong_to_a_fence(text):
    """A reason that stands before no fence excuses nothing, and is refused."""
    with pytest.raises(fences.PageError, match="no fence"):
        fences.steps(text)


@pytest.mark.parametrize(
    ("shown", "made"),
    [
        ("_export  776 ms  99.9 %  +31.4 MiB", "_export  1.2 s   7 %"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 00f067aa0ba902b7a3ce929d0e0e4736"),
        ("torch 2.13.0+cpu, 2026-11-24 10:39:31", "torch 2.13.1, 2027-01-02"),
        ("# /home/you/try/tutorial.py:3:0", "# /usr/lib/tutorial.py:3:0"),
    ],
)
def test_what_differs_from_run_to_run_is_masked(shown, made):
    """Durations, memory, shares, ids, versions, dates and folders may differ."""
    assert masks.same(shown, made)


@pytest.mark.parametrize(
    ("shown", "made"),
    [("_export  5 ms  12", "_export  5 ms  13"), ("12 ms", ""), ("aten::add", "aten::mul")],
)
def test_nothing_else_is_masked(shown, made):
    """Counts and names must be true."""
    assert not masks.same(shown, made)


def test_an_output_that_varies_must_be_met_by_half():
    """Where lines depend on the machine, half of the shown ones must come out, in any order."""
    assert masks.same("a\nb\nc\nd\n", "d\nc\nx\n", "varies")
    assert not masks.same("a\nb\nc\nd\n", "d\nx\ny\n", "varies")
    assert not masks.same("", "d\n", "varies")


def test_a_part_of_an_output_is_shown_as_one():
    """The first or last lines stand for the whole, and say that they do."""
    assert masks.part("1\n2\n3\n", "first 2 lines") == "1\n2\n…\n"
    assert masks.part("1\n2\n3\n", "last 1 line") == "…\n3\n"
    assert masks.part("1\n2\n", "first 2 lines") == "1\n2\n"
    with pytest.raises(masks.UnknownOutput):
        masks.part("1\n", "roughly")


def test_a_translation_takes_over_the_fences():
    """The words stay, the fences become the original's; another order of them is refused."""
    original = "words\n\n```python\n# 1\n```\n\n## words\n\n```text\n2\n```\n"
    translation = original.replace("words", "말").replace("1", "0")
    assert pages.translated(original, translation) == original.replace("words", "말")
    for other in ("```python\n1\n```\n", "## 말\n\n```python\n1\n```\n\n```text\n2\n```\n"):
        with pytest.raises(fences.PageError, match="from heading or fence"):
            pages.translated(original, other)


def test_a_command_may_go_over_lines():
    """A backslash continues a command; anything else that is no command is refused."""
    assert playing.commands("$ a \\\n  b\n$ c\n") == ["a \\\n  b", "c"]
    with pytest.raises(ValueError, match="not a command"):
        playing.commands("printed\n")


def test_the_answers_sentences_are_no_part_of_what_a_page_shows():
    """Which step took the time differs from run to run: the sentences, wrapped or not, are left out."""
    tree = "model.Encoder\ntorch.onnx.export  85.0 ms"
    first = "64.3 % of the time is in _jit_pass_onnx: 54.7 ms of 85.0 ms, most of it 40 ×\n  aten::linear (2 ms)\n"
    second = "30.0 % of the time is in _export: 20 ms of 85.0 ms\n33 → 4 nodes: cse -7\n+40.3 MiB of memory, 33.6 MiB of it in x\n"
    assert masks.same(first + tree, second + tree)
    assert not masks.same(first + tree, second + "another")
