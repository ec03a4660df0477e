"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.sheets import contact_sheet, map_sheet

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


def test_a_long_label_is_cut() -> None:
    """A label that is too long does not run into its neighbour's place."""
    sheet = contact_sheet([RED, RED], ["a very long name indeed of a painting", ""], columns=2, gap=4)
    assert sheet[24:-4, 38:].min() > 0.9


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
