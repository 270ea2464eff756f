"""The walk: an export as a list of steps."""
