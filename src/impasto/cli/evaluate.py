"""impasto eval."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import plain_names, progress
from impasto.cli.learning import LossFile, learning
from impasto.cli.options import Names, Opens
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import table, to_json
from impasto.errors import LearnError
from impasto.learn.loss.settings import LossSettings

HELP = {
    "style_size": "Long side of the painting, in pixels; default: as trained.",
    "unit": "Unit of the losses: fair (as trained), photos or energy.",
    "style_weight": "Of the style loss; default: as trained.",
}


@dataclass(frozen=True)
class Looking:
    """What measures the losses."""

    precision: Annotated[str, typer.Option(help="Of the loss network: auto, f32 or bf16."), limits.PRECISION] = "auto"
    loss_network: LossFile = None


@dataclass(frozen=True)
class More:
    """What is measured beside the losses."""

    worth: Annotated[
        int, typer.Option(help="Photos per style, in turn, on which L-BFGS competes (slow)."), limits.COUNT
    ] = 0
    frame: Annotated[
        int, typer.Option(help="Crops on whose mean painting frames are measured; 60 is enough."), limits.COUNT
    ] = 0
    pattern: Annotated[
        bool, typer.Option("--pattern", help="Measure the grid or weave that is painted into even places.")
    ] = False
    pull: Annotated[
        bool, typer.Option("--pull", help="Measure how strongly the objective pulls at the border of a painting.")
    ] = False


@app.command("eval")
@options
def evaluate(
    *,
    photos: Annotated[Path, typer.Option(help="Folder of photos that were not trained on.")],
    styles: Annotated[Path, typer.Option(help="Folder of the paintings; a file's stem is the style's name.")],
    style: Names = None,
    size: Annotated[int, typer.Option(help="Longer side of the photos, in pixels."), limits.SIDE] = 512,
    limit: Annotated[int, typer.Option(help="How many photos, the last by name."), limits.SEVERAL] = 20,
    settings: Annotated[
        dict[str, Any],
        Fields(LossSettings, ("style_size", "unit", "style_weight"), unset=("style_size", "style_weight"), more=HELP),
    ],
    more: More,
    opened: Opens,
    looking: Looking,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how good a bank's styles are (needs impasto[learn]).

    The photos must not be those that they were trained on.
    """
    with learning():
        from impasto.learn.devices import best_dtype
        from impasto.learn.evaluate.scorer import Scorer
        from impasto.learn.evaluate.scores import FRAMED, evaluate, load_photos, summary
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.photos import PhotoFolder, load_paintings
        from impasto.learn.tensors import to_picture
        from impasto.styles.bank import PHOTO

        painter = opened.painter()
        names = plain_names(style) if style else list(painter.bank.styles)
        if not names or PHOTO in names:
            raise LearnError(f"there is no style to measure; name one, other than {PHOTO}, or another bank")
        losses = LossSettings.of(painter.bank, **settings)
        paintings = load_paintings(styles, names, size=losses.style_size, bank=painter.bank)
        pictures = load_photos(photos, size=size, limit=limit)
        drawn = PhotoFolder.open(photos).batch(0, 0, more.frame, FRAMED) if more.frame else ()
        crops = [to_picture(crop) for crop in drawn]
        ruler = load_loss_network(looking.loss_network).to(best_dtype(looking.precision))
        trained = LossSettings.of(painter.bank, **settings, borders=True)
        scorer = Scorer(ruler, paintings, pictures, losses, trained=trained)
        also: dict[str, Any] = {"worth_on": more.worth, "crops": crops, "even": more.pattern, "pull": more.pull}
        records = evaluate(scorer, painter.paint_array, names, pictures, **also)
        scores = [record for record, _ in zip(records, progress(names, quiet=as_json), strict=True)]
        shown = None
        if PHOTO in painter.bank:
            shown = lambda each: painter.paint_array(each, painter.photo_row(each))  # type: ignore # noqa: E731
        overall = summary(scores, painter.paint_array, pictures, photo=shown, crops=crops)
    head = {"network": painter.network.name, "fingerprint": painter.network.fingerprint, "photos": len(pictures)}
    if as_json:
        typer.echo(to_json({**head, **overall, "styles": [asdict(score) for score in scores]}))
        return
    table(list(asdict(scores[0])), [_rounded(asdict(score)) for score in scores])
    for key, value in _rounded({**head, **overall}).items():
        typer.echo(f"{key}: {value}")


def _rounded(record: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()}
