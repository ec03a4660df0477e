"""Photo and style in, painted photo out: an open network together with its bank of styles.

This is the one call behind the library, the command line and everything else; they differ only at the two ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from impasto import assets, limits, pictures
from impasto.errors import (
    BankError,
    ImpastoError,
    MismatchError,
    OptionError,
    PictureError,
    StyleNameError,
    lacks_memory,
)
from impasto.painting import memory, passes, regions
from impasto.painting.network import Network
from impasto.painting.runtimes import Precision, RuntimeName
from impasto.painting.tiles.large import Large, MomentsFrom
from impasto.painting.tiles.parts import MASKS, PICTURE
from impasto.painting.tiles.windows import Mirrored, Source
from impasto.painting.work import Floats, Look, Stack, Work, like, second_pass
from impasto.styles import blend
from impasto.styles.bank import PHOTO, Bank

Style: TypeAlias = blend.Style
Brush: TypeAlias = passes.Brush

SHARE = 0.7  # of the free memory that a painting may take
WHOLE_BYTES = 4_000_000_000  # what a picture may take to be painted whole, if no limit is given
TILES_BYTES = 2_000_000_000  # and what its tiles may take together
TILE_BYTES = 320 * 2**20  # for each thread: what tiles take where there is more
LEAST_BYTES = 40 * 2**20  # and where there is less than that
FIRST = {"fast": "full"}  # networks that another one makes the first pass for, which composes better
AT_MOST = 4000, 14_000  # bytes a pixel, without and with masks: no network needs more; most machines have them free
TRIALS = (512, 1024)  # pixels: what is painted to estimate how long a picture will take


@dataclass(frozen=True)
class Plan:
    """How a picture will be painted: whole, or in tiles, in several passes over them.

    ``memory`` is what the process will take at its peak, ``disk`` what temporary files will take, in bytes. ``work``
    counts multiplications, those of overlapping tiles too. ``first`` is the longer side of the first, small painting
    of a large picture, in pixels; 0 where there is none.
    """

    width: int
    height: int
    whole: bool
    tiles: int
    passes: int
    memory: int
    disk: int
    work: float
    first: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a painting is, 0..1; at the end it is there: (h, w, 3), uint8 or float32 as it was asked for."""

    share: float
    painted: pictures.Pixels | None = None


P = ParamSpec("P")


def _or_picture_error(steps: Callable[P, Iterator[Progress]]) -> Callable[P, Iterator[Progress]]:
    """``steps`` where memory that is refused is a PictureError in one sentence."""

    @wraps(steps)
    def guarded(*args: P.args, **options: P.kwargs) -> Iterator[Progress]:
        try:
            yield from steps(*args, **options)
        except Exception as error:
            if not lacks_memory(error):
                raise
            raise PictureError("there is not enough memory for this picture; give a smaller size") from error

    return guarded


