"""What numbers, lists and words may be, and the sentences that say so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from impasto.errors import ImpastoError, OptionError
from impasto.limits import CROP, DECAY, FPS, LAYERS, NAMES, RATIOS, SIDE, STROKE_SIZES, WEIGHT, Choice, Number


def test_an_option_error_is_a_value_error() -> None:
    """Callers that know nothing of impasto catch ValueError, those that do the whole family."""
    assert issubclass(OptionError, ValueError) and issubclass(OptionError, ImpastoError)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "1", None, True, 1j, [1]])
@pytest.mark.parametrize("limit", [SIDE, FPS, WEIGHT, DECAY, Number(0), Number(1, whole=True)])
def test_what_is_no_finite_number_is_refused(limit: Number, bad: object) -> None:
    """No limit lets NaN, infinity or another type pass, whether or not it has an upper end."""
    with pytest.raises(OptionError, match="size must be"):
        limit.check("size", bad)


@pytest.mark.parametrize(("limit", "good"), [(SIDE, np.int64(3)), (FPS, np.float32(3)), (FPS, 3), (WEIGHT, 0)])
def test_numbers_of_numpy_are_numbers(limit: Number, good: object) -> None:
    """What is within the limit comes back itself, of whatever type of number."""
    assert limit.check("size", good) is good


@pytest.mark.parametrize(
    ("limit", "text", "sentence"),
    [
        (Number(1, whole=True), "-3", "--x must be a whole number of 1 or more, not -3"),
        (Number(1, whole=True), "abc", "--x must be a whole number of 1 or more, not 'abc'"),
        (Number(1, whole=True), "1.5", "--x must be a whole number of 1 or more, not '1.5'"),
        (FPS, "nan", "--x must be a number from 0.1 to 50, not nan"),
        (DECAY, "1", "--x must be a number from 0 to below 1, not 1"),
        (Number(0, 5, above=True), "0", "--x must be a number of more than 0 and at most 5, not 0"),
        (CROP, "18", "--x must be a multiple of 4 from 16 to 65,536, not 18"),
        (Choice(("a", "b", "c")), "x", "--x must be a, b or c, not 'x'"),
        (NAMES, "", "--x must be one or more names with commas between them, not ''"),
        (SIDE, "9" * 100, f"--x must be a whole number from 1 to 1,000,000, not {'9' * 57}..."),
        (SIDE, "9" * 5000, f"--x must be a whole number from 1 to 1,000,000, not '{'9' * 56}..."),
    ],
)
def test_the_sentence_names_the_option_and_what_it_takes(limit, text: str, sentence: str) -> None:
    """One sentence: the option, what it takes, and what it was given."""
    with pytest.raises(OptionError) as caught:
        limit.read("--x", text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("limit", "text"),
    [(STROKE_SIZES, text) for text in ("nan,100", "100", "", "1.5,100", "100,,200", "1,100")]
    + [(RATIOS, text) for text in ("a,b", "", ",", "1,", "0", "1,inf", "-1")]
    + [(LAYERS, text) for text in ("", ",", "a:", "a:x", "a:nan", "a:-1", ":1", "a,,b")],
)
def test_lists_of_nonsense_are_refused(limit, text: str) -> None:
    """A list with a part that is missing, no number or out of its range is refused as a whole."""
    with pytest.raises(OptionError, match="--x must be"):
        limit.read("--x", text)


def test_lists_are_read() -> None:
    """Spaces around the parts do not matter; a layer without a weight counts 1."""
    assert RATIOS.read("x", "1e-3, 2") == (1e-3, 2.0)
    assert STROKE_SIZES.read("x", "100,200") == (100, 200)
    assert LAYERS.read("x", "a , b:0.5") == [("a", 1.0), ("b", 0.5)]
