"""Photo and style in, painted photo out: an open network together with its bank of styles.

This is the one call behind the library, the command line and everything else; they differ only at the two ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto import assets, limits, pictures
from impasto.errors import OptionError, PictureError
from impasto.limits import Device, Precision, RuntimeName
from impasto.painting import passes, rows
from impasto.painting.job import First, Job, Progress, enough_memory
from impasto.painting.look import Dials, Look, Sizes, Style
from impasto.painting.opening import Opened
from impasto.painting.planner import Plan, Planner, check_memory, check_room
from impasto.painting.rows import Floats, Rows
from impasto.painting.subject import Subject, painted_size, photo_of
from impasto.painting.watching import Watch, watched
from impasto.painting.work import Work
from impasto.styles.bank import Bank

MOVED = {
    "paint_picture": "paint_array, whose painting has the type of the photo",
    "paint_pixels": "paint_array, whose painting has the type of the photo",
    "paint_steps": "steps",
    "paint_photo_row": "paint_array(picture, painter.photo_row(picture))",
}


class Painter(Opened):
    """A network and a bank of styles, opened once; ``paint`` as often as you like.

    ``network`` is the name of a network that comes with impasto ("full") or an ONNX file that ``impasto export`` wrote;
    ``bank`` is a bank, its file, or None for the one that belongs to the network; a bank without ``photo`` gets that
    row from the network's own bank. ``runtime``, ``threads``, ``precision``, ``streams`` and ``device`` are those of
    ``Network``; "auto" is what is quickest here.

    Pictures are painted whole while that takes no more than 5 GB and seven tenths of the free memory, and in tiles
    beyond, except with ONNX Runtime alone; ``max_memory`` (bytes, of the whole process) sets another limit. Raises
    NetworkError and BankError for what cannot be opened, MismatchError for a bank of another network, OptionError for
    other words.
    """

    def __init__(
        self,
        network: str | os.PathLike[str] = assets.DEFAULT,
        *,
        bank: Bank | str | os.PathLike[str] | None = None,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
        precision: Precision = "auto",
        max_memory: float | None = None,
        streams: int = 1,
        device: Device = "auto",
    ) -> None:
        check_memory(max_memory)  # before anything is opened
        opened = {"runtime": runtime, "threads": threads, "precision": precision, "streams": streams, "device": device}
        super().__init__(network, bank, **opened)
        self.planner = Planner(self.network, max_memory)
        self.streams = streams
        self._lock = threading.Lock()
        self._first: list[Painter | None] = []  # one, once it is known; of all that are ``knowing`` more, the same

    if not TYPE_CHECKING:  # else every misspelt name would be one

        def __getattr__(self, name: str) -> Any:
            now = f"; it is now {MOVED[name]}" if name in MOVED else ""
            raise AttributeError(f"Painter has no {name}{now}")

    @property
    def max_memory(self) -> float | None:
        """Bytes that the whole process may take; None is what is free. To be set between paintings."""
        return self.planner.max_memory

    @max_memory.setter
    def max_memory(self, most: float | None) -> None:
        check_memory(most)
        self.planner.max_memory = most

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles that this painter knows: ``Bank.styles``, so without ``photo`` and other stroke sizes."""
        return self.bank.styles

    @property
    def first(self) -> Painter | None:
        """Who makes the first pass over large pictures, if not this painter: one with ``full`` where this has ``fast``.

        Another painter, or None, may be set; OptionError for anything else.
        """
        with self._lock:
            if not self._first:
                self._first += [Painter(max_memory=self.max_memory, **self.composer) if self.composer else None]
            return self._first[0]

    @first.setter
    def first(self, painter: Painter | None) -> None:
        if not (painter is None or isinstance(painter, Painter)):
            raise OptionError(f"first is a Painter or None, not of type {type(painter).__name__}")
        self._first[:] = [painter]

    def afresh(self) -> None:
        """Paint the next picture to the last bit as a painter that was just opened; it compiles once more for that."""
        for painter in filter(None, (self, *self._first)):
            painter.network.afresh()

    def paint(
        self,
        image: pictures.Source,
        style: Style | Look,
        *,
        max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
        progress: Watch = False,
        **dials: Unpack[Dials],
    ) -> Image.Image:
        """Paint ``image`` (a path, bytes, file, PIL image or array) and return an 8-bit PIL image of its size.

        ``style`` and the dials, such as ``strength=0.8``, are those of a ``Look``; a look may be given itself. Alpha is
        carried over; the photo's metadata is not (``pictures.save`` with ``like`` does that). ``max_pixels`` is the
        most that photo and masks may have, each; None is no limit. ``progress`` is a function that gets the share
        that is done, 0..1, or True for a bar in a notebook. OptionError for a dial, BankError for a style, PictureError
        for a picture or too little memory, NetworkError for tiles that the runtime cannot paint.
        """
        look = self.check(style, **dials)
        subject = Subject.load(image, look, max_pixels)
        return subject.shown(watched(_job(self, subject, look, np.uint8, max_pixels).steps(), progress))

    def preview(
        self,
        image: pictures.Source,
        style: Style | Look,
        *,
        max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
        **dials: Unpack[Dials],
    ) -> Image.Image:
        """What ``paint`` with these options will look like as a whole, in a fraction of the time: its first pass.

        A large picture comes at the size of that. One that is painted in one pass comes as ``paint`` gives it.
        """
        look = self.check(style, **dials)
        subject = Subject.load(image, look, max_pixels)
        height, width = subject.photo.pixels.shape[:2]
        painter, look, begun = previewed(self, width, height, look)
        if begun is not None:
            subject = subject.shrunk(begun)
        return subject.shown(_job(painter, subject, look, np.uint8, max_pixels).paint())

    def paint_array(self, pixels: pictures.Pixels, style: Style | Look, **dials: Unpack[Dials]) -> pictures.Pixels:
        """``paint`` for those who hold arrays: (h, w, 3) of uint8, uint16, or float32 in 0..1, in sRGB.

        The painting has the type of the photo (float32 for other floats), which is not copied first. Masks may be
        arrays (h, w) of these types.
        """
        return self.prepare(photo_of(pixels), style, **dials).paint()

    def steps(self, pixels: pictures.Pixels, style: Style | Look, **dials: Unpack[Dials]) -> Iterator[Progress]:
        """``paint_array``, step by step: each record says how far it is, and the last one has the painting."""
        return self.prepare(photo_of(pixels), style, **dials).steps()

    def paint_frames(
        self,
        frames: Iterable[pictures.Pixels],
        style: Style | Look,
        *,
        steady: float = 1.0,
        times: Iterable[float] | None = None,
        fps: float = 25.0,
        **dials: Unpack[Dials],
    ) -> Iterator[pictures.Pixels]:
        """``paint_array`` for the frames of a film, one after the other, so that the paintings hold still.

        ``frames`` are read one by one, and all of one size. ``steady`` 0 paints each by itself, as ``paint_array``
        does. ``times`` are those of the frames in seconds; without them there are ``fps`` frames a second.
        """
        from impasto.film import steady as held

        look = self.check(style, **dials)
        clock = held.clock(limits.FRAME_RATE.check("fps", fps)) if times is None else times
        return held.paint_frames(held.Steady(self, steady=steady), frames, look, clock)

    def prepare(
        self,
        image: pictures.Photo | pictures.Source,
        style: Style | Look,
        *,
        max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
        kind: npt.DTypeLike | None = None,
        **dials: Unpack[Dials],
    ) -> Job:
        """A photo made ready: read, checked and resized, with its masks and its rows. Nothing is painted yet.

        ``image`` is a ``Photo``, whose pixels are not copied, or what ``paint`` takes. ``kind`` is the type of the
        painting, uint8, uint16 or float32; None is that of the photo. Raises as ``paint``.
        """
        look = self.check(style, **dials)
        return _job(self, Subject.load(image, look, max_pixels), look, kind, max_pixels)

    def check(self, style: Style | Look, **dials: Unpack[Dials]) -> Look:
        """The look of this style and these dials; raises at once what ``paint`` would raise for it."""
        look = Look.of(style, **dials)
        rows.check(self.bank, look)
        return look

    def photo_row(self, picture: pictures.Pixels) -> Floats | None:
        """The row (R,) with which the network paints this very picture as it is, as well as it can; None if unknown.

        As a style it is painted like any other row of numbers.
        """
        return rows.photo_row(self.bank, picture)

    def plan(
        self,
        width: int,
        height: int,
        *,
        style: Style | None = None,
        masks: int = 0,
        floats: bool = False,
        **dials: Unpack[Sizes],
    ) -> Plan:
        """How a photo of ``width`` x ``height`` pixels would be painted now, with these dials and so many ``masks``.

        ``style`` counts where there is a ``stroke_size``: it may have been taught at several sizes, or at its own.
        ``floats``: photos and paintings with more than 8 bits, or photos that keep their colours. OptionError for a
        number, NetworkError for tiles that the runtime cannot paint, PictureError for a size beyond all memory.
        """
        limits.SIDE.check("width", width)
        limits.SIDE.check("height", height)
        limits.MASKS.check("masks", masks)
        look = Look(np.zeros(self.bank.rows.shape[1]) if style is None else style, **dials)
        height, width = painted_size((height, width), look)
        if look.enlarge:
            check_room(width, height, floats)
        begun = _first_size(self.bank, look, (height, width))
        begins = begun and not passes.larger(begun, (height, width))
        first = self.first.planner if begins and self.first else None
        return self.planner.plan((height, width), masks, floats=floats, begun=begun, first=first)

    def seconds(self, plan: Plan) -> float:
        """How long painting as planned will take here, from two small paintings that are made and timed once."""
        begins = 0 < plan.first < max(plan.width, plan.height)
        return self.planner.seconds(plan, self.first.planner if begins and self.first else None)


