"""The style bank: names x rows of numbers, a card per style, and the fingerprint of the network they belong to.

A row holds the scales of all instance norms in the order data meets them, then the shifts; a bank is a value, and every
change gives a new one. This module knows no network, no arithmetic and no files: those are ``bank_file``'s.
"""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.errors import BankError, MismatchError, OptionError, StyleNameError
from impasto.styles import bank_file
from impasto.styles.names import check_name, nearest, plain

Floats = npt.NDArray[np.float32]

PHOTO = "photo"  # the style that gives the photo back: the zero of the strength dial
KIND = "kind"  # key of a card: painting, print, drawing, mosaic, textile, ...
STROKE_OF = "stroke_of"  # key of a card: this row is another stroke size of the style named there
LIMIT = 1e4  # of the numbers in a row: training leaves them below 3, and a single one this large drowns all others
CARD_KEYS = ("artist", "title", "year", "licence", "source", "note")  # the text fields of a card, in files too


@dataclass(frozen=True)
class Card:
    """Where a style comes from. All fields are text; ``year`` may say "c. 1831", ``note`` holds an attribution.

    ``extra`` keeps further JSON, among it the keys of newer files. A field that is not text is a BankError.
    """

    artist: str
    title: str
    year: str
    licence: str
    source: str
    note: str = ""
    extra: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for key in CARD_KEYS:
            value = getattr(self, key)
            if not isinstance(value, str):
                raise BankError(f"a card's {key} must be text, not {value!r}; put it in quotes")
        for key in CARD_KEYS:
            if key in self.extra:
                raise BankError(f"a card's extra cannot hold {key!r}, which is a field of its own; set that field")

    def to_json(self) -> dict[str, Any]:
        """The card as one flat JSON object, ``extra`` beside the fields."""
        return {key: getattr(self, key) for key in CARD_KEYS} | self.extra

    @classmethod
    def from_json(cls, value: object) -> Card:
        """The card of a flat JSON object; only ``note`` may be missing, and unknown keys go to ``extra``."""
        if not isinstance(value, dict):
            raise BankError(f"a card must be a JSON object with {', '.join(CARD_KEYS)}")
        missing = [key for key in CARD_KEYS if key not in value and key != "note"]
        if missing:
            raise BankError(f"a card needs {', '.join(missing)} too; an empty text will do")
        known = {key: value[key] for key in CARD_KEYS if key in value}
        return cls(**known, extra={key: value[key] for key in value if key not in CARD_KEYS})


