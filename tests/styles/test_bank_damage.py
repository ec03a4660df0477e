"""Damage that still is a number or a word: a file is what was written, or it is refused in one sentence."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from safetensors.numpy import save as serialize

from impasto import assets
from impasto.errors import BankError
from impasto.styles.bank import LIMIT, Bank, Card
from impasto.styles.bank_file import KEY

CARD = Card("Katsushika Hokusai", "The Great Wave", "c. 1831", "public domain", "metmuseum.org")
NAMES = ("photo", "wave")


def a_bank(rows: object = None, **changes: Any) -> Bank:
    rows = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32) if rows is None else rows
    return Bank(
        **{"names": NAMES, "rows": rows, "cards": (CARD,) * 2, "network": "full", "fingerprint": "0a"} | changes
    )


def file_of(bank: Bank, folder: Path) -> bytes:
    bank.save(folder / "made.safetensors", overwrite=True)
    return (folder / "made.safetensors").read_bytes()


def head_of(bank: Bank) -> dict[str, Any]:
    """The JSON object of a bank's file as impasto wrote it before there were checksums."""
    cards = {name: bank.card(name).to_json() for name in bank}
    head = {"format": 1, "network": bank.network, "fingerprint": bank.fingerprint, "names": bank.names}
    return head | {"cards": cards, "meta": bank.meta}


def without_checksum(bank: Bank) -> bytes:
    return serialize({"rows": bank.rows}, {KEY: json.dumps(head_of(bank))})


def same(a: Bank, b: Bank) -> bool:
    first, second = ((x.names, x.cards, x.network, x.fingerprint, x.meta, x.rows.tobytes()) for x in (a, b))
    return first == second


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return file_of(a_bank(meta={"steps": 40}), tmp_path_factory.mktemp("bank"))


