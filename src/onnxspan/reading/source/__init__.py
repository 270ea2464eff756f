"""A trace from memory or from a file: spans, flight logs, snapshots."""
