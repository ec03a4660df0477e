"""Stroke sizes: rows that belong to a style, and the line between them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impasto.errors import BankError, OptionError, StyleNameError
from impasto.styles import blend, strokes
from impasto.styles.bank import Bank, Card
from tests.conftest import pixels, run

CARD = Card("Me", "", "", "", "")


def a_bank() -> Bank:
    """``mine`` at 400 px, also at 200 and 800; ``other`` of one size; ``photo``."""
    rows = {"other": 7, "mine": 4, "photo": 0, "mine.200": 2, "mine.800": 8}
    cards = (
        CARD,
        strokes.card(CARD, 400),
        CARD,
        strokes.card(CARD, 200, of="mine"),
        strokes.card(CARD, 800, of="mine"),
    )
    values = np.array(list(rows.values()), np.float32)[:, None].repeat(3, 1)
    return Bank(names=tuple(rows), rows=values, cards=cards, network="full", fingerprint="0a")


def test_other_sizes_are_no_styles() -> None:
    """They are rows of the bank, but neither styles of their own nor neighbours of any."""
    bank = a_bank()
    assert bank.styles == ("other", "mine")
    assert [name for name, _ in blend.neighbours(bank, "mine", 9)] == ["other"]
    assert bank.remove("mine").styles == ("other", "mine.200", "mine.800")


def test_forgetting() -> None:
    """A bank without a painting has it in none of its sizes; paintings that it does not have do not matter."""
    assert a_bank().without(["mine", "nobody"]).names == ("other", "photo")


def test_sizes_come_in_order() -> None:
    """Sizes are those of the cards, ascending; a style of one size has none to choose from."""
    assert strokes.sizes(a_bank(), "mine") == {200: "mine.200", 400: "mine", 800: "mine.800"}
    assert strokes.sizes(a_bank(), "other") == {}
    with pytest.raises(StyleNameError):
        strokes.sizes(a_bank(), "nobody")


@pytest.mark.parametrize(("size", "value"), [(200, 2), (400, 4), (800, 8), (200 * 2**0.5, 3), (400 * 2**0.25, 5)])
def test_between_two_sizes(size: float, value: float) -> None:
    """A row is bitwise that of its size, and between two it is on the line, counted in logarithms."""
    row = strokes.row(a_bank(), "mine", size)
    assert row.dtype == np.float32 and np.allclose(row, value, atol=1e-6)


@pytest.mark.parametrize("size", [199, 801])
def test_sizes_that_were_not_taught(size: int) -> None:
    """What lies outside is refused with the range; so is a style of one size, with what to do."""
    with pytest.raises(OptionError, match=f"stroke sizes from 200 to 800, not {size}"):
        strokes.row(a_bank(), "mine", size)
    with pytest.raises(BankError, match="'other' has one stroke size only; .*--stroke-sizes"):
        strokes.row(a_bank(), "other", size)


def test_finer_than_what_was_learned() -> None:
    """By scale, sizes are measured by the style's own, or by the size that the network was trained with."""
    bank = replace(a_bank(), meta={"settings": {"style_size": 1000}})
    assert strokes.finer(bank, ["mine"], 200) == 2
    assert strokes.finer(bank, ["other"], 500) == strokes.finer(bank, ["other", "mine"], 500) == 2
    assert strokes.finer(bank, [], 2000) == 0.5
    assert strokes.finer(a_bank(), ["other"], strokes.USUAL) == 1
    with pytest.raises(OptionError, match="from 100 to 1600 pixels, not 99"):
        strokes.finer(bank, ["mine"], 99)


def test_a_bank_at_a_size() -> None:
    """Only the rows of the styles that were named change; the photo has no strokes."""
    bank = strokes.at_size(a_bank(), ["mine", "photo"], 200)
    assert bank["mine"].tolist() == [2, 2, 2] and bank.names == a_bank().names
    assert bank["other"].tolist() == [7, 7, 7]


def test_a_style_keeps_its_sizes() -> None:
    """Renamed or picked out, a style takes its other sizes along."""
    bank = strokes.rename(a_bank(), "mine", "yours")
    assert strokes.sizes(bank, "yours") == {200: "yours.200", 400: "yours", 800: "yours.800"}
    assert strokes.whole(bank, ["photo", "yours", "yours.200"]) == ["photo", "yours", "yours.200", "yours.800"]


@pytest.mark.parametrize("sizes", [(), (300,), (300, 300), (10, 300)])
def test_sizes_to_teach(sizes: tuple[int, ...]) -> None:
    """Two or more different sizes, none too small to show a stroke."""
    assert strokes.check_sizes((700, 350), largest=700) == (350, 700)
    with pytest.raises(OptionError, match="two or more different numbers"):
        strokes.check_sizes(sizes, largest=700)
    with pytest.raises(OptionError, match="longer side has 699 pixels"):
        strokes.check_sizes((700, 350), largest=699)


# The command line


@pytest.fixture
def sized(network_file: Path, tmp_path: Path) -> Path:
    """The tiny network's bank in which ``red`` knows two sizes: its own, 300, and 600, which is the row of ``blue``."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    bank = bank.add("red", bank["red"], strokes.card(CARD, 300), replace=True)
    bank = bank.add("red.600", bank["blue"], strokes.card(CARD, 600, of="red"))
    bank.save(tmp_path / "sized.safetensors")
    return tmp_path / "sized.safetensors"


def test_painting_at_a_stroke_size(sized, photos, network_file, tmp_path, capsys) -> None:
    """--stroke-size paints with the row of that size; beside a style that has one size all are painted by scale."""
    photo = next(photos.iterdir())
    words = ["paint", photo, "--network", network_file, "--bank", sized]
    code, _, err = run(*words, "-s", "red", "--stroke-size", 600, "-o", tmp_path / "a.png", capsys=capsys)
    assert code == 0, err
    run(*words, "-s", "blue", "-o", tmp_path / "b.png", capsys=capsys)
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))
    code, _, err = run(*words, "-s", "red", "--stroke-size", 900, "-o", tmp_path / "c.png", capsys=capsys)
    assert code == 2 and "'red' has stroke sizes from 300 to 600" in err and err.count("\n") == 1
    code, _, err = run(*words, "-s", "red,blue", "--stroke-size", 900, "-o", tmp_path / "c.png", capsys=capsys)
    assert code == 0, err


def test_the_list_is_not_flooded(sized, capsys) -> None:
    """The list shows sizes in the line of their style; the JSON has every row."""
    code, printed, _ = run("styles", "--bank", sized, capsys=capsys)
    assert code == 0 and "red.600" not in printed and "300, 600" in printed
    code, printed, _ = run("styles", "--bank", sized, "--json", capsys=capsys)
    assert "red.600" in [style["name"] for style in json.loads(printed)["styles"]]


def test_sizes_travel_with_their_style(sized, tmp_path, capsys) -> None:
    """export takes them along, rename renames them, remove removes them."""
    out = [tmp_path / f"{i}.safetensors" for i in range(3)]
    run("styles", "export", "red", "--bank", sized, "-o", out[0], capsys=capsys)
    run("styles", "rename", "red", "rose", "--bank", sized, "-o", out[1], capsys=capsys)
    run("styles", "remove", "red", "--bank", sized, "-o", out[2], capsys=capsys)
    assert Bank.load(out[0]).names == ("red", "red.600")
    assert strokes.sizes(Bank.load(out[1]), "rose") == {300: "rose", 600: "rose.600"}
    assert Bank.load(out[2]).names == ("green", "blue", "photo")
