"""Where the ended spans go: files, OTLP addresses, span exporters."""
