"""What OpenVINO compiles is kept, imported only where it is whole and the very same, bounded, and never in the way."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import quiet
from impasto.painting import sessions
from impasto.painting.sessions import OpenVino
from impasto.painting.tiles import compile_cache
from impasto.painting.tiles.compile_cache import compiled

ov = pytest.importorskip("openvino")
OPTIONS = {"INFERENCE_PRECISION_HINT": "f32"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "impasto"


class Model:
    """Makes a small model, x -> factor * x, and counts how often."""

    def __init__(self, factor: float = 2) -> None:
        self.factor, self.made = factor, 0

    def __call__(self) -> Any:
        self.made += 1
        x = ov.opset13.parameter([4], np.float32, name="x")
        return ov.Model([ov.opset13.multiply(x, ov.opset13.constant(np.float32(self.factor)))], [x])


def result(found: Any) -> float:
    return float(found([np.ones(4, np.float32)])[0][0])


def test_imported(folder: Path) -> None:
    """What was compiled once is imported later, and computes the same; the model is not even made."""
    model = Model()
    assert [result(compiled(model, OPTIONS, "double")) for _ in range(3)] == [2, 2, 2]
    assert model.made == 1 and len(list(folder.iterdir())) == 1


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key, option, processor, version or cap on instructions is compiled by itself."""
    model = Model()
    compiled(model, OPTIONS, "a")
    compiled(model, OPTIONS, "b")
    compiled(model, {**OPTIONS, "INFERENCE_NUM_THREADS": 1}, "a")
    assert model.made == 3
    here = compile_cache.machine()
    for i in range(len(here)):
        other = (*here[:i], "other", *here[i + 1 :])
        monkeypatch.setattr(compile_cache, "machine", lambda other=other: other)
        compiled(model, OPTIONS, "a")
    assert model.made == 3 + len(here)


def damaged(data: bytes, how: str) -> bytes:
    middle = len(data) // 2
    return {
        "empty": b"",
        "cut": data[:-1],
        "longer": data + b"\0",
        "a bit": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "no digest": bytes(32) + data[32:],
        "something else": b"I am a text file\n" * 9,
    }[how]


@pytest.mark.parametrize("how", ["empty", "cut", "longer", "a bit", "no digest", "something else"])
def test_damaged(folder: Path, how: str) -> None:
    """A damaged file never reaches OpenVINO: it counts as none, and is written anew."""
    compiled(Model(), OPTIONS, "double")
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damaged(whole, how))
    model = Model()
    assert result(compiled(model, OPTIONS, "double")) == 2 and model.made == 1
    assert result(compiled(model, OPTIONS, "double")) == 2 and model.made == 1


def test_a_file_of_another_key(folder: Path) -> None:
    """A file that was moved to the place of another is not taken for it."""
    compiled(Model(2), OPTIONS, "double")
    (double,) = folder.iterdir()
    compiled(Model(3), OPTIONS, "triple")
    (triple,) = set(folder.iterdir()) - {double}
    os.replace(double, triple)
    assert result(compiled(Model(3), OPTIONS, "triple")) == 3


def test_what_openvino_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenVINO does not import it compiles; what it does not export is compiled every time."""
    model = Model()
    core = quiet.core()

    class Refuses:
        def __getattr__(self, name: str) -> Any:
            return getattr(core, name)

        def import_model(self, *_: Any) -> None:
            raise RuntimeError("from another version")

    compiled(model, OPTIONS, "double")
    monkeypatch.setattr(quiet, "core", Refuses)
    assert result(compiled(model, OPTIONS, "double")) == 2 and model.made == 2


@pytest.mark.parametrize("what", ["off", "a folder in its place", "no folder"])
def test_nothing_can_be_kept(folder: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Where nothing can be kept every call compiles, and nothing fails."""
    model = Model()
    if what == "off":
        monkeypatch.setenv("IMPASTO_CACHE", "off")
    elif what == "no folder":
        folder.write_text("a file where the folder should be")
    else:
        compiled(model, OPTIONS, "double")
        (file,) = folder.iterdir()
        file.unlink()
        file.mkdir()
        model.made = 0
    assert [result(compiled(model, OPTIONS, "double")) for _ in range(2)] == [2, 2]
    assert model.made == 2


