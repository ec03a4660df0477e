"""Which picture was painted of which photo after which painting: folders and names in, pairs out. No torch in here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from impasto.errors import LearnError, OptionError
from impasto.files import printable
from impasto.limits import Number
from impasto.pictures import find

PATTERN = "{photo}-{style}"  # as ``impasto paint`` names what it paints
FIELD = re.compile(r"{(photo|style|strength)}")
COLUMNS = ("painted", "photo", "painting")  # of a table; strength may be there as well
SEPARATORS = ",;\t"  # of a table: that which its first line has most of
STRENGTH = Number(0)  # other tools have other ranges
NUMBER = re.compile(r"\d+(?:\.\d+)?")
ANY = "\0"  # stands for a strength in a name


@dataclass(frozen=True)
class Pair:
    """A painted picture, its photo and its painting; ``painted`` is None where a painter will make it."""

    photo: Path
    painted: Path | None
    painting: Path
    strength: float | None = None

    @property
    def style(self) -> str:
        """The painting's name: its file's stem."""
        return self.painting.stem


@dataclass(frozen=True)
class Pairs:
    """What was found, photo by photo. missing: names that should be there. unknown: pictures of no photo and style.

    single: it is one picture that was named itself.
    """

    found: tuple[Pair, ...]
    missing: tuple[str, ...] = ()
    unknown: tuple[Path, ...] = ()
    single: bool = False


def pictures_of(place: Path, what: str, *, names: Sequence[str] | None = None, last: int | None = None) -> list[Path]:
    """The pictures in a folder, or the one that is named: those called ``names``, the ``last`` by name.

    LearnError if there is none, if one is missing, or if two have one name, which says nothing then.
    """
    if not place.exists():
        raise LearnError(f"there is no file or folder {printable(place)}; name {what}")
    found = find([place])
    if not found:
        raise LearnError(f"{printable(place)} holds no pictures; name {what}")
    stems = {path.stem: path for path in found}
    if len(stems) < len(found):
        twice = next(path for path in found if stems[path.stem] != path)
        raise LearnError(
            f"{printable(twice)} and {printable(stems[twice.stem].name)} have one name; rename one of them"
        )
    if names is not None:
        missing = [name for name in names if name not in stems]
        if missing:
            raise LearnError(f"{printable(place)} holds no picture called {', '.join(missing[:5])}")
        found = [stems[name] for name in names]
    return found if last is None else found[-last:]


def by_name(photos: Sequence[Path], painted: Path, paintings: Sequence[Path], pattern: str = PATTERN) -> Pairs:
    """Pairs out of a folder of ``painted`` pictures whose names, below it and without suffix, follow a ``pattern``.

    The pattern has {photo} and {style}, the stems of the files, and may have {strength}, a number. OptionError for
    another pattern, LearnError if no name follows it, one could mean two pairs, or two mean one.
    """
    wanted: dict[str, tuple[Path, Path]] = {}
    for photo in photos:
        for painting in paintings:
            name = _name(pattern, photo, painting)
            if name in wanted:
                raise LearnError(f"{name.replace(ANY, 'N')} could mean two pairs; take another --pattern, or --pairs")
            wanted[name] = photo, painting
    seen: dict[tuple[str, float | None], Path] = {}
    pairs, unknown = [], []
    files = find([painted])
    if not files:
        raise LearnError(f"{printable(painted)} holds no pictures; name the folder of painted ones")
    for path in files:
        name = path.relative_to(painted).with_suffix("").as_posix()
        reading = next(((key, strength) for key, strength in _readings(name, pattern) if key in wanted), None)
        if reading is None:
            unknown.append(path)
            continue
        if reading in seen:
            raise LearnError(f"{printable(path)} and {printable(seen[reading].name)} are one pair; remove one of them")
        seen[reading] = path
        photo, painting = wanted[reading[0]]
        pairs.append(Pair(photo, path, painting, reading[1]))
    if not pairs:
        example = next(iter(wanted)).replace(ANY, "0.5")
        raise LearnError(
            f"none of the {len(files)} pictures in {printable(painted)} is called as --pattern {pattern} says, such as "
            f"{example}.png"
        )
    order = {path: i for i, path in enumerate([*photos, *paintings])}
    pairs.sort(key=lambda pair: (order[pair.photo], order[pair.painting], pair.strength or 0))
    missing = wanted.keys() - {name for name, _ in seen}
    return Pairs(tuple(pairs), tuple(name.replace(ANY, "N") for name in wanted if name in missing), tuple(unknown))


def _name(pattern: str, photo: Path, painting: Path) -> str:
    parts = FIELD.split(pattern)
    used, rest = parts[1::2], "".join(parts[::2])
    if not {"photo", "style"} <= set(used) or "{" in rest or "}" in rest:
        raise OptionError(
            f"--pattern must name {{photo}} and {{style}}, and may name {{strength}}, as in {PATTERN}, not {pattern!r}"
        )
    values = {"photo": photo.stem, "style": painting.stem, "strength": ANY}
    return FIELD.sub(lambda found: values[found[1]], pattern)


def _readings(name: str, pattern: str) -> Iterator[tuple[str, float | None]]:
    """A name as it stands, or with each of its numbers taken for the strength."""
    if "{strength}" not in pattern:
        yield name, None
        return
    for number in NUMBER.finditer(name):
        yield name[: number.start()] + ANY + name[number.end() :], float(number[0])


def by_table(table: Path, photos: Path, painted: Path, paintings: Path) -> Pairs:
    """Pairs out of a table with the columns painted, photo, painting, and maybe strength.

    Commas, semicolons or tabs are between them. Names are below the three folders. LearnError for a table that cannot
    be read, names no pictures or has a line twice.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
        first = text.lstrip().partition("\n")[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count))
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except UnicodeDecodeError as error:
        raise LearnError(f"{printable(table)} is not in UTF-8; save it as CSV in UTF-8") from error
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LearnError(f"{printable(table)} cannot be read as a table ({reason})") from error
    columns = [name.strip().casefold() for name in rows[0][1]] if rows else []
    if len(rows) < 2 or not set(COLUMNS) <= set(columns):
        raise LearnError(f"{printable(table)} must have rows, and the columns {', '.join(COLUMNS)} on its first line")
    places = {"photo": photos, "painted": painted, "painting": paintings}
    pairs: dict[Pair, int] = {}
    for number, cells in rows[1:]:
        row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
        if not all(row.get(column) for column in COLUMNS):
            raise LearnError(f"{printable(table)} lacks a name on line {number}")
        strength = row.get("strength")
        given = STRENGTH.read(f"strength on line {number} of {printable(table)}", strength) if strength else None
        pair = Pair(**{key: place / row[key] for key, place in places.items()}, strength=given)
        if pair in pairs:
            raise LearnError(f"{printable(table)} has line {pairs[pair]} again on line {number}; remove one of them")
        pairs[pair] = number
    return Pairs(tuple(sorted(pairs, key=lambda pair: str(pair.photo))))  # stable: a photo is looked at once


def to_paint(photos: Sequence[Path], paintings: Sequence[Path], strengths: Sequence[float]) -> Pairs:
    """Every photo in every style at every strength, once, for a painter to make."""
    once = dict.fromkeys(strengths)
    grid = [(photo, painting, strength) for photo in photos for painting in paintings for strength in once]
    return Pairs(tuple(Pair(photo, None, painting, strength) for photo, painting, strength in grid))


def grouped(pairs: Sequence[Pair]) -> Iterator[tuple[Path, list[Pair]]]:
    """Each photo with its pairs."""
    for photo, group in groupby(pairs, key=lambda pair: pair.photo):
        yield photo, list(group)


def names(pairs: Sequence[Pair]) -> Mapping[str, Path]:
    """The paintings of pairs by their names; LearnError where two of one name are meant."""
    found: dict[str, Path] = {}
    for pair in pairs:
        if found.setdefault(pair.style, pair.painting) != pair.painting:
            raise LearnError(f"{printable(pair.painting)} has the name of another painting; rename one of them")
    return found