@dataclass(frozen=True, eq=False, kw_only=True)
class Bank:
    """N styles of one network: ``names`` (N), ``rows`` (N, R) float32, finite, read-only, and ``cards`` (N).

    ``network`` is a name such as "full", ``fingerprint`` identifies it exactly; both are slugs, like style names.
    ``meta`` is JSON about the training. Whatever does not fit together is a BankError.
    """

    names: tuple[str, ...]
    rows: Floats = field(repr=False)
    cards: tuple[Card, ...] = field(repr=False)
    network: str
    fingerprint: str
    meta: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "cards", tuple(self.cards))
        object.__setattr__(self, "rows", _frozen(self.rows))
        for slug in (*self.names, self.network, self.fingerprint):
            check_name(slug)
        self._check_shapes()
        if len(self._places) < len(self.names):
            twice = next(name for place, name in enumerate(self.names) if self._places[name] != place)
            raise BankError(f"two styles are called {twice!r}; rename one of them")
        if _oddity(self.rows):
            name, odd = next(
                (name, _oddity(row)) for name, row in zip(self.names, self.rows, strict=True) if _oddity(row)
            )
            raise BankError(f"the row of {name!r} holds {odd}; teach that style again")

    def _check_shapes(self) -> None:
        if self.rows.ndim != 2 or self.rows.shape[1] == 0:
            raise BankError(f"the rows of a bank must be (styles, numbers), not {self.rows.shape}")
        counts = (len(self.names), len(self.rows), len(self.cards))
        if len(set(counts)) > 1:
            raise BankError("a bank of {} names has {} rows and {} cards; there must be one of each".format(*counts))

    def _repr_html_(self) -> str:
        """What a notebook shows of it: a table of the styles, with their cards."""
        cells = ((name, card.artist, card.title, card.year) for name, card in zip(self.names, self.cards, strict=True))
        lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in cells)
        head = "".join(f"<th>{word}</th>" for word in ("style", "artist", "title", "year"))
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return (
            f"<table><caption>{len(self)} styles of the network {self.network}</caption><tr>{head}</tr>{body}</table>"
        )

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of styles of their own: neither ``photo`` nor another stroke size of a style that is here."""
        return tuple(
            name
            for name, card in zip(self.names, self.cards, strict=True)
            if name != PHOTO and card.extra.get(STROKE_OF) not in self
        )

    def where(self, *, artist: str | None = None, kind: str | None = None) -> tuple[str, ...]:
        """Names of those ``styles`` whose cards have these words in their artist, and this kind, such as "print".

        Capitals and accents make no difference. OptionError, which says what there is, where nothing is found.
        """
        return _matching(self, artist, kind)

    @cached_property
    def _places(self) -> dict[str, int]:
        """The index of each name; for a name that is there twice the last index."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def others(self) -> dict[str, list[str]]:
        """To each style that has several stroke sizes the names of its other ones."""
        found: dict[str, list[str]] = {}
        for name, card in zip(self.names, self.cards, strict=True):
            of = card.extra.get(STROKE_OF)
            if isinstance(of, str):
                found.setdefault(of, []).append(name)
        return found

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._places

    def __getitem__(self, name: str) -> Floats:
        """The row (R,) of a style, read-only; StyleNameError names the nearest known style."""
        row: Floats = self.rows[self.index(name)]
        return row

    def card(self, name: str) -> Card:
        """The card of a style; StyleNameError names the nearest known style."""
        return self.cards[self.index(name)]

    def index(self, name: str) -> int:
        """The place of a style among ``names``; StyleNameError names the nearest known style."""
        if name not in self:
            raise StyleNameError(f"the bank has no style {name!r}; {_hint(self, name)}")
        return self._places[name]

    def check_network(self, fingerprint: str, *, network: str = "") -> None:
        """MismatchError unless the bank belongs to the network of this ``fingerprint``; ``network`` is its name."""
        if fingerprint != self.fingerprint:
            other = f"{network!r} ({fingerprint})" if network else repr(fingerprint)
            version = "an older or newer version of it; " if network == self.network else ""
            raise MismatchError(
                f"the bank belongs to network {self.network!r} ({self.fingerprint}), not to {other}; {version}"
                "use a bank of this network, name the bank's own network file, or teach the styles again"
            )

    def check_row(self, row: npt.ArrayLike) -> Floats:
        """``row`` as a fresh float32 (R,); MismatchError for another length, BankError for numbers that no row has."""
        array = _frozen(row)
        if array.shape != self.rows.shape[1:]:
            raise MismatchError(
                f"a row of shape {array.shape} meets a bank of network {self.network!r}, whose rows have "
                f"{self.rows.shape[1]} numbers; take a row that was made for this network"
            )
        if odd := _oddity(array):
            raise BankError(f"the row holds {odd}; teach the style again")
        return array

    def add(self, name: str, row: npt.ArrayLike, card: Card, *, replace: bool = False) -> Bank:
        """The bank with one style more, at the end; ``replace`` lets it take the place of another of that name."""
        one = dataclasses.replace(self, names=(name,), rows=self.check_row(row)[np.newaxis], cards=(card,))
        return self.merge(one, replace=replace)

    def merge(self, other: Bank, *, replace: bool = False) -> Bank:
        """The bank and behind it the styles of ``other``, a bank of the same network; ``meta`` stays this bank's.

        A style that both have with the same row and card is kept once. If row or card differ, ``replace`` takes those
        of ``other``; without it that is a StyleNameError.
        """
        self.check_network(other.fingerprint, network=other.network)
        if len(other) > 0:
            self.check_row(other.rows[0])
        styles = self._styles()
        for name, (row, card) in other._styles().items():
            same = name in styles and styles[name][0].tobytes() == row.tobytes() and styles[name][1] == card
            if name in styles and not same and not replace:
                raise StyleNameError(f"the bank already has another {name!r}; rename one, or replace it (--replace)")
            styles[name] = (row, card)
        rows = np.reshape([row for row, _ in styles.values()], (-1, self.rows.shape[1]))
        cards = tuple(card for _, card in styles.values())
        return dataclasses.replace(self, names=tuple(styles), rows=rows, cards=cards)

    def remove(self, *names: str) -> Bank:
        """The bank without one style, or without several."""
        gone = {self.index(name) for name in names}
        return self.select(name for place, name in enumerate(self.names) if place not in gone)

    def without(self, paintings: Iterable[str]) -> Bank:
        """The bank as if nobody had taught it these: without their rows, in any stroke size. Others do not matter."""
        gone = {name for style in paintings for name in (style, *self.others.get(style, ()))}
        return self.select(name for name in self if name not in gone)

    def rename(self, old: str, new: str) -> Bank:
        """The bank with the style ``old`` called ``new``, in the same place."""
        index = self.index(old)
        if new in self:
            raise StyleNameError(f"the bank already has a style {new!r}; choose another name")
        return dataclasses.replace(self, names=(*self.names[:index], new, *self.names[index + 1 :]))

    def select(self, names: Iterable[str]) -> Bank:
        """The bank of only these styles, in this order; one name makes the file that people send each other."""
        picked = list(names)
        indices = [self.index(name) for name in picked]
        cards = tuple(self.cards[index] for index in indices)
        return dataclasses.replace(self, names=tuple(picked), rows=self.rows[indices], cards=cards)

    def _styles(self) -> dict[str, tuple[Floats, Card]]:
        return dict(zip(self.names, zip(self.rows, self.cards, strict=True), strict=True))

    @classmethod
    def load(cls, source: str | os.PathLike[str] | bytes) -> Bank:
        """The bank in a file, or in a file's bytes, with float32 or float16 rows; BankError for everything else."""
        with bank_file.opened(source) as file:
            head, rows = bank_file.read(file)
            names, cards = bank_file.field_of(head, "names", list), bank_file.field_of(head, "cards", dict)
            bank = cls(
                names=tuple(names),
                rows=rows.astype(np.float32),
                cards=tuple(_read_card(cards, name) for name in names),
                network=bank_file.field_of(head, "network", str),
                fingerprint=bank_file.field_of(head, "fingerprint", str),
                meta=bank_file.field_of(head, "meta", dict),
            )
            bank_file.check_old(head, bank.rows)
            return bank

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False, half: bool = False) -> None:
        """Write the bank's file, with float32 rows: whole, or not at all. Equal banks give equal bytes.

        With ``half`` the rows are rounded to float16, as those that come with impasto are.

        BankError if the file exists (unless ``overwrite``), if it cannot be written, or if a card or ``meta`` holds
        what JSON cannot.
        """
        head = {"network": self.network, "fingerprint": self.fingerprint, "names": self.names}
        cards = {name: card.to_json() for name, card in zip(self.names, self.cards, strict=True)}
        rows = self.rows.astype(np.float16) if half else self.rows
        bank_file.write(path, head | {"cards": cards, "meta": self.meta}, rows, overwrite=overwrite)


