"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.sheets import contact_sheet

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
