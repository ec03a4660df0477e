"""The first picture of an optimisation: the photo, noise, a file, or what our own network paints."""

from __future__ import annotations

import os
from itertools import combinations

import numpy as np

from impasto import pictures
from impasto.bank import Bank
from impasto.learn.features import LossNetwork
from impasto.learn.objective import Objective
from impasto.learn.recipes import is_file
from impasto.learn.scene import Scene, to_planes
from impasto.painter import Painter
from impasto.pictures import Picture

LOOK = 192  # long side in pixels at which styles are compared
KEPT = 3  # styles that are mixed in pairs

NETWORK = "network"


def first_picture(
    scene: Scene,
    size: int,
    loss_network: LossNetwork,
    *,
    network: str | os.PathLike[str] = "full",
    bank: Bank | str | os.PathLike[str] | None = None,
) -> tuple[Picture, str]:
    """The start that the settings name, for a first long side of ``size`` pixels: h x w x 3 in 0..1, of any size.

    With it comes its name, which tells the mix where it was for us to choose.

    "photo", "noise" (white, of the seed), "network" (the mix of the bank's styles that comes closest to the
    paintings), "network:STYLE" (a style or mix of the bank), or a picture file.
    """
    start = scene.settings.start
    if start == "photo":
        return scene.content, start
    if start == "noise":
        return noise(scene.shape_at(size), scene.settings.seed), start
    if is_file(start):
        return pictures.load(start).picture, start
    painter = Painter(network, bank=bank)
    photo = pictures.resize(scene.content, scene.settings.size, enlarge=True)
    style = start.removeprefix(NETWORK).removeprefix(":") or nearest_style(scene, painter, loss_network)
    return painter.paint_picture(photo, style), f"{NETWORK}:{style}"


def noise(shape: tuple[int, int], seed: int) -> Picture:
    """White noise around middle grey (Gatys et al. 2015), h x w x 3, the same for equal seeds and shapes."""
    generator = np.random.default_rng(seed)
    return np.clip(generator.normal(0.5, 0.2, (*shape, 3)), 0, 1).astype(np.float32)


def nearest_style(scene: Scene, painter: Painter, loss_network: LossNetwork) -> str:
    """The bank's style, or mix of two, whose painting of the photo comes closest to the objective, as NAME:W,NAME:W.

    Every style paints the photo once at 192 pixels; the best three are then tried in pairs.
    """
    size = min(LOOK, scene.settings.size)
    device = loss_network.get_buffer("mean").device
    objective = Objective(loss_network, scene.photo_at(size, device), scene.regions_at(size, device), scene.settings)
    photo = pictures.resize(scene.content, size, enlarge=True)

    def cost(style: str) -> float:
        return objective.value(to_planes(painter.paint_picture(photo, style)).to(device)).total

    costs = {name: cost(name) for name in painter.styles}
    best = sorted(costs, key=costs.__getitem__)[:KEPT]
    for first, second in combinations(best, 2):
        for share in (0.3, 0.5, 0.7):
            mix = f"{first}:{share},{second}:{1 - share:.1f}"
            costs[mix] = cost(mix)
    return min(costs, key=costs.__getitem__)
