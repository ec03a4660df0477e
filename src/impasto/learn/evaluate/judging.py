"""Painted pictures, their photos and paintings -> a record of measures for each. It knows files, and prints nothing.

Content and style are the objective's (``learn/loss/judge.py``), as ``impasto eval`` has them. The other measures are in
``measures.py`` and ``motion.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.errors import ImpastoError, LearnError, OptionError, PictureError
from impasto.files import printable
from impasto.learn.devices import memory_watched, smaller
from impasto.learn.evaluate import measures
from impasto.learn.evaluate.motion import warping_error
from impasto.learn.evaluate.pairs import Pair, grouped, names
from impasto.learn.evaluate.protocol import Protocol
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import Judge
from impasto.learn.loss.losses import content_distance
from impasto.learn.loss.settings import LossSettings
from impasto.learn.paintings import CROP, crop_of
from impasto.learn.photos import load_painting
from impasto.learn.tensors import to_picture, to_planes
from impasto.pictures import Picture, load, resize, shrunk_size, unit
from impasto.pictures.pixels import resized_colors
from impasto.styles.bank import Bank

Record = dict[str, Any]
Paint = Callable[[Picture, str, float], Picture]  # of a photo, a style's name and a strength

CONTENT = ("relu3_1", "relu4_1")  # layers of the two content distances
ALIKE = 0.02  # of proportions, or one pixel: what rounding makes of small pictures
SMALLEST = 8  # pixels of a picture's shorter side: relu4_1 is an eighth of it


class Sight:
    """What a picture (h, w, 3) looks like to a judge, found when it is asked for, and kept."""

    def __init__(self, judge: Judge, picture: Picture) -> None:
        self.picture = picture
        self._judge = judge

    @cached_property
    def features(self) -> dict[str, Tensor]:
        """Activations by layer, (1, C, H, W): the objective's layers and those of the measures."""
        judge = self._judge
        layers = {*judge.style_layers, judge.content_layer, *CONTENT, *measures.LAYERS}
        found: dict[str, Tensor] = judge.network(to_planes(self.picture).to(judge.device), layers)
        return found

    @cached_property
    def grams(self) -> dict[str, Tensor]:
        """Gram matrices of the objective's layers, (1, C, C)."""
        return self._judge.grams(self.features)

    @cached_property
    def moments(self) -> dict[str, Tensor]:
        """Means and deviations of channels, (2, C) by layer."""
        return {layer: measures.moments(self.features[layer]) for layer in measures.LAYERS}

    @cached_property
    def quantiles(self) -> dict[str, Tensor]:
        """Quantiles along random directions, by layer."""
        return {layer: measures.quantiles(self.features[layer]) for layer in measures.LAYERS}

    @cached_property
    def histogram(self) -> Tensor:
        """The RGB-uv histogram, (3, 64, 64)."""
        return measures.histogram(self.picture)

    @cached_property
    def structure(self) -> Tensor:
        """CFSD's activations, of the central square brought to its size, in torchvision's scale."""
        network, layer, side = self._judge.network, measures.STRUCTURE, measures.STRUCTURE_SIDE
        planes = to_planes(brought(central(self.picture, 1.0), (side, side))).to(self._judge.device)
        found: Tensor = network(planes, [layer])[layer].float()
        return found / measures.scale_of(network)


@dataclass(frozen=True)
class Manner:
    """What a style's pictures are compared with, besides Gram matrices. floor: the style distance of its own halves."""

    moments: dict[str, Tensor]
    quantiles: dict[str, Tensor]
    histogram: Tensor
    floor: float | None