def test_what_cannot_be_told_is_no_key(folder: Path) -> None:
    """Two files that cannot be read have no digest; what is made of them is not taken for the same."""
    unknown = compile_cache.digest_of(folder / "missing")
    assert [result(compiled(Model(factor), OPTIONS, unknown, "f32")) for factor in (2, 3)] == [2, 3]


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be written is left out."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compile_cache, "write_atomically", full)
    assert result(compiled(Model(), OPTIONS, "double")) == 2 and not list(folder.iterdir())


def test_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many files, or too large ones, those go that were not used for longest; other files stay."""
    folder.mkdir()
    (folder / "precision-0.json").write_text("{}")
    monkeypatch.setattr(compile_cache, "MOST_FILES", 3)
    model = Model()
    for i, key in enumerate("abc"):
        compiled(model, OPTIONS, key)
        for file in folder.glob("compiled-*"):  # as if time had passed
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 100))
        assert model.made == i + 1
    compiled(model, OPTIONS, "a")  # used again, and so the newest
    compiled(model, OPTIONS, "d")
    assert len(list(folder.glob("compiled-*"))) == 3 and (folder / "precision-0.json").exists()
    compiled(model, OPTIONS, "a")
    assert model.made == 4
    compiled(model, OPTIONS, "b")
    assert model.made == 5
    monkeypatch.setattr(compile_cache, "MOST_BYTES", 1)
    compiled(model, OPTIONS, "e")
    assert len(list(folder.glob("compiled-*"))) == 3  # larger than a quarter of all: not kept at all


def test_side_by_side() -> None:
    """Several threads may compile and import the same at once."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: result(compiled(Model(), OPTIONS, "double")), range(12)))
    assert found == [2] * 12


def test_the_model_of_a_network_depends_on_its_file_and_on_our_code(tmp_path: Path) -> None:
    """What files hold is known by a word that changes with them; a file that is missing has none."""
    file = tmp_path / "a"
    file.write_bytes(b"1")
    before = compile_cache.digest_of(file)
    file.write_bytes(b"2")
    assert before and compile_cache.digest_of(file) not in (before, "")
    assert compile_cache.digest_of(tmp_path / "missing") == ""


def test_processor() -> None:
    """The processor has a name, in one line."""
    assert compile_cache.processor() and "\n" not in compile_cache.processor()


PICTURE = {"picture": np.full((1, 32, 32, 3), 99, np.uint8)}


def painted(file: Path) -> Any:
    session = OpenVino(file, 1)
    half = int(session.meta["impasto.row_size"]) // 2
    return session.run({**PICTURE, "scale": np.ones(half, np.float32), "shift": np.zeros(half, np.float32)})


def test_a_network_that_was_compiled_is_not_read_again(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that was painted with before is hashed once, and OpenVINO reads no graph to paint the same size."""
    first = painted(network_file)
    hashed: list[Any] = []
    digest = compile_cache.digest_of
    monkeypatch.setattr(compile_cache, "digest_of", lambda *files: hashed.append(files) or digest(*files))
    monkeypatch.setattr(sessions, "widened", pytest.fail)
    assert (painted(network_file) == first).all() and len(hashed) == 1


def test_a_network_known_by_its_digest_is_read_for_another_size(network_file: Path, tmp_path: Path) -> None:
    """What is compiled later is made of the file as it was opened, though another one has come in its place."""
    file = tmp_path / "network.onnx"
    file.write_bytes(network_file.read_bytes())
    painted(file)
    session = OpenVino(file, 1)
    file.write_bytes(b"another")
    half = int(session.meta["impasto.row_size"]) // 2
    style = {"scale": np.ones(half, np.float32), "shift": np.zeros(half, np.float32)}
    picture = np.full((1, 64, 48, 3), 99, np.uint8)
    fresh = OpenVino(network_file, 1).run({"picture": picture, **style})
    assert (session.run({"picture": picture, **style}) == fresh).all()


def test_metadata_that_are_damaged_are_read_again(network_file: Path, folder: Path) -> None:
    """What the cache folder says of a network counts only where it is texts under names."""
    meta = OpenVino(network_file, 1).meta
    (noted,) = folder.glob("network-*.json")
    for data in (b"", b"{}", b"[1]", json.dumps(dict.fromkeys(json.loads(noted.read_text()), "[]")).encode()):
        noted.write_bytes(data)
        assert OpenVino(network_file, 1).meta == meta
