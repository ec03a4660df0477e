"""Where results go: names for many photos, and what is refused before any work is done."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import pictures
from impasto.cli import targets
from impasto.errors import TargetError
from impasto.painting.folder import paintings
from impasto.pictures.folders import Found
from impasto.styles.bank import Bank
from tests.conftest import run

Do = Callable[..., tuple[int, str, str]]


def draw(path: Path, seed: int = 0, shape: tuple[int, int] = (40, 51)) -> Path:
    """A picture of noise, which impasto did not make."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return draw(tmp_path / "cat.jpg")


@pytest.fixture
def files(network_file: Path, photo: Path, tmp_path: Path) -> dict[str, Path]:
    """One of everything that commands read."""
    found = {"photo": photo, "painting": draw(tmp_path / "painting.png", 1), "mask": tmp_path / "mask.png"}
    Image.new("L", (51, 40), 128).save(found["mask"])
    for suffix in (".onnx", ".safetensors"):
        shutil.copy(network_file.with_suffix(suffix), tmp_path / f"net{suffix}")
    shutil.copy(network_file.with_suffix(".safetensors"), tmp_path / "other.safetensors")
    found |= {"network": tmp_path / "net.onnx", "bank": tmp_path / "net.safetensors"}
    return found | {"other": tmp_path / "other.safetensors", "tmp": tmp_path}


@pytest.fixture
def do(capsys: pytest.CaptureFixture[str], network_file: Path) -> Do:
    """The command line; ``paint`` and its like use the tiny network."""

    def done(*words: object) -> tuple[int, str, str]:
        return run(*words, capsys=capsys)

    return done


@pytest.fixture
def paint(do: Do, network_file: Path) -> Do:
    return lambda *words: do("paint", *words, "-s", "red", "--network", network_file)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that there is below a folder, with the bytes of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in sorted(folder.rglob("*"))
    }


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---- what is read is never written


WRITERS: dict[str, list[str]] = {
    "paint": ["paint {photo} -s red --network {network} -o", "photo network"],
    "paint, several": ["paint {photo} {painting} -s red --network {network} -o {tmp}/ --mask blue={mask}", ""],
    "paint with a mask": ["paint {photo} -s red --network {network} --mask blue={mask} -o", "photo mask"],
    "paint with a bank": ["paint {photo} -s red --network {network} --bank {other} -o", "photo other bank"],
    "sheet": ["sheet {photo} --network {network} -o", "photo"],
    "square": ["square {photo} -s red,green,blue,photo --network {network} -o", "photo"],
    "map": ["map {photo} --method pca --network {network} -o", "photo"],
    "teach": ["teach {painting} --name new --photos {photo} --network {network} -o", "photo painting network bank"],
    "teach's preview": [
        "teach {painting} --name new --photos {photo} --network {network} -o {tmp}/new.safetensors --preview",
        "photo painting",
    ],
    "optimize": ["optimize {photo} {painting} --photo-mask {mask} --painting-mask {mask} -o", "photo painting mask"],
    "optimize's start": ["optimize {painting} {painting} --start {photo} -o", "photo painting"],
    "optimize's log": ["optimize {photo} {painting} -o {tmp}/new.png --json-log", "photo painting"],
    "grid": ["grid {photo} {painting} -o", "photo painting"],
    "styles add": ["styles add {other} --bank {bank} -o", "other bank"],
    "styles merge": ["styles merge {other} {bank} -o", "other bank"],
    "styles remove": ["styles remove red --bank {bank} -o", "bank"],
    "styles rename": ["styles rename red rouge --bank {bank} -o", "bank"],
    "styles export": ["styles export red --bank {bank} -o", "bank"],
}


@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
@pytest.mark.parametrize("case", [name for name, (_, sources) in WRITERS.items() if sources])
def test_what_is_read_is_never_written(case: str, force: list[str], files: dict[str, Path], do: Do) -> None:
    """An output that is one of the inputs is refused in a sentence before the work, and all bytes stay."""
    command, sources = WRITERS[case]
    words = [word.format(**files) for word in command.split()]
    before = tree(files["tmp"])
    for source in sources.split():
        code, _, err = do(*words, files[source], *force)
        assert code == 2 and err.count("\n") == 1 and files[source].name in err, err
        assert tree(files["tmp"]) == before


