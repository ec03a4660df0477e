"""Where results go: each command names all that it will write, and has it checked, before it works.

Nothing that is read is ever written to, what is not impasto's own is overwritten only if asked for, and every file and
folder is tried. Knows files and pictures, and nothing of styles or networks.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from impasto import assets, files, pictures
from impasto.errors import PictureError, TargetError
from impasto.files import STDIO, printable
from impasto.painting.folder import key_of
from impasto.pictures import formats

_FRAME = re.compile(r"frame-(\d{4,})\.png")
_CELL = re.compile(r"cell-(\d+)-(\d+)\.png")
_STATE = b'{"__metadata__":{"impasto_state"'
# Keys by which the JSON that impasto writes is known: of a map, of a grid, and of a step in a log.
_JSON = (
    {"method", "explained", "styles"},
    {"settings", "files", "versions", "cells"},
    {"step", "size", "content", "style", "total", "seconds"},
)


def frames(folder: Path, count: int) -> tuple[list[Path], list[Path]]:
    """Of ``count`` frames in a folder: those to check, which are its ends and all that are there; and stale ones.

    Stale are frames of a longer path that impasto wrote before; TargetError for others in their place.
    """
    there = {int(match[1]): folder / match[0] for match in map(_FRAME.fullmatch, _listed(folder)) if match}
    stale = [path for number, path in sorted(there.items()) if not 1 <= number <= count]
    for path in stale:
        if not pictures.made_by_impasto(path):
            raise TargetError(f"{printable(path)} would be among the new frames; choose another folder")
    ends = {frame(folder, 1), frame(folder, max(1, count))}
    return sorted(ends | {path for path in there.values() if path not in stale}), stale


def frame(folder: Path, number: int) -> Path:
    """Where the frame of this number goes, counted from 1."""
    return folder / f"frame-{number:04}.png"


def cells(folder: Path, rows: int, columns: int) -> tuple[list[Path], list[Path]]:
    """The cells of a grid in a folder, and those of a larger one that are there already."""
    new = [folder / f"cell-{row + 1}-{column + 1}.png" for row in range(rows) for column in range(columns)]
    there = [folder / name for name in _listed(folder) if _CELL.fullmatch(name)]
    return new, sorted(set(there) - set(new))


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TargetError(_why(folder / "a", error)) from error


def run_files(run_dir: Path, *read: Path) -> list[Path]:
    """What training writes into a run's folder; TargetError if that is in a folder whose pictures are ``read``."""
    for folder in read:
        if folder.resolve() in (run_dir.resolve(), *run_dir.resolve().parents):
            where = f"{printable(run_dir)} is in {printable(folder)}"
            raise TargetError(f"{where}, and its sheets would be learned from; choose another folder")
    return [run_dir / name for name in ("checkpoint.safetensors", "metrics.jsonl", "sheet.jpg")]


# ---- what is read


def network_files(network: str, bank: Path | None) -> list[Path]:
    """The files that a network, by name or file, and its bank are read from: all that there may be."""
    file = Path(network) if network.endswith(".onnx") else assets.FOLDER / f"{network}.onnx"
    return [file, file.with_suffix(".safetensors"), *([] if bank is None else [bank])]


def manifest_files(made: dict[str, Any], folders: Sequence[Path]) -> list[Path]:
    """Where the pictures may be that a manifest of ``optimize`` names."""
    files = made.get("files")
    listed = [cards for cards in files.values() if isinstance(cards, list)] if isinstance(files, dict) else []
    cards = [card for cards in listed for card in cards if isinstance(card, dict)]
    names = [name for card in cards for name in (card.get("name"), card.get("path")) if isinstance(name, str)]
    return [folder / Path(name).name for name in names for folder in folders]


# ---- before the work


@contextmanager
def claimed(
    targets: Iterable[Path],
    sources: Iterable[Path] = (),
    *,
    force: bool = False,
    keep: Iterable[Path] = (),
    streams: Iterable[Path] = (),
    folder: Path | None = None,
) -> Iterator[None]:
    """Check that all ``targets`` may and can be written; inside, their folders are there.

    targets: files. ``-`` is standard output.
    sources: whatever is read, files that need not be there; ``-`` is standard input.
    force: overwrite files that impasto did not make.
    keep: targets that are not overwritten without it, whoever made them.
    streams: targets that are written bit by bit, and so may be devices and pipes.
    folder: the one that is made if it is missing, with what is in it; all others have to be there. What was made and is
        empty at the end is removed again.

    Raises TargetError, and then nothing has changed.
    """
    targets, streams = list(targets), set(streams)
    check(targets, sources, force=force, keep=keep)
    made: list[Path] = []
    try:
        if folder is not None:
            for each in dict.fromkeys([folder, *(target.parent for target in targets)]):
                if each == folder or folder in each.parents:
                    _make(each, made)
        tried: set[Path] = set()
        for target in targets:
            if target in streams and stat.S_IFMT(_mode(target)) not in (0, stat.S_IFREG, stat.S_IFDIR):
                continue
            _try(target, whole=target.parent not in tried)
            tried.add(target.parent)
        yield
    finally:
        for each in reversed(made):
            with suppress(OSError):  # it is not empty
                each.rmdir()


