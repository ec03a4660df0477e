"""Styles as other libraries hand them over: each is what it says, or is refused in a sentence."""

from __future__ import annotations

import decimal
import fractions
import math
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from impasto.errors import ImpastoError, MismatchError, OptionError, StyleNameError
from impasto.styles.bank import PHOTO, Bank, Card
from impasto.styles.blend import mix, style_share, weights_of

NAMES = (PHOTO, "a", "b", "c")
BANK = Bank(
    names=NAMES,
    rows=np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32),
    cards=(Card("", "", "", "", ""),) * 4,
    network="full",
    fingerprint="0a",
)


class Name(str):
    """Somebody's own kind of text."""


HALVES = {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize(
    "style",
    [
        "a,b",
        "b : 1 , a:1",
        Name("a:3,b:3"),
        np.str_("a,b"),
        ["a", "b"],
        ("a", Name("b")),
        {"a", "b"},
        frozenset(("a", "b")),
        np.array(["a", "b"]),
        np.array(["a", "b"], object),
        [("a", 2), ("b", 2.0)],
        (["a", "1"], ["b", np.float16(1)]),
        ["a", ("b", 1)],
        {"a": np.float32(0.3), "b": np.float32(0.3)},
        {Name("a"): np.int64(4), np.str_("b"): np.array(4)},
        {"a": decimal.Decimal(1), "b": fractions.Fraction(1)},
        {"a": 1e308, "b": 1e308},
        {"a": 5e-324, "b": 5e-324},
        {"a": True, "b": True, "c": False},
    ],
    ids=lambda style: type(style).__name__ if isinstance(style, set | frozenset) else repr(style),
)
def test_an_equal_mix(style: Any) -> None:
    """However a mix of two styles is written, it is that mix."""
    assert {name: weight for name, weight in (weights_of(style) or {}).items() if weight} == HALVES
    assert mix(BANK, style).tobytes() == mix(BANK, HALVES).tobytes()
    assert style_share(style, strength=0.5) == 0.5


def test_rows_of_every_kind() -> None:
    """A row may be a list, a tuple, an array of any float or whole number, or another library's array of one axis."""
    row = [0.5, -1.0, 2.0, 0.0, 1.0, 3.0]
    kinds: list[Any] = [row, tuple(row), np.array(row), np.array(row, np.float16), np.array(row, ">f4")]

    class Foreign:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.array(row, dtype)

    for kind in [*kinds, Foreign(), memoryview(np.array(row))]:
        found = mix(BANK, kind)
        assert found.dtype == np.float32 and found.tolist() == row
        assert weights_of(kind) is None and style_share(kind) == 1
    assert mix(BANK, [1, 0, 0, 0, 0, 9]).tolist() == [1, 0, 0, 0, 0, 9]


def test_rows_of_torch() -> None:
    """A tensor is a row too, with a gradient, in bfloat16 or half."""
    torch = pytest.importorskip("torch")
    row = torch.arange(6, dtype=torch.float32, requires_grad=True)
    for tensor in (row, row.double(), row.half(), row.bfloat16(), row.detach().int()):
        assert mix(BANK, tensor).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("style", "message"),
    [
        (None, "a style is a name, a mix .* not None"),
        (0.5, "a style is a name, .* not 0.5"),
        (3, "a style is a name"),
        (True, "a style is a name"),
        (b"a", "a style is a name"),
        (PurePosixPath("a"), "a style is a name"),
        (NotImplemented, "a style is a name"),
        ({}, "a mix names no style"),
        ([], "a mix names no style"),
        ((), "a mix names no style"),
        (set(), "a mix names no style"),
        ("", "a style name is missing"),
        (",", "a style name is missing"),
        (np.zeros(0), "a style is a name"),
        (np.zeros((2, 3)), "a style is a name"),
        (np.array(1.0), "a style is a name"),
        (np.ones(6, complex), "a style is a name"),
        (np.ones(6, bool), "a style is a name"),
        ([1, [2, 3]], "cannot be read as a row|a style is a name"),
        (["a", 0.5], "a style is a name|cannot be read as a row"),
        (["a", None], "a style is a name|cannot be read as a row"),
        ([("a", 1, 2)], "a style is a name|cannot be read as a row"),
        (["a", "a"], "'a' is there twice"),
        ([("a", 1), ("b", 1), ("a", 3)], "'a' is there twice"),
        ({"a": None}, "weight of 'a' must be a finite number of 0 or more, not None"),
        ({"a": math.nan}, "finite number"),
        ({"a": -1}, "finite number of 0 or more"),
        ({"a": 10**400}, "not a number of more than 300 digits"),
        ({"a": 1j}, "must be a finite number"),
        ({"a": [1, 2]}, "must be a finite number"),
        ({"a": 0, "b": 0.0}, "add up to 0"),
        ({1: 0.5}, "no style 1"),
        ({None: 0.5}, "no style None"),
        ({"a": 0.5, "d": 0}, "no style 'd'"),
        (["a", "B"], "no style 'B'"),
    ],
    ids=repr,
)
def test_what_is_no_style(style: Any, message: str) -> None:
    """What is no style is refused with what would be one."""
    with pytest.raises((OptionError, StyleNameError), match=message) as caught:
        mix(BANK, style)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert isinstance(caught.value, StyleNameError) == ("no style" in message and "names" not in message)