@pytest.mark.skipif(os.name != "posix", reason="links as POSIX has them")
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_whatever_its_spelling(force: list[str], photo: Path, tmp_path: Path, paint: Do) -> None:
    """The photo is not overwritten through links, hard links, linked folders or another spelling of its path."""
    (tmp_path / "soft.jpg").symlink_to(photo)
    (tmp_path / "hard.jpg").hardlink_to(photo)
    (tmp_path / "folder").symlink_to(tmp_path)
    before = photo.read_bytes()
    for output in (photo, "soft.jpg", "hard.jpg", "folder/cat.jpg", "folder/../" + tmp_path.name + "/./cat.jpg"):
        code, _, err = paint(photo, "-o", tmp_path / output, *force)
        assert code == 2 and err.count("\n") == 1 and "would be lost" in err
        assert photo.read_bytes() == before and photo.stat().st_nlink == 2


def test_a_painting_does_not_take_the_place_of_another_photo(tmp_path: Path, paint: Do) -> None:
    """A folder with cat.png and cat-red.png, both photos: the painting of the one would be the other."""
    draw(tmp_path / "cat.png")
    draw(tmp_path / "cat-red.png", 1)
    before = tree(tmp_path)
    code, _, err = paint(tmp_path)
    assert code == 2 and "cat-red.png" in err and tree(tmp_path) == before


def test_frames_and_cells_take_no_place_of_a_photo(photo: Path, network_file: Path, tmp_path: Path, do: Do) -> None:
    """A photo called as a frame or a cell would be stays, also where it would be a stale frame."""
    words = ["--network", network_file, "-s", "red,blue", "--frames", 2, "-o", tmp_path / "f"]
    pictures.save(pictures.load(photo).picture, draw(tmp_path / "f" / "frame-0003.png"))
    draw(tmp_path / "c" / "cell-1-1.png")
    before = tree(tmp_path)
    for source, command in (
        ("f/frame-0003.png", ["path", tmp_path / "f" / "frame-0003.png", *words, "--force"]),
        ("c/cell-1-1.png", ["grid", photo, tmp_path / "c" / "cell-1-1.png", "-o", tmp_path / "g.png", "--force"]),
    ):
        code, _, err = do(*command, *(["--cells", tmp_path / "c"] if command[0] == "grid" else []))
        assert code == 2 and Path(source).name in err and tree(tmp_path) == before


def test_two_outputs_of_one_command_are_two_files(files: dict[str, Path], do: Do) -> None:
    """A log that is the state or the picture, a preview that is the bank: refused."""
    out = files["tmp"] / "o.png"
    for log in (out, f"{out}.state", files["tmp"] / "." / "o.png"):
        code, _, err = do("optimize", files["photo"], files["painting"], "-o", out, "--json-log", log)
        assert code == 2 and "one file" in err


def test_training_does_not_write_into_its_photos(photos: Path, paintings: Path, tmp_path: Path, do: Do) -> None:
    """A run's folder in the folder of photos or paintings is refused, and so is a run over its cards."""
    pytest.importorskip("torch")
    before = tree(photos), tree(paintings)
    for run_dir in (photos, paintings, photos / "run"):
        code, _, err = do("train", "--photos", photos, "--styles", paintings, "-o", run_dir)
        assert code == 2 and err.count("\n") == 1 and "would be learned from" in err
    assert (tree(photos), tree(paintings)) == before


def test_an_export_does_not_overwrite_its_run(tmp_path: Path, do: Do) -> None:
    """A network called checkpoint, exported into the run's own folder, would be the checkpoint."""
    (tmp_path / "checkpoint.safetensors").write_bytes(b"weeks of work")
    code, _, err = do("export", tmp_path, "-o", tmp_path, "--name", "checkpoint", "--force")
    assert code == 2 and "would be lost" in err
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == b"weeks of work"


# ---- files that impasto did not make


OVERWRITERS = {
    "paint": ("paint {photo} -s red --network {network} -o", "o.png"),
    "sheet": ("sheet {photo} --size 32 --network {network} -o", "o.png"),
    "square": ("square {photo} -s red,green,blue,photo --n 2 --size 32 --network {network} -o", "o.png"),
    "path": ("path {photo} -s red,blue --frames 2 --size 32 --network {network} -o", "o.gif"),
    "map": ("map --method pca --width 300 --network {network} -o", "o.png"),
    "map's numbers": ("map --method pca --network {network} -o", "o.json"),
}


