"""impasto live: a camera, painted while one looks."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import at_end, claim, look_of, one_mix
from impasto.cli.images import add_images, named_images
from impasto.cli.options import LIVE_PORT, Opens, Precision, StyleImages
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.studio import check_extra, serve_app
from impasto.cli.terminal import at_once, say
from impasto.errors import FilmError
from impasto.painting.look import Look

if TYPE_CHECKING:
    from impasto.painting.painter import Painter
    from impasto.server.live.show import Show

FIRST = "hokusai-great-wave"  # the style that is shown where none is named
DIALS = ("strength", "keep_color", "stroke_size")


@dataclass(frozen=True)
class Quick(Opens):
    """What is opened to paint with: ``fast``, if nothing else is said."""

    network: Annotated[
        str, typer.Option(help="The network: fast, full (finer and several times slower), or an ONNX file.")
    ] = "fast"
    precision: Precision = "auto"


@dataclass(frozen=True)
class Seen:
    """What is seen."""

    camera: Annotated[
        str | None,
        typer.Option(
            metavar="N|NAME|FILE",
            help="A camera of this computer by its number or name, or a film; default: the browser's camera.",
        ),
    ] = None
    list_cameras: Annotated[
        bool, typer.Option("--list-cameras", help="List the cameras that --camera takes, and end.")
    ] = False
    mirror: Annotated[bool, typer.Option("--mirror", help="Show the picture as in a mirror.")] = False


@dataclass(frozen=True)
class Staged:
    """How it is shown, and where to."""

    size: Annotated[
        int,
        typer.Option(help="The largest painting, longer side in pixels; a smaller one where that is too slow."),
        limits.SIDE,
    ] = 640
    steady: Annotated[
        float, typer.Option(help="How still the painting holds; 0 paints each frame by itself."), limits.STEADY
    ] = 1.0
    record: Annotated[
        Path | None, typer.Option(metavar="OUT.mp4", help="Record the painting, without sound, in a .mp4 or .mov.")
    ] = None
    force: Annotated[bool, typer.Option("--force", "--overwrite", help="Overwrite a recording, or any other film.")] = (
        False
    )


@dataclass(frozen=True)
class Page:
    """Where the page is."""

    port: Annotated[
        int | None,
        typer.Option(help=f"The port, 0 for any; default: {LIVE_PORT}, or the next that is free."),
        limits.PORT,
    ] = None
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open no browser.")] = False


@app.command()
@options
def live(
    *,
    style: Annotated[
        list[str] | None,
        typer.Option("--style", "-s", help=f"NAME, or a mix such as NAME:0.6,NAME:0.4; default: {FIRST}."),
    ] = None,
    style_image: StyleImages = None,
    dials: Annotated[dict[str, Any], Fields(Look, DIALS)],
    seen: Seen,
    staged: Staged,
    opening: Quick,
    page: Page,
) -> None:
    """Paint a camera while you look, on a page of your own (needs impasto[studio]).

    The page shows the newest frame, painted, and every style to click. It is on this computer and for you alone: no
    picture leaves it. --camera and --record need impasto[video], too. Ctrl-C ends it, and so does closing the page.
    """
    if seen.list_cameras:
        _list_cameras()
        return
    with at_once():
        check_extra()
        from impasto.server import run
        from impasto.server.live import app as application
        from impasto.server.settings import Settings
    images = named_images(style_image or [])
    _claim(seen, staged, opening, list(images.values()))
    show = _show(style, dials, seen, staged, opening, images)
    settings, token = Settings(body=application.MOST), secrets.token_urlsafe(24)
    host, port = "127.0.0.1", page.port
    with run.bound(host, LIVE_PORT if port is None else port, search=port is None) as listener:
        rules = run.rules(settings, listener, host=host, token=token)
        address = f"http://{host}:{listener.getsockname()[1]}/?token={token}"
        try:
            show.start()
            made = application.made(show)
            serve_app(made, settings, listener, rules, address, browser=not page.no_browser, ended=lambda: show.over)
        finally:
            _end(show)


def _claim(seen: Seen, staged: Staged, opening: Quick, images: list[Path]) -> None:
    """Check what is recorded to, before anything is opened."""
    if staged.record is None:
        return
    from impasto.film import recording
    from impasto.film.work import locked

    recording.check(staged.record)
    read = [*images, *([Path(seen.camera)] if seen.camera is not None else [])]
    claim([staged.record], read, opens=opening, force=staged.force, keep=[staged.record])
    at_end.enter_context(locked(Path(os.path.realpath(staged.record))))  # there is no file before the first frame


def _show(
    style: list[str] | None, dials: dict[str, Any], seen: Seen, staged: Staged, opening: Quick, images: dict[str, Path]
) -> Show:
    """The show, with its painter and its source open."""
    from impasto.server.live import sources
    from impasto.server.live.show import Show, Staging

    source = None if seen.camera is None else sources.opened(seen.camera, staged.size)
    painter = opening.painter(precision=opening.precision)
    add_images(painter, images)
    mix = one_mix(style) if style else next(iter(images), _first(painter))
    look = look_of(mix, {**dials, "brush": "small"})
    show = Show(painter, look, source, Staging(staged.size, staged.steady, staged.record), say)
    show.mirrored = seen.mirror
    return show


def _first(painter: Painter) -> str:
    return FIRST if FIRST in painter.styles else painter.styles[0]


def _end(show: Show) -> None:
    """End the show, and say what is recorded."""
    try:
        show.close()
    finally:
        recorder = show.recorder
        if recorder is not None and recorder.frames:
            say(f"{recorder.path}: {recorder.frames} frames, {recorder.seconds:.1f} s")


def _list_cameras() -> None:
    from impasto.film import cameras

    found = cameras.listed()
    if not found:
        raise FilmError("there is no camera that --camera could take; without it the page asks the browser for one")
    for each in found:
        typer.echo(f"{each.number}  {each.name}  ({each.address})")
