"""The dynamo exporter: its rows, and what they read."""
