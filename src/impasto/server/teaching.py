"""What runs in the process that learns a painting: one lesson, its steps sent over a pipe. torch is in here alone."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError, LearnError, MissingExtraError, foreign, lacks_memory
from impasto.server.settings import Kit
from impasto.styles.bank import Bank, Card, Floats

NICE = 15  # behind paintings


@dataclass(frozen=True)
class Order:
    """The painting to be learned, in a file, as the style ``name`` of the ``bank``; ``settings`` are of a lesson."""

    painting: Path
    name: str
    kit: Kit
    bank: Bank
    minutes: float
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """How far a lesson is, 0..1. With a ``row`` it is the best so far, and at the end (``over``) what was learned."""

    step: int = 0
    steps: int = 0
    share: float = 0.0
    content: float = 0.0
    distance: float = 0.0
    row: Floats | None = None
    over: bool = False
    error: ImpastoError | None = None


STOP = "stop"


def main(channel: Connection, order: Order) -> None:
    """Learn, until the end of the time or of the channel, or until it is told to stop, which keeps the best."""
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICE)
    tempfile.tempdir = str(order.folder)
    with contextlib.suppress(OSError):  # nobody listens any more
        try:
            with foreign(_meant):
                learn(channel, order, _opened())
        except ImpastoError as error:
            sentence = str(error).replace(str(order.painting), "the painting")
            channel.send(Step(over=True, error=type(error)(sentence)))


def _meant(error: Exception) -> ImpastoError:
    if isinstance(error, ImportError):
        return MissingExtraError(f"{error.name} is not installed on the server: pip install 'impasto[learn]'")
    reason = "there is not enough memory" if lacks_memory(error) else f"a fault, {type(error).__name__}"
    return LearnError(f"the painting could not be learned ({reason})")


def _opened() -> Any:
    from impasto.learn.loss.features import load_loss_network

    return load_loss_network(None)


def learn(channel: Connection, order: Order, loss_network: Any) -> None:
    """The lesson itself; raises what ``Course`` raises."""
    from impasto.learn.teach.course import Course, open_network, open_photos
    from impasto.learn.teach.settings import LessonSettings

    network, photos = open_network(order.kit.network), open_photos(None)
    settings, card = LessonSettings.of(order.bank, **order.settings), Card("", order.name, "", "", "")
    words = (order.painting, order.name, network, order.bank, photos, settings)
    course = Course(*words, card=card, loss_network=loss_network)
    threading.Thread(target=_wait, args=(channel, course), daemon=True).start()
    row: Floats | None = None
    start = course.searched(order.kit.network)
    if start is not None:
        channel.send(Step(share=0.0, row=start))  # the first preview
    for step in course.run(max_minutes=order.minutes, start=start):
        row = course.lesson.best if step.held_out is not None else None
        channel.send(Step(step.step, step.steps, step.progress, step.content, step.style, row))
    channel.send(Step(share=1.0, row=course.lesson.row, over=True))


def _wait(channel: Connection, course: Any) -> None:
    with contextlib.suppress(EOFError, OSError):
        channel.recv()
    course.stop()
