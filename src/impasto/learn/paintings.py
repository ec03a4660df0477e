"""The paintings that a network learns: a folder of pictures, and a TOML file with the words of their cards."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impasto.errors import BankError, LearnError
from impasto.pictures import find
from impasto.styles.bank import PHOTO
from impasto.styles.names import check_name

Crop = tuple[float, float, float, float]
CROP = "style_crop"  # key of a card
SPECIAL = ("size", "weight", "crop")  # keys of an entry that are no words of its card


@dataclass(frozen=True)
class Style:
    """A painting to learn: its name, file, card, and, where they differ from the run's, its size and weight.

    ``crop`` is the part of it that is learned: left, top, right, bottom as shares, 0..1, of width and height.
    """

    name: str
    path: Path
    card: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    weight: float = 1.0
    crop: Crop | None = None


def read_cards(path: str | Path) -> dict[str, dict[str, Any]]:
    """A TOML file with a table per style: the words of its card, and ``size``, ``weight`` and ``crop`` if special."""
    try:
        cards = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise LearnError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise LearnError(f"{path} is not a TOML file: {error}") from error
    for name, card in cards.items():
        if not isinstance(card, dict):
            raise LearnError(f"{path} must hold one table per style; {name!r} is outside of one")
    return cards


def find_styles(folder: str | Path, cards: Mapping[str, Mapping[str, Any]] | None = None) -> list[Style]:
    """Every picture below ``folder`` as a ``Style`` named after its file's stem, with its entry of ``cards`` if any.

    An entry may hold ``size`` (long side in pixels), ``weight`` (of its style loss), ``crop`` (what part of it is
    learned: left, top, right, bottom as shares of width and height), and the words of its card.
    """
    if not Path(folder).is_dir():
        raise LearnError(f"{folder} is not a folder of paintings")
    styles = []
    for path in find([Path(folder)]):
        try:
            check_name(path.stem)
        except BankError as error:
            raise LearnError(f"{path} must be renamed: {error}") from error
        entry = dict((cards or {}).get(path.stem, {}))
        size, weight = entry.pop("size", None), float(entry.pop("weight", 1.0))
        crop = crop_of(path.stem, entry.pop("crop", None))
        styles.append(Style(path.stem, path, {k: str(v) for k, v in entry.items()}, size, weight, crop))
    names = [style.name for style in styles]
    if not names or len(set(names)) < len(names) or PHOTO in names:
        raise LearnError(f"{folder} must hold paintings with different names, none of them {PHOTO!r}")
    return styles


def crop_of(name: str, value: Any) -> Crop | None:
    """The crop of a style as an entry or a card gives it, checked; None stays None."""
    if value is None:
        return None
    sides = value if isinstance(value, list) else []
    numbers = [float(x) for x in sides if isinstance(x, int | float)]
    if len(numbers) == len(sides) == 4:
        left, top, right, bottom = numbers
        if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
            return left, top, right, bottom
    raise LearnError(f"the crop of {name!r} must be [left, top, right, bottom] as shares from 0 to 1, not {value!r}")
