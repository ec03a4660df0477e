"""The commands that walk between styles, and those that make banks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.styles.bank import Bank
from tests.conftest import pixels, run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def bank(network_file: Path) -> Path:
    return network_file.with_suffix(".safetensors")


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures differ by rounding alone, as the same painting may from command to command."""
    apart = np.abs(one.astype(int) - other)
    return bool(one.shape == other.shape and apart.max() <= 1 and apart.mean() < 0.01)


def test_the_corners_of_a_square_are_the_styles(photo, network_file, tmp_path, capsys) -> None:
    """square paints n x n pictures, and its corners are what paint makes of the four styles, photo too."""
    out, single = tmp_path / "square.png", tmp_path / "single.png"
    words = ["square", photo, "-s", "red,green,blue,photo", "-o", out, "--n", 3, "--network", network_file]
    code, _, err = run(*words, capsys=capsys)
    assert code == 0 and "3 x 3" in err
    sheet = pixels(out)
    assert sheet.shape == (3 * 42 + 2, 3 * 50 + 2, 3)
    for name, top, left in (("red", 2, 2), ("green", 2, 102), ("blue", 86, 2), ("photo", 86, 102)):
        run("paint", photo, "-s", name, "-o", single, "--network", network_file, capsys=capsys)
        assert same(sheet[top : top + 40, left : left + 48], pixels(single))


def test_a_path_as_numbered_frames(photo, network_file, tmp_path, capsys) -> None:
    """path -o FOLDER writes numbered frames; the first and last are the styles; -s may be given several times."""
    folder, single = tmp_path / "frames", tmp_path / "single.png"
    words = ["path", photo, "-s", "red", "-s", "green:1,blue:3", "--frames", 4, "-o", folder, "--network", network_file]
    code, _, err = run(*words, capsys=capsys)
    assert code == 0, err
    assert sorted(path.name for path in folder.iterdir()) == [f"frame-000{i}.png" for i in (1, 2, 3, 4)]
    for name, frame in (("red", 1), ("green:1,blue:3", 4)):
        run("paint", photo, "-s", name, "-o", single, "--network", network_file, capsys=capsys)
        assert same(pixels(folder / f"frame-000{frame}.png"), pixels(single))


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_path_as_an_animation(suffix, photo, network_file, tmp_path, capsys) -> None:
    """path -o FILE.gif or .webp writes an animation of that many frames."""
    out = tmp_path / f"walk.{suffix}"
    words = ["path", photo, "-s", "red,green,red", "--frames", 5, "-o", out, "--network", network_file]
    code, _, err = run(*words, capsys=capsys)
    assert code == 0, err
    with Image.open(out) as image:
        assert image.n_frames == 5 and image.size == (48, 40)


def test_a_map_as_numbers_and_as_a_picture(photo, network_file, tmp_path, capsys) -> None:
    """map writes JSON without a photo, and a picture with the paintings of one."""
    words = ["map", "--method", "pca", "--network", network_file, "-o"]
    code, _, err = run(*words, tmp_path / "map.json", capsys=capsys)
    assert code == 0, err
    found = json.loads((tmp_path / "map.json").read_text())
    assert [style["name"] for style in found["styles"]] == ["red", "green", "blue"]
    code, _, err = run(*words, tmp_path / "map.png", photo, "--width", 300, capsys=capsys)
    assert code == 0 and pixels(tmp_path / "map.png").shape[1] > 90, err


def test_styles_list_is_styles(bank, capsys) -> None:
    """styles list prints what styles prints."""
    assert run("styles", "list", "--bank", bank, capsys=capsys) == run("styles", "--bank", bank, capsys=capsys)


def test_a_style_travels_in_a_file(bank, tmp_path, capsys) -> None:
    """export, rename and add bring a style to another bank; its row and all others stay bitwise the same."""
    one, two, all_ = tmp_path / "one.safetensors", tmp_path / "two.safetensors", tmp_path / "all.safetensors"
    assert run("styles", "export", "red", "-o", one, "--bank", bank, capsys=capsys)[0] == 0
    assert run("styles", "rename", "red", "rouge", "-o", two, "--bank", one, capsys=capsys)[0] == 0
    assert run("styles", "add", two, "-o", all_, "--bank", bank, capsys=capsys)[0] == 0
    old, new = Bank.load(bank), Bank.load(all_)
    assert new.names == (*old.names, "rouge")
    assert new.rows.tobytes() == old.rows.tobytes() + old["red"].tobytes()
    assert one.stat().st_size < 16_000


