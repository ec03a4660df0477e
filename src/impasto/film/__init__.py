"""Films: files <-> frames with their times, and what is painted between. Only ``ffmpeg`` imports PyAV."""
