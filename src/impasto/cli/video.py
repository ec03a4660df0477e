"""impasto video: a film painted, with its sound; and what a film will take, for plan."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import claim, interrupted, look_of, one_mix
from impasto.cli.images import add_images, check_used, named_images
from impasto.cli.options import MaxMemory, Opens, Precision, StyleImages
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import say, to_json
from impasto.errors import FilmError, OptionError, TargetError
from impasto.limits import Choice
from impasto.painting.look import Look, Style

if TYPE_CHECKING:
    from impasto.film.keys import Keys
    from impasto.film.pace import Progress
    from impasto.film.render import Settings
    from impasto.painting.painter import Painter

DIALS = ("strength", "size", "brush", "stroke_size", "keep_color")
EVERY = 1.0  # seconds between two records with --json


@dataclass(frozen=True)
class Opening(Opens):
    """What is opened to paint with."""

    precision: Precision = "auto"
    max_memory: MaxMemory = None

    def open(self) -> Painter:
        return self.painter(max_memory=self.max_memory, precision=self.precision)


@dataclass(frozen=True)
class Cut:
    """Which part of the film is painted, and how large."""

    paint_size: Annotated[
        int | None,
        typer.Option(help="Paint at N pixels, longer side, and enlarge that: larger strokes, and quicker."),
        limits.SIDE,
    ] = None
    start: Annotated[str | None, typer.Option(metavar="TIME", help="Begin there: 90, 1:30 or 0:01:30.5.")] = None
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Stop there.")] = None
    fps: Annotated[
        float | None, typer.Option(help="Pictures a second, of a folder or a pattern.", show_default="25"), limits.RATE
    ] = None


@dataclass(frozen=True)
class Coded:
    """How the film is coded."""

    codec: Annotated[
        str,
        typer.Option(help="auto, h264, hevc, vp9, av1, mpeg4, prores or ffv1."),
        Choice(("auto", "h264", "hevc", "vp9", "av1", "mpeg4", "prores", "ffv1")),
    ] = "auto"
    quality: Annotated[int, typer.Option(help="CRF: 0 loses nothing, 51 is the worst."), limits.CRF] = 18
    chroma: Annotated[
        str, typer.Option(help="420, which plays everywhere, or 444, all the colours."), Choice(("420", "444"))
    ] = "420"
    no_sound: Annotated[bool, typer.Option("--no-sound", help="Leave the sound out.")] = False


@dataclass(frozen=True)
class Over:
    """What changes over time, and how still it holds."""

    style_at: Annotated[
        list[str] | None,
        typer.Option(metavar="T:STYLE", help="At T seconds that style; between two it walks from one to the other."),
    ] = None
    strength_at: Annotated[
        list[str] | None, typer.Option(metavar="T:S", help="At T seconds that strength; between two it changes evenly.")
    ] = None
    mask: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE: that style where FILE, a picture or a film, is white.")
    ] = None
    protect: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep features, such as a face's, where FILE, a picture or a film, is white."
        ),
    ] = None
    steady: Annotated[
        float, typer.Option(help="How still the painting holds; 0 paints each frame by itself."), limits.STEADY
    ] = 1.0

    def keys(self, look: Look) -> Keys:
        from impasto.film.keys import Keys, parse_strength, parse_style

        return Keys(
            look, tuple(map(parse_style, self.style_at or ())), tuple(map(parse_strength, self.strength_at or ()))
        )


@dataclass(frozen=True)
class Run:
    """How it is gone about."""

    preview: Annotated[bool, typer.Option("--preview", help="Show the film beside its painting in a browser.")] = False
    restart: Annotated[bool, typer.Option("--restart", help="Paint what is half painted from its beginning.")] = False
    force: Annotated[
        bool, typer.Option("--force", "--overwrite", help="Overwrite files that impasto did not make.")
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON record a second.")] = False


@app.command()
@options
def video(
    *,
    film: Annotated[
        Path, typer.Argument(readable=False, help="A film, a GIF or WebP, a folder of pictures, or frame-%04d.png.")
    ],
    style: Annotated[
        list[str] | None, typer.Option("--style", "-s", help="NAME, or a mix such as NAME:0.6,NAME:0.4.")
    ] = None,
    style_image: StyleImages = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .mp4, .mov, .mkv, .webm, .gif or .webp, a folder, or frame-%04d.png."),
    ],
    dials: Annotated[dict[str, Any], Fields(Look, DIALS)],
    over: Over,
    cut: Cut,
    coded: Coded,
    opening: Opening,
    run: Run,
) -> None:
    """Paint a film in a style, held still, with its sound.

    Every stream of sound is copied, and frames keep their times. A film that is half painted, because it was
    interrupted or the computer went off, goes on where it was when the same command is run again. Needs impasto[video].
    """
    from impasto.film import render

    os.environ.setdefault("SVT_LOG", "1")  # AV1's encoder would speak of itself
    images = named_images(style_image or [])
    look = _look(style or (None if over.style_at else list(images)), over, dials)
    keys = over.keys(look)
    check_used(images, [str(each) for each in (*_styles(keys), *(look.masks or ()))])
    settings = _settings(cut, coded, over.steady, look.size)
    _claim([film, *images.values()], output, look, opening, run.force)
    render.check(film, output, settings)  # before a network is opened
    if cut.fps is not None and os.path.isfile(film):
        say("note: --fps has no effect on a film, whose frames have times of their own")
    painter = opening.open()
    add_images(painter, images)
    done = render.render(film, output, keys, painter=painter, settings=settings, restart=run.restart)
    last: list[Progress] = []
    with interrupted(lambda: _kept(last, output)), closing(_shown(done, run.preview)) as steps:
        _report(steps, output, last, run.as_json)


def _look(style: list[str] | None, over: Over, dials: dict[str, Any]) -> Look:
    """The look that keys change; PictureError or OptionError for what cannot be."""
    from impasto.cli.paint import _masks
    from impasto.film.keys import parse_style

    if not (style or over.style_at):
        raise OptionError(
            "a style is missing; give one with -s NAME, several over time with --style-at T:NAME, "
            "or a painting of your own with --style-image"
        )
    if style and over.style_at:
        raise OptionError("-s is one style for all of the film, and --style-at several over time; give one of them")
    mix = one_mix(style) if style else min(map(parse_style, over.style_at or ()))[1]
    masks = {name: Path(file) for name, file in _masks(over.mask or []).items()}
    return Look.of(look_of(mix, dials), masks=masks or None, protect=over.protect)


def _styles(keys: Keys) -> list[Style]:
    """All mixes that a film is painted in."""
    return [style for _, style in keys.styles] or [keys.look.style]


def _settings(cut: Cut, coded: Coded, steady: float, size: int | None) -> Settings:
    from impasto.film.coding import Coding
    from impasto.film.facts import FPS, Part
    from impasto.film.keys import seconds
    from impasto.film.render import Settings

    start = Fraction(str(seconds("--start", cut.start))) if cut.start is not None else Fraction(0)
    end = Fraction(str(seconds("--end", cut.end))) if cut.end is not None else None
    part = Part(size=size, start=start, end=end, fps=FPS if cut.fps is None else Fraction(str(cut.fps)))
    coding = Coding(coded.codec, coded.quality, coded.chroma)
    return Settings(part=part, coding=coding, paint_size=cut.paint_size, steady=steady, sound=not coded.no_sound)


def _claim(sources: list[Path], output: Path, look: Look, opening: Opens, force: bool) -> None:
    """Check where the film, the first of the sources, goes, before the work."""
    from impasto.film import stills, writing

    film = sources[0]
    read = [*sources, *(mask for mask in [*(look.masks or {}).values(), look.protect] if isinstance(mask, Path))]
    if writing.is_folder(output):
        _check_frames(film, output, force)
        return
    read += stills.files_of(film) if not os.path.isfile(film) and os.path.exists(film) else []
    ours = os.path.isfile(output) and writing.made_by_impasto(output)
    claim([output], read, opens=opening, force=force or ours)


def _check_frames(film: Path, output: Path, force: bool) -> None:
    """The same for a folder of frames or a pattern."""
    from impasto import pictures
    from impasto.film import drawn, stills

    folder = drawn.numbered(output, 1).parent
    if not folder.exists() and not folder.parent.is_dir():
        raise TargetError(f"{output} cannot be made, because its folder does not exist; make it first")
    there = stills.files_of(output) if os.path.isdir(folder) else []
    read = {os.path.realpath(file) for file in ([film] if os.path.isfile(film) else stills.files_of(film))}
    taken = [path for path in there for n in re.findall(r"\d+", path.name) if drawn.numbered(output, int(n)) == path]
    lost = sorted(path for path in taken if os.path.realpath(path) in read)
    if lost:
        raise TargetError(f"{lost[0]} is read, and would be lost; choose another folder")
    others = [] if force else sorted(path for path in taken if not pictures.made_by_impasto(path))
    if others:
        raise TargetError(f"{others[0]} exists already; choose another folder, or overwrite it (--force)")


def _shown(steps: Generator[Progress, None, None], preview: bool) -> Generator[Progress, None, None]:
    """The same records, shown on a page on the way."""
    if not preview:
        return steps
    from impasto.film.preview import shown

    return shown(steps, lambda address: say(f"preview: {address}"))


def _kept(last: list[Progress], output: Path) -> str:
    frames = last[-1].frames if last else 0
    return f"{frames} frames were painted; run the same command again to go on with {output}"


def _report(steps: Iterator[Progress], output: Path, last: list[Progress], as_json: bool) -> None:
    """A bar on a terminal, or a record a second; notes at once."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress as Bar, TextColumn

    console, spoken, begin = Console(stderr=True), 0.0, time.monotonic()
    columns = (TextColumn("painting"), BarColumn(), TextColumn("{task.percentage:>3.0f}% {task.fields[pace]}"))
    with Bar(*columns, console=console, disable=as_json or not console.is_terminal, transient=True) as bar:
        task = bar.add_task("painting", total=None, pace="")
        for step in steps:
            last[:] = [step]
            for note in step.notes:
                say(note)
            bar.update(task, total=None if step.share is None else 1.0, completed=step.share or 0, pace=_pace(step))
            now = time.monotonic()
            if as_json and not step.done and now - spoken >= EVERY:
                spoken = now
                typer.echo(to_json(_record(step, output)))
    if not last:
        raise FilmError(f"{output}: there was nothing to paint")
    step = last[-1]
    if as_json:
        typer.echo(to_json(_record(step, output)))
    else:
        say(f"{output}: {step.frames} frames, {step.seconds:.1f} s, painted in {_clock(time.monotonic() - begin)}")


def _record(step: Progress, output: Path) -> dict[str, Any]:
    return {
        "output": str(output),
        "frames": step.frames,
        "seconds": round(step.seconds, 3),
        "share": None if step.share is None else round(step.share, 4),
        "fps": round(step.fps, 2),
        "left": None if step.left is None else round(step.left, 1),
        "done": step.done,
    }


def _pace(step: Progress) -> str:
    left = "" if step.left is None else f", {_clock(step.left)} left"
    return f"{step.fps:.1f} frames a second{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
