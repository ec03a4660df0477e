"""Many things on their way through loading, work and saving at once, in threads; they come out in their order.

Either while one is worked on, the next is loaded and the one before is saved (``overlap``), or several go all the way
beside each other (``side_by_side``). Knows nothing of what they are.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
AHEAD = 2  # things that are loaded or being loaded before their turn, and that wait to be saved


@dataclass(frozen=True)
class Done(Generic[Item]):
    """An item that has passed: what saving it gave, or the error that stopped it on its way."""

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


def overlap(
    items: Iterable[Item],
    load: Callable[[Item], Any],
    work: Callable[[Any], Any],
    save: Callable[[Any], Any],
    *,
    cost: Callable[[Item], float] = lambda item: 1.0,
    room: float = float("inf"),
) -> Iterator[Done[Item]]:
    """Yield every item once it has gone through ``load``, ``work`` and ``save``, each fed with what the last one gave.

    ``work`` runs in the caller's thread, the other two in one thread each. An Exception in any of them, or in ``cost``,
    is in the item's record and stops nothing else. The costs of the items under way, positive numbers, add up to
    ``room`` at most, unless one alone is more.
    """
    rooms = _Room(room)
    loader, saver = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    stopped = threading.Event()

    def first(item: Item) -> tuple[float, Any]:
        if stopped.is_set():
            raise InterruptedError
        price = cost(item)
        rooms.take(price)
        try:
            return price, load(item)
        except BaseException:
            rooms.give_back(price)
            raise

    def last(item: Item, price: float, value: Any) -> Done[Item]:
        try:
            return Done(item, save(value))
        except Exception as error:
            return Done(item, error=error)
        finally:
            rooms.give_back(price)

    waiting: list[tuple[Item, Future[tuple[float, Any]]]] = []
    saving: list[Future[Done[Item]] | Done[Item]] = []

    def one() -> None:
        """Work on the item whose turn it is."""
        item, loaded = waiting.pop(0)
        try:
            price, value = loaded.result()
        except Exception as error:
            saving.append(Done(item, error=error))
            return
        try:
            worked = work(value)
        except BaseException as error:
            rooms.give_back(price)
            if not isinstance(error, Exception):
                raise
            saving.append(Done(item, error=error))
            return
        del value
        saving.append(saver.submit(last, item, price, worked))

    def out(left: int) -> Iterator[Done[Item]]:
        """Those that have passed, and as many more as leave ``left`` to wait for."""
        while saving and (len(saving) > left or isinstance(saving[0], Done) or saving[0].done()):
            done = saving.pop(0)
            yield done if isinstance(done, Done) else done.result()

    try:
        for item in items:
            waiting.append((item, loader.submit(first, item)))
            if len(waiting) > AHEAD:
                one()
                yield from out(AHEAD)
        while waiting:
            one()
            yield from out(AHEAD)
        yield from out(0)
    finally:
        stopped.set()
        rooms.give_back(float("inf"))  # who waits for room goes on, and finds that it is over
        loader.shutdown(cancel_futures=True)
        saver.shutdown()


def side_by_side(
    items: Iterable[Item],
    whole: Callable[[Item], Any],
    workers: int,
    *,
    cost: Callable[[Item], float] = lambda item: 1.0,
    room: float = float("inf"),
) -> Iterator[Done[Item]]:
    """Yield every item once it has gone through ``whole``, in ``workers`` threads; the rest is as in ``overlap``."""
    rooms = _Room(room)
    stopped = threading.Event()

    def one(item: Item) -> Done[Item]:
        try:
            price = cost(item)
            rooms.take(price)
            try:
                return Done(item, None if stopped.is_set() else whole(item))
            finally:
                rooms.give_back(price)
        except Exception as error:
            return Done(item, error=error)

    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Done[Item]]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(one, item))
            while len(waiting) > workers + AHEAD or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