class Painter:
    """A network and a bank of styles, opened once; ``paint`` as often as you like.

    ``network`` is the name of a network that comes with impasto ("full") or an ONNX file that ``impasto export`` wrote;
    ``bank`` is a bank, its file, or None for the one that belongs to the network; a bank without ``photo`` gets that
    row from the network's own bank. ``runtime`` is "openvino",
    "onnxruntime" or "auto" (OpenVINO where it runs); ``threads`` limits the cores; ``precision`` is "f32",
    "bf16", or "auto": bfloat16, the same to the eye, where a short trial finds it quicker than float32.
    ``streams`` is how many threads paint pictures of up to a megapixel side by side: see ``Network``.

    Pictures are painted whole while that takes no more than 4 GB and the memory that is free allows it, and in tiles
    beyond; ``max_memory`` (bytes, of the whole process) sets another limit. (ONNX Runtime paints whole or not at all.)
    The result is the same: ``moments`` "exact" gathers what the network must know of the whole picture from all of it,
    with temporary files; "quick" takes a sample, which differs, and needs few.

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
        moments: MomentsFrom = "exact",
        streams: int = 1,
    ) -> None:
        limits.Choice(("exact", "quick")).check("moments", moments)
        if max_memory is not None:
            limits.MEMORY.check("max_memory, in bytes,", max_memory)
        if threads is not None:
            limits.SEVERAL.check("threads", threads)
        limits.SEVERAL.check("streams", streams)
        network_file, self._own_bank = _files(network)
        self.network = Network(network_file, runtime=runtime, threads=threads, precision=precision, streams=streams)
        self.bank = self._opened(bank)
        self.max_memory, self.moments = max_memory, moments
        self._name, self._threads = network, threads
        self._lock, self._chosen = threading.Lock(), False
        self._first: Painter | None = None
        self._trials: dict[bool, list[tuple[float, float]]] = {}

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
        self._bank = self._with_photo(bank)

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
        name = FIRST.get(str(self._name), "")
        if name not in assets.networks():
            return None
        network = self.network
        return Painter(
            name,
            runtime=network.runtime,  # type: ignore[arg-type]
            threads=self._threads,
            precision=network.precision,  # type: ignore[arg-type]
            max_memory=self.max_memory,
            moments=self.moments,
        )

    def _opened(self, bank: Bank | str | os.PathLike[str] | None) -> Bank:
        if isinstance(bank, Bank):
            return bank
        file = self._own_bank if bank is None else bank
        opened = Bank.load(file)
        try:
            opened.check_network(self.network.fingerprint, network=self.network.name)
        except MismatchError as error:
            raise MismatchError(f"'{os.fspath(file)}': {error}") from error
        return opened

    def _with_photo(self, bank: Bank) -> Bank:
        """The bank with the ``photo`` row of the bank beside the network, or of a bank that comes with impasto."""
        for file in (self._own_bank, *map(assets.bank_file, assets.networks())) if PHOTO not in bank else ():
            with contextlib.suppress(ImpastoError):  # it is no fault of this bank if another cannot be read
                own = Bank.load(file)
                if own.fingerprint == bank.fingerprint and PHOTO in own:
                    return bank.merge(own.select([PHOTO]))
        return bank

    def paint(
        self,
        image: pictures.Source,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        enlarge: bool = False,
        brush: Brush = "medium",
        keep_color: bool = False,
        masks: Mapping[str, regions.Mask] | None = None,
        max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
    ) -> Image.Image:
        """Paint ``image`` (a path, bytes, file, PIL image or array) and return a PIL image of the same size.

        ``style`` is a name, a mix such as ``{"a": 0.6, "b": 0.4}``, "a:0.6,b:0.4" or ["a", "b"] (weights are
        normalised), or a row. ``strength`` 0 is the photo, 1 the style, up to 1.5 overdoes it; the style ``photo`` is
        the photo too, pixel for pixel, and below a strength of 0.5 the photo itself shines through. ``size`` shrinks
        the longer side to that many pixels first, and with ``enlarge`` brings a smaller photo to them too.
        ``keep_color`` keeps the photo's colours and takes only light and shade from the painting. Alpha is carried
        over; the photo's metadata is not (``pictures.save`` with ``like`` does that).

        ``brush`` is the size of the strokes on large pictures, which are painted small first and then, on top of that,
        at full size: "medium", "large", "small" (one pass at full size), or the longer side of the small painting in
        pixels, 16 or more. Pictures that are not 1.4 times as large ("medium": 1,024 pixels, "large": 640) are
        painted in one pass, whatever the brush.

        ``masks`` gives regions other styles or mixes: to each a grey picture of the photo's size whose values are
        weights, or "alpha" for the photo's own; soft edges are soft transitions, what is left goes to ``style``, and
        masks that add up to more than 1 are divided by their sum. ``max_pixels`` is the most that photo and masks may
        have, each; None is no limit. Raises PictureError, StyleNameError, BankError.
        """
        self.check(style, strength=strength, size=size, brush=brush, masks=masks)
        photo = pictures.load(image, max_pixels=max_pixels)
        weights = regions.load(masks or {}, photo, max_pixels=max_pixels)
        return self._paint_photo(
            photo,
            style,
            strength=strength,
            size=size,
            enlarge=enlarge,
            brush=brush,
            keep_color=keep_color,
            masks=weights,
        )

    def preview(
        self,
        image: pictures.Source,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        enlarge: bool = False,
        brush: Brush = "medium",
        keep_color: bool = False,
        masks: Mapping[str, regions.Mask] | None = None,
        max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
    ) -> Image.Image:
        """What ``paint`` with these options will look like as a whole, in a fraction of the time: its first pass.

        A large picture comes at the size of that. One that is painted in one pass comes as ``paint`` gives it.
        """
        self.check(style, strength=strength, size=size, brush=brush, masks=masks)
        _check_enlarge(enlarge, size)
        photo = pictures.load(image, max_pixels=max_pixels)
        weights = regions.load(masks or {}, photo, max_pixels=max_pixels)
        height, width = photo.pixels.shape[:2]
        if size is not None:
            width, height = pictures.shrunk_size(width, height, size, enlarge=enlarge)
        begun, painter = passes.first_size(height, width, brush), self
        if begun is not None:
            picture = np.ascontiguousarray(passes.shrunk(photo.pixels, begun).transpose(1, 2, 0))
            photo = replace(photo, pixels=picture, opacity=photo.opacity_for(picture))
            weights = {name: passes.shrunk(mask[..., None], begun)[0] for name, mask in weights.items()}
            size, enlarge, painter = None, False, self._composer([style, *weights])
        return painter._paint_photo(
            photo,
            style,
            strength=strength,
            size=size,
            enlarge=enlarge,
            brush="small",
            keep_color=keep_color,
            masks=weights,
        )

    def _paint_photo(self, photo: pictures.Photo, style: Style, **dials: Any) -> Image.Image:
        painted = _last(self.paint_steps(photo.pixels, style, opacity=photo.opacity, **dials))
        return pictures.to_pil(painted, photo.opacity_for(painted))

    def check(
        self,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        brush: Brush = "medium",
        masks: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise at once what ``paint`` would raise for these dials: an OptionError, PictureError or BankError."""
        if size is not None:
            limits.SIDE.check("size", size)
        limits.BRUSH.check("brush", brush)
        if not (masks is None or isinstance(masks, Mapping)):
            raise PictureError(f"masks are a dict of styles and their pictures, not of type {type(masks).__name__}")
        styles: list[Style] = [style, *(masks or {})]
        painted = any(blend.style_share(each, strength=strength) for each in styles)  # else no photo row is needed
        blank = np.zeros(self.network.row_size, np.float32)
        try:
            for each in styles:
                blend.mix(self.bank, each, strength=strength, photo=None if painted else blank)
        except StyleNameError as error:
            names = (name for each in styles for name in blend.weights_of(each) or () if name not in self.bank)
            other = _network_of(next(names, ""))
            raise error if other is None else StyleNameError(f"{error}; the network {other!r} has it") from error

    def paint_picture(
        self,
        picture: pictures.Pixels,
        style: Style,
        *,
        strength: float = 1.0,
        size: int | None = None,
        enlarge: bool = False,
        brush: Brush = "medium",
        keep_color: bool = False,
        masks: Mapping[str, pictures.Pixels] | None = None,
    ) -> pictures.Picture:
        """``paint`` for those who hold pictures: float32, (h, w, 3), 0..1 in, the same out; masks are (h, w), 0..1.

        Both may also be uint8 or uint16, from 0 to their largest.
        """
        steps = self.paint_steps(
            picture,
            style,
            strength=strength,
            size=size,
            enlarge=enlarge,
            brush=brush,
            keep_color=keep_color,
            masks=masks,
            as_float=True,
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
        enlarge: bool = False,
        brush: Brush = "medium",
        keep_color: bool = False,
        masks: Mapping[str, pictures.Pixels] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """``paint_picture`` that gives uint8, (h, w, 3): with uint8 in, the way for pictures that fill the memory."""
        painted: npt.NDArray[np.uint8] = _last(
            self.paint_steps(
                pixels,
                style,
                strength=strength,
                size=size,
                enlarge=enlarge,
                brush=brush,
                keep_color=keep_color,
                masks=masks,
            )
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
        enlarge: bool = False,
        brush: Brush = "medium",
        keep_color: bool = False,
        masks: Mapping[str, pictures.Pixels] | None = None,
        as_float: bool = False,
        opacity: pictures.Pixels | None = None,
    ) -> Iterator[Progress]:
        """``paint_pixels``, or with ``as_float`` ``paint_picture``, reporting how far it is; the last record has it.

        ``opacity`` (h, w) is the photo's, where it has one: with ``size`` colours count as far as they are seen.
        """
        self.check(style, strength=strength, size=size, brush=brush, masks=masks)
        _check_enlarge(enlarge, size)
        masks = dict(masks or {})
        _check_shapes(pixels, masks)
        if size is not None and max(pixels.shape[:2]) > size:
            whole, pixels = pixels, pictures.resize(pixels, size, opacity=opacity)
            if whole.dtype == np.uint8:  # whatever it becomes then, so that the same picture is painted
                pixels = pictures.to_bytes(pixels)
            masks = {name: like(mask, whole, pixels) for name, mask in masks.items()}
        elif size is not None and enlarge:
            width, height = pictures.shrunk_size(pixels.shape[1], pixels.shape[0], size, enlarge=True)
            _check_room(width, height, as_float or pixels.dtype != np.uint8)
            pixels = passes.enlarged(pixels, (height, width))
            masks = {name: passes.enlarged(mask[..., None], (height, width))[..., 0] for name, mask in masks.items()}
        look = self._look(pixels, [style, *masks], strength, list(masks.values()))
        if look.is_photo(len(pixels)):
            yield Progress(1.0, np.array(pictures.unit(pixels) if as_float else pictures.to_bytes(pixels)))
            return
        work = Work(pixels, look, keep_color, as_float, pixels, threads=self.network.threads)
        height, width = pixels.shape[:2]
        begun = passes.first_size(height, width, brush)
        if begun is None:
            yield from self._pass(work)
            return
        share, first = 0.0, None
        small = passes.shrunk(pixels, begun, work.threads)
        for step in self._first_pass(work, small, [style, *masks], strength):
            share = step.share * math.prod(begun) / (height * width)
            yield Progress(share)
            first = step.painted
        for step in self._pass(second_pass(work, first, small)):
            yield Progress(1 - (1 - share) * (1 - step.share), step.painted)

    def _look(
        self, pixels: pictures.Pixels, styles: list[Style], strength: float, masks: list[pictures.Pixels]
    ) -> Look:
        shares = [blend.style_share(style, strength=strength) for style in styles]
        if not any(shares):
            return Look([], shares, masks)
        photo = self.photo_row(pixels) if any(_needs_photo(each, strength) for each in styles) else None
        return Look([blend.mix(self.bank, each, strength=strength, photo=photo) for each in styles], shares, masks)

    def _first_pass(self, work: Work, small: Floats, styles: list[Style], strength: float) -> Iterator[Progress]:
        """Paint the picture made ``small``, as planes, without whatever is done to a painting afterwards."""
        painter = self._composer(styles)
        masks = [passes.shrunk(mask[..., None], small.shape[1:])[0] for mask in work.look.masks]
        look = painter._look(work.photo, styles, strength, masks)
        plain = Look(look.rows, [1.0] * len(look.rows), masks)
        picture = np.ascontiguousarray(small.transpose(1, 2, 0))
        yield from painter._pass(Work(picture, plain, False, True, picture))
        painter.network.let_go()

    def _composer(self, styles: list[Style]) -> Painter:
        """Who makes the first pass: ``first``, if there is one and all ``styles`` are the same there as here."""
        found = [blend.weights_of(style) for style in styles]
        if self.first is None or any(each is None for each in found):
            return self
        names = {name for each in found for name in each or () if name != PHOTO}
        own = self._own
        known = all(name in self.first.bank and name in own for name in names)
        return self.first if known and all(np.array_equal(self.bank[name], own[name]) for name in names) else self

    @cached_property
    def _own(self) -> Bank:
        """The bank that came with the network."""
        return Bank.load(self._own_bank)

    def _pass(self, work: Work) -> Iterator[Progress]:
        """One pass of the network over a picture, whole or in tiles, as memory allows."""
        height, width = work.photo.shape[:2]
        with memory.claims.deciding:
            claim = self._whole_bytes(height, width, len(work.look.masks), work.floats, work.first is not None)
            memory.claims.take(claim)
        if claim:
            try:
                painted = self._paint_whole(work)
            except Exception as error:  # somebody else took the memory meanwhile: then in tiles
                if not lacks_memory(error):
                    raise
            else:
                yield Progress(1.0, painted)
                return
            finally:
                memory.claims.give_back(claim)
        yield from self._paint_tiles(work)

    def _paint_whole(self, work: Work) -> pictures.Pixels:
        picture: Any = work.whole()
        if work.look.masks:
            painted = self.network.paint_regions(picture, np.stack(work.look.rows), regions.stack(work.look.masks))
        else:
            painted = self.network.paint(picture, work.look.rows[0])
        return work.finished(painted)

    def _paint_tiles(self, work: Work) -> Iterator[Progress]:
        kind = np.float32 if work.first is not None and work.floats else work.kind  # before what is done to it then
        painted: Any = np.empty(work.photo.shape, kind)
        with memory.claims.deciding:
            large = self._large(work.seen, work.look.masks, work.look.rows)
            memory.claims.take(large.budget)
        try:
            for step in large.paint(self.moments):
                if step.painted is not None:
                    height, width = step.painted.shape[:2]
                    place = slice(step.top, step.top + height), slice(step.left, step.left + width)
                    target = painted[place]
                    part = step.painted[: target.shape[0], : target.shape[1]]  # without what was mirrored
                    if part.size and work.first is None:
                        target[:] = work.part(part, place)
                    elif part.size:
                        target[:] = part if kind == np.float32 else pictures.to_bytes(part)
                yield Progress(min(step.share, 0.999))
        finally:
            memory.claims.give_back(large.budget)
        yield Progress(1.0, painted if work.first is None else work.finished(painted))

    def _large(
        self, pixels: pictures.Pixels | passes.Second, masks: list[pictures.Pixels], rows: list[Floats]
    ) -> Large:
        graph = self.network.graph(bool(masks))
        given: dict[str, Any] = {PICTURE: pixels} | ({MASKS: Stack(masks)} if masks else {})
        sources: dict[str, Source] = {
            name: Mirrored(each, graph.multiple, self.network.smallest, graph.margin) for name, each in given.items()
        }
        scale, shift = np.split(np.stack(rows) if masks else rows[0], 2, axis=-1)
        style = {"scale": np.ascontiguousarray(scale), "shift": np.ascontiguousarray(shift)}
        return Large(graph, sources, style, budget=self._budget(math.prod(pixels.shape)), threads=self.network.threads)

    # ---- how large

    def plan(
        self,
        width: int,
        height: int,
        *,
        size: int | None = None,
        enlarge: bool = False,
        brush: Brush = "medium",
        masks: int = 0,
        floats: bool = False,
    ) -> Plan:
        """How a photo of ``width`` x ``height`` pixels would be painted now; ``size``, ``brush``, ``masks`` as ever.

        ``floats``: photos and paintings with more than 8 bits, or photos that keep their colours.
        Raises NetworkError if it needs tiles and the runtime cannot paint them, PictureError beyond all memory.
        """
        for name, value in {"width": width, "height": height, "size": size}.items():
            if value is not None:
                limits.SIDE.check(name, value)
        limits.BRUSH.check("brush", brush)
        limits.MASKS.check("masks", masks)
        if size is not None:
            width, height = pictures.shrunk_size(width, height, size, enlarge=enlarge)
        _check_enlarge(enlarge, size)
        if enlarge:
            _check_room(width, height, floats)
        begun = passes.first_size(height, width, brush)
        planned = self._plan_pass(width, height, masks, floats, begun is not None)
        if begun is None:
            return planned
        first = (self.first or self)._plan_pass(begun[1], begun[0], masks, True, False)
        kept = 4 * 6 * math.prod(begun)  # photo and painting of the first pass
        return replace(
            planned,
            memory=max(planned.memory + kept, first.memory + 3 * height * width),
            disk=max(planned.disk, first.disk),
            first=max(begun),
        )

    def _plan_pass(self, width: int, height: int, masks: int, floats: bool, second: bool) -> Plan:
        whole = self.network.bytes_for(height, width, regions=masks > 0, floats=floats)
        whole += 4 * (masks + 1) * (masks > 0) * height * width
        whole += second * (12 if floats else 3) * height * width  # what the second pass paints
        files = 2 * 3 * height * width  # photo and painting in 8 bits
        if whole <= self._most():
            return Plan(width, height, True, 1, 1, memory.used() + whole + files, 0, 0.0)
        blank: Any = np.broadcast_to(np.uint8(0), (height, width, 3))  # takes no memory
        large = self._large(blank, [blank[..., 0]] * masks, self._any_rows(masks))
        layout = large.layout(self.moments)
        total = memory.used() + layout.memory + files + masks * height * width
        total += (second and floats) * 9 * height * width  # the painting is not rounded before the first is in it
        return Plan(width, height, False, layout.tiles, layout.passes, total, layout.disk, layout.work)

    def _whole_bytes(self, height: int, width: int, masks: int, floats: bool, second: bool) -> int:
        """About how many bytes it takes to paint a picture of this size whole, as planned; 0 if it needs tiles."""
        surely = AT_MOST[masks > 0] * self.network.pixels(height, width) + 4 * (masks + 1) * height * width
        if surely <= self._most():  # reading the graph to know better takes as long as a small painting
            return surely // 4
        planned = self._plan_pass(width, height, masks, floats, second)
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
        work = self.network.pixels(plan.height, plan.width) if plan.whole else plan.work
        beyond = max(0.0, second - first) / (more - little) * (work - little)
        return self._seconds_first(plan) + (first * work / little if work <= little else first + beyond)

    def _seconds_first(self, plan: Plan) -> float:
        """Seconds that the first pass, and what comes between the two, will take."""
        begun = passes.first_size(plan.height, plan.width, plan.first) if plan.first else None
        if begun is None:
            return 0.0
        painter = self.first or self
        noise = _noise(max(TRIALS))
        begin = time.perf_counter()
        small = passes.shrunk(noise, (min(TRIALS), min(TRIALS)))
        passes.crossed(small, passes.Second(small, noise, small).whole())(slice(None))
        between = (time.perf_counter() - begin) * plan.width * plan.height / max(TRIALS) ** 2
        return between + painter.seconds(painter._plan_pass(begun[1], begun[0], 0, False, False))

    def _trial(self, side: int, whole: bool) -> tuple[float, float]:
        """Seconds and work of painting noise, ``side`` x ``side`` pixels."""
        noise = _noise(side)
        if whole:
            self.network.prepare(side, side)
        begin = time.perf_counter()
        if whole:
            self._paint_whole(Work(noise, Look(self._any_rows(0), [1.0], []), False, False, noise))
            return time.perf_counter() - begin, float(self.network.pixels(side, side))
        large = self._large(noise, [], self._any_rows(0))
        for _ in large.paint(self.moments):
            pass
        return time.perf_counter() - begin, large.layout(self.moments).work

    def _any_rows(self, masks: int) -> list[Floats]:
        return [np.ones(self.network.row_size, np.float32)] * (masks + 1)

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

    def photo_row(self, picture: pictures.Pixels) -> Floats | None:
        """The row (R,) with which the network paints this very picture as it is, as well as it can; None if unknown.

        Strengths and mixes are measured from it, and as a style it is painted like any other row of numbers.
        """
        if PHOTO not in self.bank:
            return None
        step = blend.tone_stride(picture)
        return blend.with_own_tones(self.bank[PHOTO], pictures.unit(picture[::step, ::step]))

    def paint_photo_row(self, picture: pictures.Pixels) -> pictures.Picture:
        """The picture as the network gives it back, float32, (h, w, 3); BankError where no ``photo`` row is known.

        What the style ``photo`` gives is the picture itself; this is for measuring.
        """
        row = self.photo_row(picture)
        if row is None:
            raise BankError(f"the bank has no style {PHOTO!r}")
        return self.paint_picture(picture, row)


def paint(
    image: pictures.Source,
    style: Style,
    *,
    strength: float = 1.0,
    size: int | None = None,
    enlarge: bool = False,
    brush: Brush = "medium",
    keep_color: bool = False,
    masks: Mapping[str, regions.Mask] | None = None,
    network: str | os.PathLike[str] = assets.DEFAULT,
    bank: Bank | str | os.PathLike[str] | None = None,
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
) -> Image.Image:
    """Paint one photo: ``Painter(network, bank=bank).paint(image, style, ...)``; for many, keep a ``Painter`` open."""
    painter = Painter(network, bank=bank)
    return painter.paint(
        image,
        style,
        strength=strength,
        size=size,
        enlarge=enlarge,
        brush=brush,
        keep_color=keep_color,
        masks=masks,
        max_pixels=max_pixels,
    )


def _last(steps: Iterator[Progress]) -> Any:
    """The painting at the end of the steps."""
    painted = None
    for step in steps:
        painted = step.painted
    return painted


def _needs_photo(style: Style, strength: float) -> bool:
    return strength != 1 or PHOTO in (blend.weights_of(style) or ())


def _noise(side: int) -> pictures.Pixels:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


def _network_of(style: str) -> str | None:
    """A network that comes with impasto whose bank has the style; None if there is none."""
    for name in assets.networks():
        with contextlib.suppress(ImpastoError):  # it is no fault of this bank if another cannot be read
            if style in Bank.load(assets.bank_file(name)):
                return name
    return None


def _check_enlarge(enlarge: bool, size: int | None) -> None:
    if not isinstance(enlarge, bool | np.bool_):
        raise OptionError(f"enlarge must be True or False, not {enlarge!r}")
    if enlarge and size is None:
        raise OptionError("enlarge needs size, the longer side in pixels of what is painted")


def _check_room(width: int, height: int, floats: bool) -> None:
    """PictureError where photo and painting themselves do not fit into memory."""
    need, free = (24 if floats else 6) * width * height, memory.available() - memory.claims.open()
    if need > free:
        raise PictureError(
            f"a painting of {width} x {height} pixels takes {need / 1e9:.1f} GB of memory, and "
            f"{max(0, free) / 1e9:.1f} GB are free; give a smaller size"
        )


def _check_shapes(pixels: pictures.Pixels, masks: Mapping[str, pictures.Pixels]) -> None:
    if np.ndim(pixels) != 3 or np.shape(pixels)[2] != 3:
        raise PictureError(f"pixels are an array (height, width, 3), not {np.shape(pixels)}; take paint for others")
    for style, mask in masks.items():
        if np.shape(mask) != pixels.shape[:2]:
            height, width = pixels.shape[:2]
            raise PictureError(
                f"the mask of {style!r} has the shape {np.shape(mask)} and the photo {(height, width)}; "
                "make the mask as large as the photo"
            )


def _files(network: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The network's ONNX file and the bank beside it."""
    path = Path(network)
    if path.suffix == ".onnx":
        return path, path.with_suffix(".safetensors")
    return assets.network_file(str(network)), assets.bank_file(str(network))
