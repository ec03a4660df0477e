"""Everything with a gradient: the network, the losses, and the three things that move (pixels, one row, all)."""
