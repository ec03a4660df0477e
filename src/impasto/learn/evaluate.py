"""How good a network's paintings are, in numbers: losses, artefacts, and how alike the styles have become.

Photos, paintings and a painter in, one frozen record per style out. Knows no files and prints nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn.descent import LBFGS
from impasto.learn.features import LossNetwork
from impasto.learn.losses import StyleTargets, content_distance, gram, psnr, style_units
from impasto.learn.memory import memory_watched, smaller
from impasto.learn.objective import Parts
from impasto.learn.recipes import number
from impasto.learn.settings import LossSettings
from impasto.limits import SEVERAL
from impasto.pictures import find, load, resize

Floats = npt.NDArray[np.float32]
Paint = Callable[[Floats, str], Floats]

FRAMED = 256  # pixels: the side of the crops whose mean painting shows a frame
BANDS = (0, 8), (8, 24)  # pixels from the border, from and to: where frames lie; what is further in is the middle


@dataclass(frozen=True)
class Scores:
    """What one style scores, as means over the photos.

    ``content``, ``style`` and ``total`` = content + style_weight * style are told in the judge's units; ``untouched``
    is the total of the photo itself, what doing nothing would score. ``saturated`` is the share of channels at black or
    white; ``diagonal`` is ``diagonal_detail`` less that of the painting; ``border`` is ``border_ratio``;
    ``checkerboard`` the share of the finest detail that is a checker pattern.
    """

    name: str
    content: float
    style: float
    total: float
    untouched: float
    saturated: float
    diagonal: float
    border: float
    checkerboard: float
    frame: float | None = None  # and ``edge``: ``frames`` of the paintings of many crops, where they were measured
    edge: float | None = None
    worth: float | None = None  # median number of L-BFGS evaluations that get as low, where it was measured


class Judge:
    """The loss network and the objective, opened once: ``score`` a style over many photos.

    ``paintings`` are (1, 3, H, W) in 0..1 at the size that counts. In the unit "energy" content is relative to each
    photo's own energy; otherwise, as in training, to that of ``photos`` in general, which also define the style units.
    """

    def __init__(
        self,
        loss_network: LossNetwork,
        paintings: Mapping[str, Tensor],
        photos: Sequence[Floats],
        settings: LossSettings,
    ) -> None:
        self.loss_network = loss_network
        self.style_weight = number("style_weight", settings.style_weight, float, within=(0, math.inf))
        self.content_layer = settings.content_layer
        self.style_layers = list(settings.style_layers)
        self.ids = {name: i for i, name in enumerate(paintings)}
        self.device = loss_network.get_buffer("conv1_1_weight").device
        self._paintings = dict(paintings)
        self._details: dict[str, float] = {}
        self._photos: dict[int, tuple[Floats, Tensor, dict[str, Tensor]]] = {}  # which keeps the photo, and so its id
        grams, _ = self._statistics(paintings.values())
        common, energies = self._statistics(map(_tensor, photos))
        units = {layer: style_units(grams[layer], common[layer], settings.unit) for layer in self.style_layers}
        self.targets = StyleTargets(grams, units, settings.style_layer_weights)
        self.content_energy = None if settings.unit == "energy" else sum(energies) / len(energies)

    @torch.no_grad()
    def _features(self, picture: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.loss_network(picture.to(self.device), [*self.style_layers, self.content_layer])
        return found

    def _statistics(self, pictures: Iterable[Tensor]) -> tuple[dict[str, Tensor], list[float]]:
        """Gram matrices of all pictures by layer, (N, C, C), and each one's energy of content, one after the other."""
        grams, energies = [], []
        for picture in pictures:  # their features together would fill the memory
            found = self._features(picture)
            grams.append({layer: gram(found[layer]) for layer in self.style_layers})
            energies.append(float(found[self.content_layer].float().square().mean()))
        return {layer: torch.cat([each[layer] for each in grams]) for layer in self.style_layers}, energies

    def detail(self, name: str) -> float:
        """``diagonal_detail`` of the painting ``name``."""
        if name not in self._details:
            self._details[name] = diagonal_detail(_luma(_numpy(self._paintings[name])))
        return self._details[name]

    def losses(self, painted: Tensor, photo: Tensor, name: str) -> tuple[Tensor, Tensor]:
        """Content and style loss, (1,) each, of ``painted`` (1, 3, H, W) made of ``photo`` in the style ``name``."""
        target = self._features(photo)[self.content_layer]
        found = self.loss_network(painted.to(self.device), [*self.style_layers, self.content_layer])
        style = self._style({layer: gram(found[layer]) for layer in self.style_layers}, name)
        return content_distance(found[self.content_layer], target, energy=self.content_energy), style

    def _style(self, grams: dict[str, Tensor], name: str) -> Tensor:
        return self.targets.distance(grams, torch.tensor([self.ids[name]], device=self.device))

    def _seen(self, photo: Floats) -> tuple[Tensor, dict[str, Tensor]]:
        """A photo's own content and Gram matrices, kept: every style is measured on the same photos."""
        if id(photo) not in self._photos:
            found = self._features(_tensor(photo))
            grams = {layer: gram(found[layer]) for layer in self.style_layers}
            self._photos[id(photo)] = photo, found[self.content_layer], grams
        return self._photos[id(photo)][1:]

    def score(self, name: str, photos: Sequence[Floats], paint: Paint) -> Scores:
        """Paint every photo, (h, w, 3) in 0..1, in the style ``name`` and measure; means over the photos."""
        rows = [self._score_one(name, photo, paint(photo, name)) for photo in photos]
        return Scores(name, *(float(value) for value in np.mean(rows, axis=0)))

    @torch.no_grad()
    def _score_one(self, name: str, photo: Floats, painted: Floats) -> list[float]:
        found = self._features(_tensor(painted))
        target, untouched = self._seen(photo)
        content = float(content_distance(found[self.content_layer], target, energy=self.content_energy))
        style = float(self._style({layer: gram(found[layer]) for layer in self.style_layers}, name))
        luma = _luma(painted)
        return [
            content,
            style,
            content + self.style_weight * style,
            self.style_weight * float(self._style(untouched, name)),
            saturated(painted),
            diagonal_detail(luma) - self.detail(name),
            border_ratio(painted, photo),
            checkerboard(luma),
        ]


