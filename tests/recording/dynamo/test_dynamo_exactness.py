"""Tracing leaves the export, torch and torch._dynamo as they were."""

import inspect
import sys

import pytest
import torch

import onnxspan
import torch_facts
from dynamo_models import StrictOnly, export
from onnxspan.recording import dynamo_rules, recorder
from onnxspan.recording.patching import Patches, Target, resolve_all
from onnxspan.recording.probe import Exporter, Probe
from onnxspan.recording.probes import ENTRY_POINTS, TABLES
from onnxspan.recording.trampoline import NAME


@pytest.mark.parametrize("strict", [False, True])
def test_same_bytes_at_every_level(small, example, tmp_path, strict):
    """The file is byte for byte the one that an export without tracing writes."""
    model = StrictOnly() if strict else small
    export(model, example, tmp_path / "plain.onnx", external_data=False)
    expected = (tmp_path / "plain.onnx").read_bytes()
    for level in ("nodes",) if strict else ("stages", "passes", "nodes"):
        with onnxspan.trace(level) as trace:
            export(model, example, tmp_path / "traced.onnx", external_data=False)
        assert (tmp_path / "traced.onnx").read_bytes() == expected, level
        assert trace.errors == []


@pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)
def test_every_row_is_found_in_this_torch():
    """No row of the table is without a place here."""
    rows = (*TABLES[Exporter.DYNAMO], *ENTRY_POINTS)
    found = {target.probe.name for target in resolve_all(rows)}
    assert {probe.name for probe in rows} - found == set()


def test_identical_objects_afterwards(small, example):
    """Every wrapped attribute is the very object that it was, a classmethod included."""
    targets = resolve_all((*TABLES[Exporter.DYNAMO], *ENTRY_POINTS))
    before = [inspect.getattr_static(target.holder, target.attribute) for target in targets]
    with onnxspan.trace():
        export(small, example)
    after = [inspect.getattr_static(target.holder, target.attribute) for target in targets]
    assert all(was is now for was, now in zip(before, after, strict=True))


def test_torch_c_is_never_wrapped_by_the_table():
    """The dynamo table leaves torch._C alone, whose functions torch._dynamo's rules name."""
    for probe in TABLES[Exporter.DYNAMO]:
        assert not any(place.startswith("torch._C") for place in probe.places)


def test_rules_know_no_wrapper_after_strict_capture(example):
    """A strict capture inside a trace leaves no wrapper in torch._dynamo's map of rules."""
    with onnxspan.trace():
        export(StrictOnly(), example)
    rules = sys.modules["torch._dynamo.trace_rules"].get_torch_obj_rule_map()
    assert rules
    assert not [
        known
        for known in rules
        if getattr(getattr(known, "__code__", None), "co_name", "") == NAME
    ]


def test_rules_built_under_wrappers_are_forgotten():
    """Built while a function of torch._C is wrapped, the map of rules is built anew."""
    import torch._dynamo.trace_rules as rules

    original = torch._C._jit_pass_lint
    patches = Patches(recorder.make_wrapper)
    targets: list[Target] = resolve_all([Probe("lint", ("torch._C:_jit_pass_lint",))])
    rules.get_torch_obj_rule_map.cache_clear()
    patches.install(targets)
    assert original not in rules.get_torch_obj_rule_map()
    patches.restore(targets)
    assert dynamo_rules.forget_wrappers(targets)
    assert original in rules.get_torch_obj_rule_map()
    assert not dynamo_rules.forget_wrappers(targets)


def test_faults_of_our_own_are_kept_from_the_export(small, example, tmp_path, monkeypatch):
    """When each of our measures raises, the export gives the same bytes and the errors count."""
    export(small, example, tmp_path / "plain.onnx", external_data=False)
    from onnxspan.recording.graphs import dynamo

    for name in ("fx_nodes", "ir_nodes_flat", "ir_has_graphs", "ir_initializers", "target_name"):
        monkeypatch.setattr(dynamo, name, _fault)
    from onnxspan.recording.probes.dynamo import nodes

    monkeypatch.setattr(nodes, "target_name", _fault)
    with onnxspan.trace() as trace:
        export(small, example, tmp_path / "traced.onnx", external_data=False)
    assert (tmp_path / "traced.onnx").read_bytes() == (tmp_path / "plain.onnx").read_bytes()
    assert len(trace.errors) > 10
    assert not trace.result.roots[0].error


def _fault(*args, **kwargs):
    raise ZeroDivisionError("a fault of our own")
