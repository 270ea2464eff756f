"""Runs the graph of an export at each step, and compares its outputs with the eager model's.

Imported only when a recording asks for verification.
"""
