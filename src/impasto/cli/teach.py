"""impasto teach, and match."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import check_suffix, claim, given_files, open_bank, save_bank
from impasto.cli.learning import forgiven, learning, signals_call
from impasto.cli.options import BankFile, LearnPrecision, Network, Seed, StyleSize, StyleWeight
from impasto.cli.root import app
from impasto.cli.styles import Force, Output, Replace
from impasto.cli.terminal import say, to_json
from impasto.errors import BankError

if TYPE_CHECKING:
    from impasto.learn.teach.lesson import Lesson
    from impasto.styles.bank import Bank


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
    from impasto import pictures
    from impasto.styles import bank as banks
    from impasto.styles import strokes

    if preview is not None:
        check_suffix(preview)
    learned_on = [] if photos is None else pictures.find(photos)
    sources = [painting, *learned_on, *given_files(loss_network)]
    claim([output, *given_files(preview)], sources, opens=(network, bank), force=force, keep=[output])
    opened = open_bank(network, bank)
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
    with learning():
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
    save_bank(taught.select(rows) if only else taught, output, force, note=note if stopped else "")
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
    opened = open_bank(network, bank)
    with learning():
        options = {"style_size": style_size}
        found = _lesson(painting, network, opened, photos, options, precision, device, loss_network).match()
    mix = ",".join(f"{name}:{weight:.3f}" for name, weight in found.weights.items())
    if as_json:
        record = {"mix": mix, "weights": found.weights, "nearest": found.nearest}
        typer.echo(to_json({**record, "content": found.content, "style": found.style, "total": found.total}))
        return
    typer.echo(mix)
    say(f"nearest style: {found.nearest}; content {found.content:.3f}, style {found.style:.3f}")


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
    from impasto.learn.loss.features import load_loss_network
    from impasto.learn.network.load import load_network
    from impasto.learn.teach.lesson import Lesson
    from impasto.learn.teach.settings import Settings

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
    with Progress(*columns, console=console, disable=plain) as bar, signals_call(lesson.stop):
        task = bar.add_task("looking for the closest mix", total=1.0)
        try:
            for step in steps:
                text = f"step {step.step}, content {step.content:.3f}, style {step.style:.3f}, best {step.best:.3f}"
                bar.update(task, completed=step.progress, description=text)
                if as_json:
                    typer.echo(to_json(asdict(step)))
                if step.held_out is None:
                    continue
                if plain and not as_json:
                    say(f"{text}, {step.seconds:.0f} s")
                if preview is not None:
                    with forgiven():
                        pictures.save(lesson.preview(), preview)
        except KeyboardInterrupt:  # the second: the step that it is at is given up
            if lesson.best is None:
                raise
            lesson.stop()
