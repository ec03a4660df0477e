"""Arithmetic on rows: what the weights, the dial, paths and squares promise, checked on a small made-up bank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from impasto.errors import BankError, MismatchError, OptionError, StyleNameError
from impasto.styles.bank import Bank, Card, Floats
from impasto.styles.blend import active, mix, neighbours, normalise, parse, path, square, style_share, with_own_tones

NAMES = ("photo", "a", "b", "c", "d-1.5_x")
CARD = Card("", "", "", "", "")


def a_bank(rows: object = None, names: tuple[str, ...] = NAMES) -> Bank:
    if rows is None:
        rows = np.random.default_rng(0).normal(1, 3, (len(names), 6))
        rows[::2, 0] = -0.0  # bitwise means that this stays too
    return Bank(names=names, rows=rows, cards=(CARD,) * len(names), network="full", fingerprint="0a")  # type: ignore[arg-type]


BANK = a_bank()
weights_of = st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1e308), min_size=1).filter(
    lambda weights: any(weights.values())
)


def bits(row: Floats) -> bytes:
    assert row.dtype == np.float32
    return row.tobytes()


# Reading weights


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("a", {"a": 1}),
        ("a,b", {"a": 1, "b": 1}),
        ("a:0.6,b:0.4", {"a": 0.6, "b": 0.4}),
        (" a : 0.6 , b:.4 ", {"a": 0.6, "b": 0.4}),
        ("a:3,b", {"a": 3, "b": 1}),
        ("a:0,b:1e-3", {"a": 0, "b": 0.001}),
        ("d-1.5_x:2", {"d-1.5_x": 2}),
    ],
)
def test_parse(text: str, weights: dict[str, float]) -> None:
    """Names and weights are read as written; a name alone counts 1."""
    assert parse(text) == weights


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a style name is missing in ''"),
        ("a,", "a style name is missing"),
        (",a", "a style name is missing"),
        ("a,,b", "a style name is missing"),
        (":0.5", "a style name is missing"),
        ("a:", "weight of 'a' must be a finite number of 0 or more, not ''"),
        ("a:x", "weight of 'a' must be a finite number of 0 or more, not 'x'"),
        ("a:60%", "weight of 'a' must be a finite number of 0 or more, not '60%'; write it like 'a:0.5'"),
        ("a:b:0.5", "weight of 'a' must be a finite number of 0 or more, not 'b:0.5'"),
        ("a:nan", "finite number of 0 or more"),
        ("a:inf", "finite number of 0 or more"),
        ("a:-1,b:2", "weight of 'a' must be a finite number of 0 or more, not '-1'"),
        ("a:0", "add up to 0"),
        ("a:0,b:0", "add up to 0"),
        ("a,b,a", "'a' is there twice"),
    ],
)
def test_parse_refuses(text: str, message: str) -> None:
    """What is not a mix is refused with the part that is wrong."""
    with pytest.raises(OptionError, match=message):
        parse(text)
    with pytest.raises(OptionError, match=message):
        mix(BANK, text)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab:,.0123e-+ \tn∞_"), max_size=12))
def test_parse_any_text(text: str) -> None:
    """Any text is a mix of finite weights or an OptionError."""
    try:
        weights = parse(text)
    except OptionError:
        return
    assert all(math.isfinite(weight) and weight >= 0 for weight in weights.values()) and any(weights.values())


@settings(deadline=None)
@given(weights_of)
def test_normalise(weights: dict[str, float]) -> None:
    """Normalised weights keep their names and order and add up to 1, however large they were."""
    normal = normalise(weights)
    assert list(normal) == list(weights) and math.isclose(sum(normal.values()), 1)


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}, {"a": math.nan}, {"a": None}, {"a": "x"}])
def test_normalise_refuses(weights: dict[str, float]) -> None:
    """Weights from Python are checked like those from text."""
    with pytest.raises(OptionError):
        normalise(weights)


# Mixing


@pytest.mark.parametrize("name", NAMES)
def test_one_style_is_its_row(name: str) -> None:
    """A style at weight 1, at any weight alone, or beside weights of 0, is bitwise its row."""
    for style in (name, f"{name}:0.3", {name: 7.0}, {name: 0.1, "a" if name != "a" else "b": 0.0}, BANK[name]):
        assert bits(mix(BANK, style)) == bits(BANK[name])


def test_the_mean_of_rows() -> None:
    """A mix is the weighted mean of its rows, in which the photo has no part."""
    bank = a_bank([[0, 0], [1, 10], [3, 30]], ("photo", "a", "b"))
    assert mix(bank, "a,b").tolist() == [2, 20]
    assert mix(bank, "a:3,b:1").tolist() == [1.5, 15]
    assert mix(bank, {"a": 0.25, "b": 0.25, "photo": 0.5}).tolist() == [2, 20]


@settings(deadline=None)
@given(weights_of, st.floats(1e-3, 1e3))
def test_mix_lies_between_and_ignores_scale_and_order(weights: dict[str, float], factor: float) -> None:
    """A mix lies within its rows, and neither the order nor the unit of the weights matters."""
    weights = {name: weight / 1e300 for name, weight in weights.items()}
    if not any(weights.values()):
        return
    row = mix(BANK, weights)
    used = np.stack([BANK[name] for name in weights])
    assert (used.min(0) - 1e-5 <= row).all() and (row <= used.max(0) + 1e-5).all()
    again = {name: weights[name] * factor for name in reversed(weights)}
    assert np.allclose(mix(BANK, again), row, rtol=1e-6, atol=1e-6)


def test_a_mix_is_the_callers_own() -> None:
    """Changing a mix changes neither the bank nor the row that went in."""
    mine = np.ones(6, np.float32)
    for style in ("a", "a,b", mine):
        mix(BANK, style)[:] = 0
    assert BANK["a"].any() and mine.all()


@pytest.mark.parametrize("style, share", [("a", 1), ("a:0.3,b:0.7", 1), (BANK["c"], 1), ("a:0.3,photo:0.7", 0.3)])
@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0, 1.5])
def test_strength(style: Any, share: float, strength: float) -> None:
    """What is shown of a painting is the strength times what of its mix is not photo."""
    assert style_share(style, strength=strength) == pytest.approx(strength * share)
    assert style_share("photo", strength=strength) == 0


def test_the_photo_is_no_part_of_a_row() -> None:
    """A mix with photo in it is painted as that without; photo alone has its row."""
    assert np.allclose(mix(BANK, "a:0.2,b:0.1,photo:0.7"), mix(BANK, "a:2,b:1"), atol=1e-6)
    assert bits(mix(BANK, "a:0.2,photo:0.8")) == bits(BANK["a"])
    assert bits(mix(BANK, "photo")) == bits(BANK["photo"])


@pytest.mark.parametrize("strength", [-0.1, 1.51, math.nan, math.inf])
def test_strength_out_of_range(strength: float) -> None:
    """Strength beyond 0 to 1.5 is refused."""
    with pytest.raises(OptionError, match="strength must be a number from 0 to 1.5"):
        style_share("a", strength=strength)


def test_mix_refuses() -> None:
    """An unknown style is refused even at weight 0, and so is a row of another length or with NaN."""
    with pytest.raises(StyleNameError, match="no style 'd-1.5'; did you mean 'd-1.5_x'"):
        mix(BANK, "a:1,d-1.5:0")
    with pytest.raises(MismatchError, match="6 numbers"):
        mix(BANK, np.zeros(7, np.float32))
    with pytest.raises(BankError, match="NaN"):
        mix(BANK, np.full(6, np.nan, np.float32))


# Paths, squares, neighbours


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", "a:1,b:3", "photo"]), min_size=2, max_size=4), st.integers(2, 30))
def test_path_ends(styles: list[str], frames: int) -> None:
    """A path has as many rows as asked, and its ends are bitwise the first and the last style."""
    rows = list(path(BANK, styles, frames))
    assert len(rows) == frames
    assert bits(rows[0]) == bits(mix(BANK, styles[0])) and bits(rows[-1]) == bits(mix(BANK, styles[-1]))


def test_path_is_straight_and_even() -> None:
    """A path goes in equal steps and hits inner styles bitwise where a frame falls on them."""
    rows = list(path(BANK, ["a", "b", "c"], 9))
    assert bits(rows[4]) == bits(BANK["b"])
    for start in (0, 4):
        steps = np.diff(np.stack(rows[start : start + 5]).astype(float), axis=0)
        assert np.allclose(steps, steps[0], atol=1e-6) and np.abs(steps[0]).max() > 0.01
    uneven = np.stack(list(path(a_bank([[0], [0], [10], [0]], ("photo", "a", "b", "c")), ["a", "b", "c"], 6)))
    assert uneven[:, 0].tolist() == [0, 4, 8, 8, 4, 0]


@pytest.mark.parametrize(("styles", "frames"), [(["a"], 5), ([], 5), (["a", "b"], 1), (["a", "b"], 0)])
def test_path_refuses(styles: Sequence[str], frames: int) -> None:
    """Fewer than two styles or frames, or an unknown style, are refused when the path is asked for."""
    with pytest.raises(OptionError, match="2 styles|frames must be a whole number from 2"):
        path(BANK, styles, frames)
    with pytest.raises(StyleNameError):
        path(BANK, ["a", "nobody"], 2)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_square_corners(n: int) -> None:
    """The corners of a square are bitwise its styles: top left, top right, bottom left, bottom right."""
    grid = square(BANK, ["a", "b", "c", "a:1,c:2"], n)
    assert grid.shape == (n, n, 6)
    corners = [bits(grid[y, x]) for y in (0, -1) for x in (0, -1)]
    assert corners == [bits(mix(BANK, style)) for style in ("a", "b", "c", "a:1,c:2")]


def test_square_is_bilinear() -> None:
    """The edges of a square are paths, and its middle is the mean of the four."""
    grid = square(BANK, ["a", "b", "c", "a"], 5)
    assert np.allclose(grid[0], list(path(BANK, ["a", "b"], 5)), atol=1e-6)
    assert np.allclose(grid[:, 0], list(path(BANK, ["a", "c"], 5)), atol=1e-6)
    assert np.allclose(grid[2, 2], mix(BANK, "a:2,b:1,c:1"), atol=1e-6)


def test_square_refuses() -> None:
    """A square has four styles and at least two rows."""
    for styles, n in ((["a"] * 3, 3), (["a"] * 5, 3), (["a"] * 4, 1)):
        with pytest.raises(OptionError, match="4 styles|side of the square, must be a whole number from 2"):
            square(BANK, styles, n)


def test_neighbours() -> None:
    """Neighbours come nearest first, without the style itself and without the photo row, at most k."""
    bank = a_bank([[0, 0], [0, 1], [1, 1], [5, 1], [9, 1]])
    assert [name for name, _ in neighbours(bank, "a", 9)] == ["b", "c", "d-1.5_x"]
    assert len(neighbours(bank, "a", 2)) == 2 and neighbours(bank, "c", 1)[0][0] in ("b", "d-1.5_x")
    assert [name for name, _ in neighbours(bank, "photo", 1)] == ["a"]


def test_distance() -> None:
    """The distance is symmetric, 0 between equal rows, and the same when a coordinate changes its unit."""
    far = {(x, y): d for x in "abc" for y, d in neighbours(BANK, x, 9)}
    assert all(far[x, y] == far[y, x] > 0 for x, y in (("a", "b"), ("a", "c"), ("b", "c")))
    twins = a_bank([[0, 0], [1, 2], [1, 2], [7, 7], [1, 1]])
    assert neighbours(twins, "a", 1) == [("b", 0.0)]
    scaled = a_bank(BANK.rows * np.array([1, 8, 1 / 4, 2, 1, 1024]))
    assert dict(neighbours(scaled, "a", 9)) == pytest.approx(dict(neighbours(BANK, "a", 9)))
    flat = a_bank(BANK.rows * np.array([1, 1, 1, 1, 1, 0]))
    assert all(math.isfinite(distance) for _, distance in neighbours(flat, "a", 9))


def test_numbers_that_do_nothing_do_not_count() -> None:
    """Of ``full``'s 3,206 numbers 640 are idle, and styles that differ only there are no distance apart."""
    idle = ~active(3206)
    assert idle.sum() == 640 and active(6).all()
    rows = np.random.default_rng(0).normal(size=(4, 3206))
    rows[1] = np.where(idle, rows[1], rows[0])
    bank = a_bank(rows, ("a", "b", "c", "d"))
    assert neighbours(bank, "a", 1) == [("b", 0.0)]


