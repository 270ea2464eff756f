"""An export becomes spans. Never imports `onnxspan.reading`."""
