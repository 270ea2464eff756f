"""What onnxspan raises at its own doors; never inside an export."""

from __future__ import annotations


class OnnxspanError(Exception):
    """Base of every error that onnxspan raises on purpose."""


class TraceFileError(OnnxspanError):
    """A file that cannot be read as a trace; the message names file, place and next step."""

    def __init__(self, path: object, problem: str, next_step: str) -> None:
        super().__init__(f"{path}: {problem}. {next_step}")
        self.path = path
        self.problem = problem
        self.next_step = next_step
