"""Several things side by side, in threads; they come out in their order. Knows nothing of what they are."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
AHEAD = 2  # things that wait for their turn to come out, beside those under way


@dataclass(frozen=True)
class Done(Generic[Item]):
    """An item that has passed: what it gave, or the error that stopped it."""

    item: Item
    result: Any = None
    error: Exception | None = None


class _Room:
    """A count of what is under way, up to a limit; something larger than the limit passes alone."""

    def __init__(self, limit: float) -> None:
        self._limit, self._taken = limit, 0.0
        self._changed = threading.Condition()

    def take(self, cost: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._taken == 0 or self._taken + cost <= self._limit)
            self._taken += cost

    def give_back(self, cost: float) -> None:
        with self._changed:
            self._taken -= cost
            self._changed.notify_all()


def side_by_side(
    items: Iterable[Item],
    whole: Callable[[Item], Any],
    workers: int,
    *,
    cost: Callable[[Item], float] = lambda item: 1.0,
    room: float = float("inf"),
    stopped: threading.Event | None = None,
) -> Generator[Done[Item], None, None]:
    """Yield every item once it has gone through ``whole``, in ``workers`` threads.

    An Exception in it, or in ``cost``, is in the item's record and stops nothing else. The costs of the items
    under way, positive numbers, add up to ``room`` at most, unless one alone is more. ``stopped`` is set
    when nobody takes what comes out any more: what is under way may then give up.
    """
    rooms, stopped = _Room(room), stopped or threading.Event()

    def one(item: Item) -> Any:
        price = cost(item)
        rooms.take(price)
        try:
            return None if stopped.is_set() else whole(item)
        finally:
            rooms.give_back(price)

    pool = ThreadPoolExecutor(workers)
    waiting: deque[tuple[Item, Future[Any]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(one, item)))
            while len(waiting) > workers + AHEAD or (waiting and waiting[0][1].done()):
                yield _done(*waiting.popleft())
        while waiting:
            yield _done(*waiting.popleft())
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def _done(item: Item, task: Future[Any]) -> Done[Item]:
    error = task.exception()
    return Done(item, error=error) if isinstance(error, Exception) else Done(item, task.result())