def _hint(bank: Bank, name: str) -> str:
    known = nearest(str(name), bank.names)
    if known is not None:
        return f"did you mean {known!r}?"
    return f"it has {', '.join(bank.names[:8])}{', ...' if len(bank) > 8 else ''}" if bank.names else "it is empty"


def _matching(bank: Bank, artist: str | None, kind: str | None) -> tuple[str, ...]:
    """The names that ``Bank.where`` gives."""
    found = [name for name in bank.styles if plain(artist or "") in plain(bank.card(name).artist)]
    if artist and not found:
        raise OptionError(f"no style is by {artist!r}; impasto styles lists the artists")
    if kind is None:
        return tuple(found)
    kinds = {name: str(bank.card(name).extra.get(KIND, "")) for name in bank.styles}
    matching = [name for name in found if plain(kinds[name]) == plain(kind)]
    if matching:
        return tuple(matching)
    if plain(kind) in map(plain, kinds.values()):
        raise OptionError(f"no style by {artist!r} is of the kind {kind!r}")
    known = ", ".join(sorted({each for each in kinds.values() if each})) or "none: its cards name no kinds"
    raise OptionError(f"no style is of the kind {kind!r}; there is {known}")


def _frozen(values: npt.ArrayLike) -> Floats:
    """A read-only float32 copy."""
    if isinstance(values, np.ndarray) and values.dtype == np.float32:
        flags = values.flags
        if flags.owndata and flags.c_contiguous and not flags.writeable:  # another bank's rows, or a row of ours
            return values
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
            array = np.array(values, dtype=np.float32, order="C")
    except (TypeError, ValueError) as error:
        raise BankError(f"rows must be equally long and made of numbers ({error})") from error
    array.flags.writeable = False
    return array


def _oddity(rows: Floats) -> str:
    """What is wrong with the numbers of rows, of any shape; an empty text for numbers that training may have made."""
    least, most = (float(rows.min()), float(rows.max())) if rows.size else (0.0, 0.0)
    if not np.isfinite([least, most]).all():
        return "NaN or infinity"
    far = max(least, most, key=abs)
    return "" if abs(far) <= LIMIT else f"the number {far:g}, and those of a style stay within {LIMIT:g}"


def _read_card(cards: dict[str, Any], name: object) -> Card:
    try:
        return Card.from_json(cards.get(str(name)))
    except BankError as error:
        raise BankError(f"the card of {name!r} is wrong: {error}") from error
