"""Photo and row in, painting out, with a runtime and without torch."""