@pytest.mark.parametrize("case", OVERWRITERS)
def test_only_what_impasto_made_is_overwritten(case: str, files: dict[str, Path], do: Do) -> None:
    """Another file is overwritten with --force alone; the result of that may be overwritten without it."""
    command, name = OVERWRITERS[case]
    words, out = [word.format(**files) for word in command.split()], files["tmp"] / name
    out.write_text("a diary") if out.suffix == ".json" else draw(out)
    before = out.read_bytes()
    code, _, err = do(*words, out)
    assert code == 2 and "--force" in err and err.count("\n") == 1 and out.read_bytes() == before
    assert do(*words, out, "--force")[0] == 0 and out.read_bytes() != before
    assert do(*words, out)[0] == 0


def test_an_empty_file_may_be_written(photo: Path, tmp_path: Path, paint: Do) -> None:
    """A name that mktemp has reserved holds nothing to lose."""
    (tmp_path / "o.png").touch()
    assert paint(photo, "-o", tmp_path / "o.png")[0] == 0


def test_a_bank_is_overwritten_only_if_asked(files: dict[str, Path], do: Do) -> None:
    """teach, as the commands of styles, refuses a bank that exists before it learns, whoever made it."""
    words = ["teach", files["painting"], "--name", "new", "--network", files["network"], "-o", files["other"]]
    code, _, err = do(*words)
    assert code == 2 and "--force" in err and Bank.load(files["other"]).names == ("red", "green", "blue", "photo")


def test_our_data_is_known(tmp_path: Path) -> None:
    """The JSON of maps, grids and logs, and states of optimisations, are impasto's; other JSON is not."""
    ours = {
        "map.json": json.dumps({"method": "pca", "explained": [1, 0], "styles": []}, indent=1),
        "grid.json": json.dumps({"settings": {}, "files": {}, "versions": {}, "cells": []}),
        "log": '{"step": 1, "size": 2, "content": 3, "style": 4, "total": 5, "seconds": 6}\n{"st',
        "new": "",
    }
    others = {"package.json": '{"name": "x"}', "list.json": "[1, 2]", "text": "hello", "deep": "[" * 100_000}
    for name, text in {**ours, **others}.items():
        (tmp_path / name).write_text(text)
        if name in ours:
            targets.check([tmp_path / name], [])
        else:
            with pytest.raises(TargetError, match="--force"):
                targets.check([tmp_path / name], [])


# ---- many photos


def test_photos_of_one_name_in_several_folders(tmp_path: Path, paint: Do) -> None:
    """Cameras count from 0001 in each folder: paintings keep their paths below the folder that was named."""
    for i, name in enumerate(("100/IMG_0001.jpg", "101/IMG_0001.jpg", "IMG_0001.jpg")):
        draw(tmp_path / "in" / name, i)
    code, _, err = paint(tmp_path / "in", "-o", tmp_path / "out")
    assert code == 0, err
    assert names(tmp_path / "out") == ["100/IMG_0001-red.jpg", "101/IMG_0001-red.jpg", "IMG_0001-red.jpg"]


def laid_out(*photos: Found, style: str = "red") -> list[str]:
    """The targets in a folder out."""
    found, folder = paintings(photos, "out/", style)
    assert folder == Path("out")
    return [target.relative_to(folder).as_posix() for target in found]


def test_folders_with_photos_of_one_name() -> None:
    """Of two folders, and of two files, whose photos would meet, all keep their paths below what they share."""
    assert laid_out(Found(Path("a/1.jpg"), Path("a")), Found(Path("b/1.jpg"), Path("b"))) == [
        "a/1-red.jpg",
        "b/1-red.jpg",
    ]
    assert laid_out(Found(Path("x/a/1.jpg")), Found(Path("x/b/c/1.jpg"))) == ["a/1-red.jpg", "b/c/1-red.jpg"]
    assert laid_out(Found(Path("x/a/1.jpg")), Found(Path("x/b/c/2.jpg"))) == ["1-red.jpg", "2-red.jpg"]


def test_photos_that_would_be_painted_into_one_file() -> None:
    """Names that differ in their suffix, in capitals or in the spelling of an umlaut get numbers, on every system."""
    for first, second, expected in (
        ("cat.gif", "cat.bmp", "cat-red-2.png"),
        ("IMG.jpg", "img.jpg", "img-red-2.jpg"),
        ("\u00fc.jpg", "u\u0308.jpg", "u\u0308-red-2.jpg"),
    ):
        assert laid_out(Found(Path(first)), Found(Path(second)))[1] == expected
    three = laid_out(Found(Path("a.gif")), Found(Path("a-red-2.gif")), Found(Path("a.bmp")), Found(Path("a.ppm")))
    assert len(set(three)) == 4