def previewed(painter: Painter, width: int, height: int, look: Look) -> tuple[Painter, Look, passes.Size | None]:
    """Who paints a preview of a photo of ``width`` x ``height`` pixels, in which look, and at what size.

    That is (height, width) of the first pass, which is painted at once; None where one pass is all there is.
    """
    size = painted_size((height, width), look)
    begun = _first_size(painter.bank, look, size)
    if begun is None or passes.larger(begun, size):
        return painter, look, None
    if rows.finer(painter.bank, look) is not None:
        look = replace(look, stroke_size=None)  # the size of the pass is all there is to it
    composer, look = _composer(painter, look)
    return composer, replace(look, size=None, enlarge=False, brush="small"), begun


def _job(painter: Painter, subject: Subject, look: Look, kind: npt.DTypeLike | None, max_pixels: int | None) -> Job:
    with enough_memory():
        wanted = np.dtype(subject.photo.pixels.dtype if kind is None else kind)
        pixels, planes = subject.sized(look, wanted)
        found = Rows.of(painter.bank, look, len(pixels), planes)
        work = Work(pixels, found, wanted, look.keep_color, painter.network.threads)
        height, width = pixels.shape[:2]
        begun = _first_size(painter.bank, look, (height, width))
        if begun is None or not found.rows:
            return Job(look, work, painter.planner)
        if passes.larger(begun, (height, width)):
            _check_larger(begun, max_pixels, work.floats)
            return Job(look, work, painter.planner, First(begun, painter.planner, found.rows))
        first, same = _composer(painter, look)
        return Job(look, work, painter.planner, First(begun, first.planner, rows.rows_of(first.bank, same)))


