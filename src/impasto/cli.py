"""The command line: each command reads, makes one library call, and writes. The only file that prints or exits.

Heavy things are imported inside the commands that need them, so that ``--help`` is instant.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from impasto.errors import ImpastoError, MissingExtraError, PictureError

if TYPE_CHECKING:
    from impasto.learn.train import Run, Step
    from impasto.painter import Painter
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
MaxPixels = Annotated[int, typer.Option(help="Refuse pictures with more pixels than this.")]

STDIO = Path("-")
MAX_PIXELS = 200_000_000  # pictures.DEFAULT_MAX_PIXELS, told again here so that --help need not import Pillow


@app.command()
def paint(
    photos: Annotated[list[Path], typer.Argument(help="Photos, folders of photos, or - for standard input.")],
    style: Annotated[str, typer.Option("--style", "-s", help="NAME, or a mix such as NAME:0.6,NAME:0.4.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, a folder, or - (PNG).")] = None,
    strength: Strength = 1.0,
    size: Size = None,
    keep_color: Annotated[bool, typer.Option("--keep-color", help="Keep the colours of the photo.")] = False,
    quality: Annotated[int, typer.Option(help="Of JPEG and WebP, 1 to 100.")] = 95,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    max_pixels: MaxPixels = MAX_PIXELS,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per photo.")] = False,
) -> None:
    """Paint photos in a style, or in a mix of styles."""
    from impasto import blend, pictures

    found = [STDIO] if photos == [STDIO] else pictures.find(photos)
    if not found:
        raise PictureError(f"there is no picture in {', '.join(map(str, photos))}; name a photo or another folder")
    targets = _targets(found, output, style)
    painter = _painter(network, bank, runtime)
    blend.mix(painter.bank, style, strength=strength)  # a bad style or strength is told once, before the first photo
    failed = 0
    for source, target in _progress(list(zip(found, targets, strict=True)), quiet=as_json or len(found) == 1):
        begin = time.perf_counter()
        try:
            photo = _load(source, max_pixels)
            painted = painter.paint_picture(photo.picture, style, strength=strength, size=size, keep_color=keep_color)
            _save(painted, target, photo, quality=quality, comment=f"painted by impasto in the style {style}")
        except ImpastoError as error:
            if len(found) == 1:
                raise
            failed += 1
            _tell(f"skipped: {error}")
            continue
        record = {"photo": str(source), "output": str(target), "width": painted.shape[1], "height": painted.shape[0]}
        _report({**record, "style": style, "seconds": round(time.perf_counter() - begin, 3)}, as_json, target)
    if failed:
        _tell(f"{failed} of {len(found)} photos could not be painted")
        raise typer.Exit(2)


@app.command()
def styles(
    network: Network = "full",
    bank: BankFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the styles of a bank, with their cards."""
    from impasto import assets
    from impasto.bank import Bank

    opened = Bank.load(bank or assets.bank_file(network))
    cards = [{"name": name, **opened.card(name).to_json()} for name in opened.names]
    if as_json:
        head = {"network": opened.network, "fingerprint": opened.fingerprint}
        typer.echo(json.dumps({**head, "styles": cards}, ensure_ascii=False))
        return
    _table(["name", "artist", "title", "year", "licence"], cards)


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
    from impasto.sheets import contact_sheet

    _check_suffix(output)
    painter = _painter(network, bank, runtime)
    names = list(blend.parse(style)) if style else list(painter.styles)
    picture = pictures.resize(_load(photo, max_pixels).picture, size)
    painted = [painter.paint_picture(picture, name, strength=strength) for name in _progress(names, quiet=False)]
    pictures.save(contact_sheet(painted, names, columns=columns), output)
    _tell(f"{output}: {len(names)} styles")


