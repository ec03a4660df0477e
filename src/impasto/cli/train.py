"""impasto train, and export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import claim, given_files, interrupted
from impasto.cli.learning import LossFile, learning, signals_call, step_bar
from impasto.cli.options import AsJson
from impasto.cli.records import Fields, options
from impasto.cli.root import BEGAN, app
from impasto.cli.terminal import report, say, to_json
from impasto.learn.train.settings import Machine, Schedule, TrainSettings

if TYPE_CHECKING:
    from impasto.learn.train.records import TrainStep
    from impasto.learn.train.run import Run

SETTINGS = (
    *("steps", "size", "batch", "network", "teacher_weight", "objective_weight", "alpha", "seed", "style_size"),
    *("content_layer", "style_weight", "style_layer_weights", "margin", "loss_surround", "loss_borders"),
    *("photo_weight", "photo_turns", "optimizer", "learning_rate", "decay", "ema", "unit"),
    "steady_weight",
)


@dataclass(frozen=True)
class Shown:
    """What is shown on the way."""

    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per step.")] = False


@app.command()
@options
def train(
    *,
    photos: Annotated[Path, typer.Option(help="Folder of photos to train on, searched recursively.")],
    styles: Annotated[Path, typer.Option(help="Folder of paintings; a file's stem is the style's name.")],
    run_dir: Annotated[Path, typer.Option("--output", "-o", help="The run's folder; one that exists is resumed.")],
    teacher: Annotated[
        Path | None, typer.Option(help="Learn from this exported network, with its bank beside it.", show_default=False)
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(help="A new run takes over this exported network and its bank's rows.", show_default=False),
    ] = None,
    hold_out: Annotated[
        int, typer.Option(help="Leave out N photos, the last by name, for measuring."), limits.COUNT
    ] = 0,
    cards: Annotated[Path | None, typer.Option(help="TOML: words, size and weight of each style.")] = None,
    settings: Annotated[dict[str, Any], Fields(TrainSettings, SETTINGS, unset=("margin",))],
    schedule: Schedule,
    machine: Machine,
    loss_network: LossFile = None,
    shown: Shown,
) -> None:
    """Train a network and all its styles (needs impasto[learn]).

    A style is a painting, and a row of numbers is trained for it. torchrun makes it several processes.
    """
    with learning():
        from impasto.cli import targets
        from impasto.learn.devices import distributed, resolve_device
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.network.load import load_with_bank
        from impasto.learn.paintings import find_paintings, read_cards
        from impasto.learn.photos import PhotoFolder
        from impasto.learn.train.run import Run

        TrainSettings(**settings)  # whatever is wrong with it is said first
        paintings = find_paintings(styles, read_cards(cards) if cards else None)
        folder = PhotoFolder.open(photos, hold_out=hold_out)
        sources = [*folder.paths, *(each.path for each in paintings), *given_files(cards, loss_network)]
        for network_file in given_files(teacher, start_from):
            sources += targets.network_files(str(network_file), None)
        claim(targets.run_files(run_dir, photos, styles), sources, force=True, folder=run_dir)
        with distributed(machine.device):
            start = load_with_bank(start_from) if start_from else None
            settings = ({"margin": start[0].margin} if start else {}) | settings
            run = Run(
                run_dir,
                folder,
                paintings,
                TrainSettings(**settings),
                loss_network=load_loss_network(loss_network),
                teacher=load_with_bank(teacher) if teacher else None,
                start_from=start,
                **{**asdict(machine), "device": resolve_device(machine.device)},
            )
            _begin(run)
            with interrupted(lambda: f"{run_dir} keeps what the last checkpoint holds"):
                _watch(run, run.train(schedule, since=BEGAN), shown)
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
    as_json: AsJson = False,
) -> None:
    """Write a trained network and its bank (needs impasto[learn]).

    The network becomes ONNX files; the bank holds its styles.
    """
    sources = [run_dir / "checkpoint.safetensors", *given_files(cards)]
    names = [name] if name else ["full", "fast"]
    written = [output / f"{name}{end}" for name in names for end in (".onnx", ".safetensors")]
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
        size = path.stat().st_size
        report({"output": str(path), "bytes": size}, f"{path}: {size:,} bytes", as_json)


def _begin(run: Run) -> None:
    if not run.is_main:
        return
    counts = f"{len(run.paintings)} styles, {len(run.photos.paths)} photos"
    say(f"{run.dir}: {counts}, from step {run.step} to {run.settings.steps}")
    for setting, (before, now) in run.changes.items():
        say(f"{setting} was {before} in the checkpoint and is {now} from here on")


def _watch(run: Run, records: Iterator[TrainStep], shown: Shown) -> None:
    """Draw the bar, print the JSON, write TensorBoard's events; Ctrl-C and SIGTERM end it behind a whole step."""
    events = None
    if shown.tensorboard and run.is_main:
        from torch.utils.tensorboard import SummaryWriter

        events = SummaryWriter(str(run.dir))
    quiet = shown.as_json or not run.is_main
    with (
        step_bar(run.settings.steps, done=run.step, counted=True, quiet=quiet) as (bar, plain),
        signals_call(run.stop),
    ):
        for record in records:
            bar(record.step, _losses(record))
            _watch_one(record, run, shown.as_json, plain)
            if events is not None:
                for name in ("content", "style", "total", "learning_rate", "pictures_per_second"):
                    events.add_scalar(name, getattr(record, name), record.step)
    if run.stopped and run.step < run.settings.steps:
        say(f"stopped at step {run.step}; the same command goes on from there")
        raise typer.Exit(130)


def _watch_one(record: TrainStep, run: Run, as_json: bool, plain: bool) -> None:
    if as_json and run.is_main:
        typer.echo(to_json(asdict(record)))
    elif plain and run.is_main and (record.step % 100 == 0 or record.step == record.steps):
        say(f"step {record.step}/{record.steps}, {_losses(record)}, {record.seconds:.0f} s")
    if record.warning and run.is_main:
        say(f"warning at step {record.step}: {record.warning}")


def _losses(record: TrainStep) -> str:
    return (
        f"content {record.content:.3f}, style {record.style:.3f}, total {record.total:.3f}, "
        f"{record.pictures_per_second:.1f} pictures/s"
    )
