"""impasto paint, and plan, which reports what it will take."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli import terminal
from impasto.cli.ends import claim, counted, interrupted, look_of, one_mix, progress
from impasto.cli.images import add_images, check_used, named_images, no_style
from impasto.cli.options import (
    KeepMetadata,
    MaxMemory,
    MaxPixels,
    Mixed,
    Opens,
    Overwrite,
    Precision,
    Quality,
    StyleImages,
)
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import say, table, to_json
from impasto.errors import FilmError, ImpastoError, PictureError, lacks_memory
from impasto.files import STDIO
from impasto.limits import DEFAULT_MAX_PIXELS
from impasto.painting.look import Look

if TYPE_CHECKING:
    from impasto.painting.batch import Batch, Painted
    from impasto.painting.painter import Painter
    from impasto.painting.planner import Plan
    from impasto.pictures.folders import Search

DIALS = ("strength", "size", "enlarge", "brush", "stroke_size", "keep_color")
SIZES = ("size", "enlarge", "brush", "stroke_size")


@dataclass(frozen=True)
class Opening(Opens):
    """What is opened to paint with."""

    precision: Precision = "auto"
    max_memory: MaxMemory = None

    def open(self, streams: int = 1) -> Painter:
        return self.painter(max_memory=self.max_memory, precision=self.precision, streams=streams)


@dataclass(frozen=True)
class Written:
    """How paintings are written."""

    quality: Quality = 95
    dpi: Annotated[
        float | None, typer.Option(help="Pixels per inch, for printing.", show_default="the photo's"), limits.DPI
    ] = None
    keep_metadata: KeepMetadata = False


@app.command()
@options
def paint(
    *,
    photos: Annotated[
        list[Path], typer.Argument(readable=False, help="Photos, folders of photos, or - for standard input.")
    ],
    style: Mixed = None,
    style_image: StyleImages = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="A file, a folder, or - (PNG); default: beside each photo."
        ),
    ] = None,
    dials: Annotated[dict[str, Any], Fields(Look, DIALS)],
    mask: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: that style where FILE is white; NAME=alpha: where the photo is opaque."),
    ] = None,
    protect: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keep features, such as a face's, where the picture is white.")
    ] = None,
    written: Written,
    opening: Opening,
    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS,
    force: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Paint photos in a style, or in a mix of styles.

    A mask gives a region a style of its own; there may be several. A painting of your own (--style-image) becomes a
    style within seconds; impasto row keeps it.

    Photos of any size: what does not fit into memory is painted in tiles. In a folder, photos keep their paths below
    the folder that they were found in; what impasto has painted is left out there. Of a photo's metadata author,
    rights, dates and resolution go along; place, camera and serial numbers only with --keep-metadata.
    """
    with terminal.at_rest():
        from impasto.cli import targets as places
        from impasto.painting import batch
        from impasto.painting.folder import once, paintings

    files = _masks(mask or [])
    images = named_images(style_image or [])
    mix = one_mix(style or list(images)) if style or images else no_style()
    check_used(images, [mix, *files])
    search = once(_search(photos))
    found = search.paths
    if len(found) == 1 and _is_film(found[0]):
        raise PictureError(f"{found[0]} is a film; impasto video paints it")
    targets, folder = paintings(search.photos, output, mix)
    read = [*found, *map(Path, [*files.values(), *([protect] if protect else [])]), *images.values()]
    claim(targets, read, opens=opening, force=force, folder=folder, pictures=True, stdout=True)
    look = look_of(mix, dials)
    if len(found) == 1:
        places.check_photo(targets[0], found[0], look.size, enlarge=look.enlarge)
    look = Look.of(look, **_read_once(files, protect, [*found, *images.values()], max_pixels))
    with terminal.at_rest():
        painter = opening.open(batch.streams(found, look) if opening.max_memory is None else 1)
    add_images(painter, images, max_pixels)
    painter.check(look)  # once, before the first photo
    saving = batch.Saving(comment=f"painted by impasto in the style {mix}", **asdict(written))
    _paint(batch.Batch(painter, look, saving, max_pixels), list(zip(found, targets, strict=True)), as_json)


