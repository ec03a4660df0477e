"""impasto demo: a first picture, before there is a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto import assets
from impasto.cli.ends import claim, interrupted, one_mix
from impasto.cli.options import AsJson, Mix, Opens, Overwrite
from impasto.cli.root import app
from impasto.cli.terminal import report, say

STYLE = "van-gogh-road-with-cypress-and-star"


@app.command()
def demo(
    style: Mix = [STYLE],  # noqa: B006 - Typer's way to say a default, and nobody changes it
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write to.")] = Path("."),
    force: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Paint a photo that comes with impasto.

    Writes the photo, a cat, and the painting into the current folder. The photo is Stéfan van der Walt's, under CC0.
    """
    import numpy as np

    from impasto import pictures
    from impasto.files import write_atomically
    from impasto.painting.folder import paintings
    from impasto.pictures.folders import Found

    mix = one_mix(style)
    photo = output / assets.DEMO.name
    (painting,), _ = paintings([Found(photo)], None, mix)
    data = assets.DEMO.read_bytes()
    there = photo.is_file() and photo.read_bytes() == data
    claim([painting, *([] if there else [photo])], [assets.DEMO], opens=Opens(), force=force, folder=output)
    painter = Opens().painter()
    painter.check(mix)
    if not there:
        write_atomically(photo, data)
    with interrupted(lambda: f"the photo is {photo}"):
        pictures.save(np.asarray(painter.paint(photo, mix)), painting, comment=f"painted by impasto in the style {mix}")
    report({"photo": str(photo), "output": str(painting), "style": mix}, f"{photo}, painted: {painting}", as_json)
    say(f"now one of your own: impasto paint PHOTO -s {mix}")