@settings(max_examples=400, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
@example(place=0.999, value=1)
def test_a_changed_byte_is_seen(whole: bytes, place: float, value: int) -> None:
    """Whichever byte of a file is changed to whatever, the bank is the one that was written, or is refused."""
    data = bytearray(whole)
    data[int(place * len(data))] = value
    try:
        assert same(Bank.load(bytes(data)), Bank.load(whole))
    except BankError as error:
        assert "\n" not in str(error)


def test_every_flipped_bit_of_the_numbers_is_seen(whole: bytes) -> None:
    """A number with another bit is a number still, and not the one that was written."""
    for place in range(len(whole) - 48, len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            with pytest.raises(BankError, match="it is damaged: its checksum"):
                Bank.load(bytes(data))


def test_a_flipped_letter_is_seen(whole: bytes) -> None:
    """The checksum covers names and cards too."""
    with pytest.raises(BankError, match="checksum"):
        Bank.load(whole.replace(b"Hokusai", b"Hokusaj"))
    with pytest.raises(BankError, match="checksum"):
        Bank.load(whole.replace(b"wave", b"wawe"))


def test_older_files_are_read() -> None:
    """A file without a checksum, of a network that impasto does not know, is read as ever."""
    assert same(Bank.load(without_checksum(a_bank())), a_bank())
    assert same(Bank.load(without_checksum(a_bank(network="full"))), a_bank(network="full"))


def test_half_precision_has_a_checksum_of_its_own_bytes() -> None:
    """The checksum is that of the numbers as they are stored, so float16 files can have one."""
    from impasto.styles.bank_file import BLANK, CHECKSUM, digest_of

    rows = np.ones((2, 3), np.float16)
    text = json.dumps({CHECKSUM: BLANK} | head_of(a_bank(rows.astype(np.float32))))
    text = text.replace(BLANK, digest_of(text, rows), 1)
    assert Bank.load(serialize({"rows": rows}, {KEY: text})).rows.tolist() == [[1, 1, 1]] * 2


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
def test_an_older_file_is_held_against_the_bank_that_ships(tmp_path: Path) -> None:
    """One changed number in the row of a shipped style is damage; a row that is other everywhere is another row."""
    own = Bank.load(assets.bank_file("full"))
    name = own.styles[0]
    one = own.select([name])
    assert same(Bank.load(without_checksum(one)), one)
    rows = one.rows.copy()
    rows[0, -1] = np.float32(0.00124)
    flipped = Bank(names=one.names, rows=rows, cards=one.cards, network="full", fingerprint=own.fingerprint)
    with pytest.raises(BankError, match=rf"row of '{name}' is damaged: it differs .* in 1 of 3206 numbers; copy"):
        Bank.load(without_checksum(flipped))
    (tmp_path / "edited.safetensors").write_bytes(file_of(flipped, tmp_path))
    assert same(Bank.load(tmp_path / "edited.safetensors"), flipped)  # by hand, and with a checksum
    taught = Bank(names=one.names, rows=rows * 1.01, cards=one.cards, network="full", fingerprint=own.fingerprint)
    assert same(Bank.load(without_checksum(taught)), taught)


@pytest.mark.skipif("full" not in assets.networks(), reason="no trained network in this checkout")
@pytest.mark.parametrize("network", assets.networks())
def test_shipped_banks_have_checksums(network: str) -> None:
    """The banks that come with impasto can be told from damaged ones."""
    data = bytearray(assets.bank_file(network).read_bytes())
    data[-2] ^= 1
    with pytest.raises(BankError, match="checksum"):
        Bank.load(bytes(data))


@pytest.mark.parametrize("value", [1e30, -1e30, LIMIT * 2, 65504.0])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_rows_that_no_training_makes(value: float, kind: type) -> None:
    """Numbers far beyond those of any style are refused with the style's name, from files and from Python."""
    rows = np.ones((2, 3), np.float32)
    rows[1, 2] = value
    with np.errstate(over="ignore"):
        data = serialize({"rows": rows.astype(kind)}, {KEY: without_checksum_head()})
    with pytest.raises(BankError, match=r"row of 'wave' holds (the number|NaN or infinity)"):
        Bank.load(data)
    with pytest.raises(BankError, match="row of 'wave' holds the number"):
        a_bank(rows)
    with pytest.raises(BankError, match="the row holds the number"):
        a_bank(np.ones((2, 3), np.float32)).check_row(rows[1])


def without_checksum_head() -> str:
    data = without_checksum(a_bank(np.ones((2, 3), np.float32)))
    length = struct.unpack("<Q", data[:8])[0]
    text = json.loads(data[8 : 8 + length])["__metadata__"][KEY]
    assert isinstance(text, str)
    return text


def test_denormal_numbers_are_numbers(tmp_path: Path) -> None:
    """The smallest numbers come back bitwise."""
    rows = np.full((2, 3), 1e-45, np.float32)
    assert Bank.load(file_of(a_bank(rows), tmp_path)).rows.tobytes() == rows.tobytes()


def test_documented_checksum(tmp_path: Path) -> None:
    """The lines in docs/bank-file.md check a file."""
    from safetensors import safe_open

    page = (Path(__file__).parents[2] / "docs" / "bank-file.md").read_text(encoding="utf-8")
    code = page.split("## Checksum")[1].split("```python\n")[1].split("```")[0]
    (tmp_path / "styles.safetensors").write_bytes(file_of(a_bank(), tmp_path))
    with safe_open(tmp_path / "styles.safetensors", "numpy") as file:
        text, rows = file.metadata()[KEY], file.get_tensor("rows")
    exec(code, {"text": text, "rows": rows, "head": json.loads(text)})
    with pytest.raises(AssertionError):
        exec(code, {"text": text, "rows": rows + 1, "head": json.loads(text)})


def test_a_file_larger_than_memory(monkeypatch: pytest.MonkeyPatch, whole: bytes) -> None:
    """Too little memory is one sentence."""

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("impasto.styles.bank_file.deserialize", full)
    with pytest.raises(BankError, match="does not fit into memory"):
        Bank.load(whole)


@pytest.mark.parametrize("source", [None, 3, {}, [b""]], ids=repr)
def test_what_is_no_file(source: Any) -> None:
    """What is neither a path nor bytes is refused in a sentence, and no open file of that number is read."""
    with pytest.raises(BankError, match=f"not from a {type(source).__name__}"):
        Bank.load(source)


def test_another_version_of_the_network() -> None:
    """A style that was taught on an older network is refused with both networks and what to do."""
    message = r"network 'full' \(0a\), not to 'full' \(0b\); an older or newer version of it; .*teach the styles again"
    with pytest.raises(BankError, match=message):
        a_bank().check_network("0b", network="full")
