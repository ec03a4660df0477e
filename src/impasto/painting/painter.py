"""Photo and style in, painted photo out: an open network together with its bank of styles.

This is the one call behind the library, the command line and everything else; they differ only at the two ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto import assets, limits, pictures
from impasto.errors import MismatchError, OptionError, PictureError
from impasto.painting import opening, passes, regions, rows
from impasto.painting.job import First, Job, Progress, enough_memory
from impasto.painting.look import Dials, Look, Sizes, Style
from impasto.painting.network import Network
from impasto.painting.planner import Plan, Planner, check_room
from impasto.painting.rows import Floats, Rows
from impasto.painting.runtimes import Precision, RuntimeName
from impasto.painting.work import Work
from impasto.styles import blend
from impasto.styles.bank import PHOTO, Bank

FIRST = {"fast": "full"}  # networks that another one makes the first pass for, which composes better
MOVED = {
    "paint_picture": "paint_array, whose painting has the type of the photo",
    "paint_pixels": "paint_array, whose painting has the type of the photo",
    "paint_steps": "steps",
    "paint_photo_row": "paint_array(picture, painter.photo_row(picture))",
}


class Painter:
    """A network and a bank of styles, opened once; ``paint`` as often as you like.

    ``network`` is the name of a network that comes with impasto ("full") or an ONNX file that ``impasto export`` wrote;
    ``bank`` is a bank, its file, or None for the one that belongs to the network; a bank without ``photo`` gets that
    row from the network's own bank. ``runtime`` is "openvino",
    "onnxruntime" or "auto" (OpenVINO where it runs); ``threads`` limits the cores; ``precision`` is "f32",
    "bf16", or "auto": bfloat16, the same to the eye, where a short trial finds it quicker than float32.
    ``streams`` is how many threads paint pictures of up to a megapixel side by side: see ``Network``.

    Pictures are painted whole while that takes no more than 4 GB and the memory that is free allows it, and in tiles
    beyond, with temporary files; ``max_memory`` (bytes, of the whole process) sets another limit. (ONNX Runtime paints
    whole or not at all.)

    Raises NetworkError for a network that cannot be opened, BankError for a bank that cannot be read, MismatchError for
    a bank that belongs to another network, OptionError for a number or word that is none of these.
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
    ) -> None:
        if max_memory is not None:
            limits.MEMORY.check("max_memory, in bytes,", max_memory)
        if threads is not None:
            limits.SEVERAL.check("threads", threads)
        limits.SEVERAL.check("streams", streams)
        network_file, self._own_bank = opening.files(network)
        self.network = Network(network_file, runtime=runtime, threads=threads, precision=precision, streams=streams)
        self.planner = Planner(self.network, max_memory)
        self.bank = bank if isinstance(bank, Bank) else opening.open_bank(bank or self._own_bank, self.network)
        self.streams = streams
        self._name, self._threads = network, threads
        self._lock, self._chosen = threading.Lock(), False
        self._first: Painter | None = None

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
        if most is not None:
            limits.MEMORY.check("max_memory, in bytes,", most)
        self.planner.max_memory = most

    @property
    def bank(self) -> Bank:
        """The styles, with ``photo`` if it can be had; to set one of another network is a MismatchError."""
        return self._bank

    @bank.setter
    def bank(self, bank: Bank) -> None:
        bank.check_network(self.network.fingerprint, network=self.network.name)
        if bank.rows.shape[1] != self.network.row_size:
            raise MismatchError(
                f"the rows of the bank have {bank.rows.shape[1]} numbers and those of network {self.network.name!r} "
                f"{self.network.row_size}; use the bank that came with the network"
            )
        self._bank = opening.with_photo(bank, self._own_bank)

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
            if not self._chosen:
                self._first, self._chosen = self._composing(), True
            return self._first

    @first.setter
    def first(self, painter: Painter | None) -> None:
        if not (painter is None or isinstance(painter, Painter)):
            raise OptionError(f"first is a Painter or None, not of type {type(painter).__name__}")
        self._first, self._chosen = painter, True

    def _composing(self) -> Painter | None:
        name, network = FIRST.get(str(self._name), ""), self.network
        if name not in assets.networks():
            return None
        kept: dict[str, Any] = {"runtime": network.runtime, "precision": network.precision}
        return Painter(name, threads=self._threads, max_memory=self.max_memory, **kept)

    # ---- painting

    def afresh(self) -> None:
        """Paint the next picture to the last bit as a painter that was just opened; it compiles once more for that."""
        for painter in (self, self._first):
            if painter is not None:
                painter.network.afresh()

    def paint(
        self,
        image: pictures.Source,
        style: Style | Look,
        *,
        max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
        **dials: Unpack[Dials],
    ) -> Image.Image:
        """Paint ``image`` (a path, bytes, file, PIL image or array) and return a PIL image of the same size.

        ``style`` and the dials, such as ``strength=0.8``, are those of a ``Look``; a look may be given itself. Alpha is
        carried over; the photo's metadata is not (``pictures.save`` with ``like`` does that). ``max_pixels`` is the
        most that photo and masks may have, each; None is no limit. Raises PictureError, StyleNameError, BankError.
        """
        look = self.check(style, **dials)
        photo, masks = _loaded(image, look, max_pixels)
        return _shown(self._job(photo, masks, look, np.uint8), photo)

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
        photo, masks = _loaded(image, look, max_pixels)
        painter, look, begun = self.previewed(photo.pixels.shape[1], photo.pixels.shape[0], look)
        if begun is not None:
            picture = np.ascontiguousarray(passes.shrunk(photo.pixels, begun).transpose(1, 2, 0))
            photo = replace(photo, pixels=picture, opacity=photo.opacity_for(picture))
            masks = {name: passes.shrunk(mask[..., None], begun)[0] for name, mask in masks.items()}
        return _shown(painter._job(photo, masks, look, np.uint8), photo)

    def previewed(self, width: int, height: int, look: Look) -> tuple[Painter, Look, passes.Size | None]:
        """Who paints a preview of a photo of ``width`` x ``height`` pixels, in which look, and at what size.

        That is (height, width) of the first pass, which is painted at once; None where one pass is all there is.
        """
        begun = passes.first_size(*_size((height, width), look), look.brush)
        if begun is None:
            return self, look, None
        painter, look = self._composer(look)
        return painter, replace(look, size=None, enlarge=False, brush="small"), begun

    def paint_array(self, pixels: pictures.Pixels, style: Style | Look, **dials: Unpack[Dials]) -> pictures.Pixels:
        """``paint`` for those who hold arrays: (h, w, 3) of uint8, uint16, or float32 in 0..1, in sRGB.

        The painting has the type of the photo. Nothing is copied first. Masks may be arrays (h, w) of these types.
        """
        return self.prepare(_photo(pixels), style, **dials).paint()

    def steps(self, pixels: pictures.Pixels, style: Style | Look, **dials: Unpack[Dials]) -> Iterator[Progress]:
        """``paint_array``, step by step: each record says how far it is, and the last one has the painting."""
        return self.prepare(_photo(pixels), style, **dials).steps()

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
        painting; None is that of the photo. Raises as ``paint``.
        """
        look = self.check(style, **dials)
        return self._job(*_loaded(image, look, max_pixels), look, kind)

    def _job(
        self, photo: pictures.Photo, masks: dict[str, pictures.Pixels], look: Look, kind: npt.DTypeLike | None
    ) -> Job:
        with enough_memory():
            wanted = np.dtype(photo.pixels.dtype if kind is None else kind)
            pixels, planes = _sized(photo, list(masks.values()), look, wanted)
            height, width = pixels.shape[:2]
            found = Rows(rows.rows_of(self.bank, look, pixels), look.shares, planes)
            if found.is_photo(height):
                found = replace(found, rows=[])
            work = Work(pixels, found, wanted, look.keep_color, self.network.threads)
            begun, first = passes.first_size(height, width, look.brush), None
            if begun is not None and found.rows:
                painter, same = self._composer(look)
                first = First(begun, painter.planner, rows.rows_of(painter.bank, same, pixels))
            return Job(look, work, self.planner, first)

    # ---- styles

    def check(self, style: Style | Look, **dials: Unpack[Dials]) -> Look:
        """The look of this style and these dials, once this painter can paint it.

        Raises at once what ``paint`` would raise for it: an OptionError, PictureError or BankError.
        """
        look = Look.of(style, **dials)
        rows.check(self.bank, look)
        return look

    def _composer(self, look: Look) -> tuple[Painter, Look]:
        """Who makes the first pass, and of what: ``first``, if the look's styles are the same there as here."""
        first = self.first
        if first is None or any(blend.weights_of(each) is None for each in look.styles):
            return self, look
        bank, own = rows.of_strokes(self.bank, look), self._own
        names = [name for name in look.names if name != PHOTO]
        known = all(name in first.bank and name in own for name in names)
        same = known and all(np.array_equal(bank[name], own[name]) for name in names)
        return (first, replace(look, stroke_size=None)) if same else (self, look)

    @cached_property
    def _own(self) -> Bank:
        """The bank that came with the network."""
        return Bank.load(self._own_bank)

    def photo_row(self, picture: pictures.Pixels) -> Floats | None:
        """The row (R,) with which the network paints this very picture as it is, as well as it can; None if unknown.

        Strengths and mixes are measured from it, and as a style it is painted like any other row of numbers.
        """
        return rows.photo_row(self.bank, picture)

    # ---- plans of sizes

    def plan(
        self,
        width: int,
        height: int,
        *,
        masks: int = 0,
        floats: bool = False,
        **dials: Unpack[Sizes],
    ) -> Plan:
        """How a photo of ``width`` x ``height`` pixels would be painted now; ``size``, ``brush``, ``masks`` as ever.

        ``Job.plan`` is that of a photo. ``floats``: photos and paintings with more than 8 bits, or photos that
        keep their colours. Raises NetworkError if it needs tiles and the runtime cannot paint them, PictureError
        beyond all memory.
        """
        for name, value in {"width": width, "height": height}.items():
            limits.SIDE.check(name, value)
        limits.MASKS.check("masks", masks)
        look = Look(PHOTO, **dials)
        height, width = _size((height, width), look)
        if look.enlarge:
            check_room(width, height, floats)
        begun = passes.first_size(height, width, look.brush)
        first = self.first.planner if begun and self.first else None
        return self.planner.plan((height, width), masks, floats=floats, begun=begun, first=first)

    def seconds(self, plan: Plan) -> float:
        """How long painting as planned will take here, from two small paintings made and timed, once for a painter."""
        return self.planner.seconds(plan, self.first.planner if plan.first and self.first else None)


