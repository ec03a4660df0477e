"""A bank as it ships: its rows as float16, and the words of training/styles.toml in its cards.

    python training/ship.py BANK.safetensors [-o src/impasto/data/full.safetensors]

``python -m benchmarks.half_rows`` reports how far that changes paintings. Without -o the file itself is written anew.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from impasto.learn.paintings import SPECIAL, read_cards
from impasto.styles.bank import CARD_KEYS, STROKE_OF, Bank, Card

WORDS = Path(__file__).parent / "styles.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    shipped(Bank.load(args.bank)).save(args.output or args.bank, overwrite=True, half=True)


def shipped(bank: Bank, words: Path = WORDS) -> Bank:
    """The bank with the words of a TOML file in its cards; other stroke sizes have those of their style."""
    found = read_cards(words)

    def card(name: str, old: Card) -> Card:
        new = {key: value for key, value in found.get(old.extra.get(STROKE_OF, name), {}).items() if key not in SPECIAL}
        own = {key: new.get(key, getattr(old, key)) for key in CARD_KEYS}
        return Card(**own, extra=old.extra | {key: value for key, value in new.items() if key not in CARD_KEYS})

    cards = tuple(card(name, old) for name, old in zip(bank.names, bank.cards, strict=True))
    return dataclasses.replace(bank, cards=cards)


if __name__ == "__main__":
    main()
