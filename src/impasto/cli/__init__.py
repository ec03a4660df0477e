"""The command line: each command reads, makes one library call, and writes. Only this package prints or exits.

Heavy things are imported inside the commands that need them, so that ``--help`` is instant.
"""

from impasto.cli.entry import main
from impasto.cli.root import app

__all__ = ["app", "main"]
