"""What a comparison of two sides finds."""

from __future__ import annotations

import json

import pytest

from comparing import export, samples
from onnxspan.errors import OnnxspanError, TraceFileError
from onnxspan.reading.compare import as_json, diff_answer, diff_page, diff_text
from onnxspan.reading.compare.diff import compare
from onnxspan.reading.compare.thresholds import crossed, parse


def test_the_pass_is_named_and_not_the_stage_around_it():
    """A stage that is slower only by a pass inside it is not listed as slower itself."""
    before = export({"stage": (2.0, {}, {"pass": 1.0})})
    after = export({"stage": (4.0, {}, {"pass": 3.0})})
    found = compare(samples(before), samples(after))
    assert [row.name for row in found.slower_or_faster()] == ["pass"]
    assert found.whole.duration.ratio == pytest.approx(2.0)


def test_steps_of_one_side_are_listed_once_with_their_subtree():
    """A new stage is one row, not one for each pass inside."""
    before, after = export({"a": 1.0}), export({"a": 1.0, "new": (1.0, {}, {"inner": 0.5})})
    found = compare(samples(before), samples(after))
    assert [row.name for row in found.only("after")] == ["new"]
    assert found.only("before") == []


def test_steps_of_two_exporters_do_not_move():
    """A name that both exporters use for different things is not the same step."""
    before = export({"_export": 1.0})
    after = export({"capture": (1.0, {}, {"_export": 0.5})}, **{"torch.onnx.exporter": "dynamo"})
    found = compare(samples(before), samples(after))
    assert [row.name for row in found.only("before")] == ["_export"]
    assert [row.name for row in found.only("after")] == ["capture"]


def test_operators_gained_and_lost():
    """Counts are compared across the two ways to write the standard domain."""
    before = export({"a": 1.0}, operators=["onnx::Add=3", "onnx::Erf=1"])
    after = export({"a": 1.0}, operators=["Add=3", "Gelu=2"])
    assert compare(samples(before), samples(after)).operators == [("Gelu", 0, 2), ("Erf", 1, 0)]


def test_a_failure_of_one_side_is_found():
    """An export that fails only after has its failure listed, and loses no operators by it."""
    found = compare(
        samples(export({"a": 1.0})), samples(export({"a": 1.0}, error="ValueError: no"))
    )
    assert [row.failures_after for row in found.failing()] == [["ValueError: no"]]
    assert found.operators == []


def test_one_failure_is_told_once():
    """The stages around a failure are named with it; times that it cut short are no gain."""
    whole = {"stage": (2.0, {}, {"inner": (1.5, {}, {"pass": 1.0}), "rest": 0.5})}
    cut = {"stage": (0.2, {}, {"inner": (0.15, {}, {"pass": 0.1})})}
    after = export(cut, error="ValueError: no")
    for span in after.spans:
        span.error, span.description = True, "ValueError: no"
    found = compare(samples(export(whole)), samples(after))
    assert len(found.failing()) == 4
    assert [row.name for row in found.failures()] == ["pass"]
    printed = as_text(found)
    assert printed.count("ValueError: no") == 1
    assert "pass, only after (in stage > inner)" in printed
    assert "0.10x" not in printed
    assert "noise" not in printed.partition("Failures")[0]
    assert "only before" in printed.partition("Failures")[0]
    page = diff_page.page(found)
    assert page.count('class="failure"') <= 1
    assert 'class="better"' not in page
    assert "the other side failed" in page


