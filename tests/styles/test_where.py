"""Styles found by artist, kind and likeness."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impasto.errors import OptionError
from impasto.styles.bank import Bank, Card
from tests.conftest import run

ARTISTS = {
    "a-wave": ("Hokusai (1760-1849)", "print"),
    "b-hill": ("Paul Cézanne", "painting"),
    "c-fuji": ("Hokusai", "print"),
}


@pytest.fixture
def bank() -> Bank:
    rows = np.random.default_rng(0).random((4, 10)).astype(np.float32)
    rows[2] = rows[0] + 0.01
    cards = [Card(artist, "", "", "", "", extra={"kind": kind}) for artist, kind in ARTISTS.values()]
    return Bank(
        names=(*ARTISTS, "photo"), rows=rows, cards=(*cards, Card("", "", "", "", "")), network="n", fingerprint="f"
    )


def test_by_artist_and_kind(bank: Bank) -> None:
    """A part of the artist's name is enough, in any capitals and without accents; both together must be met."""
    assert bank.where() == ("a-wave", "b-hill", "c-fuji")
    assert bank.where(artist="cezanne") == ("b-hill",) and bank.where(artist="HOKU", kind="Print") == (
        "a-wave",
        "c-fuji",
    )


def test_nothing_found(bank: Bank) -> None:
    """What is not there is an OptionError that says what there is."""
    with pytest.raises(OptionError, match="no style is by 'monet'"):
        bank.where(artist="monet")
    with pytest.raises(OptionError, match="of the kind 'glass'; there is painting, print"):
        bank.where(kind="glass")
    with pytest.raises(OptionError, match="no style by 'hokusai' is of the kind 'painting'"):
        bank.where(artist="hokusai", kind="painting")
    plain = replace(bank, cards=tuple(replace(card, extra={}) for card in bank.cards))
    with pytest.raises(OptionError, match="its cards name no kinds"):
        plain.where(kind="print")
    with pytest.raises(OptionError, match="no style is of the kind 'print'"):
        bank.select(["photo"]).where(kind="print")


def test_on_the_command_line(bank: Bank, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--artist and --kind choose, --like sorts by likeness and leaves the style itself out."""
    bank.save(tmp_path / "bank.safetensors")
    words = ["styles", "--bank", tmp_path / "bank.safetensors"]
    code, out, _ = run(*words, "--kind", "print", "--json", capsys=capsys)
    assert code == 0 and [style["name"] for style in json.loads(out)["styles"]] == ["a-wave", "c-fuji"]
    code, out, _ = run(*words, "--like", "a-wave", capsys=capsys)
    assert code == 0 and out.index("c-fuji") < out.index("b-hill") and "a-wave" not in out
    code, out, _ = run(*words, "--like", "a-wave", "--kind", "painting", capsys=capsys)
    assert code == 0 and "b-hill" in out and "c-fuji" not in out
    for wrong, hint in (
        (["--like", "a-wav"], "did you mean 'a-wave'"),
        (["--kind", "glass"], "there is painting, print"),
    ):
        code, _, err = run(*words, *wrong, capsys=capsys)
        assert code == 2 and hint in err and err.count("\n") == 1
