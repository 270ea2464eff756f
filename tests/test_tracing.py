"""`trace()`: nesting, threads, re-entry, decorator, providers, and what a trace contains."""

from __future__ import annotations

import asyncio
import contextvars
import io
import os
import subprocess
import sys
import threading

import pytest
import torch
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from torch import nn

import onnxspan
import torch_facts
import zoo
from conftest import quiet
from onnxspan import conventions as c
from onnxspan.recording import opening

MODEL = nn.Linear(2, 2).eval()


def export(model=MODEL, args=None, **options):
    with quiet():
        torch.onnx.export(
            model, args or (torch.zeros(1, 2),), io.BytesIO(), **torch_facts.TORCHSCRIPT, **options
        )


def roots(trace):
    return [root.name for root in trace.result.roots]


def test_a_trace_inside_a_trace():
    """The inner trace holds its own export, the outer both."""
    with onnxspan.trace() as outer:
        export()
        with onnxspan.trace("stages") as inner:
            export()
    assert (len(roots(outer)), len(roots(inner))) == (2, 1)


def test_use_twice_adds_and_enter_while_open_is_refused():
    """A trace that is entered again adds to what it has; while open it cannot be entered."""
    trace = onnxspan.trace()
    for _ in range(2):
        with trace:
            export()
            with pytest.raises(RuntimeError, match="open already"):
                trace.__enter__()
    export()
    assert roots(trace) == [c.EXPORT] * 2


def test_an_export_in_another_thread():
    """A trace opened in one thread records an export in another."""
    with onnxspan.trace() as trace:
        thread = threading.Thread(target=export)
        thread.start()
        thread.join()
    assert roots(trace) == [c.EXPORT]


def test_an_export_in_a_context_from_a_former_one():
    """A task whose context was copied inside an export records its own when that is over."""
    contexts = []

    class Copies(torch.nn.Module):
        def forward(self, x):
            contexts.append(contextvars.copy_context())
            return x + 1

    with onnxspan.trace() as trace:
        export(Copies())
        contexts[0].run(export)
    assert trace.errors == []
    names = [span.name for span in trace.spans]
    assert names.count("_optimize_graph") == names.count("_jit_pass_onnx") == 2


def test_a_trace_that_opens_as_the_last_one_closes(monkeypatch):
    """What the one gives up at its end, the other, opened in another thread meanwhile, keeps."""
    release, later = opening.release_entry_points, onnxspan.trace()

    def meanwhile(session, last):
        opened = threading.Thread(target=later.__enter__)
        opened.start()
        opened.join()
        release(session, last)

    with monkeypatch.context() as patched, onnxspan.trace():
        patched.setattr(opening, "release_entry_points", meanwhile)
    export()
    later.__exit__(None, None, None)
    assert roots(later) == [c.EXPORT]


def test_two_traces_in_two_threads():
    """Each thread's trace holds its own export, one after the other while both are open."""
    counts = {}
    turn = threading.Barrier(2, timeout=60)

    def work(number):
        with onnxspan.trace() as trace:
            turn.wait()
            for current in (0, 1):
                if current == number:
                    export()
                turn.wait()
        counts[number] = len(roots(trace))

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {0: 1, 1: 1}


def test_inside_asyncio():
    """A trace around an await records the export of its own task."""

    async def work():
        with onnxspan.trace() as trace:
            await asyncio.sleep(0)
            export()
            await asyncio.to_thread(export)
        return trace

    assert len(roots(asyncio.run(work()))) == 2


def test_the_decorator():
    """Each call of a decorated function has a trace of its own, the latest as `last_trace`."""

    @onnxspan.trace("stages")
    def work(value):
        export()
        return value

    assert work(1) == 1
    first = work.last_trace
    assert work(2) == 2
    assert roots(first) == roots(work.last_trace) == [c.EXPORT]
    assert first is not work.last_trace


def test_the_decorator_of_an_async_function():
    """It stays one, and is recorded until it is done."""

    @onnxspan.trace("stages")
    async def work():
        await asyncio.sleep(0)
        export()
        return 1

    assert asyncio.iscoroutinefunction(work)
    assert asyncio.run(work()) == 1
    assert roots(work.last_trace) == [c.EXPORT]


