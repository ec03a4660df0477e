"""Styles of paintings that were sent here or learned here: each for a while since its last use. Knows no HTTP."""

from __future__ import annotations

import functools
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from impasto.errors import StyleNameError
from impasto.server.store import REMEMBERED, Clock
from impasto.styles.bank import Bank

Key = tuple[str, str]  # network and name


@dataclass(eq=False)
class _Kept:
    bank: Bank  # of this one style
    used: float


class OwnStyles:
    """The styles, for ``life`` seconds without use, or as long as the server runs, and no more than ``most``.

    No name is given twice: what was made with the first would be shown for the second.
    """

    def __init__(self, *, most: int, life: float | None, clock: Clock = time.monotonic) -> None:
        self.most, self.life, self._clock = most, life, clock
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._given: OrderedDict[Key, None] = OrderedDict()
        self.changes = 0

    def add(self, network: str, bank: Bank) -> None:
        """Keep a bank of one style; those that were not used for longest make room for it."""
        key = network, bank.names[0]
        self._given[key] = None
        self._kept[key] = _Kept(bank, self._clock())
        self.changes += 1
        while len(self._kept) > self.most:
            self._forget(next(iter(self._kept)))
        while len(self._given) > REMEMBERED:
            self._given.popitem(last=False)

    def taken(self, network: str, name: str) -> bool:
        """Whether a style has, or had, this name."""
        return (network, name) in self._given

    def bank(self, network: str, names: Iterable[str]) -> Bank | None:
        """Those of ``names`` that are such styles, which live on from now; StyleNameError for one that is gone."""
        self.sweep()
        found: list[Bank] = []
        for key in ((network, name) for name in sorted(names)):
            if key in self._kept:
                kept = self._kept[key]
                kept.used = self._clock()
                self._kept.move_to_end(key)
                found.append(kept.bank)
            elif key in self._given:
                raise StyleNameError(f"the style {key[1]!r} is no longer kept; send its painting again")
        return _merged(found)

    def all(self, network: str) -> Bank | None:
        """All that are kept for a network, by name; none lives longer for being listed."""
        self.sweep()
        return _merged(self._kept[key].bank for key in sorted(self._kept) if key[0] == network)

    def remove(self, network: str, name: str) -> None:
        """Forget one now; StyleNameError."""
        if self.bank(network, [name]) is None:
            raise StyleNameError(f"there is no style {name[:80]!r} that was made here")
        self._forget((network, name))

    def sweep(self) -> None:
        """Forget what was not used for too long."""
        if self.life is None:
            return
        oldest = self._clock() - self.life
        for key in [key for key, kept in self._kept.items() if kept.used < oldest]:
            self._forget(key)

    def __len__(self) -> int:
        return len(self._kept)

    def _forget(self, key: Key) -> None:
        del self._kept[key]
        self.changes += 1


def _merged(banks: Iterable[Bank]) -> Bank | None:
    found = list(banks)
    return functools.reduce(Bank.merge, found) if found else None
