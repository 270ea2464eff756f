"""What `make test-torch` installs beside a torch."""

import torch_versions


def test_the_tools_are_requirements():
    """Every line is a requirement that pip takes; torch and its companions are chosen elsewhere."""
    found = torch_versions.tools()
    assert any(line.startswith("pytest>=") for line in found)
    assert all(isinstance(line, str) for line in found)
    assert not {"torch", "onnx", "onnxscript", "onnxruntime"} & {
        line.split(">")[0] for line in found
    }