def test_idle_numbers_are_the_shifts_at_the_ends_of_blocks() -> None:
    """Moving them changes nothing that the paper's network paints."""
    torch = pytest.importorskip("torch")
    from impasto.learn.network.full import PasticheNetwork

    network = PasticheNetwork().eval()
    row = 0.5 + torch.rand(network.row_size, generator=torch.Generator().manual_seed(0))
    moved = row + torch.from_numpy(np.where(active(network.row_size), 0, 1).astype(np.float32))
    photo = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(network(photo, row[None]), network(photo, moved[None]), atol=1e-4)


def test_unrelated_styles_are_sqrt_2_apart() -> None:
    """Random rows come out near sqrt(2), the unit in which the distance is to be read."""
    bank = a_bank(np.random.default_rng(0).normal(size=(30, 3206)), tuple(f"s{i}" for i in range(30)))
    assert all(abs(distance - math.sqrt(2)) < 0.1 for _, distance in neighbours(bank, "s0", 99))


def test_neighbours_refuses() -> None:
    """An unknown style and a k below 1 are refused."""
    with pytest.raises(OptionError, match="1 or more, not 0"):
        neighbours(BANK, "a", 0)
    with pytest.raises(StyleNameError):
        neighbours(BANK, "nobody", 1)


def test_own_tones_are_the_pictures_moments() -> None:
    """The last norm gets the mean and deviation of the picture's logits; the rest of the row stays."""
    picture = np.random.default_rng(0).uniform(0.1, 0.9, (20, 30, 3)).astype(np.float32)
    row = np.arange(40, dtype=np.float32)
    own = with_own_tones(row, picture)
    logits = np.log(picture / (1 - picture))
    assert np.allclose(own[17:20], logits.std((0, 1)), atol=1e-4)
    assert np.allclose(own[37:], logits.mean((0, 1)), atol=1e-4)
    assert np.array_equal(np.delete(own, [17, 18, 19, 37, 38, 39]), np.delete(row, [17, 18, 19, 37, 38, 39]))


def test_own_tones_of_black_are_finite() -> None:
    """A black or white picture has no infinite logits."""
    for value in (0, 1):
        assert np.isfinite(with_own_tones(np.zeros(8), np.full((4, 4, 3), value, np.float32))).all()


def test_own_tones_of_a_large_picture_are_those_of_its_sample() -> None:
    """Beyond the sample's size every few pixels serve, with nearly the same numbers."""
    small = np.random.default_rng(0).uniform(0.2, 0.8, (4, 4, 3)).astype(np.float32)
    large = np.kron(small, np.ones((250, 250, 1), np.float32))
    row = np.zeros(8, np.float32)
    assert np.allclose(with_own_tones(row, large), with_own_tones(row, small), atol=0.01)
