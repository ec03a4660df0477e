"""The first picture of an optimisation: the photo, noise, a file, or what our own network paints."""

from __future__ import annotations

import hashlib
import os
from itertools import combinations
from pathlib import PureWindowsPath

import numpy as np

from impasto import assets, pictures
from impasto.errors import LearnError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.objective import Objective
from impasto.learn.optimize.recipes import is_file
from impasto.learn.optimize.scene import Scene
from impasto.learn.tensors import to_planes
from impasto.painting.painter import Painter
from impasto.pictures import Picture
from impasto.styles import blend
from impasto.styles.bank import Bank

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

    With it comes its name, which has the mix where we chose it.

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
    return painter.paint_array(photo, style), f"{NETWORK}:{style}"


def painters(
    start: str, network: str | os.PathLike[str], bank: Bank | str | os.PathLike[str] | None
) -> dict[str, dict[str, str]]:
    """Whose painting ``start`` is: names, without folders, and fingerprints of network and bank; empty for others.

    The hash is that of the rows that count: of the styles that ``start`` names, or of all.

    Raises what ``Bank.load`` raises, NetworkError for an unknown network, StyleNameError for an unknown style.
    """
    if start.split(":")[0] != NETWORK:
        return {}
    opened = bank if isinstance(bank, Bank) else Bank.load(assets.bank_file(network) if bank is None else bank)
    style = start.removeprefix(NETWORK).removeprefix(":")
    chosen = opened.select(blend.parse(style)) if style else opened
    digest = hashlib.sha256("\n".join(chosen.names).encode() + chosen.rows.tobytes()).hexdigest()
    named = "" if bank is None or isinstance(bank, Bank) else file_name(bank)
    return {
        "network": {"name": file_name(network), "fingerprint": opened.fingerprint},
        "bank": {"name": named, "fingerprint": opened.fingerprint, "sha256": digest},
    }


def file_name(path: str | os.PathLike[str]) -> str:
    """The name of a file without its folders, whichever system wrote the path."""
    return PureWindowsPath(path).name  # which knows / as well


def noise(shape: tuple[int, int], seed: int) -> Picture:
    """White noise around middle grey (Gatys et al. 2015), h x w x 3, the same for equal seeds and shapes."""
    generator = np.random.default_rng(seed)
    return np.clip(generator.normal(0.5, 0.2, (*shape, 3)), 0, 1).astype(np.float32)


def nearest_style(scene: Scene, painter: Painter, loss_network: LossNetwork) -> str:
    """The bank's style, or mix of two, whose painting of the photo comes closest to the objective, as NAME:W,NAME:W.

    Every style paints the photo once at 192 pixels; the best three are then tried in pairs.
    """
    size = min(LOOK, scene.settings.size)
    device = loss_network.get_buffer("conv1_1_weight").device
    objective = Objective(loss_network, scene.photo_at(size, device), scene.regions_at(size, device), scene.settings)
    photo = pictures.resize(scene.content, size, enlarge=True)

    def cost(style: str) -> float:
        return objective.value(to_planes(painter.paint_array(photo, style)).to(device)).total

    if not painter.styles:
        raise LearnError("the bank has no style to start from; name another bank, or start from the photo")
    costs = {name: cost(name) for name in painter.styles}
    best = sorted(costs, key=costs.__getitem__)[:KEPT]
    for first, second in combinations(best, 2):
        for share in (0.3, 0.5, 0.7):
            mix = f"{first}:{share},{second}:{1 - share:.1f}"
            costs[mix] = cost(mix)
    return min(costs, key=costs.__getitem__)
