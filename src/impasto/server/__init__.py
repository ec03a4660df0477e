"""The studio and the HTTP API: what is served, and what guards it."""