def worth(judge: Judge, photo: Floats, name: str, total: float, *, limit: int = 100) -> int:
    """How many evaluations L-BFGS needs, from the photo, to bring the judge's total down to ``total``.

    This is the papers' own yardstick for a network that paints in one pass (Johnson et al. 2016: 50 to 100 iterations
    of Gatys' optimisation). The search ends at ``limit``.
    """
    for used, reached in optimized(judge, photo, name, limit=limit):
        if reached <= total:
            return used
    return limit


def optimized(judge: Judge, photo: Floats, name: str, *, limit: int) -> Iterator[tuple[int, float]]:
    """Gatys' optimisation from the photo: how many evaluations were used, and the lowest total so far, step by step.

    It is the papers' L-BFGS that runs, not our faster one. An evaluation is one value and gradient of the objective;
    those of line searches count, up to ``limit``.
    """
    target = _tensor(photo)

    def cost(picture: Tensor) -> tuple[Parts, Tensor]:
        picture = picture.detach().requires_grad_(True)
        content, style = judge.losses(picture, target, name)
        value = content + judge.style_weight * style
        (gradient,) = torch.autograd.grad(value.sum(), picture)
        return Parts(content.item(), style.item(), 0.0, value.item()), gradient

    descent = LBFGS(target.to(judge.device), plain=True)
    used = 0
    while used < limit and (more := descent.step(cost)):
        used = min(used + more, limit)
        if descent.best_parts is not None:
            yield used, descent.best_parts.total


def evaluate(
    judge: Judge,
    paint: Paint,
    names: Sequence[str],
    photos: Sequence[Floats],
    *,
    worth_on: int = 0,
    crops: Sequence[Floats] = (),
) -> Iterator[Scores]:
    """Score one style after the other; on ``worth_on`` photos each also tell what it is worth (slow).

    The styles take turns through the photos, so that all photos count however few each style gets. LearnError if there
    are not as many photos as that. Frames are measured on ``crops``, squares (h, h, 3) of many photos, and the same
    upside down, so that what photos have above and below counts for nothing.
    """
    if not photos or not 0 <= worth_on <= len(photos):
        raise LearnError(f"worth cannot be measured on {worth_on} of {len(photos)} photos; give more photos")
    return _evaluated(judge, paint, names, photos, worth_on, crops)


