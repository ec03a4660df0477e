"""Size of the strokes as a dial: several rows of one painting, each taught at another size, and the line between them.

The rows beside the style's own are styles called NAME.SIZE whose cards say which style they belong to (``stroke_of``)
and how long the painting's longer side was (``style_size``, in pixels). Knows no network.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, TypeGuard

from impasto.errors import BankError, OptionError, StyleNameError
from impasto.limits import STROKE_SIZE
from impasto.styles.bank import PHOTO, STROKE_OF, Bank, Card, Floats

SIZE = "style_size"  # key of a card
SMALLEST = 64  # pixels: a smaller painting has no strokes left
USUAL = 512  # pixels, where a bank does not say how its network was trained
RANGE = 4  # times smaller or larger: what strokes can be where no row is taught for that


def card(card: Card, size: int, *, of: str = "") -> Card:
    """``card`` for a row that was taught at ``size`` pixels; ``of`` is the style whose other stroke size it is."""
    return dataclasses.replace(card, extra={**card.extra, SIZE: size, **({STROKE_OF: of} if of else {})})


def family(bank: Bank, name: str) -> list[str]:
    """``name`` and behind it its other stroke sizes, as names; StyleNameError for an unknown name."""
    bank.index(name)
    return [name, *bank.others.get(name, ())]


def whole(bank: Bank, names: Iterable[str]) -> list[str]:
    """``names``, each followed by its other stroke sizes, none twice."""
    return list(dict.fromkeys(member for name in names for member in family(bank, name)))


def rename(bank: Bank, old: str, new: str) -> Bank:
    """The bank with the style ``old`` called ``new``, and its other stroke sizes called after it."""
    called = {
        member: f"{new}{member.removeprefix(old)}" if member.startswith(old) else f"{new}.{member}"
        for member in family(bank, old)
    }
    for name in called.values():
        if name in bank:
            raise StyleNameError(f"the bank already has a style {name!r}; choose another name")
    cards = tuple(
        dataclasses.replace(each, extra={**each.extra, STROKE_OF: new}) if each.extra.get(STROKE_OF) == old else each
        for each in bank.cards
    )
    return dataclasses.replace(bank, names=tuple(called.get(name, name) for name in bank), cards=cards)


def sizes(bank: Bank, name: str) -> dict[int, str]:
    """Stroke sizes of a style in pixels, ascending, each with the name of its row; empty if it has but one."""
    members = family(bank, name)
    given = [bank.card(member).extra.get(SIZE) for member in members]
    found = {size: member for size, member in zip(given, members, strict=True) if _is_size(size)}
    return dict(sorted(found.items())) if 1 < len(members) == len(found) else {}


def row(bank: Bank, name: str, size: float) -> Floats:
    """The row (R,) of ``name`` with strokes as in a painting of ``size`` pixels, between the two nearest known ones.

    The way from one size to the next is counted in logarithms, so 500 is half way between 350 and 714. BankError for a
    style with one size only, OptionError for a size outside of those it has.
    """
    STROKE_SIZE.check("the stroke size", size)
    known = sizes(bank, name)
    if not known:
        raise BankError(f"{name!r} has one stroke size only; teach its painting again with --stroke-sizes 350,700,1400")
    steps = list(known)
    if not steps[0] <= size <= steps[-1]:
        raise OptionError(f"{name!r} has stroke sizes from {steps[0]} to {steps[-1]}, not {size:g}")
    upper = next(step for step in steps if step >= size)
    if upper == size:
        return bank[known[upper]].copy()
    lower = max(step for step in steps if step < size)
    part = math.log(size / lower) / math.log(upper / lower)
    return (bank[known[lower]] * (1 - part) + bank[known[upper]] * part).astype("float32")


def usual(bank: Bank) -> int:
    """Pixels of the paintings' longer side with which the network of a bank was trained."""
    said = bank.meta.get("settings")
    size = said.get(SIZE) if isinstance(said, dict) else None
    return size if _is_size(size) else USUAL


def dial(bank: Bank, name: str) -> list[int]:
    """What a dial for the stroke size of a style goes from, stands at, and goes to, in pixels.

    Those that it was taught at, or else half and twice its own.
    """
    given, known = bank.card(name).extra.get(SIZE), list(sizes(bank, name))
    own: int = given if _is_size(given) else usual(bank)
    return [known[0], own, known[-1]] if known else [own // 2, own, own * 2]


def own_size(bank: Bank, names: Iterable[str]) -> int:
    """The stroke size in pixels with which these styles were learned, the largest; without names the network's own."""
    given = [bank.card(name).extra.get(SIZE) for name in names]
    return max((each if _is_size(each) else usual(bank) for each in given), default=usual(bank))


def finer(bank: Bank, names: Iterable[str], size: float) -> float:
    """How many times finer strokes of ``size`` are than the styles ``names`` have them, the largest of them all.

    Without names it is the network's own size that counts. OptionError for a size that is too far away from it.
    """
    STROKE_SIZE.check("the stroke size", size)
    own = own_size(bank, names)
    if not own / RANGE <= size <= own * RANGE:
        raise OptionError(f"the stroke size must be from {own / RANGE:g} to {own * RANGE:g} pixels, not {size:g}")
    return own / size


def at_size(bank: Bank, names: Iterable[str], size: float) -> Bank:
    """The bank in which the styles ``names`` have strokes of ``size``; see ``row``. ``photo`` has no strokes."""
    rows = bank.rows.copy()
    for name in names:
        if name != PHOTO:
            rows[bank.index(name)] = row(bank, name, size)
    return dataclasses.replace(bank, rows=rows)


def check_sizes(given: Iterable[int], *, largest: int) -> tuple[int, ...]:
    """Two or more different sizes in pixels, ascending, up to the painting's own; OptionError otherwise."""
    found = tuple(sorted(given))
    if len(found) < 2 or len(set(found)) < len(found) or not all(map(_is_size, found)) or found[0] < SMALLEST:
        raise OptionError(
            f"stroke sizes are two or more different numbers of pixels from {SMALLEST} on, not {_listed(found)}"
        )
    if found[-1] > largest:
        raise OptionError(f"the painting's longer side has {largest} pixels, so it has no strokes of size {found[-1]}")
    return found


def _listed(values: Iterable[int]) -> str:
    return ", ".join(map(str, values)) or "none"


def _is_size(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
