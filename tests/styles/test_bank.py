"""The bank: names, rows and cards that stay together, and a file that is never half and never half-understood."""

from __future__ import annotations

import io
import json
import os
import random
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from safetensors.numpy import save as serialize

from impasto.errors import BankError, MismatchError, StyleNameError
from impasto.styles.bank import LIMIT, Bank, Card
from impasto.styles.bank_file import HEADER_LIMIT, KEY
from impasto.styles.names import check_name, nearest

SIZE = 8
NAMES = ("photo", "van-gogh-starry-night", "hokusai-great-wave", "kandinsky-composition-vii")
PAINTINGS = (
    *NAMES,
    "van-gogh-wheat-field-with-cypresses",
    "munch-the-scream",
    "klimt-the-kiss",
    "monet-water-lilies-1906",
    "kandinsky-composition-viii",
    "turner-wreck-of-a-transport-ship",
)


def card(title: str = "The Great Wave") -> Card:
    return Card("Katsushika Hokusai", title, "c. 1831", "public domain", "metmuseum.org")


def a_bank(names: tuple[str, ...] = NAMES, size: int = SIZE, seed: int = 0) -> Bank:
    rows = np.random.default_rng(seed).normal(size=(len(names), size)).astype(np.float32)
    cards = tuple(card(name) for name in names)
    return Bank(names=names, rows=rows, cards=cards, network="full", fingerprint="0a1b2c3d", meta={"steps": 40_000})


def same(a: Bank, b: Bank) -> bool:
    heads = [(x.names, x.cards, x.network, x.fingerprint, x.meta, x.rows.shape, x.rows.tobytes()) for x in (a, b)]
    return heads[0] == heads[1]


def file_bytes(tmp_path: Path, bank: Bank) -> bytes:
    bank.save(tmp_path / "made.safetensors", overwrite=True)
    return (tmp_path / "made.safetensors").read_bytes()


def by_hand(tensors: dict[str, np.ndarray] | None = None, **changes: object) -> bytes:
    """A bank's file written with plain safetensors, with ``changes`` to the JSON object; None takes a key away."""
    head = {
        "format": 1,
        "network": "full",
        "fingerprint": "0a1b2c3d",
        "names": ["photo", "wave"],
        "cards": {"photo": card().to_json(), "wave": card().to_json()},
        "meta": {},
    } | changes
    kept = {key: value for key, value in head.items() if value is not None}
    rows = {"rows": np.zeros((2, SIZE), np.float32)}
    return serialize(rows if tensors is None else tensors, {KEY: json.dumps(kept)})


def raw(header: object, body: bytes = b"") -> bytes:
    """Safetensors bytes with any header, also one that safetensors would not write."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


# The value


def test_lookup() -> None:
    """A bank gives rows and cards by name, and iterates over its names."""
    bank = a_bank()
    assert len(bank) == 4 and tuple(bank) == bank.names == NAMES
    assert "photo" in bank and "wave" not in bank
    assert np.array_equal(bank["hokusai-great-wave"], bank.rows[2])
    assert bank.card("hokusai-great-wave").title == "hokusai-great-wave"


def test_rows_are_read_only() -> None:
    """Nobody can change a bank's rows, neither through it nor through the array that it was made from."""
    bank = a_bank()
    with pytest.raises(ValueError, match="read-only"):
        bank["photo"][0] = 1
    mine = np.zeros((1, SIZE), np.float32)
    bank = Bank(names=("a",), rows=mine, cards=(card(),), network="full", fingerprint="0a")
    mine[:] = 7
    assert not bank.rows.any()


def test_add_and_remove_leave_the_others_bitwise() -> None:
    """Adding or removing a style leaves every other row and card as it was."""
    bank = a_bank()
    more = bank.add("new", np.arange(SIZE), card())
    assert more.names == (*NAMES, "new") and more.rows[:4].tobytes() == bank.rows.tobytes()
    assert more["new"].dtype == np.float32 and more["new"].tolist() == list(range(SIZE))
    assert same(more.remove("new"), bank)
    less = bank.remove("hokusai-great-wave")
    assert less.names == (NAMES[0], NAMES[1], NAMES[3])
    assert less.rows.tobytes() == bank.rows[[0, 1, 3]].tobytes()


