"""Films: pictures with times, painted one after the other."""
