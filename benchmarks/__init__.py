"""One command each: python -m benchmarks.NAME. A table for people, JSON on the last line for programs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from impasto import Painter


def painted_by(painter: Painter, names: Iterable[str]) -> dict[str, Any]:
    """What a result belongs to: the network's fingerprint, and a digest of each style's row.

    Where another network begins, its fingerprint and its rows count as well.
    """
    painters = [each for each in (painter, painter.first) if each is not None]
    prints = [each.network.fingerprint for each in painters]
    rows = {name: hashlib.sha256(b"".join(each.bank[name].tobytes() for each in painters)) for name in names}
    found = {"fingerprint": prints[0], "rows": {name: digest.hexdigest()[:12] for name, digest in rows.items()}}
    return found | ({"first_fingerprint": prints[1]} if len(prints) > 1 else {})


def unchanged(kept: dict[str, Any], now: dict[str, Any]) -> set[str]:
    """The styles whose row is what it was when ``kept`` was measured; none if anything else of ``now`` is different."""
    before = kept.get("rows") or {}
    if any(kept.get(key) != value for key, value in now.items() if key != "rows"):
        return set()
    return {name for name, digest in now["rows"].items() if before.get(name) == digest}
