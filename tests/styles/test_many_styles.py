"""Ten thousand styles: one of them costs what it costs in a bank of a hundred, and all of them are counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.styles import blend, strokes
from impasto.styles.bank import PHOTO, Bank, Card

CARD = Card("", "", "", "", "")


class Counted(str):
    """A name that counts how often any name is compared or looked up."""

    looks = 0

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Counted.looks += 1
        return str.__hash__(self)


def a_bank(count: int) -> Bank:
    names = [PHOTO, *(f"style-{i}" for i in range(count - 1))]
    cards = [CARD if i % 2 or not i else strokes.card(CARD, 64 * i, of=names[i - 1]) for i in range(count)]
    cards = [strokes.card(CARD, 64) if i % 2 else card for i, card in enumerate(cards)]
    return Bank(
        names=tuple(map(Counted, names)),
        rows=np.ones((count, 4), np.float32) * np.arange(count)[:, None] / count,
        cards=tuple(cards),
        network="full",
        fingerprint="0a",
    )


def looks(count: int, work: object) -> int:
    bank = a_bank(count)
    Counted.looks = 0
    assert callable(work)
    work(bank)
    return Counted.looks


def test_a_mix_does_not_grow_with_the_bank() -> None:
    """A mix with the photo in it looks at no more names among 10,000 than among 100."""

    def work(bank: Bank) -> None:
        bank.index("style-0")  # which may count all names once
        Counted.looks = 0
        blend.mix(bank, "style-7:0.5,style-8:0.5,photo:1")

    assert looks(10_000, work) == looks(100, work) < 100


@pytest.mark.parametrize(
    "work",
    [
        lambda bank: bank.styles,
        lambda bank: bank.add("new", bank[PHOTO], CARD),
        lambda bank: bank.merge(bank),
        lambda bank: bank.remove("style-5"),
        lambda bank: bank.remove(*bank.names[1:]),
        lambda bank: bank.rename("style-5", "new"),
        lambda bank: bank.select(bank.names[::2]),
        lambda bank: [strokes.sizes(bank, name) for name in bank.styles],
        lambda bank: strokes.whole(bank, bank.names),
        lambda bank: strokes.rename(bank, "style-4", "new"),
        lambda bank: strokes.at_size(bank, bank.styles[:40], 64),
    ],
)
def test_work_on_all_styles_is_linear(work: object) -> None:
    """A hundred times the styles are about a hundred times the work, not ten thousand times."""
    assert looks(10_000, work) < 200 * looks(100, work) + 1000


def test_loading_ten_thousand(tmp_path: Path) -> None:
    """Saving and loading look at each name a few times."""
    bank = a_bank(10_000)
    bank.save(tmp_path / "many.safetensors")
    assert Bank.load(tmp_path / "many.safetensors").names == bank.names
    Counted.looks = 0
    bank.save(tmp_path / "again.safetensors")
    assert Counted.looks < 100_000