def paint(
    image: pictures.Source,
    style: Style | Look,
    *,
    network: str | os.PathLike[str] = assets.DEFAULT,
    bank: Bank | str | os.PathLike[str] | None = None,
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
    **dials: Unpack[Dials],
) -> Image.Image:
    """Paint one photo: ``Painter(network, bank=bank).paint(image, style, ...)``; for many, keep a ``Painter`` open."""
    return Painter(network, bank=bank).paint(image, style, max_pixels=max_pixels, **dials)


def _shown(job: Job, photo: pictures.Photo) -> Image.Image:
    painted = job.paint()
    return pictures.to_pil(painted, photo.opacity_for(painted))


def _photo(pixels: pictures.Pixels) -> pictures.Photo:
    """An array (h, w, 3) as a photo, not copied."""
    if np.ndim(pixels) != 3 or np.shape(pixels)[2] != 3:
        raise PictureError(f"pixels are an array (height, width, 3), not {np.shape(pixels)}; take paint for others")
    return pictures.Photo(pixels if pictures.is_whole(pixels) else pictures.checked(pixels))


def _loaded(
    image: pictures.Photo | pictures.Source, look: Look, max_pixels: int | None
) -> tuple[pictures.Photo, dict[str, pictures.Pixels]]:
    """The photo, and the masks (h, w) of the look."""
    photo = image if isinstance(image, pictures.Photo) else pictures.load(image, max_pixels=max_pixels)
    return photo, regions.load(look.masks or {}, photo, max_pixels=max_pixels)


