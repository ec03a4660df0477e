"""A painting, or several of one artist, becomes a style, at one stroke size or at several: each is a lesson."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from impasto import assets, pictures
from impasto.errors import BankError, ImpastoError
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.network.load import load_network
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.easel import Photos
from impasto.learn.teach.lesson import Computing, Lesson, LessonStep, Paintings, all_of
from impasto.learn.teach.settings import LessonSettings
from impasto.painting.painter import Painter
from impasto.styles import strokes
from impasto.styles.bank import PHOTO, Bank, Card, Floats

Where = str | os.PathLike[str]


def teach(
    painting: Paintings,
    name: str,
    *,
    network: Where = assets.DEFAULT,
    bank: Bank | Where | None = None,
    photos: Where | None = None,
    card: Card | None = None,
    stroke_sizes: Sequence[int] = (),
    settings: LessonSettings | None = None,
    max_minutes: float | None = None,
    **computing: Unpack[Computing],
) -> Iterator[LessonStep | Bank]:
    """Teach ``painting`` to a network as the style ``name``: yields the steps, then the bank with one style more.

    ``painting`` is a file, or a list of several files, of one artist, ``network`` a name or an ONNX file. ``bank`` is
    by default the network's own, ``photos`` (a file or a folder) the three that come along, and ``settings`` those that
    the bank was trained with. ``Course`` is the same thing for those who want to stop it, and says what
    ``stroke_sizes`` are and what it raises.
    """
    opened = bank if isinstance(bank, Bank) else Bank.load(bank or assets.bank_file(network))
    given: tuple[Any, ...] = open_network(network), opened, open_photos(photos), settings
    course = Course(painting, name, *given, card=card, stroke_sizes=stroke_sizes, **computing)
    return _taught(course, max_minutes, network)


def _taught(course: Course, max_minutes: float | None, network: Where) -> Iterator[LessonStep | Bank]:
    yield from course.run(max_minutes=max_minutes, start=course.searched(network))
    yield course.bank()


class Course:
    """The lessons of one painting: opened once, then ``run``; ``bank`` has what was learned.

    With ``stroke_sizes``, pixels of the painting's longer side, there is a row for each: the middle one has the style's
    ``name``, the others NAME.SIZE. A style that is there already must be ``replaced``. What is wrong is found before
    the first step: BankError and StyleNameError for names, OptionError for sizes, and what ``Lesson`` raises.
    """

    def __init__(
        self,
        painting: Paintings,
        name: str,
        network: StyleNetwork,
        bank: Bank,
        photos: Photos,
        settings: LessonSettings | None = None,
        *,
        card: Card | None = None,
        stroke_sizes: Sequence[int] = (),
        replaced: bool = False,
        **computing: Unpack[Computing],
    ) -> None:
        settings = settings or LessonSettings.of(bank)
        card = card or Card("", name, "", "", "")
        sizes: tuple[int, ...] = ()
        if stroke_sizes:
            largest = min(max(pictures.load(each).picture.shape[:2]) for each in all_of(painting))
            sizes = strokes.check_sizes(stroke_sizes, largest=largest)
            settings = replace(settings, style_size=sizes[len(sizes) // 2])
            card = strokes.card(card, settings.style_size)
        others = {f"{name}.{size}": size for size in sizes if size != settings.style_size}
        for old in strokes.family(bank, name)[1:] if replaced and name in bank else ():
            bank = bank.remove(old)
        self.cards = {name: card} | {other: strokes.card(card, size, of=name) for other, size in others.items()}
        self._bank, self._replaced = bank, replaced
        self._add(dict.fromkeys(self.cards, [0.0] * bank.rows.shape[1]))
        if name == PHOTO:
            raise BankError(f"{name!r} is the style that gives the photo back; choose another name")
        first = Lesson(painting, network, bank, photos, settings, **computing)
        self.lessons = {name: first} | {other: first.at(size) for other, size in others.items()}
        self.done = 0  # lessons that have come to their end

    def searched(self, network: Where) -> Floats | None:
        """A row for the painting that is found within seconds, to begin with, by the ``network`` that is named.

        None where there is none: without OpenVINO, for several paintings, or for another size of the painting than the
        network was trained with.
        """
        first, *_ = self.lessons.values()
        painting, *others = all_of(first.painting)
        if others:  # a search would see but one of them
            return None
        if first.settings.style_size != LessonSettings.of(self._bank).style_size:
            return None
        try:
            return Painter(network, bank=self._bank).row(painting)
        except ImpastoError:  # the lesson says what is wrong with the painting, and begins otherwise without OpenVINO
            return None

    def run(self, *, max_minutes: float | None = None, start: Floats | None = None) -> Iterator[LessonStep]:
        """Lesson after lesson, for ``max_minutes`` together; the others go on from what the first has learned.

        The first begins with ``start``, by default the closest mix of known styles.
        """
        first, *_ = self.lessons.values()
        each = None if max_minutes is None else max_minutes / len(self.lessons)
        for lesson in self.lessons.values():
            yield from lesson.run(max_minutes=each, start=start if lesson is first else first.row)
            if self.stopped:
                return
            self.done += 1

    def stop(self) -> None:
        """End ``run`` behind the step that it is at, for another thread or a signal to call; the best so far stays."""
        self.lesson.stop()

    @property
    def lesson(self) -> Lesson:
        """The lesson that is on, or the last."""
        return list(self.lessons.values())[min(self.done, len(self.lessons) - 1)]

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before its end."""
        return self.lesson.stopped

    def rows(self) -> dict[str, Any]:
        """What was learned so far, by name; nothing of lessons that were not begun."""
        return {name: lesson.best for name, lesson in self.lessons.items() if lesson.best is not None}

    def bank(self) -> Bank:
        """The bank with what was learned so far."""
        return self._add(self.rows())

    def _add(self, rows: dict[str, Any]) -> Bank:
        bank = self._bank
        for name, row in rows.items():
            bank = bank.add(name, row, self.cards[name], replace=self._replaced)
        return bank


def open_network(network: Where) -> StyleNetwork:
    """A network that comes with impasto, by its name, or one in an ONNX file."""
    return load_network(assets.network_file(network))


def open_photos(photos: Where | None) -> Photos:
    """A photo, a folder of photos, or by default the three that come along."""
    if photos is None:
        return PhotoFolder(list(assets.SAMPLES))
    return PhotoFolder([Path(photos)]) if Path(photos).is_file() else PhotoFolder.open(Path(photos))
