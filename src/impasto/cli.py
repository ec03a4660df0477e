"""The command line: each command reads, makes one library call, and writes. With terminal.py it alone prints or exits.

Heavy things are imported inside the commands that need them, so that ``--help`` is instant.
"""

from __future__ import annotations

import dataclasses
import io
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits, terminal
from impasto.errors import (
    BankError,
    ImpastoError,
    LearnError,
    MissingExtraError,
    OptionError,
    PictureError,
    TargetError,
)
from impasto.limits import Choice
from impasto.pipeline import overlap, side_by_side
from impasto.terminal import table as _table
from impasto.terminal import tell as _tell
from impasto.terminal import to_json as _json

if TYPE_CHECKING:
    from impasto.bank import Bank
    from impasto.folders import Search
    from impasto.learn.optimize import Optimization
    from impasto.learn.optimize import Step as OptimizeStep
    from impasto.learn.teach import Lesson
    from impasto.learn.train import Run, Step
    from impasto.painter import Painter, Progress
    from impasto.pictures import Photo

BEGAN = time.monotonic()  # near enough: what comes before takes a tenth of a second
RUNTIMES = ("auto", "openvino", "onnxruntime")
LEARN_PRECISIONS = ("auto", "float32", "bfloat16")
RECIPES = ("default", "gatys-2015", "pastiche")  # learn.recipes.RECIPES, repeated without torch, as are the next two
COLORS = ("painting", "luminance", "match")
UNITS = ("fair", "photos", "energy", "gatys", "dumoulin")  # learn.losses.Unit

app = terminal.App(
    help="Paint photos in the style of paintings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Network = Annotated[str, typer.Option(help="The network: one that comes with impasto, or an ONNX file.")]
BankFile = Annotated[Path | None, typer.Option("--bank", help="A file of styles; default: the network's own.")]
Runtime = Annotated[str, typer.Option(help="What runs the network: auto, openvino or onnxruntime."), Choice(RUNTIMES)]
Strength = Annotated[
    float, typer.Option(help="How strong: 0 is the photo, 1 the style, more overdoes it."), limits.STRENGTH
]
Size = Annotated[
    int | None, typer.Option(help="Shrink the longer side to N pixels first.", show_default=False), limits.SIDE
]
Enlarge = Annotated[bool, typer.Option("--enlarge", help="Bring photos that are smaller to --size, too.")]
Brush = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="Strokes on large photos: small, medium, large, or N, the longer side of the first of two paintings.",
    ),
    limits.BRUSH,
]
Side = Annotated[int, typer.Option(help="Longer side of each painting, in pixels."), limits.SIDE]
Quality = Annotated[int, typer.Option(help="Of JPEG and WebP."), limits.QUALITY]
Seed = Annotated[int, typer.Option(help="Random seed."), limits.SEED]
Mix = Annotated[
    list[str], typer.Option("--style", "-s", help="NAME, or a mix such as NAME:0.6,NAME:0.4; several -s are mixed too.")
]
Names = Annotated[list[str] | None, typer.Option("--style", "-s", help="NAME,NAME,...; default: all.")]
Styles = Annotated[
    list[str], typer.Option("--style", "-s", help="NAME,NAME,...; for mixes one -s each: -s A -s B:0.5,C:0.5.")
]
MaxPixels = Annotated[int, typer.Option(help="Refuse pictures with more pixels than this."), limits.PIXELS]
MaxMemory = Annotated[
    float | None,
    typer.Option(
        help="Memory limit in GB; default: what is free, at most 4 to paint in one piece.", show_default=False
    ),
    limits.GIGABYTES,
]
MomentsOption = Annotated[
    str,
    typer.Option(help="Of pictures in tiles: exact (as if painted whole) or quick (from a sample)."),
    Choice(("exact", "quick")),
]
Precision = Annotated[
    str,
    typer.Option(help="f32, bf16 (much faster on some processors), or auto: the quicker one here."),
    Choice(("auto", "f32", "bf16")),
]
StyleSize = Annotated[
    int | None, typer.Option(help="Long side of the painting, in pixels; default: as trained."), limits.SIDE
]
StyleWeight = Annotated[float | None, typer.Option(help="Of the style loss; default: as trained."), limits.WEIGHT]
LearnPrecision = Annotated[str, typer.Option(help="auto, float32 or bfloat16."), Choice(LEARN_PRECISIONS)]

Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite files that impasto did not make.")]
KeepMetadata = Annotated[
    bool,
    typer.Option("--keep-metadata", help="Keep the photo's place, camera, serial numbers and notes in the painting."),
]

