"""impasto cluster: very many photos, painted on one machine or several."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli.ends import interrupted, look_of, one_mix, progress
from impasto.cli.options import KeepMetadata, MaxMemory, MaxPixels, Mix, Opens, Precision, Quality
from impasto.cli.paint import DIALS
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import say, to_json
from impasto.cluster.settings import Crew, Tools
from impasto.limits import DEFAULT_MAX_PIXELS
from impasto.painting.look import Look

if TYPE_CHECKING:
    from impasto.cluster.records import Record


@dataclass(frozen=True)
class Opening(Opens):
    """What every actor opens."""

    precision: Precision = "auto"
    max_memory: MaxMemory = None

    def tools(self) -> Tools:
        limit = None if self.max_memory is None else self.max_memory * 1e9
        bank = None if self.bank is None else os.path.abspath(self.bank)
        network = os.path.abspath(self.network) if self.network.endswith(".onnx") else self.network
        runtime: Any = self.runtime
        precision: Any = self.precision
        device: Any = self.device
        return Tools(network, bank, runtime, precision, limit, device)


@dataclass(frozen=True)
class Written:
    """How paintings are written."""

    quality: Quality = 95
    keep_metadata: KeepMetadata = False


@app.command()
@options
def cluster(
    *,
    photos: Annotated[
        list[str],
        typer.Argument(help="Photos and folders, one address (s3://...), or one list with the column source."),
    ],
    style: Mix,
    output: Annotated[str, typer.Option("--output", "-o", metavar="PLACE", help="A folder, or an address (s3://...).")],
    dials: Annotated[dict[str, Any], Fields(Look, DIALS)],
    crew: Crew,
    written: Written,
    opening: Opening,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Paint very many photos, on this machine or on a cluster (needs impasto[cluster]).

    A painting that is there is finished: the same command, run again, paints what is left. What became of each photo
    is also kept in Parquet files, in the folder impasto-records of the output. A list is Parquet or CSV; its column
    target, if there is one, names the paintings.
    """
    from impasto.cluster import run
    from impasto.painting.batch import Saving

    mix = one_mix(style)
    saving = Saving(comment=f"painted by impasto in the style {mix}", **asdict(written))
    order = run.Order(look_of(mix, dials), opening.tools(), saving, max_pixels)
    plan = run.prepared(photos, output, order, crew)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what is to be said, records say
    for note in plan.work.notes:
        say(note)
    became: Counter[str] = Counter()
    count, done = plan.work.count, run.painted(plan)
    with interrupted(lambda: f"{_summary(became, count)}; run it again to go on"), closing(done):
        for each in progress(_counted(done, became), count, quiet=as_json):
            _report(each, as_json)
    became["there"] = count - became["painted"] - became["failed"] - became["killed"]  # most have no record
    if not as_json:
        say(f"{plan.job.output}: {_summary(became, count)}")
    if became["failed"] or became["killed"]:
        raise typer.Exit(2)


def _counted(records: Iterable[Record], became: Counter[str]) -> Iterator[Record]:
    for each in records:
        became[each.status] += 1
        yield each


def _summary(became: Counter[str], count: int) -> str:
    parts = {"were there": became["there"], "could not be painted": became["failed"] + became["killed"]}
    more = (f", {number} {what}" for what, number in parts.items() if number)
    return f"{became['painted']} of {count} photos painted{''.join(more)}"


def _report(record: Record, as_json: bool) -> None:
    if as_json:
        typer.echo(to_json(asdict(record)))
    for note in record.notes:
        say(note)
    if record.error:
        say(f"skipped: {record.error}")
