"""A row for a painting that nothing was trained on; no torch."""