def test_the_same_photo_twice_is_painted_once(photo: Path, tmp_path: Path, paint: Do) -> None:
    """A photo that is named twice, and lies in a named folder too, is one photo; a link beside it is another."""
    (tmp_path / "linked.jpg").symlink_to(photo)
    code, printed, _ = paint(photo, tmp_path / "." / "cat.jpg", tmp_path, "-o", tmp_path / "o", "--json")
    assert code == 0 and len(printed.splitlines()) == 2
    assert names(tmp_path / "o") == ["cat-red.jpg", "linked-red.jpg"]


def test_own_paintings_are_not_painted_again(photo: Path, tmp_path: Path, paint: Do) -> None:
    """A second run over a folder paints what the first did; a painting that is named itself is painted."""
    for words in ([tmp_path], [tmp_path, "-o", tmp_path / "painted"]):
        for again in (False, True):
            code, printed, err = paint(*words, "--json")
            assert code == 0 and len(printed.splitlines()) == 1, err
            assert not again or ("left out" in err and "by impasto" in err)
    assert names(tmp_path) == ["cat-red.jpg", "cat.jpg", "painted/cat-red.jpg"]
    code, printed, _ = paint(tmp_path, tmp_path / "cat-red.jpg", "-o", tmp_path / "more", "--json")
    assert code == 0 and len(printed.splitlines()) == 2 and (tmp_path / "more" / "cat-red-red.jpg").exists()


def test_a_folder_of_own_paintings_alone(photo: Path, tmp_path: Path, paint: Do) -> None:
    """It holds nothing to paint, and the message says so."""
    assert paint(photo, "-o", tmp_path / "p" / "")[0] == 0
    code, _, err = paint(tmp_path / "p")
    assert code == 2 and "there is no picture" in err.splitlines()[-1] and "1 painting by impasto" in err


def test_a_long_mix_has_a_name_that_fits(tmp_path: Path) -> None:
    """Of many styles the first are named; a long name of a photo is cut, and is cut into two names for two photos."""
    mix = ",".join(f"a-style-of-some-length-{i}:0.1" for i in range(12))
    (name,) = laid_out(Found(Path("cat.jpg")), style=mix)
    assert len(name) <= 255 and name.startswith("cat-a-style-of-some-length-0-a") and "-more.jpg" in name
    long = [Found(Path("ä" * 125 + end)) for end in ("1.jpg", "2.jpg")]
    found = laid_out(*long, style=mix)
    assert len(set(found)) == 2 and all(len(os.fsencode(name)) <= 255 for name in found)
    assert laid_out(Found(Path("cat.jpg")), style="../../x") == ["cat-..-..-x.jpg"]


# ---- files and folders


def test_several_photos_and_one_file(photo: Path, tmp_path: Path, paint: Do) -> None:
    """A file's name for several photos is refused, of a new file and of one that is there; no folder is made."""
    draw(tmp_path / "dog.png")
    for name in ("o.jpg", "o.gif", "o.heic", "o.pdf", "dog.png"):
        before = tree(tmp_path)
        code, _, err = paint(photo, tmp_path / "dog.png", "-o", tmp_path / name)
        assert code == 2 and err.count("\n") == 1 and "one file" in err and tree(tmp_path) == before


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_folder_with_a_dot(slash: str, photo: Path, network_file: Path, tmp_path: Path, paint: Do, do: Do) -> None:
    """A slash makes a name a folder's, whatever it looks like; without one, a folder that is there is one."""
    for name in ("results.2024", "frames.v1"):
        if not slash:
            (tmp_path / name).mkdir()
    assert paint(photo, "-o", f"{tmp_path}/results.2024{slash}")[0] == 0
    words = ["path", photo, "-s", "red,blue", "--frames", 2, "--size", 32, "--network", network_file]
    assert do(*words, "-o", f"{tmp_path}/frames.v1{slash}")[0] == 0
    assert names(tmp_path / "results.2024") == ["cat-red.jpg"]
    assert names(tmp_path / "frames.v1") == ["frame-0001.png", "frame-0002.png"]


def test_a_folder_called_like_a_picture(photo: Path, network_file: Path, tmp_path: Path, paint: Do, do: Do) -> None:
    """It is refused where a file could be meant, for every command; with a slash it is a folder."""
    (tmp_path / "o.png").mkdir()
    (tmp_path / "o.gif").mkdir()
    commands = [
        ["paint", photo, "-s", "red"],
        ["sheet", photo],
        ["square", photo, "-s", "red,green,blue,photo"],
        ["map", "--method", "pca"],
        ["path", photo, "-s", "red,blue"],
    ]
    for command in commands:
        out = tmp_path / ("o.gif" if command[0] == "path" else "o.png")
        code, _, err = do(*command, "--network", network_file, "-o", out)
        assert code == 2 and err.count("\n") == 1 and "is a folder" in err and out.name in err
    assert paint(photo, "-o", f"{tmp_path}/o.png/")[0] == 0 and names(tmp_path / "o.png") == ["cat-red.jpg"]


