"""Parts of a scene that move against it: how they are found, and what is carried along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from impasto.film.steady.change import BLOCK, at_rest, changed
from impasto.film.steady.motion import carried, moving, shifts
from impasto.painting.look import Look
from impasto.painting.painter import Painter

HEIGHT, WIDTH = 128, 256
KNOWN = np.ones((HEIGHT // BLOCK, WIDTH // BLOCK), np.float32)
INSIDE = np.s_[5:11, 7:14]  # blocks that show nothing but the object
FAR = np.s_[:, 26:]


def blobs(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Soft blobs of several sizes."""
    rng = np.random.default_rng(seed)
    parts = [Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8)) for size in (5, 9, 15)]
    return np.mean([np.asarray(part.resize((width, height), Image.Resampling.BICUBIC)) for part in parts], 0).astype(
        np.uint8
    )


def scene(down: int, right: int) -> np.ndarray:
    """A ground that stands still, and an object so far down and right of its first place."""
    frame, thing = blobs(0), blobs(1, 80, 104)
    frame[24 + down : 104 + down, 32 + right : 136 + right] = thing
    return frame


@pytest.mark.parametrize("move", [(2, -3), (-1, 1), (0, 6)])
def test_what_moves_is_found(move: tuple[int, int]) -> None:
    """The shift of an object is found to half a pixel, and the ground has none."""
    found = shifts(scene(-move[0], -move[1]), scene(0, 0))
    apart = np.hypot(*(found[axis][INSIDE] + move[axis] for axis in (0, 1)))
    assert np.median(apart) < 0.5 and np.abs(found[:, *FAR]).max() < 0.1


def test_threads_find_the_same() -> None:
    """What moves is found to the same last bit, however many threads look for it."""
    assert np.array_equal(shifts(scene(2, 3), scene(0, 0), 1), shifts(scene(2, 3), scene(0, 0), 3))


@pytest.mark.parametrize("by", [(2.0, -3.0), (-1.5, 0.5)])
def test_blocks_are_carried(by: tuple[float, float]) -> None:
    """A block is what the past has so far away: to the last bit at whole pixels, nearly so between."""
    past = blobs(2)
    blocks = np.array([3, 5]), np.array([4, 7])
    parts = carried(past.astype(np.int16), blocks, np.tile(np.array(by, np.float32)[:, None], 2))
    image = Image.fromarray(past)
    for part, row, column in zip(parts, *blocks, strict=True):
        top, left = BLOCK * row + by[0], BLOCK * column + by[1]
        box = (left, top, left + BLOCK, top + BLOCK)
        expected = np.asarray(image.resize((BLOCK, BLOCK), Image.Resampling.BICUBIC, box), float)
        if by[0] == 2:
            place = np.s_[int(top) : int(top) + BLOCK, int(left) : int(left) + BLOCK]
            assert np.array_equal(part.reshape(BLOCK, BLOCK, 3), past[place])
        else:
            assert np.abs(part.reshape(BLOCK, BLOCK, 3) - expected).mean() < 3


def test_blocks_at_the_border_stay_inside() -> None:
    """Blocks that come from beyond the border are taken from where there are pixels."""
    blocks = np.array([0, 15]), np.array([0, 31])
    parts = carried(blobs(2).astype(np.int16), blocks, np.array([[-30, 30], [-9, 50]], np.float32))
    assert parts.shape == (2, BLOCK, 3 * BLOCK) and np.isfinite(parts).all()


def test_an_object_fits_and_what_it_uncovers_does_not() -> None:
    """Blocks inside an object fit what is carried along and are no change; those that it uncovered are new."""
    past, frame = scene(0, 0), scene(0, 9)
    change = changed(past, frame, KNOWN, 1.0)
    found = moving(past, frame, change, KNOWN)
    fits = np.zeros_like(KNOWN)
    fits[found.blocks] = found.fits
    assert fits[INSIDE].mean() > 0.6
    assert fits[4:12, 4].max() < 0.1
    assert (found.weaker(change.strength) <= change.strength).all()
    assert found.weaker(change.strength)[INSIDE].mean() < 0.4 * change.strength[INSIDE].mean()
    kept = found.carry(past.astype(np.int16) << 6)
    assert np.array_equal(kept[:16], past[:16].astype(np.int16) << 6)
    assert np.abs(kept[48:80, 60:110] / 64 - frame[48:80, 60:110]).mean() < 4


def test_nothing_moves_in_a_still_scene() -> None:
    """Where hardly a block changed nothing is looked for, and the past is carried nowhere."""
    past = scene(0, 0)
    found = moving(past, past, changed(past, past, KNOWN, 1.0), KNOWN)
    state = past.astype(np.int16)
    assert not found.fits.size and found.carry(state) is state
    assert np.array_equal(found.held(KNOWN, KNOWN), KNOWN)


def test_an_object_takes_its_painting_along(network_file: Path) -> None:
    """An object that moves by three pixels a frame boils less than painted frame by frame."""
    pytest.importorskip("onnx")
    painter = Painter(network_file, runtime="onnxruntime", threads=1)
    film = [scene(0, 3 * count) for count in range(6)]

    def boiling(steady: float) -> float:
        painted = list(painter.paint_frames(film, Look("red"), steady=steady))
        inside = [each[48:80, 64 + 3 * count : 104 + 3 * count].astype(float) for count, each in enumerate(painted)]
        return float(np.mean([np.abs(b - a).mean() for a, b in zip(inside, inside[1:], strict=False)]))

    assert boiling(1.0) < 0.75 * boiling(0.0)


def test_what_is_uncovered_is_new_even_if_it_looks_alike() -> None:
    """Before a plain ground what an object uncovers looks like the ground beside it, which did not move: it is new."""
    past = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    frame = past.copy()
    past[24:104, 32:136], frame[24:104, 48:152] = blobs(1, 80, 104), blobs(1, 80, 104)
    change = changed(past, frame, KNOWN, 1.0)
    found = moving(past, frame, change, KNOWN)
    held = found.held(change.holds, at_rest(found.weaker(change.strength)))
    assert held[3:13, 1:6].max() < 0.1 and found.weaker(change.strength)[4:12, 4:6].min() > 0.6


def test_what_an_edge_uncovers_is_not_carried_along() -> None:
    """Behind a square that leaves a textured place nothing of the past is carried, though slopes there are steep."""
    empty = np.asarray(Image.fromarray(data.coffee()).resize((304, 224)))
    past, frame = empty.copy(), empty.copy()
    past[88:136, 22:70] = frame[88:136, 36:84] = (255, 30, 30)
    known = np.ones((28, 38), np.float32)
    found = moving(past, frame, changed(past, frame, known, 0.0), known)
    rows, columns = found.blocks
    uncovered = (rows >= 11) & (rows < 17) & (columns >= 2) & (columns <= 4)
    assert uncovered.any()
    assert float((found.fits * (1 - found.alike))[uncovered].max()) == 0
