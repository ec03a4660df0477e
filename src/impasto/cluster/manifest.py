"""Folders, lists and stores -> what is to be painted: a row of source and target for each picture.

Targets are called as ``impasto paint`` calls them, unless a list names them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from impasto.cluster import places
from impasto.errors import PictureError, brief, foreign
from impasto.files import STDIO, printable
from impasto.painting import folder
from impasto.pictures import formats
from impasto.pictures.folders import Found

LISTS = (".parquet", ".csv")
COLUMNS = ["source", "target"]


@dataclass(frozen=True)
class Work:
    """What is to be painted: a table (pyarrow) of ``source`` and ``target``, or the Parquet file that it is in.

    A file with both columns is never read as a whole: it may be longer than memory. ``notes`` are about what was left
    out of folders.
    """

    count: int
    table: Any = None
    file: str = ""
    notes: tuple[str, ...] = ()

    def some(self, most: int) -> list[str]:
        """Sources, at most so many; none of a file, which is not read for that."""
        return [] if self.table is None else self.table["source"][:most].to_pylist()


def find(photos: Sequence[str], output: str, style: str) -> Work:
    """The work in ``photos``: one list (Parquet, CSV), one address of a store, or paths of photos and folders.

    A list has the column ``source``, and may have ``target``, a place or a path below the ``output``. Raises
    PictureError for what cannot be read, and where there is no picture, TargetError for an output that is no folder.
    """
    lists = [each for each in photos if _suffix(each) in LISTS]
    alone = [*lists, *(each for each in photos if places.is_address(each))]
    if alone and len(photos) > 1:
        raise PictureError(f"{printable(alone[0])} is given alone, without other photos")
    if lists:
        found = _in_list(photos[0], output, style)
    elif alone:
        found = _in_store(photos[0], output, style)
    else:
        found = _in_folders(photos, output, style)
    if not found.count:
        raise PictureError(f"there is no picture in {', '.join(map(printable, photos))}; name another place")
    return found


def _suffix(place: str) -> str:
    return Path(places.path_in(place) if places.is_address(place) else place).suffix.lower()


def _in_folders(photos: Sequence[str], output: str, style: str) -> Work:
    if str(STDIO) in photos:
        raise PictureError("a cluster does not read standard input (-); name files or folders")
    for each in photos:
        if not os.path.lexists(each):
            raise PictureError(f"there is no file or folder {printable(each)}; check the name")
    search = folder.once(folder.search([Path(places.absolute(each)) for each in photos]))
    sources = [str(each.path) for each in search.photos]
    return _made(sources, _targets(search.photos, output, style), search.notes)


def _in_store(address: str, output: str, style: str) -> Work:
    top = Path(os.sep, "photos")  # where a store's names are taken to be, for what is asked of paths alone
    if formats.is_picture(Path(places.path_in(address))):
        raise PictureError(f"{printable(address)} is one picture; name the folder that it is in, or a list")
    found = [Found(top / each, top) for each in places.listed(address) if formats.is_picture(Path(each))]
    sources = [places.below(address, each.relative.as_posix()) for each in found]
    return _made(sources, _targets(found, output, style))


def _in_list(place: str, output: str, style: str) -> Work:
    from pyarrow import csv, parquet

    name = printable(place)

    def meaning(error: Exception) -> Exception:
        return PictureError(f"{name} cannot be read as a list ({brief(error)}); it is Parquet, or CSV with a header")

    with foreign(meaning):
        if _suffix(place) == ".csv":
            table = csv.read_csv(io.BytesIO(places.read(place)))
        else:
            file = parquet.ParquetFile(_opened(place))
            if set(COLUMNS) <= set(file.schema_arrow.names):
                _check(name, output, (batch.to_pydict() for batch in file.iter_batches(columns=COLUMNS)))
                return Work(file.metadata.num_rows, file=places.absolute(place))
            table = file.read()
    if "source" not in table.column_names:
        raise PictureError(f"{name} has no column source, but {', '.join(table.column_names)}; call it source")
    columns = {column: table[column].to_pylist() for column in COLUMNS if column in table.column_names}
    _check(name, output, [columns])
    sources = [places.absolute(str(each)) for each in columns["source"]]
    if "target" in columns:
        return _made(sources, [str(each) for each in columns["target"]])
    found = [Found(Path(places.path_in(each) if places.is_address(each) else each)) for each in sources]
    return _made(sources, _targets(found, output, style)) if found else Work(0)


def _check(name: str, output: str, parts: Iterable[Mapping[str, Sequence[object]]]) -> None:
    """PictureError for an empty cell, a target that leaves the output, or one that two rows have.

    Of the rows, which come in parts, nothing but a number of 8 bytes is kept for each target.
    """
    marks, before = [np.empty(0, np.int64)], 0
    for columns in parts:
        for column, cells in columns.items():
            for number, cell in enumerate(cells, before + 1):
                if cell is None or not str(cell).strip():
                    raise PictureError(f"row {number} of {name} has no {column}; fill it in, or leave the row out")
        targets = list(map(str, columns.get("target", ())))
        for number, target in enumerate(targets, before + 1):
            if ".." in Path(target).parts:
                shown = printable(target)
                raise PictureError(f"row {number} of {name} has a target with .., {shown}; stay below the output")
        marks.append(np.fromiter((hash(_place(output, target)) for target in targets), np.int64, len(targets)))
        before += len(columns["source"])
    found = np.concatenate(marks)
    order = np.argsort(found, kind="stable")
    twice = np.flatnonzero(found[order[1:]] == found[order[:-1]])
    if len(twice):
        pairs = zip(order[twice] + 1, order[twice + 1] + 1, strict=True)
        one, other = min(pairs, key=lambda pair: pair[1])
        raise PictureError(f"rows {one} and {other} of {name} have one target; give each its own, or leave one out")


def _place(output: str, target: str) -> str:
    """What two spellings of one target have in common."""
    place = places.resolved(output, target)
    return place if places.is_address(place) else os.path.normpath(place)


def _opened(place: str) -> Any:
    if not places.is_address(place):
        return place
    store, path = places.opened(place)
    return store.open_input_file(path)


def _targets(photos: Sequence[Found], output: str, style: str) -> list[str]:
    """The names of paintings below the output."""
    if not photos:
        return []
    top = Path(os.sep, "paintings") if places.is_address(output) else Path(output)
    targets, _ = folder.paintings(photos, f"{top}{os.sep}", style)
    return [each.relative_to(top).as_posix() for each in targets]


def _made(sources: list[str], targets: list[str], notes: tuple[str, ...] = ()) -> Work:
    import pyarrow as pa

    return Work(len(sources), pa.table({"source": sources, "target": targets}), notes=notes)
