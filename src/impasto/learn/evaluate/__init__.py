"""How good paintings are, in numbers."""
