"""Styles and strength over time: what a film looks like at each moment. Knows no films."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from impasto import limits
from impasto.errors import OptionError
from impasto.painting.look import Look, Style
from impasto.styles import blend

Value = TypeVar("Value")


@dataclass(frozen=True)
class Keys:
    """A look, and from when on (seconds of the painted film) it has which style and which strength.

    Between two keys the row walks in a straight line from one style to the other; before the first and behind the last
    it stands still. Without keys the look stays as it is.
    """

    look: Look
    styles: tuple[tuple[float, Style], ...] = ()
    strengths: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for name, keys in (("style", self.styles), ("strength", self.strengths)):
            times = [time for time, _ in keys]
            twice = next((time for time in times if times.count(time) > 1), None)
            if twice is not None:
                raise OptionError(f"there are two keys for the {name} at {twice:g} s; give one")
            for time in times:
                limits.MOMENT.check(f"the time of a key for the {name}", time)
        for _, strength in self.strengths:
            limits.STRENGTH.check("the strength of a key", strength)

    def at(self, time: float) -> Look:
        """The look at ``time``, in seconds."""
        look = self.look
        if self.styles:
            one, other, share = _between(self.styles, time)
            look = replace(look, style=blend.between(one, other, share) if share else one)
        if self.strengths:
            low, high, share = _between(self.strengths, time)
            look = replace(look, strength=low + share * (high - low))
        return look

    def looks(self) -> Iterator[Look]:
        """One look for each key, to be checked before the work."""
        yield from (self.at(time) for time, _ in (*self.styles, *self.strengths) or ((0.0, None),))


def parse_style(text: str) -> tuple[float, str]:
    """A key "T:STYLE", such as "0:udnie" or "7.5:a:0.6,b:0.4"."""
    time, style = _parse(text, "style")
    blend.parse(style)
    return time, style


def parse_strength(text: str) -> tuple[float, float]:
    """A key "T:S", such as "10:0.5"."""
    time, strength = _parse(text, "strength")
    return time, float(limits.STRENGTH.read(f"the strength of the key {text!r}", strength))


def seconds(name: str, text: str) -> float:
    """Seconds out of "90", "1:30" or "0:01:30.5"; OptionError names the option ``name``."""
    total = 0.0
    parts = text.split(":")
    if len(parts) > 3:
        raise OptionError(f"{name} must be a time such as 90, 1:30 or 0:01:30.5, not {text!r}")
    for part in parts:
        total = 60 * total + float(limits.MOMENT.read(name, part))
    return total


def _parse(text: str, name: str) -> tuple[float, str]:
    time, colon, value = text.partition(":")
    if not (colon and value.strip()):
        example = "7.5:udnie" if name == "style" else "7.5:0.5"
        raise OptionError(f"a key for the {name} is written SECONDS:{name.upper()}, such as {example}, not {text!r}")
    return float(limits.MOMENT.read(f"the time of the key {text!r}", time)), value.strip()


def _between(keys: Sequence[tuple[float, Value]], time: float) -> tuple[Value, Value, float]:
    """The keys before and behind a time, and how far it is from one to the other, 0..1."""
    keys = sorted(keys, key=lambda key: key[0])
    behind = bisect_right([at for at, _ in keys], time)
    if behind in (0, len(keys)):
        one = keys[max(0, behind - 1)][1]
        return one, one, 0.0
    (start, one), (end, other) = keys[behind - 1 : behind + 1]
    return one, other, (time - start) / (end - start)
