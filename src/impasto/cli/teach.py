"""impasto teach, and match."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import check_suffix, claim, given_files, save_bank
from impasto.cli.learning import Computing, forgiven, learning, signals_call, step_bar
from impasto.cli.options import Banked
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.styles import Force, Output, Replace
from impasto.cli.terminal import say, to_json
from impasto.learn.teach.settings import LessonSettings

if TYPE_CHECKING:
    from impasto.learn.teach.course import Course
    from impasto.learn.teach.lesson import LessonStep

OF_BANK = ("style_size", "style_weight")  # which are by default as the bank was trained
HELP = {
    "style_size": "Long side of the painting, in pixels; default: as trained.",
    "style_weight": "Of the style loss; default: as trained.",
}
LEARNED_ON = "A photo, or a folder of photos; default: the three that come along."


@dataclass(frozen=True)
class CardWords:
    """The words of a style's card."""

    artist: Annotated[str, typer.Option(help="For the style's card.")] = ""
    title: Annotated[str, typer.Option(help="For the style's card.")] = ""
    year: Annotated[str, typer.Option(help="For the style's card.")] = ""
    licence: Annotated[str, typer.Option(help="For the style's card.")] = ""


@dataclass(frozen=True)
class Written:
    """What is written, and in whose place."""

    output: Output
    only: Annotated[bool, typer.Option("--only", help="Write a file of this one style, without the bank's.")] = False
    replace: Replace = False
    force: Force = False
    preview: Annotated[Path | None, typer.Option(help="Paint a preview into this file, again and again.")] = None


@app.command()
@options
def teach(
    *,
    paintings: Annotated[list[Path], typer.Argument(help="The painting to learn, or several of one artist.")],
    name: Annotated[str, typer.Option(help="What the style is to be called.")],
    written: Written,
    photos: Annotated[Path | None, typer.Option(help=LEARNED_ON)] = None,
    minutes: Annotated[float, typer.Option(help="Stop after N minutes."), limits.MINUTES] = 15.0,
    settings: Annotated[
        dict[str, Any],
        Fields(LessonSettings, ("steps", "size", *OF_BANK, "learning_rate", "seed"), unset=OF_BANK, more=HELP),
    ],
    stroke_sizes: Annotated[
        str | None,
        typer.Option(help="SIZE,SIZE,...: learn it at several sizes, for paint --stroke-size; default: at one."),
        limits.STROKE_SIZES,
    ] = None,
    words: CardWords,
    opened: Banked,
    computing: Computing,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record per step.")] = False,
) -> None:
    """Learn a painting as a new style (needs impasto[learn]).

    Several paintings, or a folder of them, become one style, the mean of theirs. It takes minutes. Only one row of
    numbers is learned: the network and all other styles stay as they are. Ctrl-C stops and keeps the best so far.
    """
    from impasto import pictures
    from impasto.styles.bank import Card

    if written.preview is not None:
        check_suffix(written.preview)
    found = pictures.find(paintings)
    sources = [*found, *([] if photos is None else pictures.find(photos)), *given_files(computing.loss_network)]
    new = [written.output, *given_files(written.preview)]
    claim(new, sources, opens=opened, force=written.force, keep=[written.output])
    bank = opened.styles()
    extra = {key: value for key, value in settings.items() if key == "style_size"}
    extra |= {"paintings": len(found)} if len(found) > 1 else {}
    with learning():
        from impasto.learn.teach.course import Course, open_network, open_photos

        course = Course(
            found,
            name,
            open_network(opened.network),
            bank,
            open_photos(photos),
            LessonSettings.of(bank, **settings),
            card=Card(**{**asdict(words), "title": words.title or name}, source="", extra=extra),
            stroke_sizes=limits.STROKE_SIZES.parse(stroke_sizes) if stroke_sizes else (),
            replaced=written.replace,
            **_opened(computing),
        )
        steps = course.run(max_minutes=minutes, start=course.searched(opened.network))
        _watch(course, steps, _previewed(course, written.preview), as_json)
    taught = course.bank()
    note = f"stopped at step {course.lesson.step}, the best row so far is kept{_left(course)}" if course.stopped else ""
    save_bank(taught.select(list(course.rows())) if written.only else taught, written.output, written.force, note=note)
    if course.stopped:
        raise typer.Exit(130)


@app.command()
@options
def match(
    *,
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    photos: Annotated[Path | None, typer.Option(help=LEARNED_ON)] = None,
    settings: Annotated[dict[str, Any], Fields(LessonSettings, ("style_size",), unset=True, more=HELP)],
    opened: Banked,
    computing: Computing,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the mix nearest to a painting (needs impasto[learn]).

    The mix is one of known styles, and is printed as -s takes it.
    """
    bank = opened.styles()
    with learning():
        from impasto.learn.teach.course import open_network, open_photos
        from impasto.learn.teach.lesson import Lesson

        network, learned_on = open_network(opened.network), open_photos(photos)
        chosen = LessonSettings.of(bank, **settings)
        found = Lesson(painting, network, bank, learned_on, chosen, **_opened(computing)).match()
    mix = ",".join(f"{name}:{weight:.3f}" for name, weight in found.weights.items())
    if as_json:
        record = {"mix": mix, "weights": found.weights, "nearest": found.nearest}
        typer.echo(to_json({**record, "content": found.content, "style": found.style, "total": found.total}))
        return
    typer.echo(mix)
    say(f"nearest style: {found.nearest}; content {found.content:.3f}, style {found.style:.3f}")


def _opened(computing: Computing) -> dict[str, Any]:
    from impasto.learn.devices import resolve_device
    from impasto.learn.loss.features import load_loss_network

    loss_network = load_loss_network(computing.loss_network)
    device = resolve_device(computing.device)
    return {"loss_network": loss_network, "precision": computing.precision, "device": device}


def _left(course: Course) -> str:
    """What is missing where it was stopped: the stroke sizes that were not begun."""
    sizes = [str(lesson.settings.style_size) for lesson in course.lessons.values() if lesson.best is None]
    return f", without stroke sizes {', '.join(sizes)}" if sizes else ""


def _previewed(course: Course, file: Path | None) -> Callable[[], None]:
    """What paints a preview of the first stroke size into the file."""
    from impasto import pictures

    def paint() -> None:
        if file is not None and not course.done:
            with forgiven():
                pictures.save(course.lesson.preview(), file)

    return paint


def _watch(course: Course, steps: Iterator[LessonStep], looked_at: Callable[[], None], as_json: bool) -> None:
    """Draw the bar of the lessons' steps, or print lines or JSON; Ctrl-C ends it, and the best row so far stays."""
    text = "looking at the painting"
    with step_bar(len(course.lessons), text=text, quiet=as_json) as (bar, plain), signals_call(course.stop):
        try:
            for step in steps:
                text = f"step {step.step}, content {step.content:.3f}, style {step.style:.3f}, best {step.best:.3f}"
                bar(course.done + step.progress, text)
                _print(step, text, as_json, plain)
                if step.held_out is not None:
                    looked_at()
        except KeyboardInterrupt:  # the second: the step that it is at is given up
            if not course.rows():
                raise
            course.stop()


def _print(step: LessonStep, text: str, as_json: bool, plain: bool) -> None:
    if as_json:
        typer.echo(to_json(asdict(step)))
    elif plain and step.held_out is not None:
        say(f"{text}, {step.seconds:.0f} s")
