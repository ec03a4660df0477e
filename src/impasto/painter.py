"""Photo and style in, painted photo out: an open network together with its bank of styles.

This is the one call behind the library, the command line and everything else; they differ only at the two ends.
"""

from __future__ import annotations

import math
import numbers
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto import assets, blend, memory, pictures, regions
from impasto.bank import PHOTO, Bank
from impasto.errors import PictureError
from impasto.large import Large, MomentsFrom
from impasto.runtime import SMALLEST, Network, Precision, RuntimeName, lacks_memory
from impasto.stages import MASKS, PICTURE
from impasto.tiles import Mirrored, Source

Floats = npt.NDArray[np.float32]
Style: TypeAlias = str | Mapping[str, float] | npt.NDArray[np.float32]

SHARE = 0.7  # of the free memory that a painting may take
WHOLE_BYTES = 4 * 2**30  # what a picture may take to be painted whole, unless it was told how much
TILES_BYTES = 2 * 2**30  # and what its tiles may take together
TILE_BYTES = 320 * 2**20  # for each thread: what tiles take where there is more
LEAST_BYTES = 40 * 2**20  # and where there is less than that
AT_MOST = 4000, 14_000  # bytes a pixel, without and with masks: no network takes so many, and most pictures have them
TRIALS = (512, 1024)  # pixels: what is painted to tell how long a picture will take


@dataclass(frozen=True)
class Plan:
    """How a picture will be painted: whole, or in tiles, in several passes over them.

    ``memory`` is what the process will take at its peak, ``disk`` what temporary files will take, in bytes. ``work``
    counts multiplications, those of overlapping tiles too.
    """

    width: int
    height: int
    whole: bool
    tiles: int
    passes: int
    memory: int
    disk: int
    work: float


@dataclass(frozen=True)
class Progress:
    """How far a painting is, 0..1; at the end it is there: (h, w, 3), uint8 or float32 as it was asked for."""

    share: float
    painted: pictures.Pixels | None = None


P = ParamSpec("P")


def _or_picture_error(steps: Callable[P, Iterator[Progress]]) -> Callable[P, Iterator[Progress]]:
    """``steps`` where memory that is refused is a PictureError in one sentence."""

    @wraps(steps)
    def told(*args: P.args, **options: P.kwargs) -> Iterator[Progress]:
        try:
            yield from steps(*args, **options)
        except Exception as error:
            if not lacks_memory(error):
                raise
            raise PictureError("there is not enough memory for this picture; give a smaller size") from error

    return told


