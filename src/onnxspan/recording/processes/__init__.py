"""Exports in other processes than the one that was started: how `onnxspan run` follows them.

A child that is a new interpreter finds `startup/sitecustomize.py` first on its path and records
what it exports. A child of a fork goes on with the parent's session. Each writes a file of spans
as each of its exports ends, into one folder, since such processes end without a word
(`os._exit`). The run reads the folder at its end.
"""
