"""Move the pixels."""
