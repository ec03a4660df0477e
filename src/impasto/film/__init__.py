"""Films: files <-> frames with their times, painted one after the other. Imports nothing; PyAV is ``ffmpeg``'s alone."""