def test_what_cannot_be_decorated_is_refused():
    """A generator, and a decorator without its parentheses, are refused with what to write."""

    def numbers():
        yield 1

    async def later():
        yield 1

    for function in (numbers, later):
        with pytest.raises(TypeError, match=rf"{function.__name__}: put `with onnxspan"):
            onnxspan.trace()(function)
    with pytest.raises(TypeError, match=r"@onnxspan\.trace\(\)"):
        onnxspan.trace(numbers)


def test_export_called_beneath_opens_its_own_root():
    """`_export`, which torch's verification calls directly, is a root of its own."""
    utils = torch_facts.torchscript_utils()
    with quiet(), onnxspan.trace() as trace:
        utils._export(MODEL, (torch.zeros(1, 2),), io.BytesIO())
    assert roots(trace) == ["_export"]
    assert trace.spans[0].get(c.EXPORTER) == "torchscript"


def test_suppressed_instrumentation_records_nothing():
    """OpenTelemetry's suppress_instrumentation is honoured."""
    with onnxspan.trace() as trace, suppress_instrumentation():
        export()
    assert trace.spans == []


@pytest.mark.parametrize("sampler", [None, ALWAYS_OFF], ids=["on", "dropped"])
def test_in_the_users_own_trace(sampler):
    """Spans nest in the user's current span, and stay in memory even when a sampler drops them."""
    provider = TracerProvider(shutdown_on_exit=False, **({"sampler": sampler} if sampler else {}))
    with (
        provider.get_tracer("user").start_as_current_span("mine") as mine,
        onnxspan.trace(tracer_provider=provider) as trace,
    ):
        export()
    assert trace.spans[0].parent_id == format(mine.get_span_context().span_id, "016x")
    assert len(trace.spans) > 40


class Line(nn.Module):
    def forward(self, x):
        return torch.special.erfcx(x)


@pytest.mark.parametrize("level", ["stages", "passes", "nodes"])
def test_an_unsupported_operator_is_located(level):
    """The failed node says operator, and the user's own file and line."""
    with onnxspan.trace(level) as trace, pytest.raises(torch.onnx.errors.UnsupportedOperatorError):
        export(Line(), (torch.zeros(2),))
    assert trace.spans[0].error
    node = next(span for span in trace.spans if span.error and span.get(c.NODE_OPERATOR))
    assert node.get(c.NODE_OPERATOR) == "aten::special_erfcx"
    assert node.get(c.FILE) == __file__
    assert node.get(c.LINE) == Line.forward.__code__.co_firstlineno + 1
    assert "Line" in node.get(c.NODE_SCOPE)


def test_data_parallel_is_a_failed_root():
    """The refused DataParallel model gives a failed root that says so."""
    with onnxspan.trace() as trace, pytest.raises(ValueError, match="DataParallel"):
        export(nn.DataParallel(nn.Linear(2, 2)))
    assert "DataParallel" in trace.spans[0].description


def test_four_scripted_layers_are_eight_parameters():
    """The invariant of `_create_jit_graph`: four layers give 8 parameters, and 8 + 1 = 9 inputs."""
    with quiet():
        model = torch.jit.script(nn.Sequential(*(nn.Linear(2, 2) for _ in range(4))).eval())
    with onnxspan.trace() as trace:
        export(model)
    span = next(span for span in trace.spans if span.name == "_create_jit_graph")
    assert span.get(c.JIT_PARAMETERS) == 8
    assert (span.get(c.JIT_FLAT_INPUTS), span.get(c.JIT_GRAPH_INPUTS)) == (1, 9)
    assert span.get(c.JIT_INVARIANT) is True
    assert span.get(c.JIT_BRANCH) == "ScriptModule"
    assert span.get(c.JIT_TORCH_OUT) is False


def test_dictionary_inputs_are_told(traced):
    """What became of a trailing dictionary: placed, dropped, defaulted."""
    trace = traced("dictionary")[1]
    span = next(span for span in trace.spans if span.name == "_decide_input_format")
    assert span.get(c.FORMAT_KEYWORDS) == ["y", "unknown"]
    assert span.get(c.FORMAT_PLACED) == ["y"]
    assert span.get(c.FORMAT_DROPPED) == ["unknown"]


