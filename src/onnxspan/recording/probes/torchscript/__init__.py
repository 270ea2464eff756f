"""The TorchScript exporter: its rows, and what they read."""
