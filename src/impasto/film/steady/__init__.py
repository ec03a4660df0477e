"""Frames painted one after the other so that they hold still. Knows no files: any frames will do."""

from impasto.film.steady.frames import Steady, clock, paint_frames

__all__ = ["Steady", "clock", "paint_frames"]