def test_merge_and_remove(bank, tmp_path, capsys) -> None:
    """merge of two halves is the whole; remove leaves styles out."""
    halves = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for names, half in zip((["red", "green"], ["blue", "photo"]), halves, strict=True):
        assert run("styles", "export", *names, "-o", half, "--bank", bank, capsys=capsys)[0] == 0
    assert run("styles", "merge", *halves, "-o", tmp_path / "c.safetensors", capsys=capsys)[0] == 0
    assert (tmp_path / "c.safetensors").read_bytes() == bank.read_bytes()
    words = ["styles", "remove", "red", "blue", "-o", tmp_path / "d.safetensors", "--bank", bank]
    assert run(*words, capsys=capsys)[0] == 0
    assert Bank.load(tmp_path / "d.safetensors").names == ("green", "photo")


def test_a_style_is_replaced_only_if_asked(bank, tmp_path, capsys) -> None:
    """A name that another row has is refused; --replace lets the new one take its place."""
    other, out = tmp_path / "other.safetensors", tmp_path / "out.safetensors"
    old = Bank.load(bank)
    old.select(["red"]).add("red", old["blue"], old.card("red"), replace=True).save(other)
    code, _, err = run("styles", "add", other, "-o", out, "--bank", bank, capsys=capsys)
    assert code == 2 and "--replace" in err and not out.exists()
    assert run("styles", "add", other, "-o", out, "--bank", bank, "--replace", capsys=capsys)[0] == 0
    assert np.array_equal(Bank.load(out)["red"], old["blue"])


def test_no_bank_is_overwritten_without_force(bank, tmp_path, capsys) -> None:
    """A file that exists stays as it is without --force, and one that is read stays with it, too."""
    mine, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    for path in (mine, other):
        path.write_bytes(bank.read_bytes())
    code, _, err = run("styles", "remove", "red", "-o", other, "--bank", mine, capsys=capsys)
    assert code == 2 and "--force" in err and other.read_bytes() == bank.read_bytes()
    assert run("styles", "remove", "red", "-o", other, "--bank", mine, "--force", capsys=capsys)[0] == 0
    assert "red" not in Bank.load(other)
    for force in ([], ["--force"]):
        code, _, err = run("styles", "remove", "red", "-o", mine, "--bank", mine, *force, capsys=capsys)
        assert code == 2 and "would be lost" in err and mine.read_bytes() == bank.read_bytes()


BAD = {
    "three corners": (["square", "{photo}", "-s", "red,green,blue", "-o", "{tmp}/a.png"], "4 styles"),
    "square without a side": (
        ["square", "{photo}", "-s", "red,red,red,red", "-o", "{tmp}/a.png", "--n", "1"],
        "--n must be",
    ),
    "path of one style": (["path", "{photo}", "-s", "red", "-o", "{tmp}/a.gif"], "2 styles"),
    "path into another format": (["path", "{photo}", "-s", "red,green", "-o", "{tmp}/a.png"], ".gif or .webp"),
    "path with an unknown style": (["path", "{photo}", "-s", "red,gren", "-o", "{tmp}/f"], "'green'"),
    "map of another kind": (["map", "-o", "{tmp}/a.png", "--method", "x"], "neighbours or pca"),
    "map into a missing folder": (["map", "-o", "{tmp}/no/a.json", "--method", "pca"], "a.json"),
    "remove of an unknown style": (["styles", "remove", "rde", "-o", "{tmp}/a.safetensors"], "'red'"),
    "rename to a name that is taken": (["styles", "rename", "red", "blue", "-o", "{tmp}/a.safetensors"], "'blue'"),
    "rename to a bad name": (["styles", "rename", "red", "Bad Name", "-o", "{tmp}/a.safetensors"], "lower-case"),
    "add of something else": (["styles", "add", "{photo}", "-o", "{tmp}/a.safetensors"], "cat.png"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case, photo, network_file, tmp_path, capsys) -> None:
    """The message is one line that names what is wrong, the code is 2, and no file is written."""
    words, hint = BAD[case]
    filled = [word.format(photo=photo, tmp=tmp_path) for word in words]
    code, printed, err = run(*filled, "--network", network_file, capsys=capsys)
    assert code == 2 and hint in err and err.count("\n") == 1 and err.startswith("impasto: ") and not printed
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["cat.png"]


def test_options_before_the_command_are_not_lost(bank, capsys) -> None:
    """styles --bank FILE list is refused rather than listing another bank."""
    code, _, err = run("styles", "--bank", bank, "list", capsys=capsys)
    assert code == 2 and "behind the command" in err