def _check_larger(size: passes.Size, max_pixels: int | None, floats: bool) -> None:
    """PictureError if what is to be painted larger, and then shrunk, is beyond the limit of pixels or the memory."""
    height, width = size
    if max_pixels is not None and height * width > max_pixels:
        raise PictureError(
            f"strokes so fine are painted at {width} x {height} pixels, more than the limit of {max_pixels:,}; give a "
            "larger stroke size or a smaller size"
        )
    check_room(width, height, floats)


def _first_size(bank: Bank, look: Look, size: passes.Size) -> passes.Size | None:
    """The size of the first pass over a painting of this ``size``, which may be the larger and the only one."""
    return passes.first_size(*size, look.brush, rows.finer(bank, look))


def _composer(painter: Painter, look: Look) -> tuple[Painter, Look]:
    """Who makes the first pass, and of what: its ``first``, if the look's styles are the same there."""
    first = painter.first
    if first is None or not rows.alike(look, painter.bank, painter.own, first.bank):
        return painter, look
    return first, replace(look, stroke_size=None)


def paint(
    image: pictures.Source,
    style: Style | Look,
    *,
    network: str | os.PathLike[str] = assets.DEFAULT,
    bank: Bank | str | os.PathLike[str] | None = None,
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
    progress: Watch = False,
    **dials: Unpack[Dials],
) -> Image.Image:
    """Paint one photo: ``Painter(network, bank=bank).paint(image, style, ...)``; for many, keep a ``Painter`` open."""
    return Painter(network, bank=bank).paint(image, style, max_pixels=max_pixels, progress=progress, **dials)
