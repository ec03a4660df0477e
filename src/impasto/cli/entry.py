"""The way in: all commands, and what becomes of errors."""

from __future__ import annotations

import warnings
from typing import Annotated

import typer

from impasto.cli import (
    demo,
    evaluate,
    judge,
    live,
    optimize,
    paint,
    space,
    studio,
    styles,
    teach,
    terminal,
    train,
    video,
)
from impasto.cli.ends import at_end
from impasto.cli.root import app

COMMANDS = (
    demo,
    paint,
    video,
    studio,
    live,
    styles,
    space,
    teach,
    train,
    optimize,
    judge,
    evaluate,
)  # which add themselves to ``app``


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


def main() -> None:
    """Run the command line; see ``terminal.run`` for what becomes of errors and of Ctrl-C."""
    warnings.formatwarning = lambda message, *_, **__: f"note: {message}\n"
    with at_end:
        terminal.run(app)
