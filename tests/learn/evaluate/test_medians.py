"""Medians and their intervals: per style, and over strengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from impasto.learn.evaluate.medians import by_style, median, over_styles


def record(style: str, value: float | None, strength: float | None = None, **more: Any) -> dict[str, Any]:
    return {"name": style, "strength": strength, "x": value, **more}


def test_equal_values_have_no_width() -> None:
    """The interval of equal values is their value; of one value there is none."""
    assert median([2.0] * 9) == median([2.0] * 3)
    assert (median([2.0] * 9).low, median([2.0] * 9).high) == (2, 2)
    assert median([3.0]).median == 3 and median([3.0]).low is None


def test_two_values_by_hand() -> None:
    """Of two values a quarter of the resamples has the lower one twice, a quarter the upper: both are the ends."""
    found = median([0.0, 1.0])
    assert (found.median, found.low, found.high) == (0.5, 0, 1)


def test_the_interval_holds_what_it_says() -> None:
    """About 19 of 20 intervals hold the true median, and the same values have the same interval."""
    rng = np.random.default_rng(0)
    samples = [rng.normal(0, 1, 40).tolist() for _ in range(200)]
    intervals = [median(sample) for sample in samples]
    holds = sum(each.low <= 0 <= each.high for each in intervals if each.low is not None and each.high is not None)
    assert 180 <= holds <= 199
    assert median(samples[0]) == intervals[0]


def test_styles_and_strengths_are_apart() -> None:
    """Each style at each strength has its own median; a record with an error, or without a number, does not count."""
    records = [record("a", 1.0), record("a", 3.0), record("b", None), record("b", 5.0), record("b", None, error="no")]
    found = by_style([*records, record("a", 9.0, 0.5)], ["x"])
    assert [(each["name"], each["strength"], each["count"]) for each in found] == [
        ("a", None, 2),
        ("b", None, 2),
        ("a", 0.5, 1),
    ]
    assert [each["x"]["median"] for each in found] == [2, 5, 9]


def test_a_curve_over_strengths() -> None:
    """A point for each strength, weakest first: the median of the styles' medians, however many photos each has."""
    records = [record("a", value, 1.0) for value in (1.0, 1.0, 1.0)] + [record("b", 3.0, 1.0), record("a", 7.0, 0.5)]
    curve = over_styles(by_style(records, ["x"]), ["x"])
    assert [(point["strength"], point["count"], point["x"]["median"]) for point in curve] == [(0.5, 1, 7), (1.0, 2, 2)]


def test_a_style_without_pictures() -> None:
    """A style of which nothing could be measured has no median, and does not count among the styles."""
    styles = by_style([record("a", 1.0), record("b", None, error="no")], ["x"])
    assert styles[1]["x"] is None and styles[1]["count"] == 0
    assert over_styles(styles, ["x"])[0]["count"] == 1
    assert over_styles(styles[1:], ["x"])[0]["x"] is None


@pytest.mark.parametrize("count", [2, 5])
def test_the_ends_are_around_the_median(count: int) -> None:
    """Low, median and high come in this order."""
    found = median(np.random.default_rng(count).random(count).tolist())
    assert found.low is not None and found.high is not None and found.low <= found.median <= found.high
