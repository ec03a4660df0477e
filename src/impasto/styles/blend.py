"""Arithmetic on rows: weighted mixes, paths and squares of styles, and which styles are alike.

A style is a row of numbers, so the mean of two rows is a style again (Dumoulin et al. 2017, section 3.5). Nothing here
knows a network.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.errors import OptionError, brief, foreign
from impasto.limits import FRAMES, NEIGHBOURS, SQUARE, STRENGTH, shown
from impasto.styles.bank import PHOTO, Bank, Floats

# "a", "a:0.6,b:0.4", {"a": 0.6, "b": 0.4}, ["a", "b"], [("a", 0.6), ("b", 0.4)], or a row of any library
Style: TypeAlias = str | Mapping[str, float] | Collection[str] | Collection[tuple[str, float]] | npt.ArrayLike
TONE_LIMIT = 0.01  # tones are between this and 1 minus this: the sigmoid never quite reaches 0 and 1

# Of the numbers of ``full`` those that do nothing: the shifts at the ends of its five residual blocks. A constant added
# to a channel passes every following convolution as a constant, which the next norm removes.
FULL_SIZE, FULL_RESIDUAL, FULL_WIDTH, FULL_BLOCKS = 3206, 224, 128, 5

TONE_PIXELS = 500_000  # a picture's tones are taken from about this many of its pixels


def parse(text: str) -> dict[str, float]:
    """The weights in "a:0.6,b:0.4"; a name without a weight counts 1, and spaces do not matter.

    OptionError for an empty or repeated name, a weight that is not a finite number of 0 or more, or no weight above 0.
    """
    weights: dict[str, str] = {}
    for part in text.split(","):
        name, colon, weight = (piece.strip() for piece in part.partition(":"))
        if not name:
            raise OptionError(f"a style name is missing in {text!r}; write a mix like 'a:0.6,b:0.4'")
        if name in weights:
            raise OptionError(f"{name!r} is there twice in {text!r}; give it one weight")
        weights[name] = weight if colon else "1"
    return _checked(weights)


def normalise(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights divided by their sum; OptionError as in ``parse``."""
    checked = _checked(weights)
    top = max(checked.values())
    scaled = {name: weight / top for name, weight in checked.items()}  # huge weights must not add up to infinity
    total = sum(scaled.values())
    return {name: weight / total for name, weight in scaled.items()}


def weights_of(style: Style) -> dict[str, float] | None:
    """The weights of a style or mix, of sum 1, however it is written (see ``Style``); None for a row.

    OptionError as in ``parse``, and for what is no style at all.
    """
    if isinstance(style, str):
        return normalise(parse(style))
    if isinstance(style, Mapping):
        return normalise(style)
    if isinstance(style, np.ndarray) and style.dtype.kind in "UO":
        style = style.tolist()
    if not isinstance(style, (list, tuple, set, frozenset)):
        return None
    pairs = [(each, 1.0) if isinstance(each, str) else each for each in style]
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
        return None
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise OptionError(f"{twice!r} is there twice in a mix; give it one weight")
    return normalise(found)


def mix(bank: Bank, style: Style) -> Floats:
    """The row (R,) with which a style, a mix of styles or a row of the caller's is painted.

    That is the sum of weight * row over the weights' sum, ``photo`` left out, whose share is shown as it is (see
    ``style_share``); a single style is bitwise its row. The work does not grow with the bank. OptionError for what is
    no style; BankError for a row with NaN or huge numbers; StyleNameError for an unknown style, even with weight 0;
    MismatchError for a row of another length.
    """
    found = weights_of(style)
    if found is None:
        return bank.check_row(_row(style)).copy()
    known = {name: bank[name] for name in found if name != PHOTO}
    styles = {name: found[name] for name in known if found[name]}
    if not styles:
        return bank[PHOTO].copy() if PHOTO in bank else np.zeros(bank.rows.shape[1], np.float32)  # never painted
    shares = normalise(styles) if PHOTO in found else styles
    return _mean([known[name] for name in shares], list(shares.values()))