def _is_film(path: Path) -> bool:
    from impasto.pictures import formats

    if path.suffix.lower() in formats.SUFFIXES:
        return False
    from impasto.film.reading import FILMS

    return path.suffix.lower() in FILMS and path.is_file()


def _paint(work: Batch, jobs: Sequence[tuple[Path, Path]], as_json: bool) -> None:
    """Paint, and report each photo; exit code 2 if there was one that could not be painted."""
    alone, failed = len(jobs) == 1, 0
    done = _alone(work, *jobs[0], quiet=as_json) if alone else work.paint(jobs)
    with interrupted(lambda: f"{len(work.saved)} of {counted(jobs, 'photo')} painted"), closing(done):
        for (source, target), each in zip(jobs, progress(done, len(jobs), quiet=as_json or alone), strict=True):
            for note in each.notes:
                say(note)
            if each.error is None:
                record = {"photo": str(source), "output": str(target), "width": each.width, "height": each.height}
                _report({**record, "seconds": round(each.seconds, 3), "style": work.look.style}, as_json, target)
                continue
            known = isinstance(each.error, ImpastoError) or lacks_memory(each.error)
            if not known or (alone and not as_json):
                raise each.error
            failed += 1
            message = terminal.sentence(each.error)
            if as_json:
                typer.echo(to_json({"photo": str(source), "error": message}), err=target == STDIO)
            say(f"impasto: {message}" if alone else f"skipped: {message}")
    if failed and not alone:
        say(f"{failed} of {len(jobs)} photos could not be painted")
    if failed:
        raise typer.Exit(2)


def _alone(work: Batch, source: Path, target: Path, *, quiet: bool) -> Generator[Painted, None, None]:
    """Paint one photo; a bar shows how far it is, and notes are said at once."""
    from impasto.painting.batch import Painted

    where = io.BytesIO() if target == STDIO else target
    with _bar(quiet) as shown:
        try:
            for each in work.one(sys.stdin.buffer if source == STDIO else source, where):
                if isinstance(each, str):
                    say(each)
                elif isinstance(each, Painted):
                    last = each
                else:
                    shown(each.share)
        except (ImpastoError, MemoryError) as error:
            last = Painted(source, target, error=error)
    if isinstance(where, io.BytesIO) and last.error is None:
        _to_stdout(where.getbuffer())
    yield last


