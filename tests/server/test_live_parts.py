"""The parts of a show: the newest thing, and how large to paint."""

from __future__ import annotations

import threading

import pytest

from impasto.server.live.newest import Newest
from impasto.server.live.sizes import BARRED, LEAST, MEASURED, RATE, SPARE, UNCOUNTED, Fitting, fitting, ladder
from tests.conftest import until

SIZES = ((320, 240), (400, 300), (512, 384), (640, 480))


def test_only_the_newest_is_there() -> None:
    """What comes takes the place of what was there, and each is given once to who counts."""
    slot: Newest[str] = Newest()
    assert slot.after(0, 0.0) is None
    for item in "abc":
        slot.put(item)
    assert slot.after(0) == slot.after(2) == (3, "c")
    assert slot.after(3, 0.0) is None


def test_who_waits_gets_what_comes() -> None:
    """A thread that waits is woken by the next thing, and by the end."""
    slot: Newest[int] = Newest()
    found: list[tuple[int, int] | None] = []

    def wait() -> None:
        number = 0
        while (item := slot.after(number)) is not None:
            found.append(item)
            number = item[0]

    thread = threading.Thread(target=wait)
    thread.start()
    slot.put(7)
    until(lambda: found)
    slot.close()
    thread.join(60)
    assert found == [(1, 7)] and not thread.is_alive()


def test_the_last_one_is_given_behind_the_end() -> None:
    """What came before the end is still there; what comes behind it is not."""
    slot: Newest[str] = Newest()
    slot.put("a")
    slot.close()
    slot.put("b")
    assert slot.closed and slot.after(0) == (1, "a") and slot.after(1) is None


@pytest.mark.parametrize(("width", "height", "side"), [(640, 480, 640), (1920, 1080, 640), (1080, 1920, 960)])
def test_sizes_have_the_shape_of_the_picture(width: int, height: int, side: int) -> None:
    """The sizes reach from 240 pixels, shorter side, to the one that is asked for, and keep the picture's shape."""
    sizes = ladder(width, height, side)
    assert min(sizes[0]) == LEAST and max(sizes[-1]) == side
    assert list(sizes) == sorted(sizes)
    assert all(abs(w / h - width / height) < 0.01 * width / height for w, h in sizes)


def test_small_pictures_have_one_size() -> None:
    """A picture that has less than 240 pixels, or is asked to have, is painted at that size alone."""
    assert ladder(320, 200, 640) == ((320, 200),)
    assert ladder(640, 480, 200) == ((200, 150),)


@pytest.mark.parametrize(
    ("at", "took", "found"),
    [
        (0, 0.010, 3),  # four times the pixels take 0.040
        (0, 0.030, 1),  # 1.56 times 0.030 are 0.047; the next one would be just too slow
        (0, 0.060, 0),  # quick enough, and no time to spare
        (0, 0.500, 0),  # far too slow, and there is nothing smaller
        (3, 0.066, 3),
        (3, 0.070, 2),
        (3, 0.400, 0),
    ],
)
def test_the_size_follows_from_the_time(at: int, took: float, found: int) -> None:
    """The largest size is taken that holds the rate; a larger one only with time to spare."""
    assert fitting(SIZES, at, took, 3) == found


def test_most_is_a_limit() -> None:
    """No size above the limit is taken."""
    assert fitting(SIZES, 0, 0.001, 2) == 2


def told(fit: Fitting, seconds: float, times: int, now: float = 0.0) -> int:
    for _ in range(times):
        fit.took(seconds, now)
    return fit.at


def test_first_paintings_do_not_count() -> None:
    """A size is judged by several paintings, without its first ones, for which a network is compiled."""
    fit = Fitting(SIZES)
    assert told(fit, 9.0, UNCOUNTED) == 0
    assert told(fit, 0.01, MEASURED - 1) == 0
    assert told(fit, 0.01, 1) == 3 and fit.size == (640, 480)
    assert told(fit, 9.0, UNCOUNTED) == 3


def test_a_size_that_was_too_slow_is_left_alone() -> None:
    """Sizes do not change to and fro: one that proved too slow is tried again after a while only."""
    fit = Fitting(SIZES)
    assert told(fit, 0.01, UNCOUNTED + MEASURED) == 3
    assert told(fit, 0.09, UNCOUNTED + MEASURED, now=1.0) == 2
    assert told(fit, 0.01, UNCOUNTED + 5 * MEASURED, now=2.0) == 2
    assert told(fit, 0.01, MEASURED, now=2.0 + BARRED) == 3


def test_one_slow_painting_changes_nothing() -> None:
    """A single slow painting, as when something else works for a moment, does not change the size."""
    fit = Fitting(SIZES)
    told(fit, 0.01, UNCOUNTED + MEASURED)
    told(fit, 0.05, UNCOUNTED + MEASURED)
    assert told(fit, 2.0, 1) == 3


def test_the_rate_is_held_with_whatever_is_quick_enough() -> None:
    """Whatever the speed: what is settled on is the largest size with time to spare, or the smallest of all."""
    for pixel in (1e-8, 5e-8, 1e-7, 2e-7, 3e-7, 6e-7, 1e-6):
        fit = Fitting(SIZES)
        for frame in range(200):
            fit.took(pixel * fit.size[0] * fit.size[1], frame / 15)
        took = [pixel * w * h for w, h in SIZES]
        assert took[fit.at] * RATE <= 1 or fit.at == 0
        spare = [number for number, seconds in enumerate(took) if seconds * RATE <= SPARE]
        assert fit.at == max(spare, default=0)
