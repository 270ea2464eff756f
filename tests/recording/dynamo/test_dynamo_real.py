"""Models as people export them: same files, small traces, no error of our own."""

import warnings

import pytest

import dynamo_real
import onnxspan
import torch_facts
from dynamo_models import by_name, export
from onnxspan import conventions as c

pytestmark = pytest.mark.skipif(torch_facts.OLDER, reason=torch_facts.SHOWS_PINNED)


def files(path):
    """What the export wrote: the model, and the weights beside it."""
    return path.read_bytes(), path.with_name(f"{path.name}.data").read_bytes()


@pytest.mark.parametrize("make", [dynamo_real.decoder, dynamo_real.unet])
def test_real_models(make, tmp_path):
    """Model and weights are the same bytes at both levels, and the default trace stays small."""
    model, args, options = make()
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # axes of one name are renamed once, which torch warns of
        export(model, args, path, **options)
        expected = files(path)
        for level in ("passes", "nodes"):
            with onnxspan.trace(level) as trace:
                export(model, args, path, **options)
            assert files(path) == expected
            assert trace.errors == []
            [root] = trace.result.roots
            assert not any(span.error for span in trace.spans)
            assert root.get(c.RESULT_EXTERNAL_BYTES) == len(expected[1]) > 10_000
            if level == "passes":
                assert len(trace.spans) < 120


def test_the_cache_stays_dynamic(tmp_path):
    """Each dimension of mask, tokens and cache that was asked for is there to the end."""
    model, args, options = dynamo_real.decoder(2)
    with warnings.catch_warnings(), onnxspan.trace("stages") as trace:
        warnings.simplefilter("ignore")
        export(model, args, tmp_path / "model.onnx", **options)
    [captured] = by_name(trace, "torch.export.export")
    [last] = by_name(trace, "_rename_dynamic_axes")
    assert captured.get(c.DYNAMIC_INPUTS) == last.get(c.DYNAMIC_INPUTS) == 4 + 2 * 2 * 2
    assert not [span for span in trace.spans if span.get(c.DYNAMIC_LOST)]
