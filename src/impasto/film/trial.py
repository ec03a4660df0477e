"""How long a frame of a film will take, from the first few: decoded, painted, held still and coded."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from impasto.film import reading
from impasto.film.coding import Coding, base_for, encoder
from impasto.film.facts import Part
from impasto.film.steady import Steady
from impasto.film.writing import Coded
from impasto.painting.look import Look
from impasto.painting.painter import Painter

FRAMES, FIRST = 7, 2  # that are painted, and of those the ones that wait for a compiler
LARGEST = 1024  # pixels of the longer side that are painted for it


def seconds(source: Path, painter: Painter, look: Look) -> float:
    """Seconds that a frame of a film takes; ``look.size`` is what the film is shrunk to.

    Large frames are painted smaller for this, and what is not decoding is taken as their share of the pixels. FilmError
    for what is no film.
    """
    wanted = reading.opened(source, Part(size=look.size)).facts
    film = reading.opened(source, Part(size=min(look.size or LARGEST, LARGEST)))
    facts, look = film.facts, replace(look, size=None)
    coder = encoder("mp4", Coding(), (facts.width, facts.height), facts)
    decoding, others = [], []
    with tempfile.TemporaryDirectory() as folder:
        steady = Steady(painter)
        making = Coded(Path(folder) / "trial.mp4", "mp4", coder, base_for(coder, facts.time_base), facts.rate)
        frames, begin = film.frames(), time.perf_counter()
        for frame in islice(frames, FRAMES):
            decoded = time.perf_counter()
            making.write(replace(frame, pixels=steady.paint(frame.pixels, look, float(frame.time))))
            decoding.append(decoded - begin)
            begin = time.perf_counter()
            others.append(begin - decoded)
        frames.close()  # type: ignore[attr-defined]
        making.drop()
    share = wanted.width * wanted.height / (facts.width * facts.height)
    first = min(FIRST, len(others) - 1)
    return median(decoding[first:]) + share * median(others[first:])