def as_text(found):
    """The comparison as a pipe gets it."""
    from rich.console import Console

    console = Console(width=80, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(diff_text.render(found))
    return capture.get()


def test_the_answer_comes_first():
    """What changed, and in which step, opens the text, the page and the data."""
    before = export({"a": 1.0, "pass": 1.0}, operators=["Add=3", "Erf=1"], nodes=4)
    after = export({"a": 1.0, "pass": 3.0}, operators=["Add=3", "Gelu=2"], nodes=5)
    found = compare(samples(before), samples(after))
    expected = [
        (
            "The export takes 2.00 s longer: 2.00 s → 4.00 s, of it +2.00 s in pass "
            "(one export on a side: repeat both to be sure)."
        ),
        "The file has 4 → 5 nodes: Gelu +2, Erf -1.",
    ]
    assert as_json.comparison(found)["answer"] == expected
    assert as_text(found).split()[: len(" ".join(expected).split())] == " ".join(expected).split()
    page = diff_page.page(found)
    assert all(f"<p>{sentence}</p>" in page for sentence in expected)
    assert page.index('class="answer"') < page.index('class="panel"')


def test_the_answer_claims_no_change_within_the_noise():
    """Equal exports are said to be equal, with the figures."""
    side = [export({"a": t}, operators=["Add=3"], nodes=3) for t in (1.0, 1.3, 1.1)]
    found = compare(samples(*side), samples(*side))
    assert as_text(found).splitlines()[:2] == [
        "The time is the same within the noise: 1.10 s.",
        "The file has the same operators: 3 nodes.",
    ]


def test_the_answer_to_a_failure():
    """The side and the step that fails; its shorter time and fewer nodes are no answer."""
    after = export({"a": 1.0}, error="ValueError: no")
    found = compare(samples(export({"a": 1.0})), samples(after))
    (sentence,) = as_json.comparison(found)["answer"]
    assert sentence.startswith("The export after fails in ")


def test_settings_that_differ_are_said():
    """What was asked for differently stands in the result."""
    before = export({"a": 1.0}, **{"torch.onnx.opset_version": 17})
    after = export({"a": 1.0}, **{"torch.onnx.opset_version": 20})
    assert compare(samples(before), samples(after)).settings == [("opset", "17", "20")]


def test_equal_inputs_are_said_once():
    """Of many inputs those that differ are said, each kind once with its count."""
    key = "torch.onnx.model.input.shapes"
    ids, cache = "int64[2, 6]", "float32[2, 2, 6, 32]"
    before = export({"a": 1.0}, **{key: [ids, *[cache] * 12]})
    after = export({"a": 1.0}, **{key: [ids, *[cache.replace("32[", "16[", 1)] * 12]})
    (row,) = compare(samples(before), samples(after)).settings
    assert row == ("inputs", "12 × float32[2, 2, 6, 32]", "12 × float16[2, 2, 6, 32]")
    more = export({"a": 1.0}, **{key: [ids, *[cache] * 14]})
    (row,) = compare(samples(before), samples(more)).settings
    assert row[2] == "int64[2, 6], 14 × float32[2, 2, 6, 32]"


def test_one_side_is_one_export():
    """Two models on one side are refused."""
    mixed = samples(export({"a": 1.0}), export({"a": 1.0}, model="Other"))
    with pytest.raises(TraceFileError, match="another model"):
        compare(mixed, samples(export({"a": 1.0})))


@pytest.mark.parametrize(
    ("text", "is_crossed"),
    [
        ("duration>1.5x", True),
        ("duration>2.5x", False),
        ("duration>+900ms", True),
        ("duration>3s", False),
        ("duration(pass)>1.9x", True),
        ("nodes>+9", True),
        ("nodes>10%", False),
        ("bytes>1KiB", True),
    ],
)
def test_thresholds(text, is_crossed):
    """Ratios, increases and values of the export or of one step cross their limits."""
    found = compare(samples(export({"pass": 1.0})), samples(export({"pass": 2.0}, nodes=110)))
    assert (crossed(parse(text), found) is not None) == is_crossed


def test_a_threshold_within_the_noise_is_not_crossed():
    """Repeated traces that overlap cross no threshold of duration."""
    before = samples(*(export({"a": t}) for t in (1.0, 1.3, 1.1)))
    after = samples(*(export({"a": t}) for t in (1.2, 1.4, 1.25)))
    assert crossed(parse("duration>1.05x"), compare(before, after)) is None


@pytest.mark.parametrize(
    "text", ["", "duration", "speed>2x", "nodes>5ms", "bytes(a)>1", "duration>5"]
)
def test_what_is_no_threshold_is_refused(text):
    """The message shows the forms."""
    with pytest.raises(OnnxspanError, match=r"duration>1\.5x"):
        parse(text)


def test_nothing_is_injected_into_the_page():
    """Names of spans and models are text in the page, whatever they hold."""
    evil = "<script>alert(1)</script>\x1b[31m"
    found = compare(samples(export({evil: 1.0}, model=evil)), samples(export({"a": 1.0})))
    text = diff_page.page(found)
    assert text.count("<script") == 1  # the page's own
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_the_json_holds_every_step():
    """Plain data, with the path of each step."""
    found = compare(samples(export({"a": 1.0})), samples(export({"b": 1.0})))
    data = json.loads(json.dumps(as_json.comparison(found)))
    assert sorted((step["path"], step["only"]) for step in data["steps"]) == [
        (["a"], "before"),
        (["b"], "after"),
    ]


def test_one_trace_a_side_is_confirmed_by_processor_time():
    """A pass from which another process took the processor is not slower; one that computes more is."""

    def side(seconds, processor):
        return samples(export({"pass": (seconds, {"torch.onnx.cpu.duration": processor}, {})}))

    taken = compare(side(0.001, 0.001), side(0.009, 0.001))
    assert taken.slower_or_faster() == []
    slower = compare(side(0.001, 0.001), side(0.009, 0.009))
    assert [row.name for row in slower.slower_or_faster()] == ["pass"]


def test_repetitions_are_confirmed_by_processor_time():
    """Three traces of a busy day and three of a quiet one: what computed as long is no slower."""

    def side(seconds, processor):
        repeated = (
            export({"pass": (seconds * more, {"torch.onnx.cpu.duration": processor * more}, {})})
            for more in (1.0, 1.01, 1.02)
        )
        return samples(*repeated)

    assert compare(side(0.1, 0.1), side(0.9, 0.101)).slower_or_faster() == []
    slower = compare(side(0.1, 0.1), side(0.9, 0.8)).slower_or_faster()
    assert [row.name for row in slower] == ["pass"]


def test_a_busy_machine_is_no_wait():
    """Where the whole export got little of the processor, a step without it did not wait itself."""

    def side(seconds):
        few = {"torch.onnx.cpu.duration": 0.001}
        spans = {"pass": (seconds, few, {}), "other": (1.0, few, {})}
        whole = {"torch.onnx.cpu.duration": 0.01}
        return samples(*(export(spans, **whole) for _ in range(3)))

    assert compare(side(0.1), side(0.3)).slower_or_faster() == []


def test_repeated_waits_differ():
    """A step that waits longer in every repetition is slower, though it computes nothing."""

    def side(seconds):
        return samples(
            *(
                export({"lock": (s, {"torch.onnx.cpu.duration": 0.0001}, {})})
                for s in (seconds, seconds * 1.01, seconds * 1.02)
            )
        )

    assert [row.name for row in compare(side(0.1), side(0.3)).slower_or_faster()] == ["lock"]


@pytest.mark.parametrize(("layers", "differs"), [(1, False), (4, True)])
def test_a_model_that_grew_is_no_slow_machine(layers, differs):
    """Ten steps that take four times as long: of an equal graph it is the machine, else the model."""

    def side(more, nodes):
        return samples(
            *(
                export(
                    {
                        f"pass {number}": (
                            0.01 * more * spread,
                            {
                                "torch.onnx.cpu.duration": 0.01 * more * spread,
                                "torch.onnx.graph.node.count": nodes,
                            },
                            {},
                        )
                        for number in range(10)
                    },
                    nodes=nodes,
                    **{"torch.onnx.cpu.duration": 0.1 * more * spread},
                )
                for spread in (1.0, 1.02, 1.04)
            )
        )

    found = compare(side(1, 100), side(4, 100 * layers))
    assert found.whole.duration.differs is differs
    assert bool(found.slower_or_faster()) is differs
    said = diff_answer.sentences(found)[0]
    assert said.startswith("The export takes 306 ms longer" if differs else "The times scatter")
