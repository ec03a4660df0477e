"""A picture through a network in tiles, as if it were painted whole, in bounded memory."""
