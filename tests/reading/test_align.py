"""Which step of one export is which of another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onnxspan.reading.compare.align import Pair, align

NONE = frozenset()


def test_a_step_that_moved_is_found_with_what_is_below_it():
    """A step called from another place is the same step, and so are its children."""
    pairs = align(
        [(), ("old",), ("old", "x")], [(), ("new",), ("new", "old"), ("new", "old", "x")], NONE
    )
    assert Pair(("old",), ("new", "old")) in pairs
    assert Pair(("old", "x"), ("new", "old", "x")) in pairs
    assert Pair(None, ("new",)) in pairs


def test_a_name_that_is_there_twice_does_not_move():
    """Of two candidates none is chosen."""
    pairs = align([("p", "x")], [("q", "x"), ("r", "x")], NONE)
    assert Pair(("p", "x"), None) in pairs


def test_missing_steps_keep_their_place():
    """A step only before stands behind what it followed."""
    pairs = align([("a",), ("gone",), ("b",)], [("a",), ("b",)], NONE)
    assert [pair.before for pair in pairs] == [("a",), ("gone",), ("b",)]


paths = st.lists(
    st.lists(st.sampled_from("abcd"), max_size=4).map(tuple), unique=True, max_size=12
)


@given(paths, paths)
def test_every_path_is_paired_exactly_once(before, after):
    """Whatever the trees, nothing is lost and nothing doubled."""
    pairs = align(before, after, NONE)
    assert sorted(p.before for p in pairs if p.before is not None) == sorted(before)
    assert [p.after for p in pairs if p.after is not None] == after
