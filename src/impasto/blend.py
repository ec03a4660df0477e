"""Arithmetic on rows: weighted mixes, the strength dial, paths and squares of styles, and which styles are alike.

A style is a row of numbers, so the mean of two rows is a style again (Dumoulin et al. 2017, section 3.5). Nothing here
knows a network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.bank import PHOTO, Bank, Floats
from impasto.errors import BankError, OptionError
from impasto.limits import FRAMES, NEIGHBOURS, SQUARE, STRENGTH

Style: TypeAlias = str | Mapping[str, float] | Floats  # "a", "a:0.6,b:0.4", {"a": 0.6, "b": 0.4}, or a row
TONE_LIMIT = 0.01  # tones lie between this and 1 minus this: the sigmoid never quite reaches 0 and 1

# Of the numbers of ``full`` those that do nothing: the shifts at the ends of its five residual blocks. A constant added
# to a channel passes every following convolution as a constant, which the next norm removes.
FULL_SIZE, FULL_RESIDUAL, FULL_WIDTH, FULL_BLOCKS = 3206, 224, 128, 5

TONE_PIXELS = 500_000  # a picture's tones are told from about so many of its pixels


def parse(text: str) -> dict[str, float]:
    """The weights in "a:0.6,b:0.4"; a name without a weight counts 1, and spaces do not matter.

    BankError for an empty or repeated name, a weight that is not a finite number of 0 or more, or no weight above 0.
    """
    weights: dict[str, str] = {}
    for part in text.split(","):
        name, colon, weight = (piece.strip() for piece in part.partition(":"))
        if not name:
            raise BankError(f"a style name is missing in {text!r}; write a mix like 'a:0.6,b:0.4'")
        if name in weights:
            raise BankError(f"{name!r} stands twice in {text!r}; give it one weight")
        weights[name] = weight if colon else "1"
    return _checked(weights)


def normalise(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights divided by their sum; BankError as in ``parse``."""
    checked = _checked(weights)
    top = max(checked.values())
    scaled = {name: weight / top for name, weight in checked.items()}  # huge weights must not add up to infinity
    total = sum(scaled.values())
    return {name: weight / total for name, weight in scaled.items()}


def mix(bank: Bank, style: Style, *, strength: float = 1.0) -> Floats:
    """The row (R,) of a style, a mix of styles or a row of the caller's, drawn towards the photo by ``strength``.

    row = photo + strength * (mix - photo), with mix = sum of weight * row over the weights' sum. A single style is
    bitwise its row; ``strength`` 1 is bitwise the mix, 0 the ``photo`` row, and up to 1.5 overdoes the style.
    OptionError for another strength; BankError for a bank without ``photo``; StyleNameError for an unknown style, even
    with weight 0; MismatchError for a row of another length.
    """
    STRENGTH.check("the strength", strength)
    row = _mixed(bank, style)
    if strength == 1:
        return row
    if PHOTO not in bank:
        raise BankError(f"strength {strength} needs the style {PHOTO!r} in the bank; add it, or leave strength at 1")
    return _mean([bank[PHOTO], row], [1 - strength, strength])


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
    """Each which row and column of a picture (h, w, 3) tells its tones; a picture thinned out so is thinned no more."""
    return max(1, math.isqrt(picture.shape[0] * picture.shape[1] // TONE_PIXELS))


def path(bank: Bank, styles: Sequence[Style], frames: int) -> Iterator[Floats]:
    """``frames`` rows (R,) along straight lines through two or more styles or mixes, in equal steps.

    The first and last row are bitwise the ends. OptionError for fewer than 2 styles or frames, at once.
    """
    FRAMES.check("frames", frames)
    if len(styles) < 2:
        raise OptionError(f"a path needs 2 styles or more, not {len(styles)}")
    stops = [mix(bank, style) for style in styles]
    return (_along(stops, frame, frames - 1) for frame in range(frames))


def square(bank: Bank, styles: Sequence[Style], n: int) -> Floats:
    """An (n, n, R) grid, n >= 2, bilinear between four styles or mixes, which are bitwise its corners.

    The four are top left, top right, bottom left, bottom right. OptionError for another number of them or another n.
    """
    SQUARE.check("n, the paintings along a side of the square,", n)
    if len(styles) != 4:
        raise OptionError(f"a square needs 4 styles, not {len(styles)}")
    corners = [mix(bank, style) for style in styles]
    steps = [step / (n - 1) for step in range(n)]
    cells = [_mean(corners, [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]) for y in steps for x in steps]
    return np.stack(cells).reshape(n, n, -1)


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
    if not any(checked.values()):
        raise BankError("the weights of a mix add up to 0; give at least one style a weight above 0")
    return checked


def _weight(name: str, value: float | str) -> float:
    try:
        weight = float(value)
    except (TypeError, ValueError) as error:
        raise BankError(f"the weight of {name!r} is {value!r}, not a number; write it like '{name}:0.5'") from error
    if not math.isfinite(weight) or weight < 0:
        raise BankError(f"the weight of {name!r} is {weight}; give it a finite weight of 0 or more")
    return weight


def _mixed(bank: Bank, style: Style) -> Floats:
    if isinstance(style, np.ndarray):
        return bank.check_row(style).copy()
    weights = normalise(parse(style) if isinstance(style, str) else style)
    return _mean([bank[name] for name in weights], list(weights.values()))


def _along(stops: Sequence[Floats], step: int, steps: int) -> Floats:
    """The row at ``step`` of ``steps`` on the way through ``stops``; counted in whole numbers, to hit stops exactly.

    The last leg is the last stop alone.
    """
    leg, rest = divmod(step * (len(stops) - 1), steps)
    return _mean(stops[leg : leg + 2], [1 - rest / steps, rest / steps])


def _mean(rows: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Sum of weight * row, for weights of sum 1; a weight of 0 or without a row drops out, so one row stays bitwise."""
    parts = [(weight, row) for weight, row in zip(weights, rows, strict=False) if weight != 0]
    if len(parts) == 1:
        return parts[0][1].copy()
    total = sum(weight * row.astype(np.float64) for weight, row in parts)
    return np.asarray(total, dtype=np.float32)
