"""What is told of each call: one class each, all of the shape in base.py."""
