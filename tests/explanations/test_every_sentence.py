"""Each factual sentence of an explanation has a run or a line of source that proves it."""

import collections
import importlib.util
import pathlib

import pytest
import test_capture_claims
import test_conversion_claims
import test_dynamo_claims
import test_graph_rows
import test_result_claims
import test_scripted_claims
import test_stage_claims
import test_torchscript_claims
from claims import CLAIMS
from sentences import factual, split, titled

import reading
import torch_facts
from onnxspan import explanations

PROVING = (
    test_capture_claims,
    test_conversion_claims,
    test_dynamo_claims,
    test_graph_rows,
    test_result_claims,
    test_scripted_claims,
    test_stage_claims,
    test_torchscript_claims,
)
"""Importing these modules fills `CLAIMS`."""

QUOTES = reading.quotes()
UNPROVEN = pathlib.Path(__file__).parent / "unproven.txt"
HOW = "\nProve it beside this test (`says`, a row of graphs, or a quote in read/*.txt)."


def unproven():
    """The sentences that nothing proves, by the name of their explanation."""
    proved = {*CLAIMS, *((quote.name, quote.sentence) for quote in QUOTES)}
    found = collections.defaultdict(list)
    for name in explanations.names():
        for sentence in factual(name):
            if (name, sentence) not in proved:
                found[name].append(sentence)
    return found


def allowed():
    """How many sentences of each explanation nothing proves yet. The list may only shrink."""
    lines = UNPROVEN.read_text(encoding="utf-8").splitlines()
    return {name: int(count) for count, name in (line.split(" ", 1) for line in lines if line)}


def test_no_sentence_is_added_without_a_proof():
    """An explanation has no more unproven sentences than its line in unproven.txt allows."""
    limits = allowed()
    over = {
        name: sentences
        for name, sentences in unproven().items()
        if len(sentences) > limits.get(name, 0)
    }
    assert over == {}, HOW


def test_the_list_of_unproven_sentences_shrinks():
    """A line of unproven.txt is lowered or removed as soon as a sentence is proved."""
    now = {name: len(sentences) for name, sentences in unproven().items()}
    too_high = {
        name: now.get(name, 0) for name, most in allowed().items() if now.get(name, 0) < most
    }
    assert too_high == {}, "write these numbers into unproven.txt"


def test_a_proof_is_about_a_sentence_that_is_there():
    """What a test or a quote proves still is a sentence of the explanation, word for word."""
    texts = {name: {one for _, one in titled(name)} for name in explanations.names()}
    proved = [*CLAIMS, *((quote.name, quote.sentence) for quote in QUOTES)]
    assert [claim for claim in proved if claim[1] not in texts.get(claim[0], ())] == []


@pytest.mark.skipif(
    torch_facts.NUMBERS != torch_facts.PINNED, reason="the quotes are of the pinned torch"
)
@pytest.mark.parametrize("file", sorted({quote.file for quote in QUOTES}))
def test_a_quoted_line_is_in_the_installed_source(file):
    """Each line that is quoted from this file is still in it."""
    if importlib.util.find_spec(file.partition("/")[0]) is None:
        pytest.skip("the library of this pack is not installed")
    assert [quote.text for quote in QUOTES if quote.file == file and not quote.holds()] == []


def test_sentences_are_split_at_their_ends_only():
    """Inline code and code blocks are not split, and a list has a sentence on each line."""
    text = "A `b. C` d: e. `F` is G.\n\n```ir\nx. Y.\n```\n\n- One\n- Two. Three."
    assert split(text) == ["A `b. C` d: e.", "`F` is G.", "- One", "- Two.", "Three."]
