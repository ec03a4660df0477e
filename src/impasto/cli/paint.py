"""impasto paint, and plan, which reports what it will take."""

from __future__ import annotations

import dataclasses
import io
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli import terminal
from impasto.cli.ends import claim, counted, interrupted, load_photo, one_mix, open_painter, progress
from impasto.cli.options import (
    MAX_PIXELS,
    STDIO,
    BankFile,
    Brush,
    Enlarge,
    KeepMetadata,
    MaxMemory,
    MaxPixels,
    Mix,
    MomentsOption,
    Network,
    Overwrite,
    Precision,
    Quality,
    Runtime,
    Size,
    Strength,
)
from impasto.cli.root import app
from impasto.cli.terminal import say, table, to_json
from impasto.errors import ImpastoError, OptionError, PictureError, lacks_memory
from impasto.painting.pipeline import overlap, side_by_side

if TYPE_CHECKING:
    from impasto.painting.painter import Progress
    from impasto.pictures import Photo
    from impasto.pictures.folders import Search

PIXELS_AT_ONCE = 50_000_000  # of photos that are read, painted and written at the same time
MOST_STREAMS = 4  # small photos that are painted at the same time


@app.command()
def paint(
    photos: Annotated[
        list[Path], typer.Argument(readable=False, help="Photos, folders of photos, or - for standard input.")
    ],
    style: Mix,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="PATH", help="A file, a folder, or - (PNG); default: beside each photo."
        ),
    ] = None,
    strength: Strength = 1.0,
    size: Size = None,
    enlarge: Enlarge = False,
    brush: Brush = "medium",
    stroke_size: Annotated[
        float | None,
        typer.Option(help="Strokes as in a painting of N pixels, where a style knows several sizes."),
        limits.STROKE_SIZE,
    ] = None,
    keep_color: Annotated[bool, typer.Option("--keep-color", help="Keep the colours of the photo.")] = False,
    mask: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: that style where FILE is white; NAME=alpha: where the photo is opaque."),
    ] = None,
    quality: Quality = 95,
    dpi: Annotated[
        float | None, typer.Option(help="Pixels per inch, for printing.", show_default=False), limits.DPI
    ] = None,
    keep_metadata: KeepMetadata = False,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    max_memory: MaxMemory = None,
    moments: MomentsOption = "exact",
    max_pixels: MaxPixels = MAX_PIXELS,
    force: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Paint photos in a style, or in a mix of styles.

    A mask gives a region a style of its own; there may be several.

    Photos of any size: what does not fit into memory is painted in tiles. In a folder, photos keep their paths below
    the folder that they were found in; what impasto has painted is left out there. Of a photo's metadata author,
    rights, dates and resolution go along; place, camera and serial numbers only with --keep-metadata.
    """
    from impasto.cli import targets as places
    from impasto.painting.folder import once, paintings
    from impasto.styles import blend, strokes

    mix = one_mix(style)
    search = once(_search(photos))
    found = search.paths
    targets, folder = paintings(search.photos, output, mix)
    files = _masks(mask or [])
    opens = (network, bank)
    sources = [*found, *map(Path, files.values())]
    claim(targets, sources, opens=opens, force=force, folder=folder, pictures=True, stdout=True)
    _check_enlarge(enlarge, size)
    if len(found) == 1:
        places.check_photo(targets[0], found[0], size, enlarge=enlarge)
    masks = _read_once(files, found, max_pixels)
    streams = _streams(found, size) if max_memory is None and not (masks or enlarge) else 1
    painter = open_painter(
        network, bank, runtime, precision=precision, max_memory=max_memory, moments=moments, streams=streams
    )
    if stroke_size is not None:
        names = dict.fromkeys(name for each in (mix, *masks) for name in blend.parse(each))
        painter.bank = strokes.at_size(painter.bank, names, stroke_size)
    chosen = limits.BRUSH.parse(brush)
    painter.check(mix, strength=strength, size=size, brush=chosen, masks=masks)  # once, before the first photo
    dials: dict[str, Any] = {"strength": strength, "size": size, "enlarge": enlarge, "brush": chosen}
    dials |= {"keep_color": keep_color}
    alone = len(found) == 1

    def load(job: tuple[Path, Path]) -> tuple[Path, Photo]:
        return job[1], load_photo(job[0], max_pixels, None if masks else size)  # masks are as large as the photo is

    def work(loaded: tuple[Path, Photo]) -> tuple[Path, Photo, Any, float]:
        target, photo = loaded
        places.check_picture(target, photo.pixels, size, enlarge=enlarge)
        if alone:
            _note_brush(chosen, photo, size, enlarge)
        begin = time.perf_counter()
        weights = _weights(masks, photo, max_pixels)
        steps = painter.paint_steps(photo.pixels, mix, **dials, masks=weights, opacity=photo.opacity)
        painted = _watch_painting(steps, quiet=as_json or not alone)
        return target, dataclasses.replace(photo, pixels=painted[:1, :1]), painted, time.perf_counter() - begin

    def save(worked: tuple[Path, Photo, Any, float]) -> dict[str, Any]:
        target, photo, painted, seconds = worked
        comment = f"painted by impasto in the style {mix}"
        _save(painted, target, photo, quality=quality, comment=comment, keep_metadata=keep_metadata, dpi=dpi)
        saved.append(target)
        return {"width": painted.shape[1], "height": painted.shape[0], "seconds": round(seconds, 3)}

    failed = 0
    saved: list[Path] = []
    jobs = list(zip(found, targets, strict=True))
    room = PIXELS_AT_ONCE if max_memory is None else min(PIXELS_AT_ONCE, max_memory * 1e9 / 100)
    options: dict[str, Any] = {"cost": lambda job: _pixels(job[0]), "room": room}
    done: Any
    if streams > 1:
        workers = streams + 1  # one more reads and writes, and waits for the disk
        done = side_by_side(jobs, lambda job: save(work(load(job))), workers, **options)
    else:
        done = overlap(jobs, load, work, save, **options)
    with interrupted(lambda: f"{len(saved)} of {counted(found, 'photo')} painted"), closing(done):
        for each in progress(done, len(jobs), quiet=as_json or alone):
            source, target = each.item
            if each.error is None:
                record = {"photo": str(source), "output": str(target), **each.result}
                _report({**record, "style": mix}, as_json, target)
                continue
            known = isinstance(each.error, ImpastoError) or lacks_memory(each.error)
            if not known or (alone and not as_json):
                raise each.error
            failed += 1
            message = terminal.sentence(each.error)
            if as_json:
                typer.echo(to_json({"photo": str(source), "error": message}), err=target == STDIO)
            say(f"impasto: {message}" if alone else f"skipped: {message}")
    if failed:
        if not alone:
            say(f"{failed} of {len(found)} photos could not be painted")
        raise typer.Exit(2)


@app.command()
def plan(
    photos: Annotated[list[Path], typer.Argument(readable=False, help="Photos, or folders of photos.")],
    size: Size = None,
    enlarge: Enlarge = False,
    brush: Brush = "medium",
    masks: Annotated[int, typer.Option(help="Number of masks you will use."), limits.MASKS] = 0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    max_memory: MaxMemory = None,
    moments: MomentsOption = "exact",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Report what memory and time painting photos will take.

    Tiles and temporary files, too; the time comes from a trial of some seconds.
    """
    from impasto import pictures

    _check_enlarge(enlarge, size)
    found = _search(photos).paths
    painter = open_painter(network, bank, runtime, precision=precision, max_memory=max_memory, moments=moments)
    chosen = limits.BRUSH.parse(brush)
    records: list[dict[str, Any]] = []
    plans: dict[str, Any] = {}
    for source in found:
        try:
            width, height = pictures.size_of(source)
        except PictureError as error:
            if len(found) == 1:
                raise
            records.append({"photo": str(source), "error": str(error)})
            continue
        plans[str(source)] = painter.plan(width, height, size=size, enlarge=enlarge, brush=chosen, masks=masks)
        records.append({"photo": str(source), **asdict(plans[str(source)])})
        del records[-1]["work"]
    for record in records:  # when all is planned, since a trial takes memory itself
        if "error" not in record:
            record["seconds"] = round(painter.seconds(plans[record["photo"]]), 6)
    failed = [record["error"] for record in records if "error" in record]
    for record in records if as_json else ():
        typer.echo(to_json(record))
    shown = [
        {
            "photo": record["photo"],
            "pixels": f"{record['width']} x {record['height']}",
            "painted": ("whole" if record["whole"] else f"in {record['tiles']} tiles")
            + (f", first at {record['first']} px" if record["first"] else ""),
            "memory": f"{record['memory'] / 1e9:.1f} GB",
            "files": f"{record['disk'] / 1e9:.1f} GB",
            "time": _duration(record["seconds"]),
        }
        for record in records
        if not (as_json or "error" in record)
    ]
    if shown:
        table(list(shown[0]), shown)
    for message in failed:
        say(f"skipped: {message}")
    if failed:
        raise typer.Exit(2)