@app.command()
def train(
    photos: Annotated[Path, typer.Option(help="Folder of photos to train on, searched recursively.")],
    styles: Annotated[Path, typer.Option(help="Folder of paintings; a file's stem is the style's name.")],
    run_dir: Annotated[Path, typer.Option("--output", "-o", help="The run's folder; one that exists is resumed.")],
    steps: Annotated[int, typer.Option(help="Train up to this many steps.")] = 40_000,
    max_minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.", show_default=False)] = None,
    size: Annotated[int, typer.Option(help="Side of the training crops, in pixels, a multiple of 4.")] = 256,
    batch: Annotated[int, typer.Option(help="Photos per step, over all processes.")] = 4,
    alpha: Annotated[float, typer.Option(help="Multiplies the network's widths.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    hold_out: Annotated[int, typer.Option(help="Leave out so many photos, the last by name, for measuring.")] = 0,
    cards: Annotated[Path | None, typer.Option(help="TOML: words, size and weight of each style.")] = None,
    style_size: Annotated[int, typer.Option(help="Long side of the paintings, in pixels.")] = 512,
    style_weight: Annotated[float, typer.Option(help="Weight of the style loss against the content loss.")] = 8.0,
    photo_weight: Annotated[float, typer.Option(help="Weight of the photo row's squared error.")] = 60.0,
    photo_turns: Annotated[float, typer.Option(help="Turns of the photo row, where a style has one.")] = 2.0,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    decay: Annotated[float, typer.Option(help="The rate falls over this last part of the steps.")] = 0.3,
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
        from impasto.learn.features import load_loss_network
        from impasto.learn.photos import PhotoFolder
        from impasto.learn.train import Run, Settings, distributed, find_styles, read_cards, resolve_device

        settings = Settings(
            steps=steps,
            batch=batch,
            size=size,
            alpha=alpha,
            seed=seed,
            style_size=style_size,
            style_weight=style_weight,
            photo_weight=photo_weight,
            photo_turns=photo_turns,
            learning_rate=learning_rate,
            decay=decay,
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
    name: Annotated[str, typer.Option(help="The network's name.")] = "full",
    half: Annotated[bool, typer.Option(help="Store the weights as float16.")] = True,
    cards: Annotated[Path | None, typer.Option(help="TOML: words of each style's card, instead of the run's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Write a trained network as ONNX and its styles as a bank (needs impasto[learn])."""
    with _learning():
        from impasto.learn.export import export as export_run
        from impasto.learn.train import read_cards

        written = export_run(
            run_dir, output, name=name, half=half, cards=read_cards(cards) if cards else None, overwrite=force
        )
    for path in written:
        _tell(f"{path}: {path.stat().st_size:,} bytes")


@app.command("eval")
def evaluate(
    photos: Annotated[Path, typer.Option(help="Folder of photos that were not trained on.")],
    styles: Annotated[Path, typer.Option(help="Folder of the paintings; a file's stem is the style's name.")],
    style: Annotated[str | None, typer.Option("--style", "-s", help="NAME,NAME,...; default: all.")] = None,
    size: Annotated[int, typer.Option(help="Longer side of photos and paintings, in pixels.")] = 512,
    limit: Annotated[int, typer.Option(help="How many photos, the last by name.")] = 20,
    unit: Annotated[str, typer.Option(help="Unit of the losses: fair (as trained), photos or energy.")] = "fair",
    style_weight: Annotated[float, typer.Option(help="Of the style loss in the total.")] = 5.0,
    network: Network = "full",
    bank: BankFile = None,
    runtime: Runtime = "auto",
    precision: Annotated[str, typer.Option(help="Of the loss network: auto, float32 or bfloat16.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how good a bank's styles are, on photos that they were not trained on (needs impasto[learn])."""
    with _learning():
        from impasto.learn.evaluate import Judge, evaluate, load_photos, summary
        from impasto.learn.features import load_loss_network
        from impasto.learn.photos import load_paintings
        from impasto.learn.train import best_dtype

        painter = _painter(network, bank, runtime)
        names = style.split(",") if style else [name for name in painter.styles if name != "photo"]
        pictures = load_photos(photos, size=size, limit=limit)
        ruler = load_loss_network(loss_network).to(best_dtype(precision))  # type: ignore[arg-type]
        paintings = load_paintings(styles, names, size=size)
        judge = Judge(ruler, paintings, pictures, unit=unit, style_weight=style_weight)  # type: ignore[arg-type]
        records = evaluate(judge, painter.paint_picture, names, pictures)
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
    """Run the command line; what impasto raises on purpose becomes one sentence and exit code 2."""
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


def _painter(network: str, bank: Path | None, runtime: str) -> Painter:
    from impasto.painter import Painter

    return Painter(network, bank=bank, runtime=runtime)  # type: ignore[arg-type]


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


def _load(source: Path, max_pixels: int) -> Photo:
    from impasto import pictures

    return pictures.load(sys.stdin.buffer if source == STDIO else source, max_pixels=max_pixels)


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


def _progress(items: list[Any], *, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import track

    if quiet:
        return iter(items)
    console = Console(stderr=True)
    return iter(track(items, description="painting", console=console, disable=not console.is_terminal))


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
    """Draw the bar, print the JSON, write TensorBoard's events; Ctrl-C saves a checkpoint and stops."""
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
    with bar:
        task = bar.add_task("", total=run.settings.steps, completed=run.step)
        try:
            for record in records:
                bar.update(task, completed=record.step, description=_losses(record))
                _watch_one(record, run, as_json, bar.disable)
                if events is not None:
                    for name in ("content", "style", "total", "learning_rate", "pictures_per_second"):
                        events.add_scalar(name, getattr(record, name), record.step)
        except KeyboardInterrupt:
            run.save_checkpoint()
            _tell(f"stopped at step {run.step}; the same command goes on from there")
            raise


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


if __name__ == "__main__":
    main()
