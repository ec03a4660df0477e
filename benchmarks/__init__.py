"""One command each: python -m benchmarks.NAME. A table for people, JSON on the last line for programs."""