def _evaluated(
    judge: Judge, paint: Paint, names: Sequence[str], photos: Sequence[Floats], worth_on: int, crops: Sequence[Floats]
) -> Iterator[Scores]:
    with memory_watched(lambda: smaller(max(max(photo.shape) for photo in photos))):
        for i, name in enumerate(names):
            scores = judge.score(name, photos, paint)
            if len(crops):
                frame, edge = frames(paint(crop, name) for crop in turned(crops))
                scores = replace(scores, frame=frame, edge=edge)
            if worth_on:
                turns = [photos[(i * worth_on + j) % len(photos)] for j in range(worth_on)]
                found = [worth(judge, p, name, judge.score(name, [p], paint).total) for p in turns]
                scores = replace(scores, worth=float(np.median(found)))
            yield scores


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
    number("size", size, int, within=(1, 10**6))
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


def saturated(picture: Floats) -> float:
    """Share of channel values within 1/255 of black or white."""
    return float(((picture < 1 / 255) | (picture > 254 / 255)).mean())


def border_ratio(painted: Floats, photo: Floats, *, margin: int = 16) -> float:
    """Mean squared change within ``margin`` pixels of the edge over that in the rest; about 1 if borders are clean."""
    change = np.square(painted - photo).mean(2)
    margin = max(1, min(margin, min(change.shape) // 4))  # of a small picture a part is inside, too
    inner = change[margin:-margin, margin:-margin]
    outer = (change.sum() - inner.sum()) / (change.size - inner.size)
    return float(outer / max(inner.mean(), 1e-8))


def turned(crops: Iterable[Floats]) -> Iterator[Floats]:
    """Each picture (h, w, 3), and the same turned by 180 degrees."""
    return (picture for crop in crops for picture in (crop, np.ascontiguousarray(crop[::-1, ::-1])))


def frames(pictures: Iterable[Floats]) -> tuple[float, float]:
    """How the mean of pictures (h, w, 3) of one size, 0..1, differs along its border from its middle, of 255.

    Of the outermost 8 pixels and of the next 16, whichever differs more: the largest difference of a channel's mean all
    around, and that at one of the four sides.
    """
    mean, count = np.zeros(1), 0
    for picture in pictures:
        mean, count = mean + 255.0 * picture, count + 1
    mean /= count
    inside = BANDS[-1][1]
    near = (np.minimum(np.arange(side), np.arange(side)[::-1]) for side in mean.shape[:2])
    apart = np.minimum.outer(*near)  # (h, w): pixels from the border
    middle = mean[apart >= inside].mean(0)
    rings = [mean[(first <= apart) & (apart < last)].mean(0) for first, last in BANDS]
    sides = [
        np.rot90(mean, turn)[first:last, inside:-inside].mean((0, 1)) for turn in range(4) for first, last in BANDS
    ]
    around, one_side = (float(np.abs(np.array(found) - middle).max()) for found in (rings, sides))
    return around, one_side


def checkerboard(luma: Floats) -> float:
    """Energy of the 2x2 checker over that of all three 2x2 Haar details: 1/3 for white noise, 1 for a checker."""
    h, w = (size // 2 * 2 for size in luma.shape)
    a, b, c, d = luma[0:h:2, 0:w:2], luma[0:h:2, 1:w:2], luma[1:h:2, 0:w:2], luma[1:h:2, 1:w:2]
    across, down, checker = (float(np.square(part).mean()) for part in (a - b + c - d, a + b - c - d, a - b - c + d))
    return checker / max(across + down + checker, 1e-12)


def diagonal_detail(luma: Floats) -> float:
    """Spectral energy within 15 degrees of the two diagonals over that near the two axes: 1 for white noise.

    Counted are wavelengths from 2 to 16 pixels. Networks of this family may cover flat places with fine diagonal lines
    (magenta#582, turicreate#666); those raise it.
    """
    h, w = luma.shape
    window = np.outer(np.hanning(h), np.hanning(w))
    energy = np.square(np.abs(np.fft.fft2((luma - luma.mean()) * window)))
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[None]
    radius = np.hypot(fy, fx)
    angle = np.degrees(np.arctan2(np.abs(fy), np.abs(fx)))  # 0 .. 90
    counted = (radius > 1 / 16) & (radius < 1 / 2)
    diagonal = energy[counted & (np.abs(angle - 45) < 15)].sum()
    along_axes = energy[counted & ((angle < 15) | (angle > 75))].sum()
    return float(diagonal / max(along_axes, 1e-12))


def _luma(picture: Floats) -> Floats:
    luma: Floats = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    return luma


def _tensor(picture: Floats) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def _numpy(picture: Tensor) -> Floats:
    return np.ascontiguousarray(picture[0].permute(1, 2, 0).cpu().numpy())