def test_add_replaces_only_when_told() -> None:
    """A taken name is refused unless ``replace``, which keeps the place; the very same style again changes nothing."""
    bank = a_bank()
    with pytest.raises(StyleNameError, match="already has another 'photo'.*--replace"):
        bank.add("photo", np.ones(SIZE), card())
    with pytest.raises(StyleNameError, match="already has another 'photo'"):
        bank.add("photo", bank["photo"], card("another card"))
    changed = bank.add("photo", np.ones(SIZE), card(), replace=True)
    assert changed.names == NAMES and changed["photo"].all() and changed.card("photo") == card()
    assert changed.rows[1:].tobytes() == bank.rows[1:].tobytes()
    assert same(bank.add("photo", bank["photo"], bank.card("photo")), bank)


@pytest.mark.parametrize("row", [np.zeros(SIZE + 2), np.zeros((1, SIZE)), np.float32(0)])
def test_add_refuses_another_shape(row: np.ndarray) -> None:
    """A row of another shape is refused with both sizes."""
    with pytest.raises(MismatchError, match=rf"{re.escape(str(row.shape))}.*{SIZE} numbers"):
        a_bank().add("new", row, card())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_add_refuses_what_is_not_finite(value: float) -> None:
    """NaN, infinity and what float32 cannot hold are refused."""
    with pytest.raises(BankError, match="NaN or infinity"):
        a_bank().add("new", np.full(SIZE, value), card())


def test_check_row() -> None:
    """A checked row is float32 and bitwise what it was; a row that add would refuse does not pass."""
    row = np.linspace(-1, 1, SIZE, dtype=np.float32)
    assert a_bank().check_row(row).tobytes() == row.tobytes()
    assert a_bank().check_row(list(row)).dtype == np.float32
    with pytest.raises(BankError, match="NaN or infinity"):
        a_bank().check_row(np.full(SIZE, np.inf))
    with pytest.raises(MismatchError):
        a_bank().check_row(row[1:])


def test_rows_are_numbers() -> None:
    """Rows that are no numbers, or unequally long, are refused."""
    for row in (["a"] * SIZE, [[1], [2, 3]], None):
        with pytest.raises(BankError):
            a_bank().add("new", row, card())  # type: ignore[arg-type]


def test_rename() -> None:
    """A renamed style keeps its place, row and card; a taken or impossible name is refused."""
    bank = a_bank().rename("hokusai-great-wave", "wave")
    assert bank.names == (NAMES[0], NAMES[1], "wave", NAMES[3])
    assert bank.rows.tobytes() == a_bank().rows.tobytes() and bank.cards == a_bank().cards
    with pytest.raises(StyleNameError, match="already has a style 'photo'"):
        bank.rename("wave", "photo")
    with pytest.raises(BankError, match="lower-case"):
        bank.rename("wave", "The Wave")


def test_merge() -> None:
    """Merging puts the other bank's styles behind; a style that both have alike is kept once."""
    bank = a_bank()
    other = bank.select(["photo"]).add("new", np.ones(SIZE), card())
    both = bank.merge(other)
    assert both.names == (*NAMES, "new") and both.rows[:4].tobytes() == bank.rows.tobytes()
    assert both["new"].all() and both.meta == bank.meta


def test_merge_refuses_a_clash() -> None:
    """Two different styles of one name do not merge unless ``replace`` prefers the other bank's."""
    bank, other = a_bank(seed=0), a_bank(names=("wave", "photo"), seed=1)
    with pytest.raises(StyleNameError, match="already has another 'photo'"):
        bank.merge(other)
    both = bank.merge(other, replace=True)
    assert both.names == (*NAMES, "wave") and both["photo"].tobytes() == other["photo"].tobytes()


def test_merge_refuses_another_network() -> None:
    """Banks of two networks do not merge, and the message names both."""
    rows = np.zeros((1, SIZE), np.float32)
    other = Bank(names=("x",), rows=rows, cards=(card(),), network="fast", fingerprint="ffff")
    with pytest.raises(MismatchError, match=r"'full' \(0a1b2c3d\), not to 'fast' \(ffff\)"):
        a_bank().merge(other)
    with pytest.raises(MismatchError, match="8 numbers"):
        a_bank().merge(a_bank(names=("x",), size=SIZE + 2))


def test_select() -> None:
    """Select takes the named styles in the asked order."""
    bank = a_bank().select(["hokusai-great-wave", "photo"])
    assert bank.names == ("hokusai-great-wave", "photo")
    assert bank.rows.tobytes() == a_bank().rows[[2, 0]].tobytes() and bank.card("photo").title == "photo"
    with pytest.raises(BankError, match="two styles are called 'photo'"):
        bank.select(["photo", "photo"])


