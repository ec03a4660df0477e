"""impasto train, and export."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import claim, given_files, interrupted, numbers_in
from impasto.cli.learning import learning, signals_call
from impasto.cli.options import UNITS, LearnPrecision, Seed
from impasto.cli.root import BEGAN, app
from impasto.cli.terminal import say, to_json
from impasto.limits import Choice

if TYPE_CHECKING:
    from impasto.learn.train.run import Run, Step


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
    with learning():
        from impasto.cli import targets
        from impasto.learn.devices import distributed, resolve_device
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.network.load import load_with_bank
        from impasto.learn.paintings import find_styles, read_cards
        from impasto.learn.photos import PhotoFolder
        from impasto.learn.train.run import Run
        from impasto.learn.train.settings import Settings

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
            style_layer_weights=numbers_in(style_layer_weights) or (),
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
        sources = [*folder.paths, *(style.path for style in found), *given_files(cards, loss_network)]
        for network_file in given_files(teacher, start_from):
            sources += targets.network_files(str(network_file), None)
        claim(targets.run_files(run_dir, photos, styles), sources, force=True, folder=run_dir)
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
                say(f"{run_dir}: {len(found)} styles, {len(folder.paths)} photos, from step {run.step} to {steps}")
                for setting, (before, now) in run.changes.items():
                    say(f"{setting} was {before} in the checkpoint and is {now} from here on")
            records = run.train(
                max_minutes=max_minutes,
                since=BEGAN,
                checkpoint_every=checkpoint_every,
                checkpoint_minutes=checkpoint_minutes,
                sheet_minutes=sheet_minutes,
            )
            with interrupted(lambda: f"{run_dir} keeps what the last checkpoint holds"):
                _watch(run, records, as_json=as_json, tensorboard=tensorboard)
            for path, reason in folder.skipped.items():
                say(f"skipped {path}: {reason}")


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
    sources = [run_dir / "checkpoint.safetensors", *given_files(cards)]
    names = [name] if name else ["full", "fast"]
    written = [output / f"{name}{end}" for name in names for end in (".onnx", ".safetensors", "-regions.onnx")]
    claim(written, sources, force=True, folder=output)  # which of them exist is checked there
    with learning():
        from impasto.learn.paintings import read_cards
        from impasto.learn.train.export import export as export_run

        written = [
            *export_run(
                run_dir, output, name=name, half=half, cards=read_cards(cards) if cards else None, overwrite=force
            )
        ]
    for path in written:
        say(f"{path}: {path.stat().st_size:,} bytes")


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
    with bar, signals_call(run.stop):
        task = bar.add_task("", total=run.settings.steps, completed=run.step)
        for record in records:
            bar.update(task, completed=record.step, description=_losses(record))
            _watch_one(record, run, as_json, bar.disable)
            if events is not None:
                for name in ("content", "style", "total", "learning_rate", "pictures_per_second"):
                    events.add_scalar(name, getattr(record, name), record.step)
    if run.stopped and run.step < run.settings.steps:
        say(f"stopped at step {run.step}; the same command goes on from there")
        raise typer.Exit(130)


def _watch_one(record: Step, run: Run, as_json: bool, plain: bool) -> None:
    if as_json and run.is_main:
        typer.echo(to_json(asdict(record)))
    elif plain and run.is_main and (record.step % 100 == 0 or record.step == record.steps):
        say(f"step {record.step}/{record.steps}, {_losses(record)}, {record.seconds:.0f} s")
    if record.warning and run.is_main:
        say(f"warning at step {record.step}: {record.warning}")


def _losses(record: Step) -> str:
    return (
        f"content {record.content:.3f}, style {record.style:.3f}, total {record.total:.3f}, "
        f"{record.pictures_per_second:.1f} pictures/s"
    )


def _tensorboard(run: Run) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run.dir))
