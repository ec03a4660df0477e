"""What the commands that learn share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.options import LearnPrecision
from impasto.cli.terminal import say
from impasto.errors import ImpastoError, MissingExtraError

Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
LossFile = Annotated[Path | None, typer.Option("--loss-network", help="VGG weights; default: the original VGG-19.")]


@dataclass(frozen=True)
class Computing:
    """Where it is computed, in what, and what measures the losses."""

    precision: LearnPrecision = "auto"
    device: Device = "auto"
    loss_network: LossFile = None


@contextmanager
def learning() -> Iterator[None]:
    """Where the libraries of impasto[learn] are imported: a missing one becomes a sentence."""
    try:
        yield
    except ImportError as error:
        if error.name is not None and error.name.split(".")[0] in ("torch", "onnx", "onnxruntime", "tensorboard"):
            raise MissingExtraError(f"{error.name} is not installed: pip install 'impasto[learn]'") from error
        raise


@contextmanager
def signals_call(stop: Callable[[], None]) -> Iterator[None]:
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


@contextmanager
def step_bar(
    total: float, *, done: float = 0, text: str = "", counted: bool = False, quiet: bool = False
) -> Iterator[tuple[Callable[[float, str], None], bool]]:
    """A function that says how far it is; and whether nobody sees the bar, so that lines have to say it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    plain = quiet or not console.is_terminal
    columns = BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}")
    with Progress(*[MofNCompleteColumn()] * counted, *columns, console=console, disable=plain) as bar:
        task = bar.add_task(text, total=total, completed=done)  # type: ignore[arg-type]
        yield lambda completed, said: bar.update(task, completed=completed, description=said), plain


@contextmanager
def forgiven() -> Iterator[None]:
    """What cannot be written on the way, to a full disk for one, costs a line and not the work."""
    try:
        yield
    except (OSError, ImpastoError) as error:
        say(f"warning: {error}")