def test_a_bank_may_be_empty() -> None:
    """Removing the last style leaves an empty bank, which can be saved, loaded and filled again."""
    one = a_bank(names=("photo",))
    empty = one.remove("photo")
    assert len(empty) == 0 and empty.rows.shape == (0, SIZE)
    assert same(empty.merge(empty), empty)
    assert same(empty.add("photo", one["photo"], one.card("photo")), one)
    with pytest.raises(StyleNameError, match="it is empty"):
        empty["photo"]


def test_empty_bank_file(tmp_path: Path) -> None:
    """An empty bank survives its file."""
    empty = a_bank().select([])
    assert same(Bank.load(file_bytes(tmp_path, empty)), empty)


def test_check_network() -> None:
    """The bank's own fingerprint passes; another is refused by both names and fingerprints."""
    a_bank().check_network("0a1b2c3d")
    with pytest.raises(MismatchError, match=r"'full' \(0a1b2c3d\), not to 'fast' \(ffff\); use"):
        a_bank().check_network("ffff", network="fast")
    with pytest.raises(MismatchError, match="not to 'ffff'; use"):
        a_bank().check_network("ffff")


def test_what_belongs_together() -> None:
    """A bank whose names, rows and cards do not match in number is refused."""
    for shape in ((3, 4), (4,), (2, 0), (2, 2, 2)):
        rows = np.zeros(shape, np.float32)
        with pytest.raises(BankError, match="rows"):
            Bank(names=("a", "b"), rows=rows, cards=(card(), card()), network="full", fingerprint="0a")
    rows = np.zeros((2, 4), np.float32)
    with pytest.raises(BankError, match="2 names has 2 rows and 1 cards"):
        Bank(names=("a", "b"), rows=rows, cards=(card(),), network="full", fingerprint="0a")


# Names


@pytest.mark.parametrize("name", ["a", "3", "van-gogh_1889.v2", "monet-water-lilies-1906"])
def test_good_names(name: str) -> None:
    """Slugs are names."""
    check_name(name)


@pytest.mark.parametrize("name", ["", "a,b", "a:1", "A", "a b", "-a", ".a", "..", "_a", "é", "a\n", "a/b", None, 3])
def test_bad_names(name: str) -> None:
    """What a mix, a path or a shell could misread is no name, and the message says what is."""
    with pytest.raises(BankError, match="use lower-case letters, digits, '-', '_' and '.'"):
        check_name(name)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("stary-night", "van-gogh-starry-night"),
        ("starry-night", "van-gogh-starry-night"),
        ("starry", "van-gogh-starry-night"),
        ("Starry Night", "van-gogh-starry-night"),
        ("vangogh-starry-night", "van-gogh-starry-night"),
        ("van_gogh_starry_night", "van-gogh-starry-night"),
        ("wave", "hokusai-great-wave"),
        ("hokusai", "hokusai-great-wave"),
        ("vangoghstarry", "van-gogh-starry-night"),
        ("greatwave", "hokusai-great-wave"),
        ("The Great Wave", "hokusai-great-wave"),
        ("hokusia-great-wave", "hokusai-great-wave"),
        ("scream", "munch-the-scream"),
        ("kiss", "klimt-the-kiss"),
        ("lilies", "monet-water-lilies-1906"),
        ("cypress", "van-gogh-wheat-field-with-cypresses"),
        ("composition-vii", "kandinsky-composition-vii"),
        ("composition-viii", "kandinsky-composition-viii"),
        ("shipwreck", "turner-wreck-of-a-transport-ship"),
        ("foto", "photo"),
        ("", None),
        ("qqqq", None),
    ],
)
def test_nearest(asked: str, meant: str | None) -> None:
    """A misspelt name, a part of a name or a title finds the style that was meant; nonsense finds none."""
    assert nearest(asked, PAINTINGS) == meant


def test_nearest_as_a_whole() -> None:
    """Between names that contain what was asked, the one that is closer as a whole wins."""
    names = ["kandinsky-composition-viii", "kandinsky-composition-vii"]
    assert nearest("composition", names) == names[1]