def _check_enlarge(enlarge: bool, size: int | None) -> None:
    if enlarge and size is None:
        raise OptionError("--enlarge needs --size N, the longer side that smaller photos are brought to")


def _pixels(source: Path) -> float:
    """How many pixels a photo has; 1 where that is not known before it is read."""
    from impasto import pictures

    try:
        width, height = (1, 1) if source == STDIO else pictures.size_of(source)
    except PictureError:  # which reading it will report in full
        return 1.0
    return float(max(1, width * height))


def _streams(photos: list[Path], size: int | None) -> int:
    """How many photos to paint at once: several if there are many, all of them small."""
    from impasto.painting.runtimes import STREAMED, cores

    def painted(source: Path) -> float:
        if size is not None:
            return size**2  # at most
        return _pixels(source)

    enough = len(photos) > 2 * MOST_STREAMS and all(painted(source) <= STREAMED for source in photos)
    return min(MOST_STREAMS, cores()) if enough else 1


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


def _read_once(masks: dict[str, str], photos: list[Path], max_pixels: int) -> dict[str, Any]:
    """The masks, ready to be loaded for each photo: what can be read only once is read now."""
    from impasto import pictures
    from impasto.pictures import sources

    sources.check_once([*photos, *masks.values()])
    return {style: pictures.once(file, max_pixels=max_pixels) for style, file in masks.items()}