class Bench:
    """A judge with all that it knows of paintings, opened once; then ``measure``.

    ``paintings`` are (1, 3, H, W) in 0..1 at the size that counts; ``photos`` (1, 3, H, W) give the units, as for a
    ``Scorer``: in the unit "energy" content is relative to each photo's own.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        paintings: Mapping[str, Tensor],
        photos: Iterable[Tensor],
        settings: LossSettings,
        protocol: Protocol,
    ) -> None:
        own = settings.unit == "energy"
        self.judge = Judge(loss_network, paintings.values(), photos, settings, own_energy=own)
        self.protocol = protocol
        self._ids = {name: torch.tensor([i], device=self.judge.device) for i, name in enumerate(paintings)}
        self._manners = {name: self._manner(name, to_picture(planes)) for name, planes in paintings.items()}
        self._last: tuple[Picture, dict[tuple[int, ...], Sight]] | None = None  # a photo, and its shapes

    @torch.no_grad()
    def measure(self, photo: Picture, painted: Picture, style: str) -> Record:
        """The objective and the measures of a picture ``painted`` of ``photo``, (h, w, 3) in 0..1, in a ``style``.

        PictureError if their shapes differ and the protocol does not say what to do then. Give the pictures of one
        photo one after the other: what is found of a photo is kept for the next.
        """
        if self._last is None or self._last[0] is not photo:
            self._last = photo, {}
        photo, painted = together(photo, painted, self.protocol)
        before = self._last[1].setdefault(photo.shape, Sight(self.judge, photo))
        after, judge, id = Sight(self.judge, painted), self.judge, self._ids[style]
        content, distance, _ = judge.rate(after.features, before.features[judge.content_layer], id)
        untouched = float(judge.style(before.grams, id))
        record: Record = {"content": float(content), "style": float(distance)}
        record |= {"total": judge.total(*record.values()), "untouched": judge.total(0.0, untouched)}
        parts: dict[str, Callable[[], Record]] = {
            "content": lambda: _contents(before, after),
            "share": lambda: {
                "style_share": record["style"] / max(untouched, 1e-12),
                "style_floor": self._manners[style].floor,
            },
            "adain": lambda: {"adain": measures.adain(after.moments, self._manners[style].moments)},
            "wasserstein": lambda: {
                "sliced_wasserstein": measures.sliced_wasserstein(after.quantiles, self._manners[style].quantiles)
            },
            "color": lambda: {"rgb_uv": measures.rgb_uv(after.histogram, self._manners[style].histogram)},
            "ssim": lambda: {"ssim": measures.ssim(painted, photo)},
            "cfsd": lambda: {f"cfsd_{judge.network.title}": measures.cfsd(after.structure, before.structure)},
        }
        for word in self.protocol.measures:
            record |= parts[word]() if word in parts else {}
        return record

    @torch.no_grad()
    def _manner(self, name: str, painting: Picture) -> Manner:
        sight = Sight(self.judge, painting)
        height, width = painting.shape[:2]
        halves = [painting[:, : width // 2], painting[:, width // 2 :]]
        if height > width:
            halves = [painting[: height // 2], painting[height // 2 :]]
        floor = None
        if min(halves[0].shape[:2]) >= SMALLEST:
            looks = [self.judge.look(to_planes(half))[1] for half in halves]
            floor = sum(float(self.judge.style(grams, self._ids[name])) for grams in looks) / 2
        return Manner(sight.moments, sight.quantiles, sight.histogram, floor)


def _contents(before: Sight, after: Sight) -> Record:
    distances = {layer: content_distance(after.features[layer], before.features[layer]) for layer in CONTENT}
    return {f"content_{layer}": float(distance) for layer, distance in distances.items()}


def together(photo: Picture, painted: Picture, protocol: Protocol) -> tuple[Picture, Picture]:
    """A photo and what was painted of it, (h, w, 3), brought to one size: that of the photo with the protocol's side.

    Other proportions are refused (PictureError), or the photo is cropped to its middle first, or the painted picture
    stretched.
    """
    (height, width), (high, wide) = photo.shape[:2], painted.shape[:2]
    if abs(wide * height / width - high) > max(1, ALIKE * high) and protocol.fit != "stretch":
        if protocol.fit == "same":
            raise PictureError(
                f"its {wide} x {high} pixels are another shape than the photo's {width} x {height}; --fit crop takes "
                "the middle of the photo, --fit stretch all of it"
            )
        photo = central(photo, wide / high)
        height, width = photo.shape[:2]
    size = shrunk_size(width, height, protocol.size, enlarge=True)
    return brought(photo, size), brought(painted, size)


def central(picture: Picture, proportion: float) -> Picture:
    """The middle of a picture (h, w, 3) with this width over height, as large as it can be."""
    height, width = picture.shape[:2]
    wide, high = min(width, max(1, round(height * proportion))), min(height, max(1, round(width / proportion)))
    left, top = (width - wide) // 2, (height - high) // 2
    return picture[top : top + high, left : left + wide]


def brought(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture (h, w, 3) at ``size``, width and height; Lanczos."""
    return unit(picture) if picture.shape[1::-1] == size else resized_colors(picture, size)


