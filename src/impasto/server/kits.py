"""Painters that are open, by the names that recipes have for them; opened when one is asked for, and once."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from impasto.errors import NetworkError
from impasto.painting.painter import Painter
from impasto.server.settings import Kit
from impasto.styles.bank import Bank


class Painters:
    """Painters for ``kits``. ``streams`` is how many small pictures each paints side by side."""

    def __init__(self, kits: Mapping[str, Kit], *, streams: int = 1) -> None:
        self.kits, self._streams = kits, streams
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], Painter] = {}

    def get(self, name: str, *, beside: bool = False, own: Bank | None = None) -> Painter:
        """The painter for a network, of several streams if it paints ``beside`` others; NetworkError if unknown.

        It knows the styles of ``own``, too.
        """
        check(self.kits, name)
        kit, streams = self.kits[name], self._streams if beside else 1
        with self._lock:
            if (name, streams) not in self._open:
                painter = Painter(kit.network, bank=kit.bank, max_memory=kit.max_memory, streams=streams)
                self._open[name, streams] = painter
            painter = self._open[name, streams]
        return painter if own is None else painter.knowing(own)

    def precision(self, name: str) -> str:
        """What a network computes in; "" until it is open."""
        return next((painter.network.precision for (each, _), painter in self._open.items() if each == name), "")


def check(kits: Mapping[str, Kit], name: str) -> None:
    """NetworkError for a network that is not there."""
    if name not in kits:
        raise NetworkError(f"there is no network {name!r} here; take {' or '.join(kits)}")
