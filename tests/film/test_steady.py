"""Frames of a film, painted one after the other, held still."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import OptionError, StyleNameError
from impasto.film.steady import Steady
from impasto.painting.look import Look
from impasto.painting.painter import Painter

pytest.importorskip("onnx")
LOOK = Look("red")
SIZE = (72, 96)


@pytest.fixture(scope="module")
def painter(network_file: Path) -> Painter:
    return Painter(network_file, runtime="onnxruntime", threads=1)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A picture of soft blobs, larger than the frames."""
    rng = np.random.default_rng(0)
    parts = [Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8)) for size in (9, 20, 40)]
    return np.mean([np.asarray(part.resize((160, 130), Image.Resampling.BICUBIC)) for part in parts], 0).astype(
        np.uint8
    )


def view(scene: np.ndarray, left: int = 0, top: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A window of it."""
    return scene[top : top + size[0], left : left + size[1]]


def fresh(painter: Painter, frame: np.ndarray, look: Look = LOOK) -> np.ndarray:
    """The first painting of a new film."""
    return Steady(painter).paint(frame, look, 0.0)


def film(painter: Painter, frames: list[np.ndarray], look: Look = LOOK, steady: float = 1.0) -> list[np.ndarray]:
    return list(painter.paint_frames(frames, look, steady=steady))


def noisy(frame: np.ndarray, count: int, sigma: float) -> list[np.ndarray]:
    """The same frame so many times, each with noise of its own."""
    rng = np.random.default_rng(1)
    return [np.clip(frame + rng.normal(0, sigma, frame.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def boiling(painted: list[np.ndarray], move: int = 0) -> float:
    """How much a film that moves to the left by so many pixels a frame changes apart from that, in the middle of it."""
    inner = np.s_[16:-16, 16:-24]
    pairs = [(a[:, move:][inner], b[:, : b.shape[1] - move][inner]) for a, b in zip(painted, painted[1:], strict=False)]
    return float(np.sqrt(np.mean([np.square(a.astype(float) - b) for a, b in pairs])))


# What steady is


def test_steady_0_paints_each_frame_by_itself(painter: Painter, scene: np.ndarray) -> None:
    """With ``steady`` 0 every frame is what ``paint_array`` makes of it."""
    frames = [view(scene, left) for left in (0, 1, 5)]
    for frame, painted in zip(frames, film(painter, frames, steady=0), strict=True):
        assert np.array_equal(painted, painter.paint_array(frame, LOOK))


def test_a_still_film_is_one_picture(painter: Painter, scene: np.ndarray) -> None:
    """Frames that are all the same give paintings that are all the same."""
    first, *others = film(painter, [view(scene)] * 4)
    assert all(np.array_equal(first, other) for other in others)


def test_noise_boils_less(painter: Painter, scene: np.ndarray) -> None:
    """Noise changes a film held still by less than a third of what it changes without, and less the more ``steady``."""
    frames = noisy(view(scene), 6, 3.0)
    loose, half, still = (boiling(film(painter, frames, steady=steady)) for steady in (0.0, 0.5, 1.0))
    assert still < 0.33 * loose and still < half < loose


def test_a_pan_moves_the_painting(painter: Painter, scene: np.ndarray) -> None:
    """Where the camera moves by a pixel a frame the painting moves along, with a third of the change or less."""
    frames = [view(scene, left, 4) for left in range(12)]
    assert boiling(film(painter, frames), 1) < 0.33 * boiling(film(painter, frames, steady=0), 1)


def test_a_painting_is_old_only_where_the_photo_is(painter: Painter, scene: np.ndarray) -> None:
    """Where something appears, and for some time where it disappeared, the painting is what it is without a past."""
    empty = view(scene)
    full = empty.copy()
    full[24:48, 32:56] = (250, 240, 20)
    shown = film(painter, [empty, empty, full, full, empty, empty])
    place = np.s_[24:48, 32:56]
    assert np.array_equal(shown[2][place], fresh(painter, full)[place])
    for painted in shown[4:]:
        assert np.array_equal(painted[place], fresh(painter, empty)[place])


def test_what_passes_leaves_no_ghost(painter: Painter, scene: np.ndarray) -> None:
    """Where something just passed, the painting does not show that it was near."""
    held = Steady(painter)
    for count in range(8):
        frame = view(scene).copy()
        frame[28:44, 8 * count : 8 * count + 16] = (250, 240, 20)
        painted = held.paint(frame, LOOK, count / 25)
        trail = np.s_[28:44, : 8 * count]
        assert np.array_equal(painted[trail], fresh(painter, frame)[trail])


def test_a_cut_begins_afresh(painter: Painter, scene: np.ndarray) -> None:
    """The first painting behind a cut is that of a new film, as it is behind ``forget``."""
    other = np.ascontiguousarray(255 - scene[::-1])
    frames = [*(view(scene, left) for left in range(3)), view(other)]
    assert np.array_equal(film(painter, frames)[-1], fresh(painter, frames[-1]))
    held = Steady(painter)
    held.paint(frames[0], LOOK, 0.0)
    held.forget()
    assert held.state() == {}
    assert np.array_equal(held.paint(frames[1], LOOK, 0.04), fresh(painter, frames[1]))


def test_frames_of_another_size_begin_afresh(painter: Painter, scene: np.ndarray) -> None:
    """A film whose frames change their size goes on with those."""
    frames = [view(scene), view(scene, size=(60, 80))]
    assert np.array_equal(film(painter, frames)[1], fresh(painter, frames[1]))


@pytest.mark.parametrize("size", [(1, 1), (5, 6), (9, 7), (20, 130), (130, 33)])
def test_frames_of_any_size(painter: Painter, scene: np.ndarray, size: tuple[int, int]) -> None:
    """Frames may be of any size, even too small to be compared."""
    frames = noisy(view(scene, size=size), 3, 2.0)
    assert [painted.shape for painted in film(painter, frames)] == [(*size, 3)] * 3


def test_goes_on_from_a_state(painter: Painter, scene: np.ndarray) -> None:
    """A film that goes on from a state that was in a file ends with the same bytes."""
    look = Look({"red": 0.5, "blue": 0.5}, strength=0.8)
    frames = [view(scene, 2 * count, count) for count in range(6)]
    whole, held = film(painter, frames, look), Steady(painter)
    for count in range(3):
        held.paint(frames[count], look, count / 25)
    file = io.BytesIO()
    np.savez(file, **held.state())
    file.seek(0)
    with np.load(file) as state:
        again = Steady(painter)
        again.restore(dict(state))
    for count in range(3, 6):
        assert np.array_equal(again.paint(frames[count], look, count / 25), whole[count])


def test_a_state_is_a_copy(painter: Painter, scene: np.ndarray) -> None:
    """What is done to a state changes nothing in the film that it is of."""
    held, other = Steady(painter), Steady(painter)
    for each in (held, other):
        each.paint(view(scene), LOOK, 0.0)
    for array in held.state().values():
        array.fill(0)
    assert np.array_equal(*(each.paint(view(scene, 1), LOOK, 0.04) for each in (held, other)))


# Looks


def test_another_style_is_there_at_once(painter: Painter, scene: np.ndarray) -> None:
    """A frame in another style is nowhere painted in the old one; ``photo`` is the frame itself."""
    frame, held = view(scene), Steady(painter)
    for look in (LOOK, Look("blue"), Look("photo"), LOOK):
        assert np.array_equal(held.paint(frame, look, 0.0), fresh(painter, frame, look))
    assert np.array_equal(held.paint(frame, Look("photo"), 0.04), frame)


def test_a_mask_that_moves_takes_its_style_along(painter: Painter, scene: np.ndarray) -> None:
    """Where a mask moved nothing of the old painting is left."""
    frame = view(scene)
    left, right = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    left[:, :48], right[:, 48:] = 255, 255
    looks = [Look("red", masks={"blue": mask}) for mask in (left, right)]
    held = Steady(painter)
    held.paint(frame, looks[0], 0.0)
    assert np.array_equal(held.paint(frame, looks[1], 0.04), fresh(painter, frame, looks[1]))


def test_colours_are_those_of_the_frame(painter: Painter, scene: np.ndarray) -> None:
    """``keep_color`` keeps those of each frame, not of those before it."""
    grey = np.repeat(view(scene)[..., :1], 3, 2)
    painted = film(painter, [view(scene), grey], Look("red", keep_color=True))[1].astype(int)
    assert np.abs(painted - painted.mean(-1, keepdims=True)).max() <= 2


def test_a_painting_has_the_size_and_type_that_are_asked_for(painter: Painter, scene: np.ndarray) -> None:
    """The look's size, the frame's without one, and the type of the frame."""
    for kind, scale in ((np.uint8, 1), (np.uint16, 257), (np.float32, 1 / 255)):
        frame = (view(scene) * np.float32(scale)).astype(kind)
        for size, shape in ((None, SIZE), (48, (36, 48))):
            painted = film(painter, [frame] * 2, Look("red", size=size))[1]
            assert painted.shape == (*shape, 3) and painted.dtype == kind


def test_two_passes_are_held(painter: Painter, scene: np.ndarray) -> None:
    """Large frames, which are painted in two passes, move without boiling, too."""
    frames = [view(scene, left, 0, (88, 128)) for left in range(8)]
    look = Look("red", brush=70)
    assert boiling(film(painter, frames, look), 1) < 0.5 * boiling(film(painter, frames, look, steady=0), 1)


# The call


def test_frames_are_read_one_by_one(painter: Painter, scene: np.ndarray) -> None:
    """``paint_frames`` reads a frame when its painting is asked for, so that films may have any length."""
    read: list[int] = []

    def reading() -> Iterator[np.ndarray]:
        for count in range(9):
            read.append(count)
            yield view(scene)

    next(painter.paint_frames(reading(), "red"))
    assert read == [0]


def test_times_need_not_be_regular(painter: Painter, scene: np.ndarray) -> None:
    """The longer ago a frame was, the less of its painting is left."""
    frames = noisy(view(scene), 2, 3.0)
    soon, late = (list(painter.paint_frames(frames, "red", times=[0.0, passed])) for passed in (0.02, 2.0))
    assert boiling(soon) < boiling(late)


def test_bad_options_are_refused_at_once(painter: Painter, scene: np.ndarray) -> None:
    """A bad number or an unknown style is refused before a frame is read."""
    for options in ({"steady": 1.5}, {"fps": 0}):
        with pytest.raises(OptionError, match=next(iter(options))):
            painter.paint_frames([view(scene)], "red", **options)
    with pytest.raises(StyleNameError):
        painter.paint_frames([view(scene)], "rde")
