"""The model that an export has written, read back; only for who asked for more than spans."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxspan.recording.call import Call


def written_path(call: Call) -> str | None:
    """The file that the export of this root has written; None when it wrote none."""
    file = call.argument("f")
    if isinstance(file, str | os.PathLike) and os.path.isfile(file):
        return os.fspath(file)
    return None


def written_model(call: Call) -> Any:
    """The `onnx.ModelProto` of the export of this root, external data left where it is.

    None when nothing can be read back: another kind of file object, or no file at all and
    no program.
    """
    import onnx

    path = written_path(call)
    if path is not None:
        return onnx.load(path, load_external_data=False)
    file = call.argument("f")
    if isinstance(file, io.BytesIO) and not file.closed:
        return onnx.load_from_string(file.getvalue())
    return getattr(call.result, "model_proto", None)
