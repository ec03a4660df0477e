"""One command each: python -m benchmarks.NAME. A table for people, JSON on the last line for programs."""

from __future__ import annotations

import hashlib

from impasto import Painter


def painted_by(painter: Painter) -> dict[str, str]:
    """What a result belongs to: the network's fingerprint, and the digest of its styles' rows."""
    rows = hashlib.sha256(painter.bank.rows.tobytes()).hexdigest()[:16]
    return {"fingerprint": painter.network.fingerprint, "rows": rows}