@contextmanager
def _bar(quiet: bool) -> Iterator[Callable[[float], None]]:
    """What shows a share from 0 to 1 as a bar, on a terminal."""
    seen = sys.stderr.isatty() or {"FORCE_COLOR", "TTY_COMPATIBLE"} & set(os.environ)
    if quiet or not seen:  # rich takes as long to load as a small photo to paint
        yield lambda share: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("painting", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _to_stdout(data: memoryview) -> None:
    """Not straight: that the reader has gone away is no fault of the picture."""
    while data:  # with PYTHONUNBUFFERED one write may be a part
        data = data[sys.stdout.buffer.write(data) :]
    sys.stdout.buffer.flush()


@app.command()
@options
def plan(
    *,
    photos: Annotated[list[Path], typer.Argument(readable=False, help="Photos, folders of photos, or films.")],
    dials: Annotated[dict[str, Any], Fields(Look, SIZES)],
    masks: Annotated[int, typer.Option(help="Number of masks you will use."), limits.MASKS] = 0,
    opening: Opening,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Report what memory and time painting photos and films will take.

    Tiles and temporary files, too; the time comes from a trial of some seconds.
    """
    look = look_of("photo", dials)
    found = _search(photos).paths
    painter = opening.open()
    records: list[dict[str, Any]] = []
    plans: dict[str, Any] = {}
    for source in found:
        try:
            width, height, frames = _sizes(source)
        except (PictureError, FilmError) as error:
            if len(found) == 1:
                raise
            records.append({"photo": str(source), "error": str(error)})
            continue
        plans[str(source)] = painter.plan(width, height, masks=masks, **{**dials, "brush": look.brush})
        records.append({"photo": str(source), **asdict(plans[str(source)])} | ({"frames": frames} if frames else {}))
        del records[-1]["work"]
    for record in records:  # when all is planned, since a trial takes memory itself
        if "error" not in record:
            record["seconds"] = round(_seconds(record, painter, plans[record["photo"]], look), 6)
    _show_plans(records, as_json)


def _sizes(source: Path) -> tuple[int, int, int | None]:
    """Width and height, and of a film about how many frames it has."""
    from impasto import pictures
    from impasto.film import reading

    if source.suffix.lower() not in reading.FILMS:
        return *pictures.size_of(source), None
    facts = reading.opened(source).facts
    if facts.frames is None:
        raise FilmError(f"{source} does not say how long it is")
    return facts.width, facts.height, facts.frames


def _seconds(record: dict[str, Any], painter: Painter, planned: Plan, look: Look) -> float:
    """How long a photo or a film will take."""
    if "frames" not in record:
        return painter.seconds(planned)
    from impasto.film import trial

    frame = trial.seconds(Path(record["photo"]), painter, replace(look, style=painter.styles[0]))
    if not planned.whole:
        frame = max(frame, painter.seconds(planned))
    return int(record["frames"]) * frame


def _begun(record: dict[str, Any]) -> str:
    first = record["first"]
    larger = first > max(record["width"], record["height"])
    return f", {'at' if larger else 'first at'} {first} px" if first else ""


def _show_plans(records: list[dict[str, Any]], as_json: bool) -> None:
    """Print plans; exit code 2 if there is a photo without one."""
    for record in records if as_json else ():
        typer.echo(to_json(record))
    shown = [
        {
            "photo": record["photo"],
            "pixels": f"{record['width']} x {record['height']}",
            "painted": ("whole" if record["whole"] else f"in {record['tiles']} tiles")
            + _begun(record)
            + (f", {record['paintings']} paintings" if record["paintings"] > 1 else "")
            + (f", {record['frames']} frames" if "frames" in record else ""),
            "memory": f"{record['memory'] / 1e9:.1f} GB",
            "files": f"{record['disk'] / 1e9:.1f} GB",
            "time": _duration(record["seconds"]),
        }
        for record in records
        if not (as_json or "error" in record)
    ]
    if shown:
        table(list(shown[0]), shown)
    failed = [record["error"] for record in records if "error" in record]
    for message in failed:
        say(f"skipped: {message}")
    if failed:
        raise typer.Exit(2)


def _masks(options: list[str]) -> dict[str, str]:
    """NAME=FILE, or MIX=FILE, as a style with its mask."""
    masks = {}
    for option in options:
        style, equals, file = (part.strip() for part in option.partition("="))
        if not (style and file):
            raise PictureError(f"a mask is given as NAME=FILE or NAME=alpha, not {option!r}")
        one_mix([style])
        if style in masks:
            raise PictureError(f"two masks are given for {style!r}; paint them into one picture")
        masks[style] = file
    return masks


def _read_once(masks: dict[str, str], protect: str | None, others: list[Path], max_pixels: int) -> dict[str, Any]:
    """The masks of a look, ready to be loaded for each photo: what can be read only once is read now."""
    from impasto import pictures
    from impasto.pictures import sources

    sources.check_once([*others, *masks.values(), *([protect] if protect else [])])
    loaded = {style: pictures.once(file, max_pixels=max_pixels) for style, file in masks.items()}
    return {"masks": loaded or None, "protect": protect and pictures.once(protect, max_pixels=max_pixels)}


def _search(paths: list[Path]) -> Search:
    """The photos to paint; what was left out is reported, and PictureError if nothing is left."""
    from impasto.painting import folder

    search = folder.search(paths)
    for note in search.notes:
        say(note)
    if not search.photos:
        raise PictureError(f"there is no picture in {', '.join(map(str, paths))}; name a photo or another folder")
    return search


def _report(record: dict[str, Any], as_json: bool, target: Path) -> None:
    if as_json:
        typer.echo(to_json(record), err=target == STDIO)
    else:
        say(f"{record['output']}: {record['width']} x {record['height']}, {record['seconds']:.2f} s")


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
