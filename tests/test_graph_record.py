"""A graph as data: what is written is read, and what is no record is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxspan import graph_record
from onnxspan.graph_record import Graph, Initializer, Node

WHOLE = Graph(
    "onnx",
    ["x"],
    ["y"],
    [
        Node(
            3,
            "If",
            "node<b>",
            ["x", ""],
            ["y"],
            {"axis": [0, 1]},
            "layers.0",
            "m.Layer",
            "/m.py",
            7,
            [1, "conv2d"],
            [[Node(4, "Add", module="")], []],
        )
    ],
    {"x": "Float(2)"},
    [Initializer("w", "fc.weight", [2, 3], "FLOAT", 24)],
)


def test_round_trip():
    """A record is read as it was written, inner graphs, empty values and all."""
    assert graph_record.load(WHOLE.dump()) == WHOLE


def test_walk_has_inner_nodes():
    """Every node is walked, those of inner graphs after the node that holds them."""
    assert [node.id for node in WHOLE.walk()] == [3, 4]


def changed(**values):
    return json.dumps(json.loads(WHOLE.dump()) | values)


def nested(depth):
    node = {"id": 1, "op": "If"}
    for _ in range(depth):
        node = {"id": 1, "op": "If", "blocks": [[node]]}
    return node


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ("[]", "no record of a graph"),
        (changed(version=99), "of version 99"),
        (changed(kind="cake"), "its kind is 'cake'"),
        (changed(nodes=[1]), "nodes are no list of objects"),
        (changed(nodes=[{"op": "Add"}]), "a node has no number"),
        (changed(nodes=[{"id": 1, "inputs": 5}]), "inputs is no list"),
        (changed(nodes=[{"id": 1, "blocks": [{}]}]), "nodes are no list of objects"),
        (changed(nodes=[nested(60)]), "nested deeper"),
        (changed(types=[]), "types are no object"),
    ],
)
def test_what_is_no_record(text, said):
    """Each kind of damage gets a sentence that says what is wrong."""
    with pytest.raises(graph_record.RecordError, match=said):
        graph_record.load(text)


def test_too_many_nodes(monkeypatch):
    """A record with more nodes than are recorded is refused before it fills the memory."""
    monkeypatch.setattr(graph_record, "MAX_NODES", 3)
    with pytest.raises(graph_record.RecordError, match="more than 3 nodes"):
        graph_record.load(changed(nodes=[{"id": number} for number in range(4)]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(["nodes", "types", "initializers", "inputs", "outputs"]), JSON)
def test_any_value_in_any_place(key, value):
    """Whatever stands in a record, it is read, or refused in a sentence."""
    try:
        graph_record.load(json.dumps(json.loads(WHOLE.dump()) | {key: value}))
    except graph_record.RecordError as error:
        assert str(error)


@given(JSON)
def test_any_value_in_a_node(value):
    """The same for each field of a node."""
    for key in ("id", "op", "inputs", "attributes", "module", "line", "source", "blocks"):
        text = changed(nodes=[{"id": 1, key: value}])
        try:
            graph_record.load(text)
        except graph_record.RecordError as error:
            assert str(error)
