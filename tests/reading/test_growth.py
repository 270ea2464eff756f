"""Which steps are called superlinear, and which are not."""

from __future__ import annotations

import random

import pytest

from comparing import export, samples
from onnxspan.errors import OnnxspanError
from onnxspan.reading.compare import growth_page, growth_text
from onnxspan.reading.compare.fit import fit
from onnxspan.reading.compare.growth import measure

SIZES = (600, 1200, 2400)


def series(time, sizes=SIZES, repeats=3, scatter=0.0):
    """Exports whose one pass takes `time(nodes)` seconds."""
    chance = random.Random(3)  # noqa: S311  # noise, not secrets
    return samples(
        *(
            export({"stage": (t + 0.5, {}, {"pass": t})}, nodes=n)
            for n in sizes
            for t in (time(n) * chance.lognormvariate(0, scatter) for _ in range(repeats))
        )
    )


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("fixed", [0.0, 0.5, 5.0])
def test_the_exponent_is_found_whatever_the_fixed_cost(power, fixed):
    """Without noise the fit gives the exponent back, with any constant."""
    found = fit(SIZES, [fixed + (n / 600) ** power for n in SIZES], 0.03)
    if found.exponent is not None:  # small growth upon a large constant is honestly unclear
        assert found.exponent == pytest.approx(power, abs=0.03)
        assert found.low <= power + 0.01
        assert found.high >= power - 0.01
    else:
        assert fixed == 5.0


@pytest.mark.parametrize("fixed", [0.0, 0.05, 1.0])
def test_a_linear_pass_is_not_flagged(fixed):
    """Linear, and linear upon a fixed cost, with noise: not superlinear."""
    found = measure(series(lambda n: fixed + n / 10_000, scatter=0.05))
    assert found.superlinear == []


def test_three_answers():
    """Superlinear, linear, and where the points allow both: nothing is known, and that is said."""
    linear = measure(series(lambda n: n / 1_000, scatter=0.005))
    assert (linear.state, linear.unsure) == ("linear", [])
    assert "Nothing is superlinear" in str(linear)
    assert "✓ nothing superlinear" in growth_page.page(linear)
    quadratic = measure(series(lambda n: (n / 600) ** 2, scatter=0.005))
    assert quadratic.state == "superlinear"
    noisy = measure(series(lambda n: n / 1_000, repeats=1))
    assert noisy.superlinear == []
    assert noisy.state == "unsure"
    assert "pass" in [row.name for row in noisy.unsure]
    assert "Cannot tell yet" in str(noisy)
    assert "--repeat" in str(noisy)
    page = growth_page.page(noisy)
    assert "cannot tell yet: repeat" in page
    assert "✓" not in page
    assert '"badge good"' not in page


def test_what_likely_grows_is_named_where_nothing_is_proven():
    """One trace a size proves little: the step whose points look quadratic is a suspect."""
    likely = measure(series(lambda n: (n / 600) ** 1.7, repeats=1, scatter=0.005))
    assert likely.state == "unsure"
    text = " ".join(str(likely).split())
    assert "Suspects, not proven: pass (1." in text
    linear = measure(series(lambda n: n / 1_000, repeats=1))
    assert "Suspects" not in str(linear)


def test_linear_work_on_a_graph_with_a_fixed_part_is_not_flagged():
    """Time by layers is linear, though the nodes have a constant part that the time has not."""
    found = measure(series(lambda n: (n - 17) / 49 * 0.01, sizes=(66, 115, 213)))
    assert found.superlinear == []


def test_a_quadratic_pass_is_found_though_small_at_first():
    """5 ms at the smallest size of an export of half a second is found, and by name."""
    found = measure(series(lambda n: 0.005 * (n / 600) ** 2, scatter=0.05))
    assert [row.name for row in found.superlinear] == ["pass"]
    fitted = found.superlinear[0].self_fit
    assert fitted.low < 2.0 < fitted.high


def test_a_quadratic_pass_upon_a_fixed_cost_is_found():
    """The fixed cost does not hide it."""
    found = measure(series(lambda n: 0.02 + 0.01 * (n / 600) ** 2, scatter=0.03))
    assert [row.name for row in found.superlinear] == ["pass"]


def test_the_stage_around_is_not_blamed():
    """A stage that is superlinear by its pass alone is said to inherit it."""
    found = measure(series(lambda n: 10 * (n / 600) ** 2))
    stage = next(row for row in found.rows if row.name == "stage")
    assert stage.inherits
    assert not stage.flagged


def test_noise_alone_flags_seldom():
    """Of 100 linear passes with 10 % noise and three exports a size, at most two are flagged."""
    chance = random.Random(11)  # noqa: S311  # noise, not secrets
    traces = [
        export(
            {f"pass{i}": 0.01 * n / 600 * chance.lognormvariate(0, 0.1) for i in range(100)},
            nodes=n,
        )
        for n in SIZES
        for _ in range(3)
    ]
    assert len(measure(samples(*traces)).superlinear) <= 2


@pytest.mark.parametrize("repeats", [1, 3, 5])
def test_linear_passes_on_a_busy_machine_are_not_flagged(repeats):
    """Noise with outliers, sixty passes, three seeds: no more than one in a hundred is flagged."""
    flagged = 0
    for seed in range(3):
        chance = random.Random(seed)  # noqa: S311  # noise, not secrets

        def busy(chance=chance):
            return chance.lognormvariate(0, 0.1) * (
                chance.uniform(1.2, 2) if chance.random() < 0.1 else 1
            )

        traces = [
            export({f"pass{i}": 0.01 * n / 600 * busy() for i in range(60)}, nodes=n)
            for n in SIZES
            for _ in range(repeats)
        ]
        flagged += len(measure(samples(*traces)).superlinear)
    assert flagged <= 1