def check(targets: Iterable[Path], sources: Iterable[Path], *, force: bool = False, keep: Iterable[Path] = ()) -> None:
    """What ``claimed`` checks without touching the disk: sources, targets that are one file, and what is there."""
    read = {_identity(source, 0): source for source in sources}
    taken: dict[str, Path] = {}
    kept = set(keep)
    for target in targets:
        name = printable(target)
        found = _identity(target, 1)
        if found is not None and found in read:
            source = _same_as(read[found], target)
            raise TargetError(f"{name} is {source}, and would be lost; choose another name to write")
        if target == STDIO:
            continue
        key = key_of(Path(os.path.realpath(target)))
        if key in taken:
            raise TargetError(f"{printable(taken[key])} and {name} are one file; give each a name of its own")
        taken[key] = target
        if not force and os.path.lexists(target) and (target in kept or not _ours(target)):
            raise TargetError(f"{name} exists already; choose another name, or overwrite it (--force)")


def check_picture(target: Path, picture: Any, size: int | None = None, *, enlarge: bool = False) -> None:
    """PictureError for a picture, an array or its height and width, that is larger than the target's format can hold.

    size: the longer side, in pixels, that it is shrunk to first, or with ``enlarge`` enlarged.
    """
    height, width = getattr(picture, "shape", picture)[:2]
    width, height = pictures.shrunk_size(width, height, size or max(width, height), enlarge=enlarge)
    for kind in pictures.LONGEST_SIDE:
        if target.suffix.lower() in formats.READABLE[kind]:
            pictures.check_side(kind, printable(target), width, height)


def check_photo(target: Path, source: Path, size: int | None = None, *, enlarge: bool = False) -> None:
    """The same for the painting of a photo in a file, from the photo's header."""
    if os.path.isfile(source):
        try:
            width, height = pictures.size_of(source)
        except PictureError:  # which reading it will report in full
            return
        check_picture(target, (height, width), size, enlarge=enlarge)


def _identity(path: Path, standard: int) -> tuple[int, int] | None:
    """That of a file, or of the file that standard input (0) or output (1) is redirected to."""
    if path != STDIO:
        return files.identity(path)
    with suppress(OSError):
        return files.identity(standard) if stat.S_ISREG(os.fstat(standard).st_mode) else None
    return None


def _same_as(source: Path, target: Path) -> str:
    if source == STDIO:
        return "what standard input reads"
    return "one of the files that are read" if source == target else f"{printable(source)}, which is read"


def _ours(path: Path) -> bool:
    """Whether nobody minds if this is overwritten: impasto made it, or it is empty, or a folder (refused elsewhere)."""
    if not os.path.isfile(path) or os.path.getsize(path) == 0:
        return True
    return pictures.made_by_impasto(path) or _our_data(path)


def _our_data(path: Path) -> bool:
    """Whether this is the state of an optimisation, or JSON that impasto wrote."""
    try:
        with open(path, "rb") as file:
            if file.read(8 + len(_STATE))[8:] == _STATE:
                return True
            file.seek(0)
            data = file.read(1 << 24)
    except OSError:
        return False
    return any(keys <= _keys(text) for text in (data.partition(b"\n")[0], data) for keys in _JSON)


def _keys(text: bytes) -> set[str]:
    """The keys of the JSON object that this is; none if it is something else."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        return set(found) if isinstance(found, dict) else set()
    return set()


def _mode(path: Path) -> int:
    """What ``os.stat`` has as its mode; 0 where there is nothing."""
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and add them to ``made``."""
    for each in reversed([folder, *folder.parents]):
        if os.path.isdir(each):
            continue
        try:
            each.mkdir()
        except FileExistsError as error:
            if not os.path.isdir(each):  # unless another process was faster
                raise TargetError(f"{printable(each)} is a file, not a folder to write into; choose another") from error
        except OSError as error:
            raise TargetError(f"{printable(folder)} cannot be made a folder: {_reason(each, error)}") from error
        else:
            made.append(each)


def _try(target: Path, *, whole: bool) -> None:
    """TargetError unless ``target`` can be written; where its folder was tried before, its name and file are enough."""
    if target == STDIO:
        return
    try:
        if whole or os.path.lexists(target):
            files.check_writable(target)
        with suppress(FileNotFoundError):
            os.stat(target)
    except OSError as error:
        raise TargetError(_why(target, error)) from error


def _why(target: Path, error: OSError) -> str:
    return f"{printable(target)} cannot be written: {_reason(target, error)}"


def _reason(target: Path, error: OSError) -> str:
    """What is wrong, and what to do."""
    if isinstance(error, IsADirectoryError):
        return "it is a folder; name a file"
    if isinstance(error, FileNotFoundError):
        return "its folder does not exist; make it first"
    if isinstance(error, NotADirectoryError):
        return "what should be its folder is a file; choose another place"
    if isinstance(error, PermissionError):
        what = "it" if os.path.isfile(target) and not os.access(target, os.W_OK) else "its folder"
        return f"{what} is write-protected; choose another place, or change the permissions"
    return {
        errno.ENAMETOOLONG: f"its name is too long, {len(os.fsencode(target.name))} bytes; choose a shorter one",
        errno.EROFS: "the disk is read-only; choose another place",
        errno.ENXIO: "it is a device or a pipe; name a file",
        errno.ELOOP: "it is a link that leads to itself; choose another name",
        errno.ENOSPC: "the disk is full; make room, or choose another place",
        errno.EDQUOT: "no more may be stored there; make room, or choose another place",
    }.get(error.errno or 0, f"{error.strerror}; choose another place")
