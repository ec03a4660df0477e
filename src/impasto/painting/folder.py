"""Photos found in files and folders, and where their paintings go."""

from __future__ import annotations

import mimetypes
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from impasto import files, pictures
from impasto.errors import TargetError
from impasto.files import STDIO, printable
from impasto.pictures import formats
from impasto.pictures.folders import Found, LeftOut, Search

LONGEST_NAME = 255  # bytes, of one file, on nearly every system


def search(paths: Sequence[Path]) -> Search:
    """The photos in files and folders, without what impasto has painted into a folder itself.

    A painting that is named itself is painted. TargetError for standard input beside other photos.
    """
    if STDIO in paths:
        if len(paths) > 1:
            raise TargetError("standard input (-) is one photo and is read once; give it alone, without other photos")
        return Search((Found(STDIO),))
    found = pictures.search(paths)
    own = {each for each in found.photos if each.root is not None and pictures.made_by_impasto(each.path)}
    left_out = [
        LeftOut(each.path, "to paint one again, name the file", "painting") for each in found.photos if each in own
    ]
    photos = tuple(each for each in found.photos if each not in own)
    return replace(found, photos=photos, left_out=(*found.left_out, *left_out))


def once(found: Search) -> Search:
    """The same, with each photo only once, where it comes first."""
    photos: dict[object, Found] = {}
    for each in found.photos:
        photos.setdefault(_place(each.path), each)
    return replace(found, photos=tuple(photos.values()))


def _place(path: Path) -> object:
    """What two spellings of one name in one folder have in common; a link beside its file is a photo of its own."""
    return files.identity(path) or os.path.abspath(path), files.identity(path.parent), _folded(path.name)


def _folded(name: str) -> str:
    """What two names have in common that are one file on systems that do not know capitals, or spellings of umlauts."""
    return unicodedata.normalize("NFC", name).casefold()


def is_folder(output: str, *, several: bool = False) -> bool:
    """Whether an output means a folder: there is one, it ends with a slash, or it has no suffix.

    A name that could be a file's or a folder's is refused: TargetError for a folder that is called like a picture, and
    for a new name like a picture's where there are ``several`` photos.
    """
    path = Path(output)
    if output in ("", "-"):
        what = "only impasto paint writes to standard output (-)" if output else "the output has no name"
        raise TargetError(f"{what}; name a file or a folder with -o")
    if output.endswith(("/", os.sep)):
        return True
    if os.path.isdir(path):  # not Path.is_dir, which raises for a name that is too long
        if _picture_like(path):
            raise TargetError(f"{printable(output)} is a folder; write {printable(output)}/ to paint into it")
        return True
    if os.path.lexists(path):
        if several:
            raise TargetError(f"several photos would be painted into one file, {printable(output)}; name a folder")
        return False
    if several and _file_like(path):
        name = printable(output)
        raise TargetError(f"several photos would be painted into one file, {name}; name a folder, such as {name}/")
    return several or not path.suffix


def _picture_like(path: Path) -> bool:
    return formats.is_picture(path) or formats.why_unread(path) is not None


def _file_like(path: Path) -> bool:
    """Whether the suffix is a picture's, or that of another known kind of file."""
    return _picture_like(path) or mimetypes.guess_type(f"a{path.suffix}", strict=False)[0] is not None


def paintings(photos: Sequence[Found], output: str | None, style: str) -> tuple[list[Path], Path | None]:
    """A target for each photo, no two alike, and the folder that they are in where the output is a folder.

    Without an output they go beside their photos. In a folder, photos keep their paths below the folder that they were
    found in; if two would meet there, all keep their paths below the folder that all photos share.
    """
    only = photos[0]
    if output == "-" or (output is None and only.path == STDIO):
        _check_one_for_stdout(photos)
        return [STDIO], None
    try:
        into_file = output is not None and not is_folder(output, several=len(photos) > 1)
    except TargetError as error:  # -s A, B without quotes makes a photo of B
        missing = next(
            (f"there is no file {printable(p.path)}, and " for p in photos if not os.path.exists(p.path)), ""
        )
        raise TargetError(f"{missing}{error}") from None
    if output is not None and into_file:
        return [Path(output)], None
    if output is not None:
        folder = Path(output)
        return _distinct(photos, [folder / each.parent for each in _below(photos, style)], style), folder
    for each in photos:
        if os.path.exists(each.path) and not os.path.isfile(each.path):
            raise TargetError(f"{printable(each.path)} is no file with a place beside it; name a file with -o")
    return _distinct(photos, [each.path.parent for each in photos], style), None


def _check_one_for_stdout(photos: Sequence[Found]) -> None:
    if len(photos) > 1 or photos[0].root is not None:
        raise TargetError("standard output (-) takes one painting, of a photo that is named; name a folder with -o")
    if sys.stdout.isatty():
        raise TargetError("a picture cannot be shown on a terminal; name a file with -o, or send it on with > or |")


def _below(photos: Sequence[Found], style: str) -> list[Path]:
    """The photos' paths below the folder for their paintings."""
    below = [each.relative for each in photos]
    places = [Path(os.path.abspath(each.path)) for each in photos]
    with suppress(ValueError):  # Windows: there is no common folder on two disks
        top = os.path.commonpath([place.parent for place in places])
        shared = [place.relative_to(top) for place in places]
        if _count(shared, style) > _count(below, style):
            return shared
    return below


def _count(paths: list[Path], style: str) -> int:
    """How many paintings there would be."""
    return len({_folded(str(path.parent / _name(path, style))) for path in paths})


def _distinct(photos: Sequence[Found], folders: list[Path], style: str) -> list[Path]:
    """A name in its folder for each painting; of several that would be alike, all but the first get a number."""
    taken: set[str] = set()
    targets = []
    for photo, folder in zip(photos, folders, strict=True):
        number = 1
        while (key := key_of(folder / _name(photo.path, style, number))) in taken:
            number += 1
        taken.add(key)
        targets.append(folder / _name(photo.path, style, number))
    return targets


def key_of(target: Path) -> str:
    return _folded(os.path.join(os.path.realpath(target.parent), target.name))


def _name(source: Path, style: str, number: int = 1) -> str:
    """PHOTO-STYLE.png or so; of a long mix only the first styles are named, and a photo's long name is cut."""
    suffix = source.suffix if pictures.writable(source) else ".png"
    tail = suffix if number == 1 else f"-{number}{suffix}"
    stem = "painted" if source == STDIO else source.stem
    styles = [re.sub(r"[^\w.+-]", "-", part.split(":")[0].strip()) for part in style.split(",")]
    for named in range(len(styles), 0, -1):
        more = f"-and-{len(styles) - named}-more" if named < len(styles) else ""
        end = f"-{'-'.join(styles[:named])}{more}{tail}"
        if len(os.fsencode(stem + end)) <= LONGEST_NAME:
            return stem + end
    room = max(1, LONGEST_NAME - len(os.fsencode(end)))
    return os.fsencode(stem)[:room].decode(errors="ignore") + end