def test_unknown_style() -> None:
    """Every look-up of an unknown style says the nearest known one, or what there is."""
    bank = a_bank()
    calls = (bank.card, bank.remove, bank.__getitem__, lambda name: bank.rename(name, "x"), lambda n: bank.select([n]))
    for call in calls:
        with pytest.raises(StyleNameError) as caught:
            call("stary-night")
        assert str(caught.value) == "the bank has no style 'stary-night'; did you mean 'van-gogh-starry-night'?"
    with pytest.raises(StyleNameError, match="it has photo, van-gogh-starry-night, hokusai"):
        bank["qqqq"]


# Cards


def test_card_keeps_unknown_keys() -> None:
    """A card of a newer file goes through from_json and to_json unchanged."""
    value = card().to_json() | {"museum": {"room": 5}, "extra": [1]}
    assert Card.from_json(value).extra == {"museum": {"room": 5}, "extra": [1]}
    assert Card.from_json(value).to_json() == value


def test_card_note_is_optional() -> None:
    """Only the note may be missing from a card; the message lists what else is."""
    value = card().to_json()
    del value["note"]
    assert Card.from_json(value) == card()
    del value["artist"], value["licence"]
    with pytest.raises(BankError, match="needs artist, licence too"):
        Card.from_json(value)
    with pytest.raises(BankError, match="JSON object"):
        Card.from_json([])


def test_card_fields_are_text() -> None:
    """A year that is a number is refused, and so is an extra that would hide a field."""
    with pytest.raises(BankError, match="year must be text, not 1831"):
        Card("Hokusai", "Wave", 1831, "public domain", "")  # type: ignore[arg-type]
    with pytest.raises(BankError, match="extra cannot hold 'title'"):
        Card("Hokusai", "Wave", "1831", "public domain", "", extra={"title": "x"})


# The file


texts = st.text(st.characters(), max_size=10)  # any code point, lone surrogates among them
floats = st.floats(-LIMIT, LIMIT, width=32)
json_values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=2))
slugs = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True)


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    names = draw(st.lists(slugs, min_size=1, max_size=4, unique=True))
    size = draw(st.integers(1, 5))
    row = st.lists(floats, min_size=size, max_size=size)
    rows = np.array([draw(row) for _ in names], np.float32)
    extras = st.dictionaries(texts.filter(lambda key: key not in card().to_json()), json_values, max_size=2)
    cards = [Card(draw(texts), draw(texts), "1889", "", draw(texts), extra=draw(extras)) for _ in names]
    meta = draw(st.dictionaries(texts, json_values, max_size=2))
    return Bank(names=tuple(names), rows=rows, cards=tuple(cards), network="full", fingerprint="0a", meta=meta)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bank=banks())
def test_file_round_trip(bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A loaded bank is the saved one: rows bitwise, names in order, cards with everything in them."""
    path = tmp_path_factory.getbasetemp() / "round.safetensors"
    bank.save(path, overwrite=True)
    assert same(Bank.load(path), bank) and same(Bank.load(path.read_bytes()), bank)


def test_equal_banks_give_equal_bytes(tmp_path: Path) -> None:
    """Saving is deterministic, so a bank in a package can be pinned by its hash."""
    assert len({file_bytes(tmp_path, a_bank()) for _ in range(10)}) == 1


def test_one_style_is_a_small_file(tmp_path: Path) -> None:
    """One style of the full network takes about 14 KB."""
    bank = a_bank(size=3206).select(["hokusai-great-wave"])
    assert 12_824 < len(file_bytes(tmp_path, bank)) <= 14_000


def test_half_precision_is_read(tmp_path: Path) -> None:
    """Float16 rows load as the same numbers in float32, and stay them when the bank grows and is saved again."""
    rows = np.random.default_rng(0).normal(size=(2, SIZE)).astype(np.float16)
    bank = Bank.load(by_hand({"rows": rows}))
    assert bank.rows.dtype == np.float32 and np.array_equal(bank.rows, rows)
    grown = Bank.load(file_bytes(tmp_path, bank.add("fine", np.full(SIZE, 0.1), card())))
    assert grown.rows[:2].tobytes() == bank.rows.tobytes() and grown["fine"][0] == np.float32(0.1)


def test_documented_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines in docs/bank-file.md read a bank with plain safetensors."""
    text = (Path(__file__).parents[2] / "docs" / "bank-file.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    a_bank().save(tmp_path / "styles.safetensors")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(code, found)
    assert np.array_equal(found["row"], a_bank()["hokusai-great-wave"])
    assert list(found["head"]) == re.findall(r"^\| `(\w+)` \| (?:int|text|list|obj)", text, re.M)


def test_save_does_not_overwrite(tmp_path: Path) -> None:
    """An existing file is kept, and the message says how to overwrite it."""
    path = tmp_path / "styles.safetensors"
    path.write_text("mine")
    with pytest.raises(BankError, match="styles.safetensors' exists already.*--force"):
        a_bank().save(path)
    assert path.read_text() == "mine"
    a_bank().save(path, overwrite=True)
    assert same(Bank.load(path), a_bank())


def test_failed_save_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk fails in the middle, the old file is whole and nothing lies beside it."""
    path = tmp_path / "styles.safetensors"
    a_bank().save(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BankError, match="cannot be written: No space left"):
        a_bank(seed=1).save(path, overwrite=True)
    assert same(Bank.load(path), a_bank()) and list(tmp_path.iterdir()) == [path]


def test_save_into_nowhere(tmp_path: Path) -> None:
    """A missing folder, a folder in place of the file and an impossible name are refused in one sentence."""
    for path in (tmp_path / "no" / "styles.safetensors", tmp_path, f"{tmp_path}/a\0b"):
        with pytest.raises(BankError, match="cannot be written"):
            a_bank().save(path, overwrite=True)
    assert list(tmp_path.iterdir()) == []


def test_save_follows_links(tmp_path: Path) -> None:
    """Saving over a link changes the file that it points to, and leaves the link."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "styles.safetensors")
    with pytest.raises(BankError, match="exists already"):
        a_bank().save(link)
    a_bank().save(link, overwrite=True)
    assert link.is_symlink() and same(Bank.load(tmp_path / "styles.safetensors"), a_bank())


def test_saved_file_has_ordinary_rights(tmp_path: Path) -> None:
    """A bank's file may be read by whoever may read the user's other files."""
    (tmp_path / "other").touch()
    a_bank().save(tmp_path / "styles")
    assert (tmp_path / "styles").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), np.float32(1)])