class Variable(nn.Module):
    def forward(self, x, *rest, y=None, scale=2.0):
        return x * scale


class Two(nn.Module):
    def forward(self, a, b, c=None):
        return a + b


def test_what_is_filled_in_is_told_and_nothing_else():
    """Defaults are named that there are; a list, which torch adds to in place, is told as given."""
    x = torch.zeros(1, 2)
    utils = torch_facts.torchscript_utils()
    with quiet(), onnxspan.trace("stages") as trace:
        export(Variable(), (x, {"unknown": x}))
        with pytest.raises(TypeError):  # torch takes the list for one argument
            utils._export(Two(), [x, x], io.BytesIO())
    variable, given_list = (span for span in trace.spans if span.name == "_decide_input_format")
    assert variable.get(c.FORMAT_DEFAULTS) == ["y", "scale"]
    assert variable.get(c.FORMAT_DROPPED) == ["unknown"]
    assert given_list.get(c.FORMAT_POSITIONAL) == 2
    assert given_list.get(c.FORMAT_DEFAULTS) == ["c"]


def test_a_lazy_module_is_no_error_of_ours():
    """A parameter without a shape yet is not counted; that torch refuses it is the only failure."""
    with onnxspan.trace("stages") as trace, pytest.raises(ValueError, match="uninitialized"):
        export(nn.LazyLinear(3))
    assert trace.errors == []
    assert trace.spans[0].get(c.MODEL_PARAMETERS) == 0


def test_a_script_function_bears_its_name_once():
    """The class of a ScriptFunction, which has its module in its name, is told without doubling."""
    with quiet():
        model = torch.jit.script(add)
    with onnxspan.trace("stages") as trace:
        export(model)
    assert trace.spans[0].get(c.MODEL_CLASS) == "torch.jit.ScriptFunction"
    span = next(span for span in trace.spans if span.name == "_create_jit_graph")
    assert span.get(c.JIT_BRANCH) == "ScriptFunction"
    assert span.get(c.JIT_PARAMETERS) == 0


def add(x):
    return x + 1


def test_every_node_points_at_the_users_model(traced):
    """At level `nodes` the scripted model's nodes bear its own file, and no frame of ours."""
    trace = traced("scripted", "nodes")[1]
    files = {span.get(c.FILE) for span in trace.spans if span.get(c.NODE_OPERATOR)}
    assert files - {None} == {zoo.__file__, sys.modules["torch.nn.modules.linear"].__file__}
    for name in ("convolutional", "own symbolic"):
        for span in traced(name, "nodes")[1].spans:
            assert not str(span.get(c.FILE, "")).startswith("<onnxspan")


def test_no_value_environment_or_argument_is_kept(monkeypatch):
    """A trace holds no tensor value, environment variable or command-line argument."""
    monkeypatch.setenv("ONNXSPAN_SECRET", "s3cr3t-environment")
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--token=s3cr3t-argument"])
    model = nn.Linear(2, 2).eval()
    with torch.no_grad():
        model.weight.fill_(1234.5678)
    with onnxspan.trace("nodes") as trace:
        export(model, (torch.full((1, 2), 8765.4321),))
    text = repr([vars(span) for span in trace.spans])
    assert all(word not in text for word in ("s3cr3t", "1234.5", "8765.4"))
    assert os.environ["ONNXSPAN_SECRET"]


def test_the_users_exception_wins_over_a_file_that_cannot_be_written(tmp_path):
    """A failing `save=` never takes the place of the exception that leaves the block."""
    with (
        pytest.warns(RuntimeWarning, match="onnxspan"),
        pytest.raises(KeyError, match="mine"),
        onnxspan.trace(save=tmp_path / "missing" / "file.jsonl"),
    ):
        export()
        raise KeyError("mine")


def test_importing_onnxspan_is_light():
    """`import onnxspan` imports neither torch nor OpenTelemetry's SDK."""
    code = "import sys, onnxspan; print([m for m in ('torch', 'opentelemetry.sdk') if m in sys.modules])"
    done = subprocess.run(  # our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