def test_numbers_too_long_to_print() -> None:
    """A whole number that Python itself refuses to print is refused all the same."""
    with pytest.raises(OptionError, match="a number of more than 300 digits"):
        mix(BANK, {"a": 10**5000})
    with pytest.raises(OptionError, match="strength must be a number from 0 to 1.5"):
        style_share("a", strength=10**5000)


def test_arrays_that_break() -> None:
    """An object that fails when it is asked for its numbers is refused in a sentence."""

    class Broken:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise RuntimeError("on another device")

    with pytest.raises(OptionError, match="Broken cannot be read as a row .on another device"):
        mix(BANK, Broken())  # type: ignore[arg-type]


def test_rows_of_another_length() -> None:
    """Both lengths are in the sentence."""
    with pytest.raises(MismatchError, match=r"row of shape \(5,\) meets .* rows have 6 numbers"):
        mix(BANK, [1.0] * 5)


def test_a_very_long_mix() -> None:
    """Thousands of names and weights are a mix, and a name that is twice among them is found."""
    names = [f"style-{i}" for i in range(3000)]
    bank = Bank(
        names=tuple(names),
        rows=np.ones((3000, 2), np.float32),
        cards=BANK.cards[:1] * 3000,
        network="full",
        fingerprint="0a",
    )
    assert mix(bank, ",".join(f"{name}:{i}" for i, name in enumerate(names))).tolist() == [1, 1]
    assert mix(bank, names).tolist() == [1, 1]
    with pytest.raises(OptionError, match="'style-7' is there twice"):
        mix(bank, [*names, "style-7"])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | st.tuples(inner, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(style=anything, strength=anything)
def test_nothing_crashes(style: Any, strength: Any) -> None:
    """Whatever comes as a style or a strength gives a row or an error of impasto's in one line."""
    for make in (lambda: mix(BANK, style), lambda: style_share(style, strength=strength)):
        try:
            assert np.isfinite(make()).all()
        except ImpastoError as error:
            assert "\n" not in str(error).replace(repr(style), "")


@pytest.mark.parametrize("style", [["red", "blue"], [("red", 1), ("blue", 1)], {"red": np.float64(2), "blue": 2}])
def test_painters_take_them(network_file: Path, style: Any) -> None:
    """A painter paints in them, as styles; as a mask's style a mix can be a tuple."""
    pytest.importorskip("onnx")
    from impasto.painting.painter import Painter

    painter = Painter(network_file, runtime="onnxruntime")
    photo = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    expected = painter.paint_array(photo, "red,blue")
    np.testing.assert_array_equal(painter.paint_array(photo, style), expected)
    masks: Any = {("red", "blue"): np.full((20, 24), 255, np.uint8)}
    assert np.abs(painter.paint_array(photo, "green", masks=masks).astype(int) - expected).max() <= 1
