"""A style is one row of numbers; a bank is a matrix of them: rows, names and cards, and arithmetic on them."""
