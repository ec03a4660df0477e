"""The way in: all commands, and what becomes of errors."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Annotated

import typer

from impasto.cli import terminal
from impasto.cli.ends import at_end
from impasto.cli.root import app

MODULES = {
    "demo": ("demo",),
    "paint": ("paint", "plan"),
    "video": ("video",),
    "cluster": ("cluster",),
    "studio": ("studio", "serve"),
    "live": ("live",),
    "styles": ("styles",),
    "space": ("sheet", "square", "path", "map"),
    "row": ("row",),
    "teach": ("teach", "match"),
    "train": ("train", "export"),
    "optimize": ("optimize", "grid", "replay"),
    "judge": ("judge",),
    "evaluate": ("eval",),
}  # with the commands that they add to ``app``
NEEDING_NONE = ("", "--help", "-h", "--version")  # words that need no command


def _version(wanted: bool) -> None:
    if wanted:
        from impasto import __version__

        typer.echo(f"impasto {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


def load(word: str | None = None) -> None:
    """Import the module of a command, which is half of the time before it begins; for any other word all of them."""
    if word in NEEDING_NONE:
        return
    only = [module for module, commands in MODULES.items() if word in commands]
    for module in only or MODULES:
        importlib.import_module(f"impasto.cli.{module}")


def main() -> None:
    """Run the command line; see ``terminal.run`` for what becomes of errors and of Ctrl-C."""
    completing = "_IMPASTO_COMPLETE" in os.environ  # the shell asks, and has no words for us
    load(None if completing else "".join(sys.argv[1:2]))
    warnings.formatwarning = lambda message, *_, **__: f"note: {message}\n"
    with at_end:
        terminal.run(app)
