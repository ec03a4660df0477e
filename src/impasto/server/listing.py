"""The styles of a bank as records, for people to choose from."""

from __future__ import annotations

from typing import Any

from impasto.styles import blend, strokes
from impasto.styles.bank import KIND, Bank

NEIGHBOURS = 4


def listed(bank: Bank) -> list[dict[str, Any]]:
    """A record of each style, in the bank's order."""
    return [_entry(bank, name) for name in bank.styles]


def _entry(bank: Bank, name: str) -> dict[str, Any]:
    card = bank.card(name)
    near = blend.neighbours(bank, name, min(NEIGHBOURS, len(bank.styles) - 1)) if len(bank.styles) > 1 else []
    return {
        "name": name,
        "title": card.title,
        "artist": card.artist,
        "year": card.year,
        "kind": str(card.extra.get(KIND, "")),
        "license": card.licence,
        "credit": card.note,
        "sizes": list(strokes.sizes(bank, name)),
        "strokes": strokes.dial(bank, name),
        "neighbours": [other for other, _ in near],
    }
