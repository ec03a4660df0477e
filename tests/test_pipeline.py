"""Things pass through loading, work and saving in their order, overlapping, and one that fails stops no other."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from impasto.pipeline import overlap


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
