"""One photo in many styles: sheets, squares, paths and maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import (
    claim,
    counted,
    given_files,
    interrupted,
    load_photo,
    look_of,
    one_mix,
    plain_names,
    progress,
    write_json,
)
from impasto.cli.options import AsJson, MaxPixels, Names, Opens, Overwrite, Side, Styles
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import report, say
from impasto.errors import OptionError
from impasto.limits import DEFAULT_MAX_PIXELS, Choice
from impasto.painting.look import Look

if TYPE_CHECKING:
    from impasto.painting.painter import Painter
    from impasto.pictures import Photo


@dataclass(frozen=True)
class Given(Opens):
    """With what one photo is painted many times, and how that is written and reported."""

    max_pixels: MaxPixels = DEFAULT_MAX_PIXELS
    force: Overwrite = False
    as_json: AsJson = False


@app.command()
@options
def sheet(
    *,
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    style: Names = None,
    size: Side = 320,
    dials: Annotated[dict[str, Any], Fields(Look, ("brush", "strength"))],
    columns: Annotated[
        int | None, typer.Option(help="Paintings in a row.", show_default="about square"), limits.COLUMNS
    ] = None,
    given: Given,
) -> None:
    """Paint one photo in every style, on one labelled sheet."""
    from impasto.styles.bank import PHOTO

    claim([output], [photo], opens=given, force=given.force, pictures=True)
    painter = given.painter()
    known = {*painter.styles, PHOTO}
    names = plain_names(style) if style else [name for name in painter.bank.names if name in known]
    looks = [painter.check(look_of(name, dials)) for name in names]
    opened = load_photo(photo, given.max_pixels, size)
    _save_sheet(output, opened, painter, looks, given, names, columns=columns)
    report({"output": str(output), "styles": names}, f"{output}: {len(names)} styles", given.as_json)


@app.command()
@options
def square(
    *,
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    style: Styles,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    n: Annotated[int, typer.Option("--n", help="Paintings along a side."), limits.SQUARE] = 5,
    size: Side = 256,
    dials: Annotated[dict[str, Any], Fields(Look, ("brush",))],
    given: Given,
) -> None:
    """Paint one photo in the mixes between four styles, as a square.

    The styles are its corners: left and right on top, then left and right below.
    """
    from impasto.styles import blend

    corners = _several(style)
    claim([output], [photo], opens=given, force=given.force, pictures=True)
    painter = given.painter()
    mixes = blend.square_mixes(corners, n)
    for each in corners:
        painter.check(look_of(each, dials))
    opened = load_photo(photo, given.max_pixels, size)
    _save_sheet(output, opened, painter, [look_of(mix, dials) for mix in mixes], given, columns=n, gap=2)
    line = f"{output}: {n} x {n} paintings; corners {', '.join(corners)}"
    report({"output": str(output), "side": n, "corners": corners}, line, given.as_json)


@app.command()
@options
def path(
    *,
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    style: Styles,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="A .gif or .webp file, or a folder for the frames.")
    ],
    frames: Annotated[int, typer.Option(help="How many paintings."), limits.FRAMES] = 24,
    size: Side = 384,
    dials: Annotated[dict[str, Any], Fields(Look, ("brush",))],
    fps: Annotated[
        float | None, typer.Option(help="Paintings a second, in an animation.", show_default="12"), limits.FPS
    ] = None,
    given: Given,
) -> None:
    """Paint one photo along a path from style to style.

    It becomes an animation, or numbered frames in a folder. Frames of a longer path that impasto painted into that
    folder before are removed at the end.
    """
    from impasto import pictures
    from impasto.cli import targets
    from impasto.painting.folder import is_folder
    from impasto.pictures import animation
    from impasto.styles import blend

    place = Path(output)
    folder = place if is_folder(output) else None
    if folder is None:
        animation.check_target(place, fps=fps or animation.FPS)
    elif fps is not None:
        say("note: --fps has no effect on frames in a folder; name a .gif or .webp file for an animation")
    files, stale = ([place], []) if folder is None else targets.frames(folder, frames)
    claim([*files, *stale], [photo], opens=given, force=given.force, folder=folder)
    painter = given.painter()
    mixes = blend.path_mixes(_several(style), frames)
    for each in _several(style):
        painter.check(look_of(each, dials))
    opened = load_photo(photo, given.max_pixels, size)
    picture = opened.picture
    if folder is None:
        animation.check_target(place, fps=fps or animation.FPS, width=picture.shape[1], height=picture.shape[0])
    painted = (painter.paint_array(picture, look_of(mix, dials)) for mix in progress(mixes, quiet=given.as_json))
    if folder is None:
        for note in animation.save(painted, place, fps=fps or animation.FPS, alpha=opened.alpha):
            say(note)
    else:
        saved: list[Path] = []
        with interrupted(lambda: f"{len(saved)} of {counted(mixes, 'frame')} in {folder}"):
            for i, frame in enumerate(painted, 1):
                pictures.save(frame, targets.frame(folder, i), like=opened)
                saved.append(targets.frame(folder, i))
        for old in stale:
            old.unlink(missing_ok=True)
    report({"output": str(output), "frames": frames}, f"{output}: {frames} paintings", given.as_json)


@app.command("map")
@options
def draw_map(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="A picture, or .json for the numbers.")],
    photo: Annotated[Path | None, typer.Argument(help="A photo to paint in every style, for the picture.")] = None,
    method: Annotated[
        str, typer.Option(help="neighbours (needs impasto[explore]) or pca."), Choice(("neighbours", "pca"))
    ] = "neighbours",
    k: Annotated[
        int | None,
        typer.Option("--k", help="Neighbours of each style in the numbers.", show_default="3"),
        limits.NEIGHBOURS,
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Longer side of each painting, in pixels.", show_default="128"), limits.SIDE
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Of the picture, in pixels.", show_default="1600"), limits.MAP_WIDTH
    ] = None,
    given: Given,
) -> None:
    """Draw a map on which styles that paint alike are close together."""
    from impasto import pictures
    from impasto.cli import targets
    from impasto.pictures.sheets import map_sheet
    from impasto.styles.maps import style_map

    drawn = output.suffix != ".json"
    claim([output], given_files(photo), opens=given, force=given.force, pictures=drawn)
    if not drawn:
        if photo is not None or size is not None or width is not None:
            say("note: PHOTO, --size and --width have no effect on the numbers of a map, only on its picture")
        found = style_map(given.styles(), method=method, k=k or 3)  # type: ignore[arg-type]
        write_json(output, found.to_json())
        report(
            {"output": str(output), "styles": list(found.names)}, f"{output}: {len(found.names)} styles", given.as_json
        )
        return
    if k is not None:
        say("note: --k has no effect on the picture of a map, only on its numbers (.json)")
    if photo is None and size is not None:
        say("note: --size has no effect without a photo to paint")
    found = style_map(given.styles(), method=method)  # type: ignore[arg-type]
    painted = alpha = None
    if photo is not None:
        painter = given.painter()
        opened = load_photo(photo, given.max_pixels, size or 128)
        picture, alpha = opened.picture, opened.alpha
        blank = map_sheet(found.points, found.names, [picture] * len(found.names), width=width or 1600)
        targets.check_picture(output, blank)
        painted = [painter.paint_array(picture, name) for name in progress(list(found.names), quiet=given.as_json)]
        _note_paper(output, opened)
    pictures.save(map_sheet(found.points, found.names, painted, width=width or 1600, alpha=alpha), output)
    report({"output": str(output), "styles": list(found.names)}, f"{output}: {len(found.names)} styles", given.as_json)


def _several(styles: list[str]) -> list[str]:
    """One -s names styles with commas; several -s are a style or mix each."""
    if len(styles) > 1:
        return [one_mix([style]) for style in styles]
    if ":" in styles[0]:
        raise OptionError(f"weights as in {styles[0]!r} need one -s for each mix: -s A -s B:0.5,C:0.5")
    return [name.strip() for name in styles[0].split(",")]


def _save_sheet(
    output: Path,
    photo: Photo,
    painter: Painter,
    looks: list[Look],
    given: Given,
    labels: list[str] | None = None,
    **layout: Any,
) -> None:
    """Paint the photo in every look, and write the paintings as one sheet."""
    from impasto import pictures
    from impasto.cli import targets
    from impasto.pictures.sheets import contact_sheet

    picture = photo.picture
    targets.check_picture(output, contact_sheet([picture] * len(looks), labels, **layout))
    painted = [painter.paint_array(picture, look) for look in progress(looks, quiet=given.as_json)]
    pictures.save(contact_sheet(painted, labels, alpha=photo.alpha, **layout), output)
    _note_paper(output, photo)


def _note_paper(output: Path, photo: Photo) -> None:
    """Say that a sheet shows its paper where the photo is transparent, if it is anywhere."""
    from impasto import pictures

    if pictures.is_clear(photo.opacity):
        say(pictures.no_transparency(output, "show the paper"))
