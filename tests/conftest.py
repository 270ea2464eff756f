"""What all tests share: exports made once, and a check that nothing is left behind."""

from __future__ import annotations

import contextlib
import inspect
import io
import sys
import warnings

import pytest
from opentelemetry import context as otel_context
from opentelemetry.context import Context

_WATCHED = ("torch", "torch._C", "torch.jit", "torch.export", "torch.export._trace", "onnxscript")
_WATCHED_BELOW = ("torch.onnx", "onnxscript.optimizer", "onnx_ir.passes", "onnx_ir.serde")


def attributes():
    """Every function and class of torch and the exporters, as it lies in its holder."""
    found = {}
    for name, module in list(sys.modules.items()):
        if module is None or not (name in _WATCHED or name.startswith(_WATCHED_BELOW)):
            continue
        for key, value in list(vars(module).items()):
            if callable(value):
                found[name, key] = value
            if inspect.isclass(value) and value.__module__ == name:
                for inner, raw in list(vars(value).items()):
                    if callable(raw) or isinstance(raw, classmethod | staticmethod):
                        found[name, key, inner] = raw
    if "torch._C" in sys.modules:
        for key, raw in list(vars(sys.modules["torch._C"].Graph).items()):
            found["torch._C", "Graph", key] = raw
    return found


def changed(before):
    """The places whose attribute is no longer the identical object, or gone."""
    now = attributes()
    return sorted(
        ".".join(place)
        for place, value in before.items()
        if now.get(place) is not value and not _disabled_by_torch(now.get(place), value)
    )


def _disabled_by_torch(now, before):
    """Whether torch itself put its `disable` around a function, as its first capture does."""
    code = getattr(now, "__code__", None)
    if code is None or "/torch/" not in code.co_filename.replace("\\", "/"):
        return False
    names = ("_torchdynamo_orig_callable", "__wrapped__")
    return any(getattr(now, name, None) is before for name in names)


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """After every test no session is open, no export current, and nothing is wrapped."""
    before = attributes() if "onnxspan.recording.recorder" in sys.modules else None
    # A test that breaks our own detaching must not hand its current span to the next one.
    token = otel_context.attach(Context())
    yield
    otel_context.detach(token)
    recorder = sys.modules.get("onnxspan.recording.recorder")
    if recorder is None:
        return
    from onnxspan.recording import session

    assert session._open == []
    assert recorder.current.get() is None
    assert recorder.patches.is_clean()
    if before is not None:
        assert changed(before) == []


@contextlib.contextmanager
def quiet():
    """Without torch's own warnings and prints, which are many."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="session")
def untraced():
    """Gives the bytes of a case of the zoo, exported without tracing, once."""
    import zoo

    made = {}

    def get(name):
        if name not in made:
            with quiet():
                made[name] = zoo.export(name)
        return made[name]

    return get


@pytest.fixture(scope="session")
def traced():
    """Gives the bytes and the trace of a case of the zoo at a level, exported once."""
    import onnxspan
    import zoo

    made = {}

    def get(name, level="passes"):
        if (name, level) not in made:
            zoo.case(name)
            with quiet(), onnxspan.trace(level) as trace:
                data = zoo.export(name)
            made[name, level] = data, trace
        return made[name, level]

    return get