def test_save_refuses_what_json_cannot_hold(tmp_path: Path, value: object) -> None:
    """A bank whose meta or cards are not JSON is refused before anything is written."""
    bank = a_bank()
    bank.meta["x"] = value
    with pytest.raises(BankError, match="JSON"):
        bank.save(tmp_path / "styles")
    assert list(tmp_path.iterdir()) == []


def test_save_refuses_a_header_that_load_would(tmp_path: Path) -> None:
    """Nothing is written that could not be read again."""
    bank = a_bank()
    bank.meta["log"] = "x" * HEADER_LIMIT
    with pytest.raises(BankError, match="more than 16 MB"):
        bank.save(tmp_path / "styles")


def test_newer_file_of_the_same_format() -> None:
    """Tensors and keys that this reader does not know are ignored, and kept in cards."""
    newer = card().to_json() | {"museum": "Met"}
    tensors: dict[str, np.ndarray] = {"rows": np.zeros((2, SIZE), np.float32), "moments": np.zeros(3, np.int8)}
    bank = Bank.load(by_hand(tensors, palette=[1], cards={"photo": newer, "wave": newer, "gone": 1}))
    assert bank.names == ("photo", "wave") and bank.card("wave").extra == {"museum": "Met"}


def test_unknown_tensor_types_are_ignored() -> None:
    """A further tensor of a type that numpy does not know does not hide the rows."""
    rows = {"dtype": "F32", "shape": [2, SIZE], "data_offsets": [0, 64]}
    header = by_hand()[8 : 8 + struct.unpack("<Q", by_hand()[:8])[0]]
    metadata = json.loads(header)["__metadata__"]
    more = {"dtype": "BF16", "shape": [2], "data_offsets": [64, 68]}
    assert len(Bank.load(raw({"__metadata__": metadata, "rows": rows, "new": more}, bytes(68)))) == 2


