"""Everything with a gradient: the network, the losses, and the three things that move (pixels, one row, all)."""

from impasto import quiet

quiet.place_compiled()  # before torch's compiler is imported, which an optimiser is enough for
