"""When two sets of measurements are called different."""

from __future__ import annotations

import random

import pytest

from onnxspan.reading.compare.noise import (
    Measured,
    durations_differ,
    usual_share,
    usual_shift,
)


def side(*values):
    """One side of a comparison."""
    return Measured(tuple(values))


def test_a_difference_within_the_spread_is_none():
    """Medians 20 % apart are no difference while the ranges overlap."""
    assert not durations_differ(side(1.0, 1.1, 1.4), side(1.2, 1.3, 1.35), 0.0)


def test_a_clear_difference_is_called_one():
    """Repeated values that stand far apart differ, in both directions."""
    slow, fast = side(2.0, 2.02, 2.01), side(1.0, 1.01, 1.02)
    assert durations_differ(fast, slow, 0.02)
    assert durations_differ(slow, fast, 0.02)


def test_two_lucky_values_do_not_pass_for_precision():
    """Two values that happen to agree are judged by the usual scatter of all steps."""
    assert not durations_differ(side(1.0, 1.0), side(1.2, 1.2), 0.1)


def test_scatter_does_not_hide_a_large_ratio():
    """Where steps scatter by half, twenty times slower is still a difference."""
    assert durations_differ(side(0.8, 0.9), side(15.0, 16.0), 0.4)


def test_single_traces_need_a_quarter():
    """Without repetitions 20 % is nothing and 50 % is a difference."""
    assert not durations_differ(side(1.0), side(1.2), 0.0)
    assert durations_differ(side(1.0), side(1.5), 0.0)


@pytest.mark.parametrize("scatter", [0.05, 0.15])
def test_equal_exports_seldom_differ(scatter):
    """Of simulated diffs of three equal exports a side, under one in ten names any step."""
    chance = random.Random(7)  # noqa: S311  # noise, not secrets
    named = 0
    for _ in range(100):
        rows = []
        for _ in range(60):
            usual = 10 ** chance.uniform(-3.5, 0)
            draws = [usual * chance.lognormvariate(0, scatter) for _ in range(6)]
            draws[0] *= 1.0 if chance.random() < 0.8 else 2.0  # somebody else's work
            rows.append((side(*draws[:3]), side(*draws[3:])))
        share = usual_share(rows)
        named += any(durations_differ(before, after, share) for before, after in rows)
    assert named < 10


def test_what_moves_with_all_steps_is_no_difference():
    """A step that moved as far as steps usually do between two sides tells nothing; farther, it does."""
    before, after = side(1.0, 1.01, 1.02), side(1.5, 1.51, 1.52)
    shift = usual_shift([(side(1.0), side(1.45))] * 9)
    assert durations_differ(before, after, 0.02)
    assert not durations_differ(before, after, 0.02, shift)
    assert durations_differ(before, side(4.0, 4.1, 4.2), 0.02, shift)
    assert usual_shift([(side(1.0), side(3.0))] * 3) == 0.0  # too few to know
