"""Paths -> photos: folders are searched for pictures, and what is left out is kept with the reason."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from impasto.errors import PictureError
from impasto.files import printable
from impasto.pictures import formats

Paths: TypeAlias = Iterable[str | os.PathLike[str]] | str | os.PathLike[str]

NAMED = 3  # how many of the files that are left out for one reason are named


@dataclass(frozen=True)
class Found:
    """A photo to read. root: the folder argument below which it was found, as given; None for a file named itself."""

    path: Path
    root: Path | None = None

    @property
    def relative(self) -> Path:
        """The path below ``root``; only the name, for a file named itself."""
        return Path(self.path.name) if self.root is None else self.path.relative_to(self.root)


@dataclass(frozen=True)
class LeftOut:
    """What a search passed by. what: "picture", "painting" (of impasto's own) or "folder". reason: why, and what to do,
    without a full stop."""

    path: Path
    reason: str
    what: str = "picture"


@dataclass(frozen=True)
class Search:
    """What is to be read, in the order of the arguments and sorted within each folder, and what was left out."""

    photos: tuple[Found, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The photos' paths."""
        return [found.path for found in self.photos]

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each reason why something was left out: how many, the first names, the reason."""
        groups: dict[tuple[str, str], list[str]] = {}
        for each in self.left_out:
            name = str(each.path) if each.what == "folder" else each.path.name
            groups.setdefault((each.what, each.reason), []).append(printable(name))
        return tuple(_line(what, reason, names) for (what, reason), names in groups.items())


def _line(what: str, reason: str, names: list[str]) -> str:
    count, more = len(names), len(names) - NAMED
    named = ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
    if what == "painting":
        return f"left out: {count} painting{'s' * (count > 1)} by impasto ({named}: {reason})"
    return f"left out: {count} {what}{'s' * (count > 1)} that impasto cannot read ({named}: {reason})"


def find(paths: Paths) -> list[Path]:
    """The paths that ``search`` finds, without what was left out."""
    return search(paths).paths


def search(paths: Paths) -> Search:
    """`paths` with every folder replaced by the picture files in it and below it, sorted; files pass as they are.

    A picture file is known by its suffix. Hidden files and folders are passed by, links to folders are not followed
    but where they are given themselves. Left out, and listed with the reason: pictures of kinds that are not read,
    what is no regular file, and folders below a given one that may not be listed.

    Raises PictureError for a given folder that cannot be listed.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    photos: list[Found] = []
    left_out: list[LeftOut] = []
    for path in map(Path, paths):
        if not path.is_dir():
            photos.append(Found(path))
            continue
        below = sorted(_below(path), key=lambda each: each.path)
        photos += [each for each in below if isinstance(each, Found)]
        left_out += [each for each in below if isinstance(each, LeftOut)]
    return Search(tuple(photos), tuple(left_out))


def _below(root: Path) -> Iterator[Found | LeftOut]:
    refused: list[OSError] = []
    for parent, folders, files in os.walk(root, onerror=refused.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            reason = formats.why_unread(path)
            if reason is None and formats.is_picture(path) and not path.is_file():  # a pipe could be waited for
                reason = "no regular file"
            if reason is not None:
                yield LeftOut(path, reason)
            elif formats.is_picture(path):
                yield Found(path, root)
    for error in refused:
        if Path(error.filename) == root:
            name = printable(root)
            why = error.strerror
            raise PictureError(f"The folder {name} cannot be listed ({why}); check its permissions.") from error
        yield LeftOut(Path(error.filename), f"it may not be listed, {error.strerror}", "folder")
