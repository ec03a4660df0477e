"""One studio for each user: the first one's address stands where the second finds it. Knows no HTTP server."""

from __future__ import annotations

import http.client
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from impasto import files
from impasto.errors import TargetError

NAME = "impasto-studio"
STARTING = 30.0  # seconds that a first one may take until it answers


class Only:
    """The place of this user's studio, in a folder that nobody else can read; TargetError where there is none."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or _folder()
        self._address, self._lock = folder / "address", folder / "lock"
        self._held: IO[bytes] | None = None

    def __enter__(self) -> Only:
        return self

    def __exit__(self, *error: object) -> None:
        if self._held is not None:
            self._address.unlink(missing_ok=True)
            self._held.close()

    def take(self) -> bool:
        """Whether there was no other; the place is ours then until the ``with`` ends, or this process does."""
        file = self._lock.open("ab")
        try:
            files.hold(file)
        except OSError:
            file.close()
            return False
        self._held = file
        self._address.unlink(missing_ok=True)
        return True

    def say(self, address: str) -> None:
        """Let others know the address, which holds the token."""
        files.write_atomically(self._address, address.encode(), lasting=False)

    def find(self, seconds: float = STARTING) -> str | None:
        """The address of another that runs; None once there is none, and the place is ours.

        TargetError where another one does not answer for so long. One that is ending does not, and is waited for.
        """
        until = time.monotonic() + seconds
        while not self.take():
            with suppress(OSError, http.client.HTTPException):
                address = self._address.read_text()
                if _answers(address):
                    return address
            if time.monotonic() > until:
                raise TargetError(
                    "another impasto studio runs and does not answer; end it, or log out and in, and try again"
                )
            time.sleep(0.2)
        return None


def _answers(address: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    finally:
        connection.close()


def _folder() -> Path:
    """Of this user alone: for the time of a session where the system has such a one, else among temporary files."""
    user = os.getuid() if hasattr(os, "getuid") else ""
    with suppress(FileNotFoundError):  # of which the message is a list of folders
        for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
            path = Path(place or "", f"{NAME}-{user}")
            with suppress(OSError):
                path.mkdir(0o700, exist_ok=True)
                found = path.lstat()
                ours = os.name == "nt" or (found.st_uid == user and not found.st_mode & 0o077)
                if place and ours and stat.S_ISDIR(found.st_mode) and os.access(path, os.W_OK):
                    return path
    raise TargetError(f"there is no folder for temporary files in which {NAME} may write; free some space on the disk")
