"""Two or more traces compared: diff and growth."""
