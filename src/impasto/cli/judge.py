"""impasto judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import counted, interrupted, plain_names, progress
from impasto.cli.learning import LossFile, learning
from impasto.cli.options import AsJson, BankFile, Names, Opens, Runtime
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import say, table, to_json
from impasto.errors import LearnError, OptionError
from impasto.files import printable
from impasto.learn.loss.settings import LossSettings

if TYPE_CHECKING:
    from impasto.learn.evaluate.medians import Record
    from impasto.learn.evaluate.pairs import Pairs
    from impasto.learn.evaluate.protocol import Protocol
    from impasto.styles.bank import Bank

SEVERAL_STRENGTHS = limits.Numbers(limits.STRENGTH)
STRENGTHS = "0.25,0.5,0.75,1,1.25"
NEUTRAL: dict[str, Any] = {"unit": "energy", "style_weight": 0.5}  # an objective that no network was trained for
HELP = {
    "style_size": "Long side of the paintings, in pixels; default: 512, or as trained.",
    "unit": "Unit of the losses: fair, photos or energy; default: energy, or as trained.",
    "style_weight": "Of the style loss; default: 0.5, or as trained.",
}
Measures = Annotated[
    str | None,
    typer.Option(
        help="WORD,WORD,... of content, share, adain, wasserstein, color, ssim, cfsd, warping.", show_default="all"
    ),
    limits.NAMES,
]


@dataclass(frozen=True)
class Naming:
    """How painted pictures are called, and which of them count."""

    pattern: Annotated[
        str, typer.Option(help="How painted pictures are called: {photo}, {style}, maybe {strength}.")
    ] = "{photo}-{style}"
    pairs: Annotated[
        Path | None, typer.Option(help="A CSV table in its place: painted,photo,painting and maybe strength.")
    ] = None
    style: Names = None
    limit: Annotated[
        int | None, typer.Option(help="How many photos, the last by name.", show_default="all"), limits.SEVERAL
    ] = None


@dataclass(frozen=True)
class Comparing:
    """How they are brought together, and what is measured."""

    size: Annotated[int, typer.Option(help="Longer side of the photos; smaller ones are enlarged."), limits.SIDE] = 512
    fit: Annotated[
        str,
        typer.Option(help="For pictures of another shape than their photo: same (refuse), crop or stretch."),
        limits.Choice(("same", "crop", "stretch")),
    ] = "same"
    measures: Measures = None
    precision: Annotated[str, typer.Option(help="Of the loss network: auto, f32 or bf16."), limits.PRECISION] = "f32"
    loss_network: LossFile = None

    def protocol(self) -> Protocol:
        from impasto.learn.evaluate.protocol import MEASURES, Protocol

        words = limits.NAMES.parse(self.measures) if self.measures else MEASURES
        fit: Any = self.fit
        return Protocol(self.size, fit, tuple(words))


@dataclass(frozen=True)
class Trained:
    """A network whose objective counts, and which paints where there are no painted pictures."""

    network: Annotated[
        str | None,
        typer.Option(help="Measure as this network was trained; without PAINTED, it paints.", show_default=False),
    ] = None
    bank: BankFile = None
    runtime: Runtime = "auto"
    strengths: Annotated[str, typer.Option(help="At which strengths it paints."), SEVERAL_STRENGTHS] = STRENGTHS

    @property
    def opens(self) -> Opens | None:
        """Network and bank, if one of them is given."""
        given = self.network is not None or self.bank is not None
        return Opens(self.network or "full", self.bank, self.runtime) if given else None


@app.command()
@options
def judge(
    *,
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO [PAINTED] PAINTING", help="Three pictures or three folders; with --network PAINTED may go."
        ),
    ],
    naming: Naming,
    comparing: Comparing,
    settings: Annotated[
        dict[str, Any], Fields(LossSettings, ("style_size", "unit", "style_weight"), unset=True, more=HELP)
    ],
    trained: Trained,
    as_json: AsJson = False,
) -> None:
    """Measure painted pictures of any tool with the numbers that researchers use (needs impasto[learn]).

    Medians per style come with bootstrap intervals. See docs/judging.md for each number.
    """
    protocol = comparing.protocol()
    pairs = _pairs(places, naming, trained)  # names first: torch takes seconds to load
    bank = _bank(trained)
    if comparing.measures and "warping" in protocol.measures and any(pair.painted is not None for pair in pairs.found):
        raise OptionError("warping needs frames, which have to be painted: give --network, and no painted pictures")
    losses = LossSettings(**{**NEUTRAL, **settings}) if bank is None else LossSettings.of(bank, **settings)
    with learning():
        from impasto.learn.devices import best_dtype
        from impasto.learn.evaluate import judging, medians
        from impasto.learn.evaluate.protocol import NO_NUMBERS
        from impasto.learn.loss.features import load_loss_network

        ruler = load_loss_network(comparing.loss_network).to(best_dtype(comparing.precision))
        todo = judging.judged(pairs.found, ruler, losses, protocol, bank=bank, paint=_paint(trained, pairs))
        records: list[Record] = []
        with interrupted(lambda: f"{len(records)} of {counted(pairs.found, 'picture')} measured; nothing was written"):
            records += progress(todo, len(pairs.found), quiet=as_json, description="judging")
        keys = list(dict.fromkeys(key for record in records for key in record if key not in NO_NUMBERS))
        styles = medians.by_style(records, keys)
        summary = {"styles": styles, "overall": medians.over_styles(styles, keys)}
    head = {"loss_network": f"{ruler.title} weights of VGG-{ruler.depth}", **asdict(protocol), "losses": asdict(losses)}
    _show(head, pairs, records, summary, keys, as_json)
    if any("error" in record for record in records):
        raise typer.Exit(2)


def _bank(trained: Trained) -> Bank | None:
    """The bank, if there is one; MismatchError where it is not of the network that is named beside it."""
    if trained.opens is None:
        return None
    if trained.network is not None and trained.bank is not None:
        trained.opens.painter()
    return trained.opens.styles()


def _paint(trained: Trained, pairs: Pairs) -> Any:
    """What paints a photo in a style at a strength, if need be; BankError for a style that it does not have."""
    styles = dict.fromkeys(pair.style for pair in pairs.found if pair.painted is None)
    if trained.opens is None or not styles:
        return None
    painter = trained.opens.painter()
    for style in styles:
        painter.check(style)
    return lambda photo, style, strength: painter.paint_array(photo, style, strength=strength)


def _show(
    head: dict[str, Any],
    pairs: Pairs,
    records: Sequence[Record],
    summary: dict[str, list[Record]],
    keys: Sequence[str],
    as_json: bool,
) -> None:
    """All of it as JSON, or a table; of one picture that is not in a folder, its numbers, or its error."""
    if pairs.single and not as_json and "error" in records[0]:
        raise LearnError(_named(records[0]))
    _say(pairs, records)
    if as_json:
        left_out = {"missing": pairs.missing, "unknown": [str(path) for path in pairs.unknown]}
        typer.echo(to_json({**head, "pictures": records, **left_out, **summary}))
    elif pairs.single:
        table(["measure", "value"], [{"measure": key, "value": _short(records[0].get(key))} for key in keys])
    else:
        _table(summary, keys)


def _pairs(places: Sequence[Path], naming: Naming, trained: Trained) -> Pairs:
    """The pictures that are named, as pairs; nothing is read but names."""
    from impasto.learn.evaluate.pairs import Pair, Pairs, by_name, by_table, pictures_of, to_paint

    paints = len(places) == 2 and trained.opens is not None
    if len(places) != 3 and not paints:
        raise OptionError(
            f"judge takes PHOTO PAINTED PAINTING, or with --network PHOTO PAINTING; {counted(places, 'place')} given"
        )
    if naming.pairs is not None:
        if paints or naming.style or naming.limit is not None:
            raise OptionError(
                "--pairs itself says which pictures count; leave out -s and --limit, and name three folders"
            )
        return by_table(naming.pairs, *places)
    wanted = plain_names(naming.style) if naming.style else None
    photos = pictures_of(places[0], "a photo or a folder of photos", last=naming.limit)
    paintings = pictures_of(places[-1], "a painting or a folder of paintings", names=wanted)
    if paints:
        return to_paint(photos, paintings, SEVERAL_STRENGTHS.parse(trained.strengths))
    painted = places[1]
    if painted.is_dir():
        found = by_name(photos, painted, paintings, naming.pattern)
        return found if wanted is None and naming.limit is None else replace(found, unknown=())  # those left out
    if len(photos) > 1 or len(paintings) > 1:
        raise LearnError(f"{painted} is one picture; name one photo and one painting for it, or a folder of pictures")
    (picture,) = pictures_of(painted, "a picture or a folder of pictures")
    return Pairs((Pair(photos[0], picture, paintings[0]),), single=True)


def _say(pairs: Pairs, records: Sequence[Record]) -> None:
    """A line for what is missing, for what belongs to nothing, and for each picture that could not be measured."""
    for what, names in (("missing", pairs.missing), ("of no photo and style", [each.name for each in pairs.unknown])):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            say(f"note: {what}: {', '.join(names[:3])}{more}")
    for record in records:
        if "error" in record:
            say(f"skipped: {_named(record)}")


def _named(record: Record) -> str:
    """A record's error, with the file's name once."""
    file, error = str(record["painted"] or record["photo"]), str(record["error"])
    return error if printable(file) in error else f"{printable(file)}: {error}"


def _table(summary: dict[str, list[Record]], keys: Sequence[str]) -> None:
    """A line for each style, and behind them one for all: medians, with their intervals in brackets."""
    rows = [*summary["styles"], *({"name": "(all)", **record} for record in summary["overall"])]
    columns = ["name", *["strength"] * any(row["strength"] is not None for row in rows), "count", *keys]
    shown = [{**row, **{key: _interval(row[key]) for key in keys}} for row in rows]
    table(columns, [{**row, "strength": "-" if row["strength"] is None else row["strength"]} for row in shown])


def _interval(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    ends = "" if found["low"] is None else f" [{_short(found['low'])} {_short(found['high'])}]"
    return f"{_short(found['median'])}{ends}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