def test_frames_of_a_longer_path_are_removed(photo: Path, network_file: Path, tmp_path: Path, do: Do) -> None:
    """A folder that is used again holds the new frames and whatever else lay there, and nothing of the old path."""
    words = ["path", photo, "-s", "red,blue", "--size", 32, "--network", network_file, "-o", tmp_path / "f", "--frames"]
    assert do(*words, 4)[0] == 0
    (tmp_path / "f" / "notes.txt").touch()
    assert do(*words, 2)[0] == 0
    assert names(tmp_path / "f") == ["frame-0001.png", "frame-0002.png", "notes.txt"]


def test_frames_of_others_stay(photo: Path, network_file: Path, tmp_path: Path, do: Do) -> None:
    """A frame that impasto did not make is neither overwritten, nor removed, nor left among the new ones."""
    words = ["path", photo, "-s", "red,blue", "--size", 32, "--network", network_file, "-o", tmp_path / "f"]
    for number in (1, 2, 3):
        draw(tmp_path / "f" / f"frame-000{number}.png")
        before = tree(tmp_path)
        code, _, err = do(*words, "--frames", 2)
        assert code == 2 and f"frame-000{number}.png" in err and tree(tmp_path) == before
        (tmp_path / "f" / f"frame-000{number}.png").unlink()


def test_an_empty_folder_that_was_made_is_removed(photo: Path, tmp_path: Path, paint: Do) -> None:
    """If nothing could be painted there is no new folder; one that was there before stays."""
    (tmp_path / "bad.jpg").write_text("not a picture")
    (tmp_path / "old").mkdir()
    for folder in ("new/deep", "old"):
        code, _, _ = paint(tmp_path / "bad.jpg", "-o", tmp_path / folder)
        assert code == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["old"]


# ---- before the work


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a network, or a run, is a failure: it comes too early."""

    def worked(*_: Any, **__: Any) -> None:
        raise AssertionError("this is work")

    monkeypatch.setattr("impasto.painting.painter.Painter.__init__", worked)
    monkeypatch.setattr("impasto.styles.bank.Bank.load", worked)
    if importlib.util.find_spec("torch"):
        monkeypatch.setattr(importlib.import_module("impasto.learn.optimize.run"), "Optimization", worked)


EARLY = {
    "a name that is too long": ("{tmp}/" + "a" * 252 + ".png", "too long"),
    "a missing folder": ("{tmp}/no/o.png", "folder does not exist"),
    "a file in place of a folder": ("{photo}/o.png", "folder"),
    "another kind of file": ("{tmp}/o.xyz", "o.xyz"),
}


@pytest.mark.parametrize("case", EARLY)
@pytest.mark.parametrize(
    "command",
    [
        "paint {photo} -s red",
        "sheet {photo}",
        "square {photo} -s red,green,blue,photo",
        "map --method pca",
        "optimize {photo} {painting}",
        "grid {photo} {painting}",
        "teach {painting} --name new --preview",
    ],
)
def test_what_can_be_known_is_told_before_the_work(
    command: str, case: str, files: dict[str, Path], do: Do, no_work: None
) -> None:
    """A target that cannot be written is refused before a network is opened."""
    output, hint = EARLY[case]
    more = ["-o", files["tmp"] / "new.safetensors"] if "--preview" in command else []
    words = [word.format(**files) for word in command.split()] + ([] if more else ["-o"])
    before = tree(files["tmp"])
    code, _, err = do(*words, output.format(**files), *more)
    assert code == 2 and err.count("\n") == 1 and hint in err, err
    assert tree(files["tmp"]) == before


def test_a_log_is_tried_too(files: dict[str, Path], do: Do, no_work: None) -> None:
    """The log, the state and the numbers beside a sheet are targets as the picture is."""
    both = [files["photo"], files["painting"]]
    out = files["tmp"] / "o.png"
    (files["tmp"] / "o.png.state").mkdir()
    (files["tmp"] / "g.json").mkdir()
    for words, name in (
        (["optimize", *both, "-o", out], "o.png.state"),
        (["optimize", *both, "-o", files["tmp"] / "p.png", "--json-log", files["tmp"] / "no" / "log"], "log"),
        (["grid", *both, "-o", files["tmp"] / "g.png"], "g.json"),
        (["grid", *both, "-o", files["tmp"] / "h.png", "--cells", files["photo"]], "cat.jpg"),
    ):
        code, _, err = do(*words)
        assert code == 2 and err.count("\n") == 1 and name in err, err
    assert not list(files["tmp"].glob("*.impasto"))


@pytest.mark.skipif(os.name != "posix", reason="devices as POSIX has them")
def test_a_log_may_go_to_a_device(files: dict[str, Path], do: Do, no_work: None) -> None:
    """A log is written bit by bit, so it may go to a pipe or a terminal; a picture may not."""
    words = ["optimize", files["photo"], files["painting"], "-o"]
    assert "this is work" in do(*words, files["tmp"] / "o.png", "--json-log", "/dev/null")[2]
    (files["tmp"] / "p.png").symlink_to("/dev/null")
    code, _, err = do(*words, files["tmp"] / "p.png")
    assert code == 2 and "device" in err


def test_a_state_of_another_program_stays(files: dict[str, Path], do: Do) -> None:
    """A file that happens to be called as the state is not written over, nor removed at the end."""
    (files["tmp"] / "o.png.state").write_text("a diary")
    code, _, err = do("optimize", files["photo"], files["painting"], "-o", files["tmp"] / "o.png")
    assert code == 2 and "o.png.state" in err and (files["tmp"] / "o.png.state").read_text() == "a diary"


def test_a_picture_too_large_for_its_format(tmp_path: Path, paint: Do, no_work: None) -> None:
    """WebP ends at 16,383 pixels a side: told from the photo's header, with --size as it will be."""
    wide = draw(tmp_path / "wide.png", shape=(20, 17_000))
    code, _, err = paint(wide, "-o", tmp_path / "o.webp")
    assert code == 2 and err.count("\n") == 1 and "16383" in err
    assert "this is work" in paint(wide, "-o", tmp_path / "o.webp", "--size", 1000)[2]


