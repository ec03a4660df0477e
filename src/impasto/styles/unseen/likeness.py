"""Paintings that nothing was trained on -> rows of a network: predicted, then moved towards the painting."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from impasto import assets, limits, pictures
from impasto.errors import NetworkError, PictureError
from impasto.styles import blend
from impasto.styles.bank import PHOTO, Bank
from impasto.styles.unseen.eye import Aim, Eye, Floats, Session, Statistics
from impasto.styles.unseen.predictor import Predictor
from impasto.styles.unseen.search import SIDE, Compile, Search, Settings

LEAST_SIDE = 64  # pixels: a painting with a shorter side says too little about strokes
NOTHING = 1e-3  # deviation of the tones, 0..1, of a picture that shows nothing


class Likeness:
    """What makes rows for the network in the file ``network``, whose own styles are in ``bank``; made ready once.

    ``session`` is the open file of the loss network, ``compile`` what compiles for OpenVINO, None where that does not
    run: then rows are as they are predicted. Raises MismatchError for a predictor of another network.
    """

    def __init__(
        self, network: Path, bank: Bank, session: Session, compile: Compile | None, predictor: Predictor | None
    ) -> None:
        if predictor is not None:
            predictor.check_network(bank.fingerprint, bank.network)
        if predictor is None and compile is None:
            raise NetworkError(
                "a row for a painting is found with OpenVINO: take the runtime auto; where OpenVINO is missing, "
                "pip install openvino"
            )
        self.aim = Aim.of(bank)
        self._network, self._compile, self._predictor = network, compile, predictor
        self._eye = Eye(session)
        names = [name for name in bank.styles if name != PHOTO]
        self._rows = np.stack([bank[name] for name in names]) if names else bank.rows[:1]

    @cached_property
    def search(self) -> Search:
        """The search, compiled when it is first needed."""
        assert self._compile is not None
        return Search(self._network, assets.LOSS_NETWORK, self.aim, samples(), self._compile)

    def row(self, painting: pictures.Photo | pictures.Source, *, steps: int | None = None) -> Floats:
        """The row (R,) for a painting, moved by ``steps``; 0 gives it as predicted.

        PictureError for a painting that cannot be read, that is smaller than 64 pixels or shows nothing.
        """
        settings = Settings() if steps is None else replace(Settings(), steps=limits.COUNT.check("steps", steps))
        pixels = seen_at(painting, self.aim.style_size)
        seen = self._eye.look(pixels)
        start = self.start(seen, pixels)
        if self._compile is None or not settings.steps:
            return start
        return self.search.run(seen, start, self._rows - self._rows.mean(0), settings)

    def start(self, seen: Statistics, pixels: Floats) -> Floats:
        """The row (R,) as it is predicted; without a predictor the mean of the bank's styles, in the painting's tones.

        Most of what is wrong with another style is its brightness, contrast and tint, which six numbers decide.
        """
        if self._predictor is not None:
            return self._predictor.row(seen)
        return blend.with_own_tones(self._rows.mean(0), pixels)


def seen_at(painting: pictures.Photo | pictures.Source, size: int) -> Floats:
    """A painting (h, w, 3), 0..1, with ``size`` pixels on its longer side, never enlarged; PictureError as ``row``."""
    photo = painting if isinstance(painting, pictures.Photo) else pictures.load(painting)
    height, width = photo.picture.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise PictureError(
            f"{photo.name} is only {width} x {height} pixels, and a painting needs {LEAST_SIDE} a side; "
            "take a larger one"
        )
    if float(photo.picture.std((0, 1)).max()) < NOTHING:
        raise PictureError(f"{photo.name} is of one colour and shows no style; take another picture")
    shrunk: Floats = pictures.resize(photo.picture, size)
    if min(shrunk.shape[:2]) < LEAST_SIDE:
        raise PictureError(f"{photo.name} is too long and narrow, {width} x {height} pixels; cut a part out of it")
    return shrunk


def samples() -> list[Floats]:
    """The photos that rows are tried on, (SIDE, SIDE, 3) each: of every sample its middle and a part of that."""
    found = []
    for file in assets.SAMPLES:
        image = pictures.to_pil(pictures.load(file).picture)
        side = min(image.size)
        left, top = ((length - side) / 2 for length in image.size)
        for share, across, down in ((1.0, 0.0, 0.0), (0.6, 0.1, 0.3)):
            box = (left + across * side, top + down * side, left + (across + share) * side, top + (down + share) * side)
            found.append(pictures.from_pil(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)))
    return found
