"""A camera, painted while one looks: the newest frame, at a size that is quick enough, on a page."""
