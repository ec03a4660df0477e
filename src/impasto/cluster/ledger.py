"""Of which pictures actors die. Plain Python: the one that all actors ask is made an actor itself, elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

DEATHS = 3  # of actors on one picture, after which it is given up


class Ledger:
    """How many times each picture was begun without an end, which is how many actors it may have cost.

    An actor *enters* a batch, and *leaves* it at its end. What is entered for a second time was in hand when an actor
    died. All of that batch is under suspicion then: each of its pictures is painted alone and *begun* before, so that
    the next death is counted for one picture only.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def enter(self, pictures: Sequence[str]) -> list[int]:
        """For each picture how many actors may have died of it."""
        before = [self._counts.get(each, 0) for each in pictures]
        for each in pictures:
            self._counts.setdefault(each, 1)
        return before

    def begin(self, picture: str) -> None:
        """It is painted alone now."""
        self._counts[picture] = self._counts.get(picture, 0) + 1

    def leave(self, pictures: Sequence[str]) -> None:
        """They are done with."""
        for each in pictures:
            self._counts.pop(each, None)
