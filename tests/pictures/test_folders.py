"""Folders -> photos, and what is left out of them, with the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import PictureError
from impasto.pictures import folders, formats
from impasto.pictures.folders import Found, search
from tests.conftest import run


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def no_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "decoder", lambda kind: None)


def test_photos_know_the_folder_they_were_found_in(tmp_path: Path) -> None:
    """A photo from a folder has its path below it; a file named itself has its name."""
    touch(tmp_path, "2023/a.jpg", "2024/deep/a.jpg", "b.png")
    found = search([tmp_path, tmp_path / "b.png"]).photos
    assert [str(each.relative) for each in found] == ["2023/a.jpg", "2024/deep/a.jpg", "b.png", "b.png"]
    assert [each.root for each in found] == [tmp_path] * 3 + [None]


def test_suffixes_of_any_case(tmp_path: Path) -> None:
    """What is a picture by its suffix is found, whatever the case; .mpo is a JPEG."""
    touch(tmp_path, "a.JPG", "b.Mpo", "c.TiFF", "d.txt", "e.JFIF")
    assert [each.path.name for each in search(tmp_path).photos] == ["a.JPG", "b.Mpo", "c.TiFF", "e.JFIF"]


def test_what_is_left_out_is_counted_and_named(tmp_path: Path, no_decoders: None) -> None:
    """One line for each reason: how many pictures, the first of them, what helps. Other files are passed by."""
    touch(tmp_path, *(f"IMG_{i}.HEIC" for i in range(5)), "x.jxl", "x.CR3", "y.nef", "x.psd", "x.tga", "x.mov", "x.doc")
    notes = search(tmp_path).notes
    heic = "HEIC needs a decoder: pip install 'impasto[heif]'"
    assert notes[0].startswith("left out: 5 pictures that impasto cannot read (IMG_0.HEIC, IMG_1.HEIC, IMG_2.HEIC")
    assert notes[0].endswith(f"and 2 more: {heic})")
    assert any("1 picture that impasto cannot read (x.jxl: JPEG XL needs" in note for note in notes)
    assert any("2 pictures" in note and "x.CR3, y.nef: a camera's raw file" in note for note in notes)
    assert any("x.psd, x.tga" in note for note in notes)
    assert not any("mov" in note or "doc" in note for note in notes)


def test_decoders_that_are_installed_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a decoder, HEIC files are photos like others."""
    monkeypatch.setattr(formats, "decoder", lambda kind: "pi_heif" if kind == formats.HEIF else None)
    touch(tmp_path, "a.heic", "b.hif", "c.jxl")
    assert [each.path.name for each in search(tmp_path).photos] == ["a.heic", "b.hif"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs, and links need rights")
def test_only_files_come_out_of_a_folder(tmp_path: Path) -> None:
    """A FIFO or a broken link in a folder is left out, not waited for; links to files and to given folders work."""
    touch(tmp_path, "real/a.jpg")
    os.mkfifo(tmp_path / "real" / "pipe.jpg")
    (tmp_path / "real" / "gone.png").symlink_to("nowhere")
    (tmp_path / "real" / "link.png").symlink_to("a.jpg")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    found = search(tmp_path / "link")
    assert [str(each.relative) for each in found.photos] == ["a.jpg", "link.png"]
    assert found.notes == ("left out: 2 pictures that impasto cannot read (gone.png, pipe.jpg: no regular file)",)


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a tree such a folder is left out, with a line; given itself, it is an error."""
    touch(tmp_path, "a.jpg", "lost+found/b.jpg")
    real = os.scandir

    def forbidden(path: str) -> object:
        if "lost" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    found = search(tmp_path)
    assert found.photos == (Found(tmp_path / "a.jpg", tmp_path),)
    assert len(found.notes) == 1 and "1 folder" in found.notes[0] and "lost+found" in found.notes[0]
    with pytest.raises(PictureError, match=r"lost\+found cannot be listed \(Permission denied\)"):
        search(tmp_path / "lost+found")


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="drops root's rights with setpriv")
def test_a_folder_that_may_not_be_listed_by_an_ordinary_user(tmp_path: Path) -> None:
    """The same with real permissions."""
    touch(tmp_path, "c/a.jpg", "c/lost+found/b.jpg")
    (tmp_path / "c" / "lost+found").chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    # what a user without rights may not see is imported before the rights go
    code = f"""import os
from impasto.pictures.folders import search
os.chdir({str(tmp_path)!r}); os.setgroups([]); os.setgid(65534); os.setuid(65534)
found = search("c")
print(found.paths, found.notes)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "a.jpg" in done.stdout and "1 folder" in done.stdout and "lost+found" in done.stdout


def test_names_are_printed_on_one_line(tmp_path: Path) -> None:
    """Names with line breaks do not break the line."""
    notes = folders.Search((), (folders.LeftOut(Path("a\nb.psd"), "a reason"),)).notes
    assert notes == ("left out: 1 picture that impasto cannot read (a b.psd: a reason)",)


def test_the_command_prints_a_line(
    network_file: Path, tmp_path: Path, no_decoders: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """``paint`` and ``plan`` of a folder paint what can be read, and print a line about the rest."""
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "stereo.mpo")
    touch(tmp_path, "IMG_0003.HEIC")
    words = ["--network", network_file, "--runtime", "onnxruntime"]
    for command in (["paint", tmp_path, "-s", "red", "-o", tmp_path / "out"], ["plan", tmp_path]):
        code, _, err = run(*command, *words, capsys=capsys)
        assert code == 0 and "left out: 1 picture" in err and "IMG_0003.HEIC" in err
    assert len(list((tmp_path / "out").iterdir())) == 1
