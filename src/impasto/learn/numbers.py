"""Numbers from outside, checked, and how exact torch computes."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, TypeVar

from impasto.errors import LearnError

N = TypeVar("N", int, float)
Precision = Literal["auto", "float32", "bfloat16"]  # of torch's convolutions


def number(name: str, value: object, kind: Callable[[Any], N], *, within: tuple[float, float], verb: str = "is") -> N:
    """``value`` as a plain ``kind`` of number, finite and ``within`` these bounds; a LearnError names it if it is not.

    ``True`` is no number, and text neither; those of numpy are.
    """
    least, most = within
    real = isinstance(value, numbers.Integral if kind is int else numbers.Real) and not isinstance(value, bool)
    with suppress(OverflowError):
        if real and math.isfinite(value) and least <= (found := kind(value)) <= most:  # type: ignore[arg-type]
            return found
    bounds = "above 0" if 0 < least <= 1 else f"{least:g} or more"
    bounds += " and finite" if most == math.inf else f", and at most {int(most) if kind is int else f'{most:g}'}"
    raise LearnError(f"{name} {verb} {value!r}; it must be {bounds}{', a whole number' if kind is int else ''}")
