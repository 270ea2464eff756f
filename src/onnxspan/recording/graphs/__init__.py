"""A live graph of torch or onnx_ir: its size, its text, and where its nodes come from."""