def style_share(style: Style, *, strength: float = 1.0) -> float:
    """How much of the painting is shown: ``strength`` times the weights of all but ``photo``; a row is all style.

    A picture is photo + share * (painting - photo), so 0 is the photo itself, and more than 1 overdoes the style.
    OptionError for a strength that is not within 0 and 1.5.
    """
    found = weights_of(style)
    photo = 0.0 if found is None else found.get(PHOTO, 0.0)  # so that without it the share is 1 to the last bit
    return float(STRENGTH.check("the strength", strength)) * (1 - photo)


def with_own_tones(row: npt.ArrayLike, picture: Floats) -> Floats:
    """The row (R,) with the brightness and contrast of ``picture`` (h, w, 3), 0..1, in place of its own.

    The network's last norm gives all paintings in a row the same mean and deviation per channel before the sigmoid:
    three scales and three shifts, which end the two halves of the row. The ``photo`` row can give a photo back only if
    these six numbers are that photo's own.
    """
    own = np.array(row, np.float32)
    stride = tone_stride(picture)
    tones = np.clip(picture[::stride, ::stride], TONE_LIMIT, 1 - TONE_LIMIT)
    logits = np.log(tones / (1 - tones))
    own[own.size // 2 - 3 : own.size // 2] = logits.std((0, 1))
    own[-3:] = logits.mean((0, 1))
    return own


def tone_stride(picture: npt.NDArray[Any]) -> int:
    """Stride at which a picture (h, w, 3) is sampled for its tones; 1 for one that was thinned out with it already."""
    return max(1, math.isqrt(picture.shape[0] * picture.shape[1] // TONE_PIXELS))


def path(bank: Bank, styles: Sequence[Style], frames: int) -> Iterator[Floats]:
    """``frames`` rows (R,) along straight lines through two or more styles or mixes, in equal steps.

    The first and last row are bitwise the ends. OptionError for fewer than 2 styles or frames, at once.
    """
    ways = _path(len(styles), frames)
    stops = [mix(bank, style) for style in styles]
    return (_mean(stops, way) for way in ways)


def path_mixes(styles: Sequence[Style], frames: int) -> list[dict[str, float]]:
    """``path`` as mixes of named styles, for a painter, who then knows how much of each is ``photo``."""
    ways = _path(len(styles), frames)
    stops = [_named(style) for style in styles]
    return [_joined(stops, way) for way in ways]


def between(one: Style, other: Style, share: float) -> dict[str, float]:
    """The mix that lies ``share``, 0..1, of the way from one named style or mix to another."""
    return _joined([_named(one), _named(other)], [1 - share, share])


def square(bank: Bank, styles: Sequence[Style], n: int) -> Floats:
    """An (n, n, R) grid, n >= 2, bilinear between four styles or mixes, which are bitwise its corners.

    The four are top left, top right, bottom left, bottom right. OptionError for another number of them or another n.
    """
    cells = _square(len(styles), n)
    corners = [mix(bank, style) for style in styles]
    return np.stack([_mean(corners, cell) for cell in cells]).reshape(n, n, -1)


def square_mixes(styles: Sequence[Style], n: int) -> list[dict[str, float]]:
    """``square`` as n * n mixes of named styles, row by row, for a painter; see ``path_mixes``."""
    cells = _square(len(styles), n)
    corners = [_named(style) for style in styles]
    return [_joined(corners, cell) for cell in cells]


def _path(stops: int, frames: int) -> list[list[float]]:
    """For each frame the weights of the stops; counted in whole numbers, to hit stops exactly."""
    FRAMES.check("frames", frames)
    if stops < 2:
        raise OptionError(f"a path needs 2 styles or more, not {stops}")
    found = []
    for frame in range(frames):
        leg, rest = divmod(frame * (stops - 1), frames - 1)
        way = [0.0] * (stops + 1)  # the last leg is the last stop alone
        way[leg], way[leg + 1] = 1 - rest / (frames - 1), rest / (frames - 1)
        found.append(way[:stops])
    return found


def _square(corners: int, n: int) -> list[list[float]]:
    """For each cell, row by row, the weights of the four corners."""
    SQUARE.check("n, the paintings along a side of the square,", n)
    if corners != 4:
        raise OptionError(f"a square needs 4 styles, not {corners}")
    steps = [step / (n - 1) for step in range(n)]
    return [[(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x] for y in steps for x in steps]


def _named(style: Style) -> dict[str, float]:
    found = weights_of(style)
    if found is None:
        raise OptionError("the styles of a path, a square or keys must have names; for rows take path or square")
    return found


def _joined(mixes: Sequence[dict[str, float]], shares: Sequence[float]) -> dict[str, float]:
    """The mix of mixes; a share of 0 leaves its names out."""
    joined: dict[str, float] = {}
    for weights, share in zip(mixes, shares, strict=True):
        for name, weight in weights.items() if share else ():
            joined[name] = joined.get(name, 0.0) + share * weight
    return joined


def neighbours(bank: Bank, name: str, k: int) -> list[tuple[str, float]]:
    """The at most ``k`` >= 1 styles most like ``name``, nearest first, with their distances; ``photo`` is left out.

    distance = root mean square over the ``active`` coordinates of (difference / standard deviation of that coordinate
    in the bank). Coordinates spread very differently from layer to layer, and in a plain distance a few wide ones would
    decide alone; divided by their spread all count alike, and unrelated styles come out near sqrt(2). In a bank of
    two or three styles all distances are nearly the same. Other stroke sizes of a style are left out too.
    """
    NEIGHBOURS.check("k, the number of neighbours,", k)
    used = active(bank.rows.shape[1])
    rows = bank.rows[:, used].astype(np.float64)  # (N, A)
    spread = rows.std(axis=0)  # (A,)
    spread[spread == 0] = 1  # all styles agree there: the difference is 0
    apart = np.sqrt(np.square((rows - bank[name][used]) / spread).mean(axis=1))  # (N,)
    others = set(bank.styles) - {name}
    pairs = [(other, float(far)) for other, far in zip(bank, apart, strict=True) if other in others]
    return sorted(pairs, key=lambda pair: pair[1])[:k]


def active(size: int) -> npt.NDArray[np.bool_]:
    """Which of a row's ``size`` numbers change what is painted, (size,): for ``full`` 2,566 of its 3,206, else all."""
    used = np.ones(size, bool)
    if size == FULL_SIZE:
        for block in range(FULL_BLOCKS):
            start = size // 2 + FULL_RESIDUAL + (2 * block + 1) * FULL_WIDTH
            used[start : start + FULL_WIDTH] = False
    return used


def _checked(weights: Mapping[str, float] | Mapping[str, str]) -> dict[str, float]:
    checked = {name: _weight(name, weight) for name, weight in weights.items()}
    if not checked:
        raise OptionError("a mix names no style; write it like 'a:0.6,b:0.4'")
    if not any(checked.values()):
        raise OptionError("the weights of a mix add up to 0; give at least one style a weight above 0")
    return checked


def _weight(name: str, value: float | str) -> float:
    try:
        weight = float(value)
    except (TypeError, ValueError, OverflowError):
        weight = math.nan
    if not math.isfinite(weight) or weight < 0:
        how = f"write it like {f'{name}:0.5'!r}"
        raise OptionError(f"the weight of {name!r} must be a finite number of 0 or more, not {shown(value)}; {how}")
    return weight


def _row(style: object) -> npt.NDArray[np.float32]:
    """A row of numbers (R,) as another library hands it over; OptionError for what is neither a row nor a name."""
    kind = type(style).__name__
    with foreign(lambda error: OptionError(f"a style of type {kind} cannot be read as a row ({brief(error)})")):
        values = style.detach().cpu().float() if hasattr(style, "detach") else style  # torch
        row = np.asarray(values)
    if row.dtype.kind not in "iuf" or row.ndim != 1 or row.size == 0:
        raise OptionError(
            f"a style is a name, a mix such as 'a:0.6,b:0.4' or {{'a': 0.6, 'b': 0.4}}, a list of names, or a row of "
            f"numbers, not {shown(style)}"
        )
    return row


def _mean(rows: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Sum of weight * row, for weights of sum 1; a weight of 0 drops out, so one row stays bitwise."""
    parts = [(weight, row) for weight, row in zip(weights, rows, strict=True) if weight != 0]
    if len(parts) == 1:
        return parts[0][1].copy()
    total = sum(weight * row.astype(np.float64) for weight, row in parts)
    return np.asarray(total, dtype=np.float32)
