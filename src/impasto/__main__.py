"""The command line's door: ``python -m impasto``, and the command that pip installs."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import suppress
from typing import NoReturn


def main() -> None:
    """Run the command line. A signal while it is being imported ends it with one line and 130, as later on."""
    with suppress(ValueError):  # not in the main thread
        for kind in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(kind) is not signal.SIG_IGN:
                signal.signal(kind, _leave)
    gc.disable()  # until a command begins: see terminal.Command
    from impasto import cli

    try:
        cli.main()
    finally:
        gc.freeze()  # Python would look at everything once more before it ends


def _leave(number: int, frame: object) -> NoReturn:
    """Nothing is open yet, and an exception in the middle of an import can become any other: so out at once."""
    with suppress(OSError):
        os.write(2, b"impasto: interrupted: nothing was written\n")
    os._exit(130)


if __name__ == "__main__":
    main()
