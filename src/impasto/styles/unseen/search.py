"""A row, moved towards a painting by a few steps of gradient descent; OpenVINO computes them, there is no torch.

``learn.teach`` does the same thoroughly. Here the photos are always the same few, small ones, and what each of them
costs is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from impasto import quiet
from impasto.errors import NetworkError
from impasto.styles.unseen.backward import Backward
from impasto.styles.unseen.eye import Aim, Floats, Grams, Statistics, units

SIDE = 192  # pixels of the photos that are painted, a multiple of every network's
RING = 16  # of which nothing is expected: networks and VGG see differently at borders, and this saves the margin
Compile: TypeAlias = Callable[..., Any]  # (make, *key): what ``make`` gives, compiled, as ``compile_cache.compiled``
FEW = 8  # styles: fewer say little about which numbers matter
LEAST = 1e-8  # of a unit: a painting of one colour is as far off as it is


@dataclass(frozen=True)
class Settings:
    """How a row is moved."""

    steps: int = 36
    rate: float = 0.03  # of Adam; for each number more where known styles differ more
    along: float = 0.7  # of that rate, for the weights of known styles
    warmup: int = 1
    decays: tuple[float, float] = (0.8, 0.95)
    ema: float = 0.8


@dataclass
class Scene:
    """A photo to try rows on: its pixels as the network takes them, its content, and its Gram matrices."""

    planes: Floats  # (1, 3, SIDE, SIDE)
    content: Floats
    grams: Grams


class Search:
    """A network and the loss network, compiled together, with the way back to the row; then ``run`` for paintings."""

    def __init__(self, network: Path, eye: Path, aim: Aim, pictures: list[Floats], compile: Compile) -> None:
        self.aim = aim
        key = (network, eye, str((SIDE, RING, aim.content_layer, *aim.shares)))
        looks = compile(lambda: _looking(eye, aim), "looking", *key)
        self.scenes = [_scene(looks, aim, picture) for picture in pictures]
        self.energy = float(np.mean([np.square(scene.content).mean() for scene in self.scenes]))
        self._compiled = compile(lambda: _with_gradient(network, eye, aim), "gradient", *key)

    def gradient(self, row: Floats, scene: Scene, target: Grams, pulls: dict[str, float]) -> tuple[float, float, Any]:
        """Content, style, and the gradient (R,) of their sum."""
        scale, shift = np.split(row, 2)
        feeds: dict[str, Any] = {"picture": scene.planes, "scale": scale, "shift": shift, "content": scene.content}
        feeds["pull_content"] = np.float32(1 / self.energy)
        feeds |= {f"target_{layer}": target[layer] for layer in self.aim.shares}
        feeds |= {f"pull_{layer}": np.float32(pulls[layer]) for layer in self.aim.shares}
        found = self._compiled(feeds)
        content, style, scales, shifts = (found[i] for i in range(4))
        return float(content), float(style), np.concatenate([scales, shifts])

    def pulls(self, target: Grams) -> dict[str, float]:
        """What |G - target|^2 of each layer counts for."""
        unit = units(target, [scene.grams for scene in self.scenes])
        return {
            layer: self.aim.style_weight * share / max(LEAST, unit[layer]) for layer, share in self.aim.shares.items()
        }

    def run(self, painting: Statistics, start: Floats, ways: Floats, settings: Settings | None = None) -> Floats:
        """The row (R,) that ``start`` becomes; ``ways`` (N, R) are directions along which it may move as a whole."""
        settings = settings or Settings()
        pulls = self.pulls(painting.grams)
        parts = [start.astype(np.float32).copy(), np.zeros(len(ways), np.float32)]
        adam = _Adam([spread(ways), np.float32(settings.along)], parts, settings)
        average = start.astype(np.float32).copy()
        for step in range(settings.steps):
            row = parts[0] + parts[1] @ ways
            scene = self.scenes[step % len(self.scenes)]
            _, _, slope = self.gradient(row, scene, painting.grams, pulls)
            adam.step([slope, ways @ slope], step)
            keep = min(settings.ema, (1 + step) / (4 + step))
            average += np.float32(1 - keep) * (parts[0] + parts[1] @ ways - average)
        return average


class _Adam:
    """Kingma and Ba (2015), with a rate that rises, and falls to nothing."""

    def __init__(self, shares: list[Any], parts: list[Floats], settings: Settings) -> None:
        self.shares, self.parts, self.settings = shares, parts, settings
        self.moments = [(np.zeros_like(part), np.zeros_like(part)) for part in parts]

    def step(self, slopes: list[Floats], step: int) -> None:
        settings = self.settings
        first, second = settings.decays
        rise = min(1.0, (1 + step) / (1 + settings.warmup))
        rate = settings.rate * rise * (0.5 + 0.5 * np.cos(np.pi * step / settings.steps))
        for part, slope, (mean, square), share in zip(self.parts, slopes, self.moments, self.shares, strict=True):
            mean += (1 - first) * (slope - mean)
            square += (1 - second) * (slope * slope - square)
            fair = mean / (1 - first ** (step + 1))
            size = np.sqrt(square / (1 - second ** (step + 1))) + 1e-12
            part -= (share * rate * fair / size).astype(np.float32)


def spread(ways: Floats) -> Floats:
    """How much known styles (N, R) differ in each number, (R,), as shares of the median; 1 where they are few."""
    found = ways.std(0) if len(ways) >= FEW else np.zeros(ways.shape[1], np.float32)
    middle = float(np.median(found))
    return np.ones_like(found) if middle < LEAST else found / np.float32(middle)


# ---- graphs


def _scene(looks: Any, aim: Aim, picture: Floats) -> Scene:
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
    found = looks({"picture": planes})
    content, *features = (np.array(found[i]) for i in range(1 + len(aim.shares)))
    flat = [each.reshape(each.shape[1], -1) for each in features]
    grams = {layer: each @ each.T / each.shape[1] for layer, each in zip(aim.shares, flat, strict=True)}
    return Scene(planes, content, grams)


def _looking(eye: Path, aim: Aim) -> Any:
    """A model: a photo -> the layers that content and style are told from."""
    vgg = _still(quiet.core().read_model(eye), [1, 3, SIDE, SIDE])
    return _model([_inside(vgg, layer) for layer in (aim.content_layer, *aim.shares)], vgg.get_parameters())


def _with_gradient(network: Path, eye: Path, aim: Aim) -> Any:
    """A model: a photo, a row and what is aimed at -> content, style, and the gradients of scale and shift."""
    ops, core = quiet.openvino().opset13, quiet.core()
    painter = core.read_model(network)
    _without_margin(painter)
    painter = _still(painter, [1, 3, SIDE, SIDE])
    vgg = _still(core.read_model(eye), [1, 3, SIDE, SIDE])
    layers = [_inside(vgg, layer) for layer in (aim.content_layer, *aim.shares)]
    vgg.input("picture").replace(painter.get_results()[0].input_value(0))
    parameters = painter.get_parameters()
    forward = _model(layers, parameters)
    back = Backward(forward, ("scale", "shift"))
    content, given = _content(layers[0], back)
    styles, more = zip(
        *(_style(layer, name, back) for layer, name in zip(layers[1:], aim.shares, strict=True)), strict=True
    )
    style = styles[0]
    for each in styles[1:]:
        style = ops.add(style, each)
    inputs = [*parameters, *given, *(each for pair in more for each in pair)]
    return _model([content, style, *back.run()], inputs)


def _content(layer: Any, back: Backward) -> tuple[Any, list[Any]]:
    """pull * mean((F - P)^2), and the inputs that it needs."""
    ops = quiet.openvino().opset13
    target, pull = _input("content", layer.output(0).get_shape()), _input("pull_content", [])
    away = ops.subtract(layer, target)
    count = np.float32(np.prod(layer.output(0).get_shape()))
    back.start(layer, ops.multiply(away, ops.divide(ops.multiply(pull, np.float32(2)), count)))
    axes = np.arange(4)
    return ops.multiply(pull, ops.reduce_mean(ops.multiply(away, away), axes, False)), [target, pull]


def _style(layer: Any, name: str, back: Backward) -> tuple[Any, list[Any]]:
    """pull * |F F^T / positions - T|^2, and the inputs that it needs."""
    ops = quiet.openvino().opset13
    _, width, *sides = (int(side) for side in layer.output(0).get_shape())
    count = np.float32(np.prod(sides))
    target, pull = _input(f"target_{name}", [width, width]), _input(f"pull_{name}", [])
    flat = ops.reshape(layer, np.array([width, -1]), False)
    away = ops.subtract(ops.divide(ops.matmul(flat, flat, False, True), count), target)
    slope = ops.matmul(ops.multiply(away, ops.divide(ops.multiply(pull, np.float32(4)), count)), flat, False, False)
    back.start(layer, ops.reshape(slope, np.array([1, width, *sides]), False))
    return ops.multiply(pull, ops.reduce_sum(ops.multiply(away, away), np.arange(2), False)), [target, pull]


def _input(name: str, shape: Any) -> Any:
    made = quiet.openvino().opset13.parameter([int(side) for side in shape], np.float32, name=name)
    made.output(0).get_tensor().set_names({name})
    return made


def _model(outputs: list[Any], parameters: list[Any]) -> Any:
    return quiet.openvino().Model([each.output(0) for each in outputs], list(parameters))


def _named(model: Any, name: str) -> Any:
    found = next((node for node in model.get_ordered_ops() if node.get_friendly_name() == name), None)
    if found is None:
        raise NetworkError(f"this network takes no paintings that it was not trained on (its graph lacks {name!r})")
    return found


def _inside(vgg: Any, layer: str) -> Any:
    """What VGG sees at a layer within the ring: there it neither knows its own border nor the network's."""
    ops, ring = quiet.openvino().opset13, RING >> (int(layer[4]) - 1)  # every pooling halves it
    where = (np.array(each, np.int64) for each in ([ring] * 2, [-ring] * 2, [1] * 2, [2, 3]))
    return ops.slice(_named(vgg, layer), *map(ops.constant, where))


def _still(model: Any, shape: list[int]) -> Any:
    """The model for pictures of this shape."""
    model.reshape({"picture": shape})
    return model


def _without_margin(model: Any) -> None:
    """Take away the margin that a network puts around pictures, and cuts off again."""
    if int(model.get_rt_info(["framework", "impasto.margin"]).value if _has_margin(model) else 0) == 0:
        return
    _named(model, "surrounded").output(0).replace(model.input("picture"))
    (result,) = model.get_results()
    cut = result.input_value(0).get_node()
    cut.output(0).replace(cut.input_value(0))


def _has_margin(model: Any) -> bool:
    return bool(model.has_rt_info(["framework", "impasto.margin"]))