class Painter:
    """A network and a bank of styles, opened once; ``paint`` as often as you like.

    ``network`` is the name of a network that comes with impasto ("full") or an ONNX file that ``impasto export`` wrote;
    ``bank`` is a bank, its file, or None for the one that belongs to the network. ``runtime`` is "openvino",
    "onnxruntime" or "auto" (OpenVINO where it runs); ``threads`` limits the cores; ``precision`` is "f32",
    "bf16", or "auto": bfloat16 where the processor has units for it, several times as fast and the same to the eye.
    ``streams`` is for those who paint many pictures of up to a megapixel, from so many threads: see ``Network``.

    Pictures are painted whole while that takes no more than 4 GB and the memory that is free allows it, and in tiles
    beyond; ``max_memory`` (bytes, of the whole process) sets another limit. (ONNX Runtime paints whole or not at all.)
    The result is the same: ``moments`` "exact" gathers what the network must know of the whole picture from all of it,
    with temporary files; "quick" takes a sample, which differs, and needs few.

    Raises NetworkError for a network that cannot be opened, BankError for a bank that cannot be read, MismatchError for
    a bank that belongs to another network.
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
        moments: MomentsFrom = "exact",
        streams: int = 1,
    ) -> None:
        if moments not in ("exact", "quick"):
            raise PictureError(f"moments are exact or quick, not {moments!r}")
        if max_memory is not None and not (_is_number(max_memory) and max_memory > 0):
            raise PictureError(f"max_memory must be a number of bytes, more than 0, not {max_memory!r}")
        network_file, own_bank = _files(network)
        self.network = Network(network_file, runtime=runtime, threads=threads, precision=precision, streams=streams)
        self.bank = bank if isinstance(bank, Bank) else Bank.load(own_bank if bank is None else bank)
        self.bank.check_network(self.network.fingerprint, network=self.network.name)
        self.max_memory, self.moments = max_memory, moments
        self._trials: dict[bool, list[tuple[float, float]]] = {}

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the styles that this painter knows."""
        return self.bank.names

    def paint(
        self,
        image: pictures.Source,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        keep_color: bool = False,
        masks: Mapping[str, regions.Mask] | None = None,
        max_pixels: int = pictures.DEFAULT_MAX_PIXELS,
    ) -> Image.Image:
        """Paint ``image`` (a path, bytes, file, PIL image or array) and return a PIL image of the same size.

        ``style`` is a name, a mix such as ``{"a": 0.6, "b": 0.4}`` or "a:0.6,b:0.4" (weights are normalised), or a row.
        ``strength`` 0 is the photo, 1 the style, up to 1.5 overdoes it. ``size`` shrinks the longer side to so many
        pixels first. ``keep_color`` keeps the photo's colours and takes only light and shade from the painting. Alpha
        is carried over.

        ``masks`` gives regions other styles or mixes: to each a grey picture of the photo's size whose values are
        weights, or "alpha" for the photo's own; soft edges are soft transitions, what is left goes to ``style``, and
        masks that add up to more than 1 are divided by their sum. Raises PictureError, StyleNameError, BankError.
        """
        photo = pictures.load(image, max_pixels=max_pixels)
        weights = regions.load(masks or {}, photo)
        painted = self.paint_pixels(
            photo.pixels, style, strength=strength, size=size, keep_color=keep_color, masks=weights
        )
        return pictures.to_pil(painted, photo.opacity_for(painted))

    def paint_picture(
        self,
        picture: pictures.Pixels,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        keep_color: bool = False,
        masks: Mapping[str, pictures.Pixels] | None = None,
    ) -> pictures.Picture:
        """``paint`` for those who hold pictures: float32, (h, w, 3), 0..1 in, the same out; masks are (h, w), 0..1.

        Both may also be uint8 or uint16, from 0 to their largest.
        """
        steps = self.paint_steps(
            picture, style, strength=strength, size=size, keep_color=keep_color, masks=masks, as_float=True
        )
        painted: pictures.Picture = _last(steps)
        return painted

    def paint_pixels(
        self,
        pixels: pictures.Pixels,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        keep_color: bool = False,
        masks: Mapping[str, pictures.Pixels] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """``paint_picture`` that gives uint8, (h, w, 3): with uint8 in, the way for pictures that fill the memory."""
        painted: npt.NDArray[np.uint8] = _last(
            self.paint_steps(pixels, style, strength=strength, size=size, keep_color=keep_color, masks=masks)
        )
        return painted

    @_or_picture_error
    def paint_steps(
        self,
        pixels: pictures.Pixels,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        keep_color: bool = False,
        masks: Mapping[str, pictures.Pixels] | None = None,
        as_float: bool = False,
    ) -> Iterator[Progress]:
        """``paint_pixels``, or with ``as_float`` ``paint_picture``, telling how far it is; the last record has it."""
        masks = dict(masks or {})
        if size is not None and max(pixels.shape[:2]) > size:
            whole, pixels = pixels, pictures.resize(pixels, size)
            if whole.dtype == np.uint8:  # whatever it becomes then, so that the same picture is painted
                pixels = pictures.to_bytes(pixels)
            masks = {name: _like(mask, whole, pixels) for name, mask in masks.items()}
        styles: list[Style] = [style, *masks]
        bank = self.bank_for(pixels) if any(_needs_photo(each, strength) for each in styles) else self.bank
        rows = [blend.mix(bank, each, strength=strength) for each in styles]
        floats = keep_color or as_float or pixels.dtype != np.uint8
        with memory.claims.deciding:
            claim = self._whole_bytes(pixels.shape[0], pixels.shape[1], len(masks), floats)
            memory.claims.take(claim)
        if claim:
            try:
                painted = self._paint_whole(pixels, rows, list(masks.values()), keep_color, as_float)
            except Exception as error:  # somebody else took the memory meanwhile: then in tiles
                if not lacks_memory(error):
                    raise
            else:
                yield Progress(1.0, painted)
                return
            finally:
                memory.claims.give_back(claim)
        yield from self._paint_tiles(pixels, rows, list(masks.values()), keep_color, as_float)

    def _paint_whole(
        self,
        pixels: pictures.Pixels,
        rows: list[Floats],
        masks: list[pictures.Pixels],
        keep_color: bool,
        as_float: bool,
    ) -> pictures.Pixels:
        in_bytes = pixels.dtype == np.uint8 and not (keep_color or as_float)
        picture: Any = pixels if in_bytes else pictures.unit(pixels)
        if masks:
            painted = self.network.paint_regions(picture, np.stack(rows), regions.stack(masks))
        else:
            painted = self.network.paint(picture, rows[0])
        if in_bytes:
            return painted
        painted = pictures.keep_color(painted, picture) if keep_color else painted
        return painted if as_float else pictures.to_bytes(painted)

    def _paint_tiles(
        self,
        pixels: pictures.Pixels,
        rows: list[Floats],
        masks: list[pictures.Pixels],
        keep_color: bool,
        as_float: bool,
    ) -> Iterator[Progress]:
        painted: Any = np.empty(pixels.shape, np.float32 if as_float else np.uint8)
        with memory.claims.deciding:
            large = self._large(pixels, masks, rows)
            memory.claims.take(large.budget)
        try:
            for step in large.paint(self.moments):
                if step.painted is not None:
                    height, width = step.painted.shape[:2]
                    place = slice(step.top, step.top + height), slice(step.left, step.left + width)
                    photo = pixels[place]
                    part = step.painted[: photo.shape[0], : photo.shape[1]]  # without what was mirrored
                    if part.size:
                        part = pictures.keep_color(part, pictures.unit(photo)) if keep_color else part
                        painted[place] = part if as_float else pictures.to_bytes(part)
                yield Progress(min(step.share, 0.999))
        finally:
            memory.claims.give_back(large.budget)
        yield Progress(1.0, painted)

    def _large(self, pixels: pictures.Pixels, masks: list[pictures.Pixels], rows: list[Floats]) -> Large:
        graph = self.network.graph(bool(masks))
        sources: dict[str, Source] = {PICTURE: Mirrored(pixels, graph.multiple, SMALLEST)}
        if masks:
            sources[MASKS] = Mirrored(_Stack(masks), graph.multiple, SMALLEST)
        scale, shift = np.split(np.stack(rows) if masks else rows[0], 2, axis=-1)
        style = {"scale": np.ascontiguousarray(scale), "shift": np.ascontiguousarray(shift)}
        return Large(graph, sources, style, budget=self._budget(pixels.size), threads=self.network.threads)

    # ---- how large

    def plan(self, width: int, height: int, *, size: int | None = None, masks: int = 0, floats: bool = False) -> Plan:
        """How a photo of ``width`` x ``height`` pixels would be painted now, ``size`` and ``masks`` as in ``paint``.

        ``floats`` tells of photos and paintings with more than 8 bits, and of photos that keep their colours.
        Raises NetworkError if it needs tiles and the runtime cannot paint them.
        """
        _check_whole("width", width, 1)
        _check_whole("height", height, 1)
        _check_whole("size", 1 if size is None else size, 1)
        _check_whole("masks", masks, 0)
        if size is not None:
            width, height = pictures.shrunk_size(width, height, size)
        whole = self.network.bytes_for(height, width, regions=masks > 0, floats=floats)
        whole += 4 * (masks + 1) * (masks > 0) * height * width
        files = 2 * 3 * height * width  # photo and painting in 8 bits
        if whole <= self._most():
            return Plan(width, height, True, 1, 1, memory.used() + whole + files, 0, 0.0)
        blank: Any = np.broadcast_to(np.uint8(0), (height, width, 3))  # takes no memory
        large = self._large(blank, [blank[..., 0]] * masks, self._any_rows(masks))
        layout = large.layout(self.moments)
        total = memory.used() + layout.memory + files + masks * height * width
        return Plan(width, height, False, layout.tiles, layout.passes, total, layout.disk, layout.work)

    def _whole_bytes(self, height: int, width: int, masks: int, floats: bool) -> int:
        """About how many bytes it takes to paint a picture of this size whole, as planned; 0 if it needs tiles."""
        surely = AT_MOST[masks > 0] * max(height, SMALLEST) * max(width, SMALLEST) + 4 * (masks + 1) * height * width
        if surely <= self._most():  # reading the graph to know better takes as long as a small painting
            return surely // 4
        planned = self.plan(width, height, masks=masks, floats=floats)
        return max(1, planned.memory - memory.used()) if planned.whole else 0

    def _most(self) -> float:
        """Bytes that a picture may take to be painted whole."""
        most = SHARE * self._room()
        if self.max_memory is None and self.network.runtime == "openvino":  # the other runtime knows no tiles
            most = min(most, WHOLE_BYTES)
        return most

    def seconds(self, plan: Plan) -> float:
        """How long painting as planned will take here, from two small paintings made and timed, once for a painter."""
        if plan.whole not in self._trials:
            self._trials[plan.whole] = [self._trial(side, plan.whole) for side in TRIALS]
        (first, little), (second, more) = self._trials[plan.whole]
        work = plan.width * plan.height if plan.whole else plan.work
        if work <= little:
            return first * work / little
        return first + max(0.0, second - first) / (more - little) * (work - little)

    def _trial(self, side: int, whole: bool) -> tuple[float, float]:
        """Seconds and work of painting noise, ``side`` x ``side`` pixels."""
        noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
        if whole:
            self.network.prepare(side, side)
        begin = time.perf_counter()
        if whole:
            self._paint_whole(noise, self._any_rows(0), [], False, False)
            return time.perf_counter() - begin, float(side * side)
        large = self._large(noise, [], self._any_rows(0))
        for _ in large.paint(self.moments):
            pass
        return time.perf_counter() - begin, large.layout(self.moments).work

    def _any_rows(self, masks: int) -> list[Floats]:
        return [self.bank.rows[0]] * (masks + 1)

    def _room(self) -> float:
        """Bytes that a painting may take beside what the process holds already."""
        free = float(memory.available())
        return (free if self.max_memory is None else min(free, self.max_memory - memory.used())) - memory.claims.open()

    def _budget(self, painted: int) -> int:
        """Bytes that tiles may take beside the painting (in bytes), which is never so little that nothing goes."""
        room = SHARE * (self._room() - painted)
        if self.max_memory is None:
            room = min(room, TILES_BYTES)
        return int(max(LEAST_BYTES, min(room, TILE_BYTES * self.network.threads)))

    def bank_for(self, picture: pictures.Pixels) -> Bank:
        """The bank with the ``photo`` row that gives this very picture back; ``blend`` the rows of a photo from it."""
        if PHOTO not in self.bank:
            return self.bank
        step = blend.tone_stride(picture)
        own = blend.with_own_tones(self.bank[PHOTO], pictures.unit(picture[::step, ::step]))
        return self.bank.add(PHOTO, own, self.bank.card(PHOTO), replace=True)


def paint(
    image: pictures.Source,
    style: Style,
    *,
    strength: float = 1.0,
    size: int | None = None,
    keep_color: bool = False,
    masks: Mapping[str, regions.Mask] | None = None,
    network: str | os.PathLike[str] = assets.DEFAULT,
    bank: Bank | str | os.PathLike[str] | None = None,
) -> Image.Image:
    """Paint one photo: ``Painter(network, bank=bank).paint(image, style, ...)``; for many, keep a ``Painter`` open."""
    painter = Painter(network, bank=bank)
    return painter.paint(image, style, strength=strength, size=size, keep_color=keep_color, masks=masks)


def _last(steps: Iterator[Progress]) -> Any:
    """The painting at the end of the steps."""
    painted = None
    for step in steps:
        painted = step.painted
    return painted


def _is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return not isinstance(value, bool) and isinstance(value, numbers.Real) and math.isfinite(value)


def _check_whole(name: str, value: Any, least: int) -> None:
    if not _is_number(value) or int(value) != value or value < least:
        raise PictureError(f"{name} must be a whole number from {least} on, not {value!r}")


class _Stack:
    """K masks (h, w) as pixels (h, w, K + 1) that are made where they are read: see ``regions.stack``."""

    dtype = np.dtype(np.float32)

    def __init__(self, masks: list[pictures.Pixels]) -> None:
        self._masks = masks
        self.shape = (*masks[0].shape, len(masks) + 1)

    def __getitem__(self, place: Any) -> Floats:
        return regions.stack([mask[place] for mask in self._masks]).transpose(1, 2, 0)


def _like(mask: pictures.Pixels, whole: pictures.Pixels, picture: pictures.Pixels) -> pictures.Pixels:
    """``mask`` (h, w) of the ``whole`` picture at the size of the resized ``picture``."""
    resized = pictures.Photo(whole, mask).opacity_for(picture)
    return mask if resized is None else resized


def _needs_photo(style: Style, strength: float) -> bool:
    return strength != 1 or (not isinstance(style, np.ndarray) and PHOTO in style)


def _files(network: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The network's ONNX file and the bank that lies beside it."""
    path = Path(network)
    if path.suffix == ".onnx":
        return path, path.with_suffix(".safetensors")
    return assets.network_file(str(network)), assets.bank_file(str(network))
