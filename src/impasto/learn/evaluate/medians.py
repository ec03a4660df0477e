"""Many records of measured pictures -> medians with intervals, per style, and over strengths. No torch in here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Record = dict[str, Any]
RESAMPLES = 2000
LEVEL = 95  # % of resampled medians that are inside the interval


@dataclass(frozen=True)
class Median:
    """A median, and the ends of its bootstrap interval; None for one value alone."""

    median: float
    low: float | None = None
    high: float | None = None


def median(values: Sequence[float], *, seed: int = 0) -> Median:
    """The median and its interval: the middle 95 % of the medians of so many values, drawn again (Efron 1979)."""
    given = np.asarray(values, np.float64)
    if len(given) < 2:
        return Median(float(given[0]))
    drawn = np.random.default_rng(seed).integers(0, len(given), (RESAMPLES, len(given)))
    low, high = np.percentile(np.median(given[drawn], axis=1), [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Median(float(np.median(given)), float(low), float(high))


def by_style(records: Iterable[Record], keys: Sequence[str]) -> list[Record]:
    """Medians over photos for each style and strength, in the order in which they come.

    A record without a number for a key, such as that of a picture that could not be read, does not count there.
    """
    groups: dict[tuple[str, float | None], list[Record]] = {}
    for record in records:
        groups.setdefault((record["name"], record["strength"]), []).append(record)
    return [{"name": name, "strength": strength, **_medians(group, keys)} for (name, strength), group in groups.items()]


def over_styles(styles: Iterable[Record], keys: Sequence[str]) -> list[Record]:
    """Medians over styles of their medians, weakest first: a curve with a point for each strength, or one point.

    What is drawn again for the interval are styles: pictures of one style are no independent samples.
    """
    groups: dict[float | None, list[Record]] = {}
    for style in styles:
        plain = {key: style[key] and style[key]["median"] for key in keys}
        groups.setdefault(style["strength"], []).append({**plain, "error": None if style["count"] else "none"})
    ordered = sorted(groups.items(), key=lambda item: item[0] or 0)
    return [{"strength": strength, **_medians(group, keys)} for strength, group in ordered]


def _medians(group: Sequence[Record], keys: Sequence[str]) -> Record:
    good = [record for record in group if record.get("error") is None]
    found: Record = {"count": len(good)}
    for key in keys:
        values = [record[key] for record in good if record.get(key) is not None]
        found[key] = asdict(median(values)) if values else None
    return found
