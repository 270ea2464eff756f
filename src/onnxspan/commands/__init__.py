"""The subcommands of `onnxspan`, one module each; `cli.py` has the table."""