def _weights(masks: dict[str, Any], photo: Photo, max_pixels: int) -> dict[str, Any]:
    from impasto.painting import regions

    weights = regions.load(masks, photo, max_pixels=max_pixels)
    if regions.overlap(weights) > regions.TOO_MUCH:
        say(f"the masks overlap, adding up to {regions.overlap(weights):.2f}; they share those places instead")
    return weights


def _search(paths: list[Path]) -> Search:
    """The photos to paint; what was left out is reported, and PictureError if nothing is left."""
    from impasto.painting import folder

    search = folder.search(paths)
    for note in search.notes:
        say(note)
    if not search.photos:
        raise PictureError(f"there is no picture in {', '.join(map(str, paths))}; name a photo or another folder")
    return search


def _save(painted: Any, target: Path, photo: Photo, **options: Any) -> None:
    from impasto import pictures

    where: Path | io.BytesIO = io.BytesIO() if target == STDIO else target
    for note in pictures.save(painted, where, like=photo, **options):
        say(note)
    if isinstance(where, io.BytesIO):  # not straight: that the reader has gone away is no fault of the picture
        left = where.getbuffer()
        while left:  # with PYTHONUNBUFFERED one write may be a part
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()


def _note_brush(brush: str | int, photo: Photo, size: int | None, enlarge: bool) -> None:
    """A note if the first of two paintings was asked for, in pixels, and there is none."""
    from impasto import pictures
    from impasto.painting import passes

    height, width = photo.pixels.shape[:2]
    if size is not None:
        width, height = pictures.shrunk_size(width, height, size, enlarge=enlarge)
    if isinstance(brush, int) and passes.first_size(height, width, brush) is None:
        say(f"note: --brush {brush} changes nothing: {width} x {height} pixels are not {passes.APART} times as large")


def _report(record: dict[str, Any], as_json: bool, target: Path) -> None:
    if as_json:
        typer.echo(to_json(record), err=target == STDIO)
    else:
        say(f"{record['output']}: {record['width']} x {record['height']}, {record['seconds']:.2f} s")


def _watch_painting(steps: Iterator[Progress], *, quiet: bool) -> Any:
    """The painting at the end of ``steps``; a bar shows how far they are, where there are several."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(console=console, disable=quiet or not console.is_terminal, transient=True) as bar:
        task = None
        for step in steps:
            if step.painted is not None:
                return step.painted
            task = bar.add_task("painting", total=1.0) if task is None else task
            bar.update(task, completed=step.share)
    raise PictureError("nothing was painted")


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
