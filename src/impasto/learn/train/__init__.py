"""Move the network and every row."""
