"""Films: files <-> frames with their times, painted one after the other. PyAV is ``ffmpeg``'s alone."""