def test_newer_format_is_refused() -> None:
    """A higher format is refused with both numbers and what to do."""
    with pytest.raises(BankError, match="format 2, and this impasto reads up to 1; upgrade impasto"):
        Bank.load(by_hand(format=2))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a safetensors file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a safetensors file"),
        (struct.pack("<Q", HEADER_LIMIT + 1) + b"{}", "not a safetensors file"),
        (by_hand()[:100], "damaged"),
        (raw(b"[" * 100_000), "damaged"),
        (raw(b"9" * 5000), "damaged"),
        (raw(b'"\xff"'), "damaged"),
        (raw([]), "damaged"),
        (raw({}), "without styles"),
        (raw({"__metadata__": [KEY]}), "without styles"),
        (raw({"__metadata__": {KEY: {}}}), "without styles"),
        (raw({"__metadata__": {KEY: "[]"}}), "damaged"),
        (serialize({"rows": np.zeros((2, 2), np.float32)}), "without styles"),
        (by_hand()[:-1], "damaged"),
        (by_hand() + b"x", "damaged"),
        (by_hand({"row": np.zeros((2, 2), np.float32)}), "no tensor 'rows'"),
        (by_hand({"rows": np.zeros((2, 2))}), "no tensor 'rows' of float32"),
        (by_hand({"rows": np.zeros((3, 2), np.float32)}), "2 names has 3 rows"),
        (by_hand({"rows": np.zeros(2, np.float32)}), "rows of a bank"),
        (by_hand({"rows": np.full((2, 2), np.nan, np.float16)}), "row of 'photo' holds NaN"),
        (by_hand(names=["wave", "wave"]), "two styles are called 'wave'"),
        (by_hand(names=["photo", "tsunami"]), "card of 'tsunami' is wrong: a card must be"),
        (by_hand(names=["photo", "A b"], cards={"photo": card().to_json(), "A b": card().to_json()}), "lower-case"),
        (by_hand(names=["photo", ["wave"]]), "card of \\['wave'\\] is wrong"),
        (by_hand(names=None), "'names' is missing"),
        (by_hand(names="photo"), "'names' is missing or damaged"),
        (by_hand(cards=[]), "'cards' is missing or damaged"),
        (by_hand(cards={"photo": card().to_json(), "wave": {}}), "card of 'wave' is wrong: a card needs artist"),
        (by_hand(format="1"), "'format' is missing or damaged"),
        (by_hand(network=None), "'network' is missing"),
        (by_hand(fingerprint=5), "'fingerprint' is missing or damaged"),
        (by_hand(meta=[]), "'meta' is missing or damaged"),
    ],
)
def test_damaged_files(data: bytes, message: str, tmp_path: Path) -> None:
    """What is not a bank is refused in one sentence with the file's name, whatever is wrong with it."""
    with pytest.raises(BankError, match=f"^the bank .*{message}"):
        Bank.load(data)
    path = tmp_path / "styles.safetensors"
    path.write_bytes(data)
    with pytest.raises(BankError, match=f"styles.safetensors' .*{message}"):
        Bank.load(path)


@pytest.mark.parametrize("shape", [[0, 2**63], [2**63, 0], [0, 2**62, 8], [2**40, 2**40]])
def test_absurd_shapes(shape: list[int]) -> None:
    """A shape that no memory holds is refused, not tried."""
    header = by_hand()[8 : 8 + struct.unpack("<Q", by_hand()[:8])[0]]
    rows = {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
    with pytest.raises(BankError):
        Bank.load(raw({"__metadata__": json.loads(header)["__metadata__"], "rows": rows}))


def test_unreadable_paths(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible name are refused with the path."""
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(BankError, match=f"'{path}' cannot be read: .*; check the path"):
            Bank.load(path)
    with pytest.raises(BankError):
        Bank.load("a\0b")


@pytest.mark.parametrize("head", [b"\x00\x00\x00\x20ftypisom", raw({"__metadata__": {}})])
def test_large_foreign_file_is_not_read_to_its_end(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film is refused after its first bytes, and a large model after its header."""

    class Large(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None and 0 <= size <= HEADER_LIMIT
            return super().read(size)

    monkeypatch.setattr("impasto.styles.bank.open", lambda *_: Large(head), raising=False)
    with pytest.raises(BankError):
        Bank.load("film.mp4")


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(seed: int, tmp_path: Path) -> None:
    """However a file is mutilated, loading gives a bank or a BankError of one line, never anything else."""
    chance = random.Random(seed)
    whole = file_bytes(tmp_path, a_bank())
    refused = 0
    for _ in range(250):
        data = mutilate(bytearray(whole), chance)
        try:
            assert np.isfinite(Bank.load(data).rows).all()
        except BankError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 100


def mutilate(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(max(1, len(data)))
        what = chance.randrange(5)
        if what == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif what == 1:
            del data[at:]
        elif what == 2:
            del data[at : at + chance.randint(1, 20)]
        elif what == 3:
            data[at:at] = chance.randbytes(chance.randint(1, 20))
        else:
            data[at : at + 1] = chance.choice(b'{}[]",:0919eE\\-').to_bytes(1, "little")
    return bytes(data)