def test_a_sheet_too_large_for_its_format(network_file: Path, tmp_path: Path, do: Do, monkeypatch) -> None:
    """A sheet, a square and an optimisation are known to be too large before the first painting or step."""
    monkeypatch.setattr("impasto.painting.painter.Painter.paint_array", lambda *_, **__: pytest.fail("this is work"))
    wide = draw(tmp_path / "wide.png", shape=(16, 5000))
    for words in (
        ["sheet", wide, "--size", 5000, "--columns", 4],
        ["square", wide, "-s", "red,green,blue,photo", "--n", 4, "--size", 5000],
    ):
        code, _, err = do(*words, "--network", network_file, "-o", tmp_path / "o.webp")
        assert code == 2 and err.count("\n") == 1 and "16383" in err, err


# ---- standard input and output


def test_standard_input_is_one_photo(photo: Path, tmp_path: Path, paint: Do) -> None:
    """Beside other photos, or twice, it is refused."""
    for words in (["-", photo], ["-", "-"], [photo, "-"]):
        code, _, err = paint(*words, "-o", tmp_path / "o")
        assert code == 2 and err.count("\n") == 1 and "standard input" in err


def test_standard_output_is_one_painting(photo: Path, tmp_path: Path, paint: Do, do: Do, network_file: Path) -> None:
    """Several photos, and folders, do not go there; nor do frames."""
    for words in ([photo, draw(tmp_path / "dog.png")], [tmp_path]):
        code, printed, err = paint(*words, "-o", "-")
        assert code == 2 and not printed and err.count("\n") == 1 and "standard output" in err
    code, _, err = do("path", photo, "-s", "red,blue", "--network", network_file, "-o", "-")
    assert code == 2 and "standard output" in err


def test_an_output_without_a_name(photo: Path, paint: Do) -> None:
    """-o "" is refused, not taken for the folder one is in."""
    code, _, err = paint(photo, "-o", "")
    assert code == 2 and "no name" in err


def test_what_was_meant_as_a_style(tmp_path: Path) -> None:
    """A blank in a list of styles makes a photo of the second one; the sentence names it."""
    photos = [Found(tmp_path / "photo.jpg"), Found(tmp_path / "munch-the-scream")]
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(TargetError, match="there is no file .*munch-the-scream, and several photos"):
        paintings(photos, str(tmp_path / "out.jpg"), "style")
