"""Every span, attribute and event name of onnxspan, once.

Both halves of the house share this vocabulary and nothing else. Names follow
OpenTelemetry's conventions: lower case, dotted, `torch.onnx.` for what is ours,
an attribute never also a namespace. Durations are in seconds (`s`), sizes in
bytes (`By`). `docs/reference/attributes.md` is generated from `ATTRIBUTES`.
"""

from __future__ import annotations

# The whole vocabulary under one name: `from onnxspan import conventions as c`. The order is
# that of the reference page.
from onnxspan.conventions.names import *
from onnxspan.conventions.registry import *
from onnxspan.conventions.exports import *
from onnxspan.conventions.torchscript import *
from onnxspan.conventions.events import *
from onnxspan.conventions.dynamo import *
from onnxspan.conventions.verification import *
from onnxspan.conventions.steps import *
from onnxspan.conventions.metrics import *
