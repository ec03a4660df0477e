"""How good a network's paintings are, in numbers: losses, artefacts, and how alike the styles have become.

Photos, paintings and a painter in, one frozen record per style out. Knows no files and prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from impasto.errors import LearnError, OptionError
from impasto.learn.devices import memory_watched, smaller
from impasto.learn.evaluate.artefacts import Floats, frames, turned
from impasto.learn.evaluate.pattern import patterns
from impasto.learn.evaluate.scorer import Paint, Scorer, Scores
from impasto.learn.evaluate.worth import worth
from impasto.learn.loss.losses import psnr
from impasto.limits import SEVERAL, SIDE
from impasto.pictures import find, load, resize

PULLED = 512  # pixels, at most: the side of the part of a photo on whose painting the pull of the border is measured
FRAMED = 256  # pixels: the side of the crops whose mean painting shows a frame


def evaluate(
    scorer: Scorer,
    paint: Paint,
    names: Sequence[str],
    photos: Sequence[Floats],
    *,
    worth_on: int = 0,
    crops: Sequence[Floats] = (),
    even: bool = False,
    pull: bool = False,
) -> Iterator[Scores]:
    """Score one style after the other; on ``worth_on`` photos each also measure what it is worth (slow).

    The styles take turns through the photos, so that all photos count however few each style gets. OptionError if there
    are not as many photos as that. Frames are measured on ``crops``, squares (h, h, 3) of many photos, and the same
    upside down, so that what photos have above and below counts for nothing. With ``even``, what is painted into even
    places is measured too (``pattern.patterns``), with ``pull`` how the objective pulls at the border of one painting.
    """
    if not photos or not 0 <= worth_on <= len(photos):
        raise OptionError(f"worth cannot be measured on {worth_on} of {len(photos)} photos; give more photos")

    def scored() -> Iterator[Scores]:
        with memory_watched(lambda: smaller(max(max(photo.shape) for photo in photos))):
            for i, name in enumerate(names):
                scores = scorer.score(name, photos, paint)
                if len(crops):
                    frame, edge = frames(paint(crop, name) for crop in turned(crops))
                    scores = replace(scores, frame=frame, edge=edge)
                if even:
                    scores = replace(scores, pattern=patterns(paint, name))
                if pull:
                    part = photos[0][:PULLED, :PULLED]
                    scores = replace(scores, pull=scorer.pull(name, part, paint(part, name)))
                if worth_on:
                    turns = [photos[(i * worth_on + j) % len(photos)] for j in range(worth_on)]
                    found = [worth(scorer, p, name, scorer.score(name, [p], paint).total) for p in turns]
                    scores = replace(scores, worth=float(np.median(found)))
                yield scores

    return scored()


def summary(
    scores: Sequence[Scores],
    paint: Paint,
    photos: Sequence[Floats],
    *,
    photo: Callable[[Floats], Floats] | None = None,
    crops: Sequence[Floats] = (),
) -> dict[str, float | str]:
    """The bank as a whole: totals over what doing nothing would score, the photo row's PSNR, the two closest styles.

    With the ``crops`` that frames were measured on: the largest frame, and what the crops themselves have.
    ``photo`` paints a photo in the row that is to give it back; None where the bank has no such row.
    """
    ratios = [score.total / score.untouched for score in scores]
    worst = int(np.argmax(ratios))
    found: dict[str, float | str] = {
        "median_total": float(np.median([score.total for score in scores])),
        "median_ratio": float(np.median(ratios)),
        "worst_ratio": ratios[worst],
        "worst_style": scores[worst].name,
    }
    if photo is not None:
        found["photo_psnr"] = fidelity(photos, photo)
    if len(crops):
        found["worst_frame"] = max(score.frame for score in scores if score.frame is not None)
        found["worst_edge"] = max(score.edge for score in scores if score.edge is not None)
        found["photos_frame"], found["photos_edge"] = frames(turned(crops))
    if scores[0].pattern is not None:
        found["median_pattern"] = float(np.median([score.pattern for score in scores]))
        found["worst_pattern"] = max(score.pattern for score in scores if score.pattern is not None)
    if scores[0].worth is not None:
        found["median_worth"] = float(np.median([score.worth for score in scores]))
        found["least_worth"] = float(min(score.worth for score in scores if score.worth is not None))
    if len(scores) < 2:
        return found
    a, b, difference = alike({score.name: paint(photos[0], score.name) for score in scores})[0]
    return {**found, "closest_styles": f"{a} and {b}", "closest_difference": difference}


def load_photos(folder: str | Path, *, size: int, limit: int) -> list[Floats]:
    """The last ``limit`` photos by name below ``folder``, (h, w, 3), with ``size`` pixels on the longer side."""
    SEVERAL.check("limit, the number of photos,", limit)
    SIDE.check("size", size)
    paths = find([Path(folder)])[-limit:]
    if not paths or not Path(folder).is_dir():
        raise LearnError(f"{folder} is not a folder with photos to measure on")
    return [resize(load(path).picture, size, enlarge=True) for path in paths]


def alike(painted: Mapping[str, Floats]) -> list[tuple[str, str, float]]:
    """All pairs of styles with the mean absolute difference of what they made of one photo, the most alike first."""
    names = list(painted)
    pairs = [(a, b, float(np.abs(painted[a] - painted[b]).mean())) for i, a in enumerate(names) for b in names[i + 1 :]]
    return sorted(pairs, key=lambda pair: pair[2])


def fidelity(photos: Sequence[Floats], paint: Callable[[Floats], Floats]) -> float:
    """PSNR in dB of what ``paint`` (the photo row) gives back, from the mean squared error over all photos."""
    return psnr(float(np.mean([np.square(paint(photo) - photo).mean() for photo in photos])))
