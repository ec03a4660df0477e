"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from impasto.errors import OptionError
from impasto.pictures.sheets import _wrapped, contact_sheet, map_sheet

RED = np.full((20, 30, 3), [1, 0, 0], np.float32)
BLUE = np.full((20, 30, 3), [0, 0, 1], np.float32)


def test_every_picture_is_on_the_sheet() -> None:
    """Each picture stands unchanged at its place, row by row."""
    sheet = contact_sheet([RED, BLUE, RED], columns=2, gap=4)
    assert sheet.shape == (2 * 24 + 4, 2 * 34 + 4, 3)
    assert np.array_equal(sheet[4:24, 4:34], RED)
    assert np.array_equal(sheet[4:24, 38:68], BLUE)
    assert np.array_equal(sheet[28:48, 4:34], RED)


def test_labels_are_written_below() -> None:
    """A label adds a line with ink on it below its picture."""
    plain, labelled = contact_sheet([RED], gap=4), contact_sheet([RED], ["red"], gap=4)
    assert labelled.shape[0] > plain.shape[0]
    assert labelled[24:, :].min() < 0.5


@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_sheets_are_wider_than_high(count: int) -> None:
    """Without a number of columns the sheet comes out roughly 4:3."""
    square = np.zeros((50, 50, 3), np.float32)
    height, width = contact_sheet([square] * count).shape[:2]
    assert 0.7 < width / height < 2.2


def test_a_long_label_is_wrapped_and_never_cut() -> None:
    """A label that is too long goes on below it: all letters are there, and none is in its neighbour's place."""
    wide = np.full((20, 60, 3), [1, 0, 0], np.float32)
    name = "a-very-long-name-indeed-of-a-painting"
    sheet = contact_sheet([wide, wide], [name, ""], columns=2, gap=4)
    assert sheet[24:-4, 68:].min() > 0.9
    _, (text, _), _ = _wrapped([name, ""], 60, ImageFont.load_default(11))
    assert text.replace("\n", "") == name and text.count("\n") >= 2
    ink = (sheet[24:-4, 4:64].min(axis=2) < 0.5).any(axis=1)  # rows with letters
    assert np.count_nonzero(np.diff(ink.astype(int)) == 1) >= text.count("\n")


@pytest.mark.parametrize("width", [1, 4, 30, 128])
def test_no_label_is_wider_than_its_column(width: int) -> None:
    """However narrow the pictures are, a column has room for the longest word, and the name is whole."""
    font = ImageFont.load_default(11)
    wide, texts, _ = _wrapped(["vermeer-girl-with-a-pearl-earring", "two words"], width, font)
    assert texts[0].replace("\n", "") == "vermeer-girl-with-a-pearl-earring"
    assert texts[1].replace("\n", " ") == "two words"
    assert wide >= width and all(font.getlength(line) <= wide for text in texts for line in text.split("\n"))


@pytest.mark.parametrize("bad", [{"columns": -3}, {"columns": 0}, {"columns": 1.5}, {"gap": -1}, {"gap": 2.5}])
def test_a_sheet_of_nonsense_is_refused(bad) -> None:
    """Columns are whole numbers of 1 or more, gaps of 0 or more."""
    with pytest.raises(OptionError, match="must be a whole number"):
        contact_sheet([RED], **bad)
    with pytest.raises(OptionError, match="width"):
        map_sheet(np.zeros((1, 2), np.float32), ["a"], width=-100)


def test_a_map_shows_every_picture_at_its_place() -> None:
    """Pictures that do not touch stand whole, x to the right and y up."""
    sheet = map_sheet(np.array([[0, 0], [1, 1]], np.float32), ["a", "b"], [RED, BLUE], width=300)
    red, blue = (np.argwhere((sheet == colour).all(2)) for colour in ([1, 0, 0], [0, 0, 1]))
    assert len(red) == len(blue) == 20 * 30
    assert red[:, 0].min() > blue[:, 0].max() and red[:, 1].max() < blue[:, 1].min()


@pytest.mark.parametrize("count", [2, 9, 40])
def test_pictures_on_one_point_of_a_map_are_moved_apart(count: int) -> None:
    """Even if all styles lie on one point, every picture can be seen whole."""
    sheet = map_sheet(np.full((count, 2), 0.5, np.float32), ["x"] * count, [RED] * count, width=300)
    assert (sheet == [1, 0, 0]).all(2).sum() == count * 20 * 30


def test_a_map_without_pictures_is_labelled_dots() -> None:
    """Without pictures there is ink at every point."""
    sheet = map_sheet(np.array([[0, 0], [1, 0]], np.float32), ["a", "b"], width=400)
    assert sheet[:, :100].min() < 0.5 and sheet[:, -100:].min() < 0.5
