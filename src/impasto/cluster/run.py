"""Many photos painted by actors on one machine or several; what is finished is never painted again."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeAlias, Unpack

from impasto import assets, pictures
from impasto.cluster import engine, manifest, places
from impasto.cluster.actor import Actor, Job
from impasto.cluster.manifest import Work
from impasto.cluster.records import Parts, Record, records_in
from impasto.cluster.settings import PARTS, Crew, Tools
from impasto.errors import ClusterError, OptionError, TargetError, brief, foreign
from impasto.files import printable
from impasto.painting import batch as batches, rows
from impasto.painting.batch import Saving
from impasto.painting.look import Dials, Look, Style
from impasto.styles import blend
from impasto.styles.bank import Bank

Place: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True)
class Order:
    """How it is to be painted."""

    look: Look
    tools: Tools = Tools()
    saving: Saving | None = None
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS


@dataclass(frozen=True)
class Plan:
    """What is to be painted, and how."""

    work: Work
    job: Job
    crew: Crew


def paint_many(
    photos: Place | Iterable[Place],
    output: Place,
    style: Style | Look,
    *,
    crew: Crew | None = None,
    tools: Tools | None = None,
    saving: Saving | None = None,
    max_pixels: int | None = pictures.DEFAULT_MAX_PIXELS,
    **dials: Unpack[Dials],
) -> Generator[Record, None, None]:
    """Paint very many photos into files; yields a record for each, as they come, in no order.

    ``photos`` are files and folders, or one address of a store ("s3://bucket/photos"), or one list, Parquet or CSV,
    with the column ``source`` and, if wanted, ``target``. ``output`` is a folder or an address; paintings are called
    as ``impasto paint`` calls them. ``style`` and the dials are those of a ``Look`` without masks.

    A painting that is there is finished: it is not painted again, and there may be no record for it. So a job that
    was stopped goes on when it is begun again. Records are kept in the folder impasto-records of the output, too.

    Raises at once: OptionError for a dial, BankError for a style, PictureError for photos, TargetError for an output,
    MissingExtraError without Ray; when the first record is asked for ClusterError, if there is no cluster or it breaks.
    """
    given = [photos] if isinstance(photos, (str, os.PathLike)) else photos
    sources = [str(each) for each in given]
    made = Order(Look.of(style, **dials), tools or Tools(), saving, max_pixels)
    return painted(prepared(sources, str(output), made, crew or Crew()))


def prepared(photos: list[str], output: str, order: Order, crew: Crew) -> Plan:
    """All checked, and nothing painted; the output is there, with a file that says how it is painted."""
    engine.check()
    look, tools = order.look, order.tools
    if look.masked:
        raise OptionError("masks belong to one photo; a cluster paints many without them")
    weights = blend.weights_of(look.style)
    if weights is None:
        raise OptionError(
            "a cluster paints styles that have names, which its files are called by; not a row of numbers"
        )
    style = (
        look.style if isinstance(look.style, str) else ",".join(f"{name}:{part:g}" for name, part in weights.items())
    )
    bank = Bank.load(tools.bank or assets.bank_file(tools.network))
    rows.check(bank, look)
    output = places.absolute(output)
    for place in filter(places.is_address, [*photos, output]):
        places.reach(place)
    work = manifest.find(photos, output, style)
    streams = min(crew.threads, batches.streams(work.some(most=1_000), look)) if work.table is not None else 1
    saving = order.saving or Saving(comment=f"painted by impasto in the style {style}")
    job = Job(look, output, tools, saving, order.max_pixels, crew.threads, streams)
    engine.ray(alone=crew.address is None)
    _sign(job, bank)
    return Plan(work, job, crew)


def _sign(job: Job, bank: Bank) -> None:
    """Write down how this output is painted; TargetError where it was begun otherwise."""
    now = {
        each.name: getattr(job.look, each.name)
        for each in dataclasses.fields(job.look)
        if each.name not in ("masks", "protect")
    }
    now |= {"style": blend.weights_of(job.look.style), "network": bank.fingerprint}
    place = places.below(job.output, f"{PARTS}/job.json")
    if not all(places.there([place])):
        places.write(place, json.dumps(now, indent=1).encode())
        return
    with foreign(lambda error: TargetError(f"{printable(place)} cannot be read ({brief(error)}); remove it")):
        before = json.loads(places.read(place))
        name = next((name for name in now if before.get(name) != now[name]), None)
    if name is not None:
        raise TargetError(
            f"{printable(job.output)} was begun with another {name.replace('_', ' ')} ({before.get(name)}, not "
            f"{now[name]}); name another output, or remove {printable(place)}"
        )


def painted(plan: Plan) -> Generator[Record, None, None]:
    """Paint as planned; records as they come, each also kept in a file."""
    job, parts = plan.job, Parts(places.below(plan.job.output, PARTS))
    with engine.connected(plan.crew) as crew:
        try:
            with foreign(lambda error: ClusterError(f"the cluster broke down ({brief(error)}); begin again to go on")):
                arguments = job, engine.Asked()
                for batch in engine.flow(plan.work, job.output, Actor, arguments, crew, job.tools.max_memory):
                    parts.add(found := records_in(batch))
                    yield from found
        finally:
            parts.write()