def judged(
    pairs: Sequence[Pair],
    loss_network: LossNetwork,
    settings: LossSettings,
    protocol: Protocol,
    *,
    bank: Bank | None = None,
    paint: Paint | None = None,
) -> Iterator[Record]:
    """A record for each of the ``pairs``, whose photos come one after the other: names, then measures, or an ``error``.

    Of paintings that the ``bank`` knows only what it learned of them counts. Pairs without a painted picture are
    painted, at the protocol's size, by ``paint``. LearnError if not one photo, or not one painting, can be read.
    """
    paintings, bad = _paintings(names(pairs), settings.style_size, bank)
    with memory_watched(lambda: smaller(protocol.size)):
        photos = _for_units(dict.fromkeys(pair.photo for pair in pairs), settings, protocol)
        bench = Bench(loss_network, paintings, photos, settings, protocol)
        for path, group in grouped(pairs):
            photo: Picture | None = None
            for pair in group:
                record: Record = {key: value and str(value) for key, value in vars(pair).items()}
                record |= {"name": pair.style, "strength": pair.strength}
                try:
                    if pair.style in bad:
                        raise PictureError(bad[pair.style])
                    photo = load(path).picture if photo is None else photo
                    record |= _measured(bench, photo, pair, paint)
                except ImpastoError as error:
                    record["error"] = str(error)
                yield record


def _measured(bench: Bench, photo: Picture, pair: Pair, paint: Paint | None) -> Record:
    if pair.painted is not None:
        return bench.measure(photo, load(pair.painted).picture, pair.style)
    if paint is None or pair.strength is None:
        raise OptionError("a picture that is to be painted needs a painter and a strength")
    small = _sized(photo, bench.protocol)
    found = bench.measure(photo, paint(small, pair.style, pair.strength), pair.style)
    if "warping" in bench.protocol.measures:
        strength = pair.strength
        found["warping_error"] = warping_error(lambda frame: paint(frame, pair.style, strength), small)
    return found


def _sized(photo: Picture, protocol: Protocol) -> Picture:
    return resize(photo, protocol.size, enlarge=True)


def _paintings(files: Mapping[str, Path], size: int, bank: Bank | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The paintings that can be read, by name, and why the others cannot; LearnError if all cannot."""
    good, bad = {}, {}
    for name, path in files.items():
        crop = crop_of(name, bank.card(name).extra.get(CROP)) if bank is not None and name in bank else None
        try:
            good[name] = load_painting(path, size, crop)
            height, width = good[name].shape[2:]
            if min(height, width) < SMALLEST:
                raise PictureError(
                    f"{path} has {width} x {height} pixels, too few for a style; it needs {SMALLEST} each way"
                )
        except PictureError as error:
            good.pop(name, None)
            bad[name] = str(error)
    if not good:
        raise LearnError(next(iter(bad.values())))
    return good, bad


def _for_units(paths: Iterable[Path], settings: LossSettings, protocol: Protocol) -> Iterator[Tensor]:
    """The photos that define the units, (1, 3, H, W), one after the other; LearnError if none can be read."""
    reason, given = "", False
    for path in paths:
        try:
            photo = _sized(load(path).picture, protocol)
            high, wide = photo.shape[:2]
            if min(high, wide) < SMALLEST:
                raise PictureError(
                    f"{printable(path)} has {wide} x {high} pixels at this size, too few to be measured; it needs "
                    f"{SMALLEST} each way: give a larger --size, or leave it out"
                )
            yield to_planes(photo)
            given = True
        except PictureError as error:
            reason = str(error)
        if given and settings.unit not in ("fair", "photos"):
            return  # the painting alone defines the unit
    if not given:
        raise LearnError(reason)
