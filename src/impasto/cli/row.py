"""impasto row."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from impasto import limits
from impasto.cli.ends import claim, load_photo, save_bank
from impasto.cli.options import AsJson, MaxPixels, Opens, Precision
from impasto.cli.records import options
from impasto.cli.root import app
from impasto.cli.styles import Force, Output
from impasto.cli.teach import CardWords


@app.command()
@options
def row(
    *,
    painting: Annotated[Path, typer.Argument(readable=False, help="The painting, or - for standard input.")],
    output: Output,
    name: Annotated[
        str | None, typer.Option(help="What the style is to be called; default: as the file.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="Steps towards the painting; default: what paint takes.", show_default=False),
        limits.COUNT,
    ] = None,
    words: CardWords,
    opens: Opens,
    precision: Precision = "auto",
    max_pixels: MaxPixels = limits.DEFAULT_MAX_PIXELS,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a painting a style within seconds.

    Writes a file of this one style, for --bank or impasto styles add. impasto teach takes minutes, and is better.
    """
    from impasto.styles.bank import Card
    from impasto.styles.names import check_name, slug_of

    name = slug_of(painting) if name is None else name
    check_name(name)
    claim([output], [painting], opens=opens, force=force, keep=[output])
    painter = opens.painter(precision=precision)
    painter.add(load_photo(painting, max_pixels), name, steps=steps)
    card = Card(**{**asdict(words), "title": words.title or name}, source="")
    bank = painter.bank.add(name, painter.bank[name], card, replace=True)
    save_bank(bank.select([name]), output, force, as_json=as_json)