def _size(size: passes.Size, look: Look) -> passes.Size:
    """Height and width of the painting of a photo of this size."""
    height, width = size
    if look.size is not None:
        width, height = pictures.shrunk_size(width, height, look.size, enlarge=look.enlarge)
    return height, width


def _sized(
    photo: pictures.Photo, masks: list[pictures.Pixels], look: Look, kind: np.dtype[Any]
) -> tuple[pictures.Pixels, list[pictures.Pixels]]:
    """Pixels and masks (h, w) at the size of the painting; ``kind`` is its type."""
    pixels, size = photo.pixels, _size(photo.pixels.shape[:2], look)
    if size == pixels.shape[:2]:
        return pixels, masks
    if look.size is not None and look.size < max(pixels.shape[:2]):
        small = pictures.resize(pixels, look.size, opacity=photo.opacity)
        sized = [pictures.Photo(pixels, mask).opacity_for(small) for mask in masks]
        if pixels.dtype == np.uint8:  # whatever it becomes then, so that the same picture is painted
            return pictures.to_bytes(small), [mask for mask in sized if mask is not None]
        return small, [mask for mask in sized if mask is not None]
    check_room(size[1], size[0], kind != np.uint8 or pixels.dtype != np.uint8)
    return passes.enlarged(pixels, size), [passes.enlarged(mask[..., None], size)[..., 0] for mask in masks]
