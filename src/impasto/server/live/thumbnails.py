"""Small pictures of what is seen, in each style, painted one by one between two frames."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future

import numpy as np
from PIL import Image

from impasto import pictures
from impasto.errors import ImpastoError, PictureError
from impasto.film.colour import Bytes
from impasto.painting.look import Look
from impasto.painting.painter import Painter

SIDE = 192  # pixels that they are painted at


class Thumbnails:
    """Those that somebody waits for. Anybody may ``ask``; who paints the frames calls the rest."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._waiting: deque[tuple[str, Future[Bytes]]] = deque()

    def ask(self, style: str) -> Future[Bytes]:
        """What is seen in a style, square; raises at once what ``Painter.check`` raises."""
        self._painter.check(style)
        future: Future[Bytes] = Future()
        self._waiting.append((style, future))
        return future

    def paint_one(self, seen: Bytes) -> None:
        """Paint the next one, if there is any."""
        style, future = self._waiting.popleft() if self._waiting else ("", None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        try:
            painted = self._painter.paint_array(_square(seen, SIDE), Look(style, brush="small"))
            future.set_result(pictures.to_bytes(painted))
        except ImpastoError as error:
            future.set_exception(error)

    def end(self) -> None:
        """Nothing more is painted."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(PictureError("the show is over"))


def _square(pixels: Bytes, side: int) -> Bytes:
    """The middle of a picture."""
    height, width = pixels.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    box = (left, top, left + short, top + short)
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS, box=box))
