"""Move one row."""
