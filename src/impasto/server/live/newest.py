"""A place for one thing: what comes takes the place of what was there, so that nothing ever waits in a line."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """Things are numbered from 1 as they come; whoever asks gets the newest one, or waits for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number, self._items, self._closed = 0, [], False  # type: int, list[Item], bool

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, item: Item) -> None:
        """Put it in the place of the one before; once closed, nothing changes any more."""
        with self._changed:
            if not self._closed:
                self._number, self._items = self._number + 1, [item]
                self._changed.notify_all()

    def after(self, number: int, patience: float | None = None) -> tuple[int, Item] | None:
        """The newest with its number, as soon as that is beyond ``number``.

        None when it is closed and there is nothing newer, or after ``patience`` seconds.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._number > number or self._closed, patience)
            return (self._number, self._items[0]) if self._number > number else None

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
