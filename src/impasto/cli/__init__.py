"""The command line: each command reads, makes one library call, and writes. Only this package prints or exits.

Heavy things are imported inside the commands that need them, so that ``--help`` is instant.
"""

from typing import Any

from impasto.cli.entry import main

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    """``app``, with all commands: of them ``main`` imports the one that is called."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from impasto.cli import entry, root

    entry.load()
    return root.app
