"""Who sends a request, and how many each may send: addresses behind proxies, and a token bucket for each client."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REMEMBERED = 4096  # clients; more addresses than that must not cost memory


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks such as "10.0.0.0/8"; ValueError for what is neither."""
    return tuple(ipaddress.ip_network(word.strip()) for word in words)


def address(word: str) -> Address | None:
    """An address as proxies write it, with or without a port; None for anything else."""
    word = word.strip()
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        found = ipaddress.ip_address(word)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def sender(peer: str | None, forwarded: Iterable[bytes], trusted: tuple[Network, ...]) -> Address | None:
    """Who sent a request: the peer or, where that is a trusted proxy, the last hop of X-Forwarded-For that is not.

    What stands left of that hop is only what the sender claims. None where there is no address, as for a Unix socket.
    """
    last = address(peer or "")
    hops = b",".join(forwarded).decode("latin-1").split(",")
    for hop in reversed(hops):
        if last is None or not any(last in network for network in trusted):
            break
        last = address(hop) or last
    return last


class Buckets:
    """A bucket of tokens for each client, filled ``rate`` times a minute; as many may be used at once.

    It remembers the clients that came last, 4,096 of them. An IPv6 client is its network of 64 bits.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.clock = rate, clock
        self.levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when that was

    def wait(self, client: Address | None) -> float:
        """Take a token: 0, or the seconds until there is one. A rate of 0 is none at all."""
        if not self.rate:
            return 0.0
        key, now = _key(client), self.clock()
        level, then = self.levels.pop(key, (float(self.rate), now))
        level = min(float(self.rate), level + (now - then) * self.rate / 60)
        self.levels[key] = (level - 1 if level >= 1 else level, now)
        if len(self.levels) > _REMEMBERED:
            self.levels.popitem(last=False)
        return 0.0 if level >= 1 else (1 - level) * 60 / self.rate


def _key(client: Address | None) -> str:
    if isinstance(client, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((client, 64), strict=False))
    return str(client)
