"""Things pass side by side and come out in their order, and one that fails stops no other."""

from __future__ import annotations

import threading

from impasto.painting.pipeline import side_by_side


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
    stopped, before = threading.Event(), set(threading.enumerate())
    for each in side_by_side(range(1000), seen.append, 2, stopped=stopped):
        if each.item == 3:
            break
    assert len(seen) < 20 and stopped.is_set()
    assert set(threading.enumerate()) <= before  # others may have ended meanwhile
