"""Exercises that a trace of the learner's own script proves."""
