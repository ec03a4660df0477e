"""Rows that are stored as float16."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from impasto import assets
from impasto.errors import BankError
from impasto.styles.bank import KIND, PHOTO, Bank, Card


def bank() -> Bank:
    rows = np.random.default_rng(0).normal(1, 0.5, (3, 2000)).astype(np.float32)
    cards = (Card("", "", "", "", ""),) * 3
    return Bank(names=("a-wave", "b-hill", "photo"), rows=rows, cards=cards, network="n", fingerprint="f")


def test_half_is_half(tmp_path: Path) -> None:
    """With ``half`` a file takes half the bytes; what is loaded is float32, the same but for its rounding."""
    plain, half = tmp_path / "plain.safetensors", tmp_path / "half.safetensors"
    bank().save(plain)
    bank().save(half, half=True)
    assert half.stat().st_size < 0.55 * plain.stat().st_size
    rows = Bank.load(half).rows
    assert rows.dtype == np.float32 and np.array_equal(rows, bank().rows.astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(rows, bank().rows, rtol=1e-3, atol=1e-6)


def test_half_is_checked(tmp_path: Path) -> None:
    """A damaged row of float16 is found, as one of float32 is."""
    file = tmp_path / "half.safetensors"
    bank().save(file, half=True)
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    with pytest.raises(BankError, match="damaged"):
        Bank.load(file)


@pytest.mark.parametrize("network", ["full", "fast"])
def test_what_ships(network: str) -> None:
    """The banks that come along have rows of float16, and cards that say of which kind a style is."""
    shipped = Bank.load(assets.bank_file(network))
    assert np.array_equal(shipped.rows, shipped.rows.astype(np.float16).astype(np.float32))
    assert all(shipped.card(name).extra.get(KIND) for name in shipped.styles)
    assert len(shipped.where(kind="print")) >= 4 and PHOTO not in shipped.where(kind="painting")


def test_ship(tmp_path: Path) -> None:
    """training/ship.py puts the words of a TOML file into cards, and keeps what a card has beside them."""
    pytest.importorskip("torch")
    words = tmp_path / "words.toml"
    words.write_text('[a-wave]\nartist = "Hokusai"\ntitle = "Wave"\nyear = "1831"\nkind = "print"\nsize = 512\n')
    script = runpy.run_path(str(Path(__file__).parents[2] / "training" / "ship.py"))
    found = script["shipped"](bank(), words)
    assert found.card("a-wave").artist == "Hokusai" and found.card("a-wave").extra == {KIND: "print"}
    assert found.card("b-hill") == bank().card("b-hill")
