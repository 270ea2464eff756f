"""Spans become something a person reads. Never imports `onnxspan.recording`."""
