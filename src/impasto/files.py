"""Bytes onto the disk: whole or not at all. Knows nothing of what the bytes mean."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Put ``data`` in the place of ``path`` in one step, so that nobody ever finds half a file there.

    Written beside ``path``, flushed to the disk, then moved; a link stays a link, and a file that was there keeps its
    permissions. Raises OSError, and then leaves everything as it was.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{secrets.token_hex(8)}.impasto")
    try:
        with open(temporary, "xb") as file:  # not tempfile, whose files only their owner may read
            if path.exists():
                shutil.copymode(path, temporary)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def printable(text: object) -> str:
    """`text` on one line and without control characters, which file names may contain."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
