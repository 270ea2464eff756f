"""A trace in the file formats of other viewers."""