STDIO = Path("-")
GRID_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # learn.grid.LAYERS, repeated without torch
FPS = 12.0  # paintings a second, where nothing is said
PIXELS_AT_ONCE = 50_000_000  # of photos that are read, painted and written at the same time
MOST_STREAMS = 4  # small photos that are painted at the same time
MAX_PIXELS = 200_000_000  # pictures.DEFAULT_MAX_PIXELS, repeated so that --help need not import Pillow


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
    from impasto import blend, strokes
    from impasto import targets as places

    mix = _mix(style)
    search = places.once(_search(photos))
    found = search.paths
    targets, folder = places.paintings(search.photos, output, mix)
    files = _masks(mask or [])
    opens = (network, bank)
    sources = [*found, *map(Path, files.values())]
    _claim(targets, sources, opens=opens, force=force, folder=folder, pictures=True, stdout=True)
    _check_enlarge(enlarge, size)
    if len(found) == 1:
        places.check_photo(targets[0], found[0], size, enlarge=enlarge)
    masks = _read_once(files, found, max_pixels)
    streams = _streams(found, size) if max_memory is None and not (masks or enlarge) else 1
    painter = _painter(
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
        return job[1], _load(job[0], max_pixels, None if masks else size)  # masks are as large as the photo is

    def work(loaded: tuple[Path, Photo]) -> tuple[Path, Photo, Any, float]:
        target, photo = loaded
        places.check_picture(target, photo.pixels, size, enlarge=enlarge)
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
    with _interrupted(lambda: f"{len(saved)} of {_count(found, 'photo')} painted"), closing(done):
        for each in _progress(done, len(jobs), quiet=as_json or alone):
            source, target = each.item
            if each.error is None:
                record = {"photo": str(source), "output": str(target), **each.result}
                _report({**record, "style": mix}, as_json, target)
                continue
            known = isinstance(each.error, ImpastoError) or terminal.lacks_memory(each.error)
            if not known or (alone and not as_json):
                raise each.error
            failed += 1
            message = terminal.sentence(each.error)
            if as_json:
                typer.echo(_json({"photo": str(source), "error": message}), err=target == STDIO)
            _tell(f"impasto: {message}" if alone else f"skipped: {message}")
    if failed:
        if not alone:
            _tell(f"{failed} of {len(found)} photos could not be painted")
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
    painter = _painter(network, bank, runtime, precision=precision, max_memory=max_memory, moments=moments)
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
        typer.echo(_json(record))
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
        _table(list(shown[0]), shown)
    for message in failed:
        _tell(f"skipped: {message}")
    if failed:
        raise typer.Exit(2)


styles_app = terminal.App(invoke_without_command=True)
app.add_typer(styles_app, name="styles")
Output = Annotated[Path, typer.Option("--output", "-o", help="The file of styles to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]
Replace = Annotated[bool, typer.Option("--replace", help="Let a style take the place of another of its name.")]


@styles_app.callback()
def styles(
    context: typer.Context,
    network: Network = "full",
    bank: BankFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the styles of a bank, or make a bank out of others."""
    if context.invoked_subcommand is None:
        list_styles(network, bank, as_json)
    elif (network, bank, as_json) != ("full", None, False):
        raise BankError(f"options go behind the command: impasto styles {context.invoked_subcommand} --bank FILE ...")


@styles_app.command("list")
def list_styles(
    network: Network = "full",
    bank: BankFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the styles of a bank, with their cards.

    Other stroke sizes of a style stand in its line, or in the JSON.
    """
    from impasto import strokes
    from impasto.bank import PHOTO

    opened = _bank(network, bank)
    cards = {name: {"name": name, **opened.card(name).to_json()} for name in opened.names}
    if as_json:
        head = {"network": opened.network, "fingerprint": opened.fingerprint}
        typer.echo(_json({**head, "styles": list(cards.values())}))
        return
    columns = ["name", "artist", "title", "year", "licence"]
    for name in opened.styles:
        sizes = strokes.sizes(opened, name)
        if sizes:
            cards[name]["stroke sizes"] = ", ".join(map(str, sizes))
            columns = [*columns[:5], "stroke sizes"]
    shown = {*opened.styles, PHOTO}
    _table(columns, [cards[name] for name in opened.names if name in shown])


@styles_app.command("add")
def add_styles(
    files: Annotated[list[Path], typer.Argument(help="Files of styles.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    replace: Replace = False,
    force: Force = False,
) -> None:
    """Write the bank with the styles of other files added."""
    from impasto.bank import Bank

    _claim_bank(output, files, force, opens=(network, bank))
    opened = _bank(network, bank)
    for file in files:
        opened = opened.merge(Bank.load(file), replace=replace)
    _save_bank(opened, output, force)


@styles_app.command("merge")
def merge_styles(
    files: Annotated[list[Path], typer.Argument(help="Files of styles, of one network.")],
    output: Output,
    replace: Replace = False,
    force: Force = False,
) -> None:
    """Write one bank with the styles of several files."""
    from impasto.bank import Bank

    _claim_bank(output, files, force)
    merged = Bank.load(files[0])
    for file in files[1:]:
        merged = merged.merge(Bank.load(file), replace=replace)
    _save_bank(merged, output, force)


@styles_app.command("remove")
def remove_styles(
    names: Annotated[list[str], typer.Argument(help="The styles to leave out.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write the bank without some of its styles."""
    from impasto import strokes

    _claim_bank(output, [], force, opens=(network, bank))
    opened = _bank(network, bank)
    _save_bank(opened.remove(*strokes.whole(opened, names)), output, force)


@styles_app.command("rename")
def rename_style(
    old: Annotated[str, typer.Argument(help="What the style is called.")],
    new: Annotated[str, typer.Argument(help="What it is to be called.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write the bank with a style renamed."""
    from impasto import strokes

    _claim_bank(output, [], force, opens=(network, bank))
    _save_bank(strokes.rename(_bank(network, bank), old, new), output, force)


@styles_app.command("export")
def export_styles(
    names: Annotated[list[str], typer.Argument(help="The styles to write.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write only some styles of the bank.

    One style makes a file of about 14 KB, to send to a friend.
    """
    from impasto import strokes

    _claim_bank(output, [], force, opens=(network, bank))
    opened = _bank(network, bank)
    _save_bank(opened.select(strokes.whole(opened, names)), output, force)


@app.command()
def sheet(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    style: Names = None,
    size: Side = 320,
    brush: Brush = "medium",
    columns: Annotated[int | None, typer.Option(help="Paintings in a row.", show_default=False), limits.COLUMNS] = None,
    strength: Strength = 1.0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
    force: Overwrite = False,
) -> None:
    """Paint one photo in every style, on one labelled sheet."""
    from impasto import pictures, targets
    from impasto.bank import PHOTO
    from impasto.sheets import contact_sheet

    _claim([output], [photo], opens=(network, bank), force=force, pictures=True)
    painter = _painter(network, bank, runtime)
    known = {*painter.styles, PHOTO}
    names = _names(style) if style else [name for name in painter.bank.names if name in known]
    for name in names:
        painter.check(name, strength=strength, size=size)
    opened = _load(photo, max_pixels, size)
    picture = opened.picture
    targets.check_picture(output, contact_sheet([picture] * len(names), names, columns=columns))
    dials: dict[str, Any] = {"strength": strength, "brush": limits.BRUSH.parse(brush)}
    painted = [painter.paint_picture(picture, name, **dials) for name in _progress(names, quiet=False)]
    pictures.save(contact_sheet(painted, names, columns=columns, alpha=opened.alpha), output)
    _tell_of_paper(output, opened)
    _tell(f"{output}: {len(names)} styles")


@app.command()
def square(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    style: Styles,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    n: Annotated[int, typer.Option("--n", help="Paintings along a side."), limits.SQUARE] = 5,
    size: Side = 256,
    brush: Brush = "medium",
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
    force: Overwrite = False,
) -> None:
    """Paint one photo in the mixes between four styles, as a square.

    The styles are its corners: left and right on top, then left and right below.
    """
    from impasto import blend, pictures, targets
    from impasto.sheets import contact_sheet

    corners = _several(style)
    _claim([output], [photo], opens=(network, bank), force=force, pictures=True)
    painter = _painter(network, bank, runtime)
    mixes = blend.square_mixes(corners, n)
    for each in corners:
        painter.check(each, size=size)
    opened = _load(photo, max_pixels, size)
    picture = opened.picture
    targets.check_picture(output, contact_sheet([picture] * len(mixes), columns=n, gap=2))
    chosen = limits.BRUSH.parse(brush)
    painted = [painter.paint_picture(picture, mix, brush=chosen) for mix in _progress(mixes, quiet=False)]
    pictures.save(contact_sheet(painted, columns=n, gap=2, alpha=opened.alpha), output)
    _tell_of_paper(output, opened)
    _tell(f"{output}: {n} x {n} paintings; corners {', '.join(corners)}")


@app.command()
def path(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    style: Styles,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="A .gif or .webp file, or a folder for the frames.")
    ],
    frames: Annotated[int, typer.Option(help="How many paintings."), limits.FRAMES] = 24,
    size: Side = 384,
    brush: Brush = "medium",
    fps: Annotated[
        float | None, typer.Option(help="Paintings a second, in an animation.", show_default="12"), limits.FPS
    ] = None,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
    force: Overwrite = False,
) -> None:
    """Paint one photo along a path from style to style.

    It becomes an animation, or numbered frames in a folder. Frames of a longer path that impasto painted into that
    folder before are removed at the end.
    """
    from impasto import animation, blend, pictures, targets

    place = Path(output)
    folder = place if targets.is_folder(output) else None
    if folder is None:
        animation.check_target(place, fps=fps or FPS)
    elif fps is not None:
        _tell("note: --fps has no effect on frames in a folder; name a .gif or .webp file for an animation")
    files, stale = ([place], []) if folder is None else targets.frames(folder, frames)
    _claim([*files, *stale], [photo], opens=(network, bank), force=force, folder=folder)
    painter = _painter(network, bank, runtime)
    mixes = blend.path_mixes(_several(style), frames)
    for each in _several(style):
        painter.check(each, size=size)
    opened = _load(photo, max_pixels, size)
    picture = opened.picture
    if folder is None:
        animation.check_target(place, fps=fps or FPS, width=picture.shape[1], height=picture.shape[0])
    chosen = limits.BRUSH.parse(brush)
    painted = (painter.paint_picture(picture, mix, brush=chosen) for mix in _progress(mixes, quiet=False))
    if folder is None:
        for note in animation.save(painted, place, fps=fps or FPS, alpha=opened.alpha):
            _tell(note)
    else:
        saved: list[Path] = []
        with _interrupted(lambda: f"{len(saved)} of {_count(mixes, 'frame')} in {folder}"):
            for i, frame in enumerate(painted, 1):
                pictures.save(frame, targets.frame(folder, i), like=opened)
                saved.append(targets.frame(folder, i))
        for old in stale:
            old.unlink(missing_ok=True)
    _tell(f"{output}: {frames} paintings")


@app.command("map")
def draw_map(
    output: Annotated[Path, typer.Option("--output", "-o", help="A picture, or .json for the numbers.")],
    photo: Annotated[Path | None, typer.Argument(help="A photo to paint in every style, for the picture.")] = None,
    method: Annotated[
        str, typer.Option(help="neighbours (needs impasto[explore]) or pca."), Choice(("neighbours", "pca"))
    ] = "neighbours",
    k: Annotated[
        int | None,
        typer.Option("--k", help="Neighbours of each style in the numbers.", show_default="3"),
        limits.NEIGHBOURS,
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Longer side of each painting, in pixels.", show_default="128"), limits.SIDE
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Of the picture, in pixels.", show_default="1600"), limits.MAP_WIDTH
    ] = None,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
    force: Overwrite = False,
) -> None:
    """Draw a map on which styles that paint alike lie close together."""
    from impasto import pictures, targets
    from impasto.maps import style_map
    from impasto.sheets import map_sheet

    drawn = output.suffix != ".json"
    _claim([output], _given_files(photo), opens=(network, bank), force=force, pictures=drawn)
    if not drawn:
        if photo is not None or size is not None or width is not None:
            _tell("note: PHOTO, --size and --width have no effect on the numbers of a map, only on its picture")
        found = style_map(_bank(network, bank), method=method, k=k or 3)  # type: ignore[arg-type]
        _write_json(output, found.to_json())
        _tell(f"{output}: {len(found.names)} styles")
        return
    if k is not None:
        _tell("note: --k has no effect on the picture of a map, only on its numbers (.json)")
    if photo is None and size is not None:
        _tell("note: --size has no effect without a photo to paint")
    found = style_map(_bank(network, bank), method=method)  # type: ignore[arg-type]
    painted = alpha = None
    if photo is not None:
        painter = _painter(network, bank, runtime)
        opened = _load(photo, max_pixels, size or 128)
        picture, alpha = opened.picture, opened.alpha
        blank = map_sheet(found.points, found.names, [picture] * len(found.names), width=width or 1600)
        targets.check_picture(output, blank)
        painted = [painter.paint_picture(picture, name) for name in _progress(list(found.names), quiet=False)]
        _tell_of_paper(output, opened)
    pictures.save(map_sheet(found.points, found.names, painted, width=width or 1600, alpha=alpha), output)
    _tell(f"{output}: {len(found.names)} styles")


@app.command()
def train(
    photos: Annotated[Path, typer.Option(help="Folder of photos to train on, searched recursively.")],
    styles: Annotated[Path, typer.Option(help="Folder of paintings; a file's stem is the style's name.")],
    run_dir: Annotated[Path, typer.Option("--output", "-o", help="The run's folder; one that exists is resumed.")],
    steps: Annotated[int, typer.Option(help="Train up to this many steps."), limits.STEPS] = 40_000,
    max_minutes: Annotated[
        float | None,
        typer.Option(help="Stop N minutes after the command began.", show_default=False),
        limits.MINUTES,
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the training crops, in pixels."), limits.CROP] = 256,
    batch: Annotated[int, typer.Option(help="Photos per step, over all processes."), limits.SEVERAL] = 4,
    network: Annotated[
        str, typer.Option(help="full (the paper's) or fast (our slim one)."), Choice(("full", "fast"))
    ] = "full",
    teacher: Annotated[
        Path | None, typer.Option(help="Learn from this exported network, with its bank beside it.", show_default=False)
    ] = None,
    teacher_weight: Annotated[
        float, typer.Option(help="Of the squared distance from the teacher's painting."), limits.WEIGHT
    ] = 0.0,
    objective_weight: Annotated[
        float, typer.Option(help="Of content and style; 0 learns from the teacher alone."), limits.WEIGHT
    ] = 1,
    start_from: Annotated[
        Path | None,
        typer.Option(help="A new run takes over this exported network and its bank's rows.", show_default=False),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Multiplies the network's widths."), limits.ALPHA] = 1.0,
    seed: Seed = 0,
    hold_out: Annotated[
        int, typer.Option(help="Leave out N photos, the last by name, for measuring."), limits.COUNT
    ] = 0,
    cards: Annotated[Path | None, typer.Option(help="TOML: words, size and weight of each style.")] = None,
    style_size: Annotated[int, typer.Option(help="Long side of the paintings, in pixels."), limits.SIDE] = 512,
    content_layer: Annotated[str, typer.Option(help="Layer of VGG-19 whose activations are the content.")] = "relu3_1",
    style_weight: Annotated[
        float, typer.Option(help="Weight of the style loss against the content loss."), limits.WEIGHT
    ] = 8.0,
    style_layer_weights: Annotated[
        str | None,
        typer.Option(help="Of relu1_1,relu2_1,relu3_1,relu4_1; default: all alike.", show_default=False),
        limits.WEIGHTS,
    ] = None,
    margin: Annotated[
        int | None,
        typer.Option(help="Mirrored pixels painted around each crop and cut off; default: as --start-from has, or 0."),
        limits.MARGIN,
    ] = None,
    loss_surround: Annotated[
        int,
        typer.Option(help="Pixels of the painting mirrored outwards for VGG; 16 is enough."),
        limits.MARGIN,
    ] = 0,
    loss_borders: Annotated[
        str, typer.Option(help="What VGG sees beyond that: zeros or mirror."), Choice(("zeros", "mirror"))
    ] = "zeros",
    photo_weight: Annotated[float, typer.Option(help="Weight of the photo row's squared error."), limits.WEIGHT] = 60.0,
    photo_turns: Annotated[
        float, typer.Option(help="Turns of the photo row, where a style has one."), limits.WEIGHT
    ] = 2.0,
    optimizer: Annotated[
        str,
        typer.Option(help="adam, or muon for the convolutions and adam for the rest."),
        Choice(("adam", "muon")),
    ] = "adam",
    learning_rate: Annotated[float, typer.Option(help="Of the optimizer."), limits.LEARNING_RATE] = 1e-3,
    decay: Annotated[float, typer.Option(help="The rate falls over this last part of the steps."), limits.SHARE] = 0.3,
    ema: Annotated[float, typer.Option(help="How much of the averaged weights a step keeps."), limits.DECAY] = 0.999,
    unit: Annotated[
        str, typer.Option(help="Unit of the style loss: fair, photos, energy, gatys, dumoulin."), Choice(UNITS)
    ] = "fair",
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints."), limits.STEPS] = 500,
    checkpoint_minutes: Annotated[
        float, typer.Option(help="Minutes between checkpoints, if that is sooner."), limits.MINUTES
    ] = 1.0,
    sheet_minutes: Annotated[float, typer.Option(help="Minutes between contact sheets."), limits.MINUTES] = 10.0,
    precision: LearnPrecision = "auto",
    compile: Annotated[bool | None, typer.Option(help="Compile the step; default: if there is a compiler.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that decode photos; default: none on the CPU, else one per core, at most 14."),
        limits.COUNT,
    ] = None,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per step.")] = False,
) -> None:
    """Train a network and all its styles (needs impasto[learn]).

    A style is a painting, and a row of numbers is trained for it. torchrun makes it several processes.
    """
    with _learning():
        from impasto import targets
        from impasto.learn.devices import distributed, resolve_device
        from impasto.learn.features import load_loss_network
        from impasto.learn.load import load_with_bank
        from impasto.learn.paintings import find_styles, read_cards
        from impasto.learn.photos import PhotoFolder
        from impasto.learn.settings import Settings
        from impasto.learn.train import Run

        settings = Settings(
            steps=steps,
            batch=batch,
            size=size,
            network=network,
            teacher_weight=teacher_weight,
            objective_weight=objective_weight,
            alpha=alpha,
            seed=seed,
            style_size=style_size,
            content_layer=content_layer,
            style_weight=style_weight,
            style_layer_weights=_numbers(style_layer_weights) or (),
            margin=margin or 0,
            loss_surround=loss_surround,
            loss_borders=loss_borders,  # type: ignore[arg-type]
            photo_weight=photo_weight,
            photo_turns=photo_turns,
            optimizer=optimizer,
            learning_rate=learning_rate,
            decay=decay,
            ema=ema,
            unit=unit,  # type: ignore[arg-type]
        )
        found = find_styles(styles, read_cards(cards) if cards else None)
        folder = PhotoFolder.open(photos, hold_out=hold_out)
        sources = [*folder.paths, *(style.path for style in found), *_given_files(cards, loss_network)]
        for network_file in _given_files(teacher, start_from):
            sources += targets.network_files(str(network_file), None)
        _claim(targets.run_files(run_dir, photos, styles), sources, force=True, folder=run_dir)
        with distributed(device):
            start = load_with_bank(start_from) if start_from else None
            if margin is None and start is not None:
                settings = dataclasses.replace(settings, margin=start[0].margin)
            run = Run(
                run_dir,
                folder,
                found,
                settings,
                loss_network=load_loss_network(loss_network),
                teacher=load_with_bank(teacher) if teacher else None,
                start_from=start,
                precision=precision,  # type: ignore[arg-type]
                compile=compile,
                device=resolve_device(device),
                workers=workers,
            )
            if run.is_main:
                _tell(f"{run_dir}: {len(found)} styles, {len(folder.paths)} photos, from step {run.step} to {steps}")
                for setting, (before, now) in run.changes.items():
                    _tell(f"{setting} was {before} in the checkpoint and is {now} from here on")
            records = run.train(
                max_minutes=max_minutes,
                since=BEGAN,
                checkpoint_every=checkpoint_every,
                checkpoint_minutes=checkpoint_minutes,
                sheet_minutes=sheet_minutes,
            )
            with _interrupted(lambda: f"{run_dir} keeps what the last checkpoint holds"):
                _watch(run, records, as_json=as_json, tensorboard=tensorboard)
            for path, reason in folder.skipped.items():
                _tell(f"skipped {path}: {reason}")


@app.command()
def export(
    run_dir: Annotated[Path, typer.Argument(help="A folder that impasto train wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write to.")],
    name: Annotated[
        str | None, typer.Option(help="The network's name; default: full or fast.", show_default=False)
    ] = None,
    half: Annotated[bool, typer.Option(help="Store the weights as float16.")] = True,
    cards: Annotated[Path | None, typer.Option(help="TOML: words of each style's card, instead of the run's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Write a trained network and its bank (needs impasto[learn]).

    The network becomes ONNX files; the bank holds its styles.
    """
    sources = [run_dir / "checkpoint.safetensors", *_given_files(cards)]
    names = [name] if name else ["full", "fast"]
    written = [output / f"{name}{end}" for name in names for end in (".onnx", ".safetensors", "-regions.onnx")]
    _claim(written, sources, force=True, folder=output)  # which of them exist is checked there
    with _learning():
        from impasto.learn.export import export as export_run
        from impasto.learn.paintings import read_cards

        written = [
            *export_run(
                run_dir, output, name=name, half=half, cards=read_cards(cards) if cards else None, overwrite=force
            )
        ]
    for path in written:
        _tell(f"{path}: {path.stat().st_size:,} bytes")


@app.command()
def teach(
    painting: Annotated[Path, typer.Argument(help="The painting to learn.")],
    name: Annotated[str, typer.Option(help="What the style is to be called.")],
    output: Output,
    photos: Annotated[
        Path | None, typer.Option(help="A photo, or a folder of photos; default: pictures drawn on the fly.")
    ] = None,
    minutes: Annotated[float, typer.Option(help="Stop after N minutes."), limits.MINUTES] = 15.0,
    steps: Annotated[int, typer.Option(help="At most N steps."), limits.STEPS] = 1000,
    size: Annotated[int, typer.Option(help="Side of the photo crops, in pixels."), limits.CROP] = 192,
    style_size: StyleSize = None,
    stroke_sizes: Annotated[
        str | None,
        typer.Option(help="SIZE,SIZE,...: learn it at several sizes, for paint --stroke-size."),
        limits.STROKE_SIZES,
    ] = None,
    style_weight: StyleWeight = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam."), limits.LEARNING_RATE] = 3e-2,
    seed: Seed = 0,
    artist: Annotated[str, typer.Option(help="For the style's card.")] = "",
    title: Annotated[str, typer.Option(help="For the style's card.")] = "",
    year: Annotated[str, typer.Option(help="For the style's card.")] = "",
    licence: Annotated[str, typer.Option(help="For the style's card.")] = "",
    only: Annotated[bool, typer.Option("--only", help="Write a file of this one style, without the bank's.")] = False,
    replace: Replace = False,
    force: Force = False,
    preview: Annotated[Path | None, typer.Option(help="Paint a preview into this file, again and again.")] = None,
    network: Network = "full",
    bank: BankFile = None,
    precision: LearnPrecision = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per step.")] = False,
) -> None:
    """Learn a painting as a new style (needs impasto[learn]).

    It takes minutes. Only one row of numbers is learned: the network and all other styles stay as they are. Ctrl-C
    stops and keeps the best so far.
    """
    from impasto import bank as banks
    from impasto import pictures, strokes

    if preview is not None:
        _check_suffix(preview)
    learned_on = [] if photos is None else pictures.find(photos)
    sources = [painting, *learned_on, *_given_files(loss_network)]
    _claim([output, *_given_files(preview)], sources, opens=(network, bank), force=force, keep=[output])
    opened = _bank(network, bank)
    card = banks.Card(artist, title or name, year, licence, "", extra={"style_size": style_size} if style_size else {})
    sizes: tuple[int, ...] = ()
    if stroke_sizes is not None:
        sizes = strokes.check_sizes(
            limits.STROKE_SIZES.parse(stroke_sizes), largest=max(pictures.load(painting).picture.shape[:2])
        )
        style_size = sizes[len(sizes) // 2]
        card = strokes.card(card, style_size)
    others = {f"{name}.{size}": size for size in sizes if size != style_size}
    for old in strokes.family(opened, name)[1:] if replace and name in opened else ():
        opened = opened.remove(old)
    empty = [0.0] * opened.rows.shape[1]
    for row in (name, *others):  # whatever is wrong is reported now, not in a quarter of an hour
        opened.add(row, empty, card, replace=replace)
    if name == banks.PHOTO:
        raise BankError(f"{name!r} is the style that gives the photo back; choose another name")
    options: dict[str, Any] = {"steps": steps, "size": size, "learning_rate": learning_rate, "seed": seed}
    options |= {"style_size": style_size, "style_weight": style_weight}
    with _learning():
        lesson = _lesson(painting, network, opened, photos, options, precision, device, loss_network)
        again = {other: lesson.at(others[other]) for other in others}  # a size that is too small is reported now
        _teach(lesson, minutes / (1 + len(others)), preview, as_json)
        stopped = lesson.stopped
        taught, rows = opened.add(name, lesson.row, card, replace=replace), [name]
        for other, each in again.items():
            if stopped:
                break
            _teach(each, minutes / (1 + len(others)), None, as_json, start=lesson.row)
            stopped = each.stopped
            taught = taught.add(other, each.row, strokes.card(card, others[other], of=name), replace=replace)
            rows.append(other)
    left = ", ".join(str(others[other]) for other in others if other not in rows)
    note = (
        f"stopped at step {lesson.step}, the best row so far is kept{f', without stroke sizes {left}' if left else ''}"
    )
    _save_bank(taught.select(rows) if only else taught, output, force, note=note if stopped else "")
    if stopped:
        raise typer.Exit(130)


@app.command()
def match(
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    photos: Annotated[
        Path | None, typer.Option(help="A photo, or a folder of photos; default: pictures drawn on the fly.")
    ] = None,
    style_size: StyleSize = None,
    network: Network = "full",
    bank: BankFile = None,
    precision: LearnPrecision = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the mix nearest to a painting (needs impasto[learn]).

    The mix is one of known styles, and is printed as -s takes it.
    """
    opened = _bank(network, bank)
    with _learning():
        options = {"style_size": style_size}
        found = _lesson(painting, network, opened, photos, options, precision, device, loss_network).match()
    mix = ",".join(f"{name}:{weight:.3f}" for name, weight in found.weights.items())
    if as_json:
        record = {"mix": mix, "weights": found.weights, "nearest": found.nearest}
        typer.echo(_json({**record, "content": found.content, "style": found.style, "total": found.total}))
        return
    typer.echo(mix)
    _tell(f"nearest style: {found.nearest}; content {found.content:.3f}, style {found.style:.3f}")


@app.command()
def optimize(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    paintings: Annotated[list[Path], typer.Argument(help="One painting or several.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    recipe: Annotated[
        str, typer.Option(help="default, gatys-2015 or pastiche; options change it."), Choice(RECIPES)
    ] = "default",
    size: Annotated[int | None, typer.Option(help="Longer side in pixels.", show_default=False), limits.SIDE] = None,
    steps: Annotated[
        int | None, typer.Option(help="Evaluations, over all sizes.", show_default=False), limits.STEPS
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Stop after N seconds.", show_default=False), limits.SECONDS
    ] = None,
    start: Annotated[str | None, typer.Option(help="photo, noise, network, network:STYLE, or a file.")] = None,
    content_weight: Annotated[float | None, typer.Option(help="Weight of the content loss."), limits.WEIGHT] = None,
    style_weight: Annotated[float | None, typer.Option(help="Weight of the style loss."), limits.WEIGHT] = None,
    tv_weight: Annotated[float | None, typer.Option(help="Weight of the total variation."), limits.WEIGHT] = None,
    content_layers: Annotated[str | None, typer.Option(help="LAYER,... or LAYER:WEIGHT,..."), limits.LAYERS] = None,
    style_layers: Annotated[str | None, typer.Option(help="LAYER,... or LAYER:WEIGHT,..."), limits.LAYERS] = None,
    painting_weights: Annotated[
        str | None, typer.Option(help="WEIGHT,... of several paintings."), limits.WEIGHTS
    ] = None,
    style_size: Annotated[
        int | None, typer.Option(help="Longer side of the paintings: size of the strokes."), limits.SIDE
    ] = None,
    color: Annotated[
        str | None, typer.Option(help="painting; luminance or match keep the photo's colours."), Choice(COLORS)
    ] = None,
    photo_mask: Annotated[
        list[Path] | None, typer.Option(help="Region of the photo, white is in; may be repeated.")
    ] = None,
    painting_mask: Annotated[list[Path] | None, typer.Option(help="Where that region's style comes from.")] = None,
    units: Annotated[
        str | None,
        typer.Option(help="Of the losses: energy, gatys or pastiche."),
        Choice(("energy", "gatys", "pastiche")),
    ] = None,
    statistic: Annotated[
        str | None, typer.Option(help="Of the style: gram or gaussian."), Choice(("gram", "gaussian"))
    ] = None,
    pooling: Annotated[str | None, typer.Option(help="max, average or l2."), Choice(("max", "average", "l2"))] = None,
    optimizer: Annotated[str | None, typer.Option(help="lbfgs or adam."), Choice(("lbfgs", "adam"))] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam."), limits.LEARNING_RATE] = None,
    coarsest: Annotated[
        int | None, typer.Option(help="Size to begin with; 0: only the full size."), limits.COUNT
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed of the noise."), limits.SEED] = None,
    precision: Annotated[str | None, typer.Option(help="auto, float32 or bfloat16."), Choice(LEARN_PRECISIONS)] = None,
    max_memory: Annotated[
        float | None, typer.Option(help="Memory limit in GB; default: what is free."), limits.GIGABYTES
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUTPUT.state, if it is there.")] = False,
    save_every: Annotated[
        int, typer.Option(help="Steps between saved pictures and states; 0: only the end."), limits.COUNT
    ] = 0,
    json_log: Annotated[Path | None, typer.Option(help="Write a JSON record per step to this file.")] = None,
    quality: Quality = 95,
    keep_metadata: KeepMetadata = False,
    network: Network = "full",
    bank: BankFile = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    force: Overwrite = False,
) -> None:
    """Paint by moving pixels, slow and best (needs impasto[learn]).

    The photo comes to look like one painting or several. Ctrl-C stops and keeps the best picture so far. The file says
    how it was made: see impasto replay. Of the photo's metadata goes along what goes along in impasto paint.
    """
    _check_suffix(output)
    state = output.with_name(output.name + ".state")
    sources = [photo, *paintings, *(photo_mask or ()), *(painting_mask or ()), *_given_files(start, loss_network)]
    logs = _given_files(json_log)
    _claim([output, state, *logs], sources, opens=(network, bank), force=force, streams=logs)
    with _learning():
        from impasto import targets
        from impasto.learn.devices import resolve_device
        from impasto.learn.features import load_loss_network
        from impasto.learn.optimize import Optimization
        from impasto.learn.recipes import settings_for

        content, content_weights = _layers(content_layers)
        style, style_weights = _layers(style_layers)
        settings = settings_for(
            recipe,
            **_given(
                size=size,
                steps=steps,
                start=start,
                content_weight=content_weight,
                style_weight=style_weight,
                tv_weight=tv_weight,
                content_layers=content,
                content_layer_weights=content_weights,
                style_layers=style,
                style_layer_weights=style_weights,
                painting_weights=_numbers(painting_weights),
                style_size=style_size,
                color=color,
                units=units,
                statistic=statistic,
                pooling=pooling,
                optimizer=optimizer,
                learning_rate=learning_rate,
                coarsest=coarsest,
                seed=seed,
                precision=precision,
            ),
        )
        run = Optimization(
            photo,
            paintings,
            settings,
            photo_masks=photo_mask or (),
            painting_masks=painting_mask or (),
            loss_network=load_loss_network(loss_network),
            network=network,
            bank=bank,
            device=resolve_device(device),
            max_memory=None if max_memory is None else max_memory * 1e9,
        )
        targets.check_picture(output, run.scene.shape_at(settings.size))
        if resume and state.exists():
            run.restore(state)
        _optimize(run, output, state, max_seconds, save_every, json_log, quality, keep_metadata)


@app.command()
def grid(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet to write, with a .json beside it.")],
    cells: Annotated[Path | None, typer.Option(help="Folder of the cells; default: beside the sheet.")] = None,
    layers: Annotated[str, typer.Option(help="Style layers; row i takes the first i."), limits.NAMES] = ",".join(
        GRID_LAYERS
    ),
    ratios: Annotated[
        str, typer.Option(help="Content to style, a column each."), limits.RATIOS
    ] = "1e-5,1e-4,1e-3,1e-2",
    recipe: Annotated[str, typer.Option(help="The recipe of every cell."), Choice(RECIPES)] = "gatys-2015",
    size: Annotated[
        int | None, typer.Option(help="Longer side of a cell in pixels.", show_default=False), limits.SIDE
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Evaluations for each cell.", show_default=False), limits.STEPS
    ] = None,
    start: Annotated[str | None, typer.Option(help="photo, noise, network, network:STYLE, or a file.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed of the noise."), limits.SEED] = None,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    force: Overwrite = False,
) -> None:
    """Paint figure 3 of Gatys and others, 2015 (needs impasto[learn]).

    Sets of style layers stand against ratios of content to style. Cells that are there already are not painted again,
    so a grid that was stopped goes on.
    """
    from impasto import targets

    _check_suffix(output)
    folder = cells or output.with_name(f"{output.stem}-cells")
    new, others = targets.cells(folder, len(layers.split(",")), len(_numbers(ratios) or ()))
    files = [output, output.with_suffix(".json"), *new]
    _claim(files, [photo, painting, *_given_files(start, loss_network)], force=force, folder=folder)
    if others:
        _tell(f"{folder} holds {len(others)} cells of a larger grid too, such as {others[0].name}; they stay there")
    with _learning():
        from impasto import pictures
        from impasto.learn import grid as grids
        from impasto.learn.features import load_loss_network

        done: list[grids.Cell] = []
        names, shares = [name.strip() for name in layers.split(",")], _numbers(ratios) or ()
        options = _given(size=size, steps=steps, start=start, seed=seed)
        options |= {"layers": names, "ratios": shares, "loss_network": load_loss_network(loss_network)}
        items = grids.grid(photo, painting, folder, recipe=recipe, **options)
        stop = threading.Event()
        with _signals_call(stop.set):
            for item in items:
                if isinstance(item, grids.Cell):
                    done.append(item)
                    losses = item.made["losses"]
                    _tell(f"{item.label}: content {losses['content']:.4g}, style {losses['style']:.4g}")
                if stop.is_set():
                    break
        if len(done) < len(names) * len(shares):
            _tell(f"stopped: {len(done)} cells are kept in {folder}; the same command goes on from there")
            raise typer.Exit(130)
        pictures.save(grids.sheet(done), output)
        _write_json(output.with_suffix(".json"), grids.numbers(done))
    _tell(f"{output}: {len(done)} cells")


@app.command()
def replay(
    made: Annotated[Path, typer.Argument(help="A picture that impasto optimize wrote, or its manifest as JSON.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print how it was made, as JSON, and paint nothing.")] = False,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="Where its photo and paintings are; may be repeated. Default: beside it."),
    ] = None,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    quality: Quality = 95,
    force: Overwrite = False,
) -> None:
    """Make a picture of impasto optimize again (needs impasto[learn]).

    The file says how. It names the photo and the paintings, not their folders; their pixels must be those of then.
    """
    with _learning():
        from impasto import targets
        from impasto.learn.features import load_loss_network
        from impasto.learn.manifest import read_manifest
        from impasto.learn.manifest import replay as replayed

        found = read_manifest(made)
        if show:
            typer.echo(_json(found, indent=1))
            return
        if output is None:
            raise PictureError("there is no file to write; name it with -o, or ask for --show")
        folders = folder or [made.parent]
        read = [made, *targets.manifest_files(found, folders), *_given_files(loss_network)]
        _claim([output], read, force=force, pictures=True)
        run = replayed(found, folder=folders, loss_network=load_loss_network(loss_network))
        _optimize(run, output, None, None, 0, None, quality)


@app.command("eval")
def evaluate(
    photos: Annotated[Path, typer.Option(help="Folder of photos that were not trained on.")],
    styles: Annotated[Path, typer.Option(help="Folder of the paintings; a file's stem is the style's name.")],
    style: Names = None,
    size: Annotated[int, typer.Option(help="Longer side of the photos, in pixels."), limits.SIDE] = 512,
    style_size: StyleSize = None,
    limit: Annotated[int, typer.Option(help="How many photos, the last by name."), limits.SEVERAL] = 20,
    unit: Annotated[
        str, typer.Option(help="Unit of the losses: fair (as trained), photos or energy."), Choice(UNITS)
    ] = "fair",
    style_weight: StyleWeight = None,
    worth: Annotated[
        int, typer.Option(help="Photos per style, in turn, on which L-BFGS competes (slow)."), limits.COUNT
    ] = 0,
    frame: Annotated[
        int, typer.Option(help="Crops on whose mean painting frames are measured; 60 is enough."), limits.COUNT
    ] = 0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Annotated[
        str, typer.Option(help="Of the loss network: auto, float32 or bfloat16."), Choice(LEARN_PRECISIONS)
    ] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how good a bank's styles are (needs impasto[learn]).

    The photos must not be those that they were trained on.
    """
    with _learning():
        from impasto.bank import PHOTO
        from impasto.learn.devices import best_dtype
        from impasto.learn.evaluate import FRAMED, Judge, evaluate, load_photos, summary
        from impasto.learn.features import load_loss_network
        from impasto.learn.photos import PhotoFolder, load_paintings
        from impasto.learn.settings import LossSettings

        painter = _painter(network, bank, runtime)
        names = _names(style) if style else list(painter.bank.styles)
        if not names or PHOTO in names:
            raise LearnError(f"there is no style to measure; name one, other than {PHOTO}, or another bank")
        losses = LossSettings.of(painter.bank, style_size=style_size, style_weight=style_weight, unit=unit)
        paintings = load_paintings(styles, names, size=losses.style_size, bank=painter.bank)
        pictures = load_photos(photos, size=size, limit=limit)
        drawn = PhotoFolder.open(photos).batch(0, 0, frame, FRAMED) if frame else ()
        crops = [crop.permute(1, 2, 0).numpy() for crop in drawn]
        ruler = load_loss_network(loss_network).to(best_dtype(precision))  # type: ignore[arg-type]
        judge = Judge(ruler, paintings, pictures, losses)
        records = evaluate(judge, painter.paint_picture, names, pictures, worth_on=worth, crops=crops)
        scores = [record for record, _ in zip(records, _progress(names, quiet=as_json), strict=True)]
        shown = painter.paint_photo_row if PHOTO in painter.bank else None
        overall = summary(scores, painter.paint_picture, pictures, photo=shown, crops=crops)
    head = {"network": painter.network.name, "fingerprint": painter.network.fingerprint, "photos": len(pictures)}
    if as_json:
        typer.echo(_json({**head, **overall, "styles": [asdict(score) for score in scores]}))
        return
    _table(list(asdict(scores[0])), [_rounded(asdict(score)) for score in scores])
    for key, value in _rounded({**head, **overall}).items():
        typer.echo(f"{key}: {value}")


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
    with _at_end:
        terminal.run(app)


# ---- the two ends

_at_end = ExitStack()  # what main does when a command has ended, however it ended


def _claim(
    outputs: Iterable[Path],
    sources: Iterable[Path],
    *,
    opens: tuple[str, Path | None] | None = None,
    pictures: bool = False,
    folder: Path | None = None,
    stdout: bool = False,
    **options: Any,
) -> None:
    """Check all that a command will write, as ``targets.claimed`` does, to which the ``options`` go.

    opens: the network and bank that are read, besides ``sources``. pictures: the outputs have to be pictures.
    stdout: one of them may be standard output.
    """
    from impasto import targets

    outputs = list(outputs)
    for output in outputs if not stdout else ():
        _refuse_stdout(output)
    for output in outputs if pictures and folder is None else ():
        if output != STDIO:
            _check_suffix(output)
    sources = [*sources, *(targets.network_files(*opens) if opens else ())]
    _at_end.enter_context(targets.claimed(outputs, sources, folder=folder, **options))


def _claim_bank(output: Path, sources: Iterable[Path], force: bool, opens: Any = None) -> None:
    _claim([output], sources, opens=opens, force=force, keep=[output])


def _given_files(*paths: Path | str | None) -> list[Path]:
    return [Path(path) for path in paths if path is not None]


def _painter(
    network: str, bank: Path | None, runtime: str, *, max_memory: float | None = None, **options: str | int
) -> Painter:
    from impasto.painter import Painter

    limit = None if max_memory is None else max_memory * 1e9
    return Painter(network, bank=bank, runtime=runtime, max_memory=limit, **options)  # type: ignore[arg-type]


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
    from impasto.runtime import STREAMED, cores

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
        _mix([style])
        if style in masks:
            raise PictureError(f"two masks are given for {style!r}; paint them into one picture")
        masks[style] = file
    return masks


def _read_once(masks: dict[str, str], photos: list[Path], max_pixels: int) -> dict[str, Any]:
    """The masks, ready to be loaded for each photo: what can be read only once is read now."""
    from impasto import pictures, sources

    sources.check_once([*photos, *masks.values()])
    return {style: pictures.once(file, max_pixels=max_pixels) for style, file in masks.items()}


def _weights(masks: dict[str, Any], photo: Photo, max_pixels: int) -> dict[str, Any]:
    from impasto import regions

    weights = regions.load(masks, photo, max_pixels=max_pixels)
    if regions.overlap(weights) > regions.TOO_MUCH:
        _tell(f"the masks overlap, adding up to {regions.overlap(weights):.2f}; they share those places instead")
    return weights


def _bank(network: str, bank: Path | None) -> Bank:
    from impasto import assets
    from impasto.bank import Bank

    if bank is None and network.endswith(".onnx"):
        bank = Path(network).with_suffix(".safetensors")
    return Bank.load(bank or assets.bank_file(network))


def _save_bank(bank: Bank, output: Path, force: bool, *, note: str = "") -> None:
    bank.save(output, overwrite=force)
    size = f"{len(bank)} style{'s' * (len(bank) != 1)}, {output.stat().st_size:,} bytes"
    _tell(f"{output}: {size}{f'; {note}' if note else ''}")


def _mix(styles: list[str]) -> str:
    """All of -s as one mix; OptionError for a weight that would count for nothing."""
    from impasto import blend

    mix = ",".join(styles)
    weights = blend.parse(mix)
    if len(weights) == 1 and set(weights.values()) != {1.0}:
        raise OptionError(f"the weight in {mix!r} has nothing to be weighed against; --strength says how strong it is")
    return mix


def _names(styles: list[str]) -> list[str]:
    """All of -s as names; OptionError for weights, which nothing would use."""
    from impasto import blend

    text = ",".join(styles)
    if ":" in text:
        raise OptionError(f"weights as in {text!r} are not used here; give names alone, -s NAME,NAME,...")
    return list(blend.parse(text))


def _several(styles: list[str]) -> list[str]:
    """One -s names styles with commas; several -s are a style or mix each."""
    if len(styles) > 1:
        return [_mix([style]) for style in styles]
    if ":" in styles[0]:
        raise OptionError(f"weights as in {styles[0]!r} need one -s for each mix: -s A -s B:0.5,C:0.5")
    return [name.strip() for name in styles[0].split(",")]


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name} is" if len(things) == 1 else f"{len(things)} {name}s are"


@contextmanager
def _interrupted(done: Callable[[], str]) -> Iterator[None]:
    """Ctrl-C inside says what is ``done``, and kept."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(done()) from stop


def _check_suffix(output: Path) -> None:
    from impasto.pictures import check_target

    _refuse_stdout(output)
    check_target(output)  # before the work, not after


def _refuse_stdout(output: Path) -> None:
    if output == STDIO:
        raise TargetError("only impasto paint writes to standard output (-); name a file with -o")


def _search(paths: list[Path]) -> Search:
    """The photos to paint; what was left out is reported, and PictureError if nothing is left."""
    from impasto import targets

    search = targets.search(paths)
    for note in search.notes:
        _tell(note)
    if not search.photos:
        raise PictureError(f"there is no picture in {', '.join(map(str, paths))}; name a photo or another folder")
    return search


def _load(source: Path, max_pixels: int, size: int | None = None) -> Photo:
    from impasto import pictures

    source_or_stdin = sys.stdin.buffer if source == STDIO else source
    photo = pictures.load(source_or_stdin, max_pixels=max_pixels, max_side=size)
    for note in photo.notes:
        _tell(f"note: {note}")
    return photo


def _save(painted: Any, target: Path, photo: Photo, **options: Any) -> None:
    from impasto import pictures

    where: Path | io.BytesIO = io.BytesIO() if target == STDIO else target
    for note in pictures.save(painted, where, like=photo, **options):
        _tell(note)
    if isinstance(where, io.BytesIO):  # not straight: that the reader has gone away is no fault of the picture
        left = where.getbuffer()
        while left:  # with PYTHONUNBUFFERED one write may be a part
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()


def _tell_of_paper(output: Path, photo: Photo) -> None:
    """Say that a sheet shows its paper where the photo is transparent, if it is anywhere."""
    from impasto import pictures

    if pictures.is_clear(photo.opacity):
        _tell(pictures.no_transparency(output, "show the paper"))


# ---- what a person sees


def _report(record: dict[str, Any], as_json: bool, target: Path) -> None:
    if as_json:
        typer.echo(_json(record), err=target == STDIO)
    else:
        _tell(f"{record['output']}: {record['width']} x {record['height']}, {record['seconds']:.2f} s")


def _progress(items: Iterable[Any], total: int | None = None, *, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import track

    if quiet:
        return iter(items)
    console = Console(stderr=True)
    return iter(track(items, description="painting", total=total, console=console, disable=not console.is_terminal))


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


def _rounded(record: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()}


@contextmanager
def _learning() -> Iterator[None]:
    """Where the libraries of impasto[learn] are imported: a missing one becomes a sentence."""
    try:
        yield
    except ImportError as error:
        if error.name is not None and error.name.split(".")[0] in ("torch", "onnx", "tensorboard"):
            raise MissingExtraError(f"{error.name} is not installed: pip install 'impasto[learn]'") from error
        raise


def _watch(run: Run, records: Iterator[Step], *, as_json: bool, tensorboard: bool) -> None:
    """Draw the bar, print the JSON, write TensorBoard's events; Ctrl-C and SIGTERM end it behind a whole step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        MofNCompleteColumn(),
        BarColumn(bar_width=20),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=console,
        disable=as_json or not run.is_main or not console.is_terminal,
    )
    events = _tensorboard(run) if tensorboard and run.is_main else None
    with bar, _signals_call(run.stop):
        task = bar.add_task("", total=run.settings.steps, completed=run.step)
        for record in records:
            bar.update(task, completed=record.step, description=_losses(record))
            _watch_one(record, run, as_json, bar.disable)
            if events is not None:
                for name in ("content", "style", "total", "learning_rate", "pictures_per_second"):
                    events.add_scalar(name, getattr(record, name), record.step)
    if run.stopped and run.step < run.settings.steps:
        _tell(f"stopped at step {run.step}; the same command goes on from there")
        raise typer.Exit(130)


@contextmanager
def _signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call ``stop`` and interrupt nothing; the second of them interrupts as usual."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def give_back() -> None:
        for kind, handler in before.items():
            signal.signal(kind, handler)

    def once(number: int, frame: object) -> None:
        give_back()
        stop()

    for kind in kinds:
        signal.signal(kind, once)
    try:
        yield
    finally:
        give_back()


def _watch_one(record: Step, run: Run, as_json: bool, plain: bool) -> None:
    if as_json and run.is_main:
        typer.echo(_json(asdict(record)))
    elif plain and run.is_main and (record.step % 100 == 0 or record.step == record.steps):
        _tell(f"step {record.step}/{record.steps}, {_losses(record)}, {record.seconds:.0f} s")
    if record.warning and run.is_main:
        _tell(f"warning at step {record.step}: {record.warning}")


def _losses(record: Step) -> str:
    return (
        f"content {record.content:.3f}, style {record.style:.3f}, total {record.total:.3f}, "
        f"{record.pictures_per_second:.1f} pictures/s"
    )


def _tensorboard(run: Run) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run.dir))


# ---- teaching


def _lesson(
    painting: Path,
    network: str,
    bank: Bank,
    photos: Path | None,
    options: dict[str, Any],
    precision: str,
    device: str,
    loss_network: Path | None,
) -> Lesson:
    from impasto import assets
    from impasto.learn.devices import resolve_device
    from impasto.learn.features import load_loss_network
    from impasto.learn.load import load_network
    from impasto.learn.teach import Lesson, Settings

    file = Path(network) if network.endswith(".onnx") else assets.network_file(network)
    return Lesson(
        painting,
        load_network(file),
        bank,
        _pictures_to_learn_on(photos),
        Settings.of(bank, **options),
        loss_network=load_loss_network(loss_network),
        precision=precision,  # type: ignore[arg-type]
        device=resolve_device(device),
    )


def _pictures_to_learn_on(photos: Path | None) -> Any:
    from impasto.learn.photos import DeadLeaves, PhotoFolder

    if photos is None:
        return DeadLeaves()
    return PhotoFolder([photos]) if photos.is_file() else PhotoFolder.open(photos)


def _teach(lesson: Lesson, minutes: float, preview: Path | None, as_json: bool, *, start: Any = None) -> None:
    """Run the lesson and draw the bar, or print lines or JSON; Ctrl-C ends it, and the best row so far stays."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from impasto import pictures

    console = Console(stderr=True)
    plain = as_json or not console.is_terminal
    columns = BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}")
    steps = lesson.run(max_minutes=minutes, start=start)
    with Progress(*columns, console=console, disable=plain) as bar, _signals_call(lesson.stop):
        task = bar.add_task("looking for the closest mix", total=1.0)
        try:
            for step in steps:
                text = f"step {step.step}, content {step.content:.3f}, style {step.style:.3f}, best {step.best:.3f}"
                bar.update(task, completed=step.progress, description=text)
                if as_json:
                    typer.echo(_json(asdict(step)))
                if step.held_out is None:
                    continue
                if plain and not as_json:
                    _tell(f"{text}, {step.seconds:.0f} s")
                if preview is not None:
                    with _forgiven():
                        pictures.save(lesson.preview(), preview)
        except KeyboardInterrupt:  # the second: the step that it is at is given up
            if lesson.best is None:
                raise
            lesson.stop()


# ---- optimising


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given; the others are the recipe's."""
    return {name: value for name, value in options.items() if value is not None}


def _numbers(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    numbers: tuple[float, ...] = limits.WEIGHTS.parse(text)
    return numbers


def _layers(text: str | None) -> tuple[tuple[str, ...] | None, tuple[float, ...] | None]:
    """LAYER,LAYER or LAYER:WEIGHT,... as names and weights; no weights are the same as equal ones."""
    if text is None:
        return None, None
    parts = limits.LAYERS.parse(text)
    return tuple(name for name, _ in parts), tuple(weight for _, weight in parts) if ":" in text else ()


def _write_json(path: Path, value: Any) -> None:
    from impasto.files import write_atomically

    try:
        write_atomically(path, _json(value, indent=1).encode())
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror})") from error


def _optimize(
    run: Optimization,
    output: Path,
    state: Path | None,
    max_seconds: float | None,
    save_every: int,
    json_log: Path | None,
    quality: int,
    keep_metadata: bool = False,
) -> None:
    """Run, draw the bar, write the log and now and then picture and state, if it has a file for that.

    Ctrl-C keeps the best so far.
    """
    from impasto.learn.manifest import save_picture
    from impasto.learn.optimize import is_state

    if state is not None and state.exists() and not is_state(state):
        raise LearnError(f"{state} is there, where the state would go, and is none; move it, or choose another output")

    def keep() -> tuple[str, ...]:
        notes = save_picture(run, output, quality=quality, keep_metadata=keep_metadata)
        if state is not None and not run.done:
            run.save(state)
        return notes

    steps = run.run(max_seconds=max_seconds)
    log = None if json_log is None else _log(json_log, "ab" if run.steps else "wb")
    with _step_bar(run) as bar, log or nullcontext(), _signals_call(run.stop):
        try:
            for step in steps:
                bar(step)
                if log is not None and step.picture is None:
                    with _forgiven():
                        log.write(f"{_json(step.record())}\n".encode())
                if save_every and step.step % save_every == 0 and step.picture is None:
                    with _forgiven():
                        keep()
        except KeyboardInterrupt:  # the second: the step that it is at is given up
            run.stop()
        except LearnError:
            if run.parts is not None:  # what was painted until then is not lost
                keep()
            raise
    parts = run.parts
    if parts is None:
        _tell("stopped before the first step; nothing was written")
        raise typer.Exit(130)
    for note in keep():
        _tell(note)
    text = f"content {parts.content:.4g}, style {parts.style:.4g}, total {parts.total:.4g}, {run.seconds:.0f} s"
    if run.done and state is not None:
        state.unlink(missing_ok=True)
    if not run.done:
        text += "; stopped, this is the best so far"
        text += f", and the same command with --resume goes on from {state}" if state is not None else ""
    _tell(f"{output}: {text}")
    if run.stopped and not run.done:
        raise typer.Exit(130)


@contextmanager
def _forgiven() -> Iterator[None]:
    """What cannot be written on the way, to a full disk for one, costs a line and not the work."""
    try:
        yield
    except (OSError, ImpastoError) as error:
        _tell(f"warning: {error}")


def _log(path: Path, mode: str) -> IO[bytes]:
    try:
        return open(path, mode, buffering=0)  # with a buffer, closing it would fail again on a full disk
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror})") from error


@contextmanager
def _step_bar(run: Optimization) -> Iterator[Callable[[OptimizeStep], None]]:
    """A function that draws each step: the bar on a terminal, every fiftieth step as a line elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = MofNCompleteColumn(), BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=sum(count for _, count, _ in run.plan))

        def draw(step: OptimizeStep) -> None:
            text = f"{step.size} px, content {step.content:.4g}, style {step.style:.4g}, total {step.total:.4g}"
            bar.update(task, completed=step.evaluations, description=text)
            if not console.is_terminal and step.step % 50 == 0:
                _tell(f"{step.evaluations}/{step.planned}: {text}, {step.seconds:.0f} s")

        yield draw


if __name__ == "__main__":
    main()
