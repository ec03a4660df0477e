"""How a picture goes on beyond its ends."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.pictures.margin import MIRRORED, places


def test_next_to_the_picture_it_is_mirrored_and_beyond_moved() -> None:
    """Four pixels are mirrored; what lies beyond them is the strip inside of those, not turned, at both ends."""
    assert list(places(12, 7)) == [4, 5, 6, 4, 3, 2, 1, *range(12), 10, 9, 8, 7, 5, 6, 7]


@pytest.mark.parametrize("length, margin", [(9, MIRRORED), (9, 0), (9, 9), (5, 40), (1, 3)])
def test_all_is_mirrored_where_the_margin_is_narrow_or_the_picture_is(length: int, margin: int) -> None:
    """A margin of no more than those pixels, and one as wide as the picture, is mirrored, again and again."""
    np.testing.assert_array_equal(places(length, margin), np.pad(np.arange(length), margin, "reflect"))


@pytest.mark.parametrize("length, margin", [(50, 40), (41, 40), (300, 24)])
def test_both_ends_are_alike(length: int, margin: int) -> None:
    """The margin of a turned picture is the turned margin."""
    np.testing.assert_array_equal(places(length, margin), length - 1 - places(length, margin)[::-1])
