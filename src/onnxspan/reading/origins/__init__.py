"""Where each node and initializer of the exported file comes from, from a trace's graphs."""