def test_a_single_trace_a_size_says_what_it_assumes():
    """Nothing is known of the noise: the text says so, and a clearly quadratic pass is found."""
    found = measure(series(lambda n: 0.01 * (n / 600) ** 2, repeats=1))
    assert [row.name for row in found.superlinear] == ["pass"]
    assert "assumed" in str(found)


def spent(seconds, processor, collector=0.0):
    """A pass that takes so long on the wall, computes for so long, and collects of it so long."""
    attributes = {"torch.onnx.cpu.duration": processor}
    if collector:
        attributes["torch.onnx.gc.duration"] = collector
    return (seconds, attributes, {})


def measured(passes, repeats=1):
    """Exports of a second a 1,200 nodes, with these passes: name to a function of the nodes."""
    traces = [
        export(
            {name: step(n) for name, step in passes.items()},
            nodes=n,
            **{"torch.onnx.cpu.duration": n / 1200},
        )
        for n in SIZES
        for _ in range(repeats)
    ]
    return measure(samples(*traces))


def test_processor_time_is_judged():
    """A pass is quadratic on the wall of a busy machine and computes linearly: not flagged."""
    found = measured({"busy": lambda n: spent(0.05 * (n / 600) ** 2, 0.04 * n / 600)})
    assert found.superlinear == []
    assert found.rows[1].self_time.on_cpu
    found = measured({"calm": lambda n: spent(0.5 * n / 600, 0.03 * (n / 600) ** 2)})
    assert [row.name for row in found.superlinear] == ["calm"]


def test_the_garbage_collector_is_left_out():
    """A collection of 0.3 s that falls into one pass at the largest size flags nothing."""

    def fell(n):
        collector = 0.3 if n == SIZES[-1] else 0.0
        return spent(0.1 * n / 600 + collector, 0.1 * n / 600 + collector, collector)

    assert measured({"pass": fell}).superlinear == []


def test_a_step_that_waits_is_judged_by_the_wall():
    """A quadratic wait, as for a lock or a disk, is found though it computes nothing."""
    found = measured({"lock": lambda n: spent(0.05 * (n / 600) ** 2, 0.0001)})
    assert [row.name for row in found.superlinear] == ["lock"]


def test_a_small_step_is_not_worth_a_line():
    """What takes less than 1 % of the export at the largest size is not flagged."""
    found = measured({"tiny": lambda n: spent(0.001 * (n / 600) ** 2, 0.001 * (n / 600) ** 2)})
    assert found.superlinear == []


def test_an_operator_needs_the_pass_around_it_to_agree():
    """An operator's sum knows the wall alone: quadratic in a linear pass, it is not flagged."""

    def converting(n, processor):
        sums = {
            "torch.onnx.symbolic.operators": ["aten::add"],
            "torch.onnx.symbolic.calls": [n],
            "torch.onnx.symbolic.durations": [0.05 * (n / 600) ** 2],
        }
        return (1.0, {"torch.onnx.cpu.duration": processor, **sums}, {})

    linear = measured({"convert": lambda n: converting(n, 0.1 * n / 600)})
    assert linear.superlinear == []
    quadratic = measured({"convert": lambda n: converting(n, 0.06 * (n / 600) ** 2)})
    names = {row.name for row in quadratic.superlinear}
    assert names == {"convert", "aten::add (symbolic)"}


def test_constant_time_does_not_grow():
    """A step that takes the same at every size has no exponent."""
    found = measure(series(lambda _: 0.3, scatter=0.02))
    assert next(row for row in found.rows if row.name == "pass").self_fit.exponent is None


def test_a_step_that_took_longer_is_not_said_not_to_grow():
    """Where the noise alone could explain that a time doubled, the text says that it is not sure."""
    sizes, noise = (104, 210, 422), 0.15
    assert growth_text.exponent(fit(sizes, [0.3, 0.3, 0.3], noise)) == "does not grow"
    assert growth_text.exponent(fit(sizes, [0.092, 0.125, 0.150], noise)) == "not sure"


def test_two_sizes_are_refused():
    """A constant, a factor and an exponent need three; the message says so."""
    with pytest.raises(OnnxspanError, match="three sizes"):
        measure(series(lambda n: n, sizes=(1, 2)))


def test_failed_exports_are_left_out_aloud():
    """A failed export has no size: its source is named in the result and the text."""
    failed = samples(export({"a": 1.0}, error="ValueError: no"))
    found = measure(series(lambda n: n / 1000) + failed)
    assert found.skipped == ["memory"]
    assert "Left out, without a size: memory" in " ".join(str(found).split())


def test_the_text_fits_and_names_the_pass():
    """80 columns, with the exponent and the plot."""
    text = str(measure(series(lambda n: 0.005 * (n / 600) ** 2)))
    assert max(map(len, text.splitlines())) <= 80
    assert "Superlinear by their own time" in text
    assert "x pass" in text


def test_nothing_is_injected_into_the_page():
    """Names are text in the page and in the plot."""
    evil = "<img src=x onerror=alert(1)>"
    traces = [export({evil: 0.01 * (n / 600) ** 2}, nodes=n) for n in SIZES]
    text = growth_page.page(measure(samples(*traces)))
    assert "<img" not in text
    assert "&lt;img" in text
