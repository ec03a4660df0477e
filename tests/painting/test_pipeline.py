"""Things pass through loading, work and saving in their order, overlapping, and one that fails stops no other."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from impasto.painting.pipeline import overlap, side_by_side


def same(value: Any) -> Any:
    return value


def test_all_pass_in_order() -> None:
    """What comes out is what went in, in its order, with what the three made of it."""
    done = list(overlap(range(20), lambda n: n + 1, lambda n: n * 2, str))
    assert [each.item for each in done] == list(range(20))
    assert [each.result for each in done] == [str((n + 1) * 2) for n in range(20)]
    assert list(overlap([], same, same, same)) == []


@pytest.mark.parametrize("where", [0, 1, 2, "cost"])
def test_one_that_fails_stops_no_other(where: Any) -> None:
    """An error in any of the three is told in the record of its item, and the others pass."""

    def fail(value: int) -> int:
        if value == 3:
            raise ValueError("three")
        return value

    steps = [fail if where == i else same for i in range(3)]
    done = list(overlap(range(6), *steps, cost=lambda n: fail(n) + 1.0 if where == "cost" else 1.0, room=2))
    assert [each.result for each in done] == [0, 1, 2, None, 4, 5]
    assert isinstance(done[3].error, ValueError)


def test_they_overlap() -> None:
    """While one is worked on, the next is loaded and the one before is saved: else this would wait for ever."""
    loaded, saving = threading.Event(), threading.Event()

    def load(n: int) -> int:
        if n == 2:
            loaded.set()
        return n

    def work(n: int) -> int:
        if n == 1:
            assert loaded.wait(60)
            assert saving.wait(60)
        return n

    def save(n: int) -> None:
        saving.set()

    assert [each.error for each in overlap(range(4), load, work, save)] == [None] * 4


def test_room_is_kept() -> None:
    """The costs of what is under way never exceed the room, but one that is larger alone passes alone."""
    lock, now, most = threading.Lock(), [0.0], [0.0]
    costs = [1.0, 2.0, 3.0, 9.0, 1.0, 1.0, 1.0, 4.0]

    def load(n: int) -> int:
        with lock:
            now[0] += costs[n]
            most[0] = max(most[0], now[0])
            assert now[0] <= 4 or now[0] == costs[n]
        return n

    def save(n: int) -> None:
        with lock:
            now[0] -= costs[n]

    done = list(overlap(range(8), load, same, save, cost=lambda n: costs[n], room=4))
    assert [each.error for each in done] == [None] * 8 and most[0] == 9


def test_interrupted_work_ends_it_all() -> None:
    """Ctrl-C in the work comes out at once, though loading waits for room, and no thread stays."""

    def interrupt(n: int) -> int:
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        list(overlap(range(9), same, interrupt, same, room=1))
    assert set(threading.enumerate()) == before


def test_side_by_side() -> None:
    """Several go all the way at once, and come out in their order; an error is told in its record."""
    together = threading.Barrier(3)

    def whole(n: int) -> int:
        together.wait(60)  # or it would break
        if n == 4:
            raise ValueError("four")
        return 10 * n

    done = list(side_by_side(range(6), whole, 3))
    assert [each.item for each in done] == list(range(6))
    assert [each.result for each in done] == [0, 10, 20, 30, None, 50]
    assert isinstance(done[4].error, ValueError)


def test_room_side_by_side() -> None:
    """The costs under way stay within the room, one larger than it passes alone, and a bad cost stops no other."""
    lock, under_way, most = threading.Lock(), 0.0, 0.0

    def cost(n: int) -> float:
        if n == 7:
            raise ValueError("seven")
        return 5.0 if n == 3 else 1.0

    def whole(n: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += cost(n)
            most = max(most, under_way)
        assert n != 3 or under_way == 5
        with lock:
            under_way -= cost(n)

    done = list(side_by_side(range(12), whole, 4, cost=cost, room=2))
    assert [each.item for each in done if each.error] == [7]
    assert most == 5


def test_leaving_side_by_side() -> None:
    """Who stops taking what comes out waits for those under way only."""
    seen: list[int] = []
    for each in side_by_side(range(1000), seen.append, 2):
        if each.item == 3:
            break
    assert len(seen) < 20
