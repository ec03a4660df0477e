"""What cannot be painted as a film is refused in one sentence, and nothing is written."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.conftest import run
from tests.film.drawn import Drawing, film, picture

Maker = Callable[[Path], Any]


def cut_off(folder: Path) -> Path:
    whole = film(folder / "whole.mp4")
    (folder / "in.mp4").write_bytes(whole.read_bytes()[:2000])
    whole.unlink()
    return folder / "in.mp4"


def written(name: str, data: bytes) -> Maker:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def only_sound(folder: Path, cover: bool = False) -> Path:
    path = folder / "in.mp4"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=48_000)
        if cover:
            shown = out.add_stream("mjpeg", rate=1)
            shown.width, shown.height, shown.pix_fmt = 16, 16, "yuvj420p"
            shown.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(picture(0, 16, 16)).reformat(format="yuvj420p")
            frame.pts = 0
            out.mux([*shown.encode(frame), *shown.encode(None)])
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 4096), np.float32), format="fltp", layout="stereo")
        silence.sample_rate, silence.pts = 48_000, 0
        out.mux([*sound.encode(silence), *sound.encode(None)])
    return path


def photo(folder: Path) -> Path:
    Image.fromarray(picture()).save(folder / "in.jpg")
    return folder / "in.jpg"


def no_frames(folder: Path) -> Path:
    """A film whose packets are noise."""
    path = film(folder / "in.avi", Drawing(codec="mpeg4", base=Fraction(1, 25), sounds=()))
    data = bytearray(path.read_bytes())
    start = data.find(b"movi")
    end = data.find(b"idx1")
    place = start + 4
    while place < end:  # chunks: their names, their sizes, and what is in them
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        data[place + 8 : place + 8 + size] = b"\xff" * size
        place += 8 + size + size % 2
    path.write_bytes(data)
    return path


BAD: dict[str, tuple[Maker, str]] = {
    "missing": (lambda folder: folder / "in.mp4", "there is no file"),
    "empty": (written("in.mp4", b""), "is empty"),
    "text": (written("in.txt", b"hello, this is no film\n" * 50), "no film"),
    "text called mp4": (written("in.mp4", b"hello, this is no film\n" * 50), "cannot be read as a film"),
    "no moov": (cut_off, "cannot be read as a film"),
    "only sound": (only_sound, "only sound"),
    "a cover": (lambda folder: only_sound(folder, cover=True), "only sound and a cover picture"),
    "photo": (photo, "is a picture, not a film"),
    "noise": (no_frames, "no frame that can be decoded"),
    "empty folder": (lambda folder: (folder / "in").mkdir() or folder / "in", "there is no picture in"),
    "pattern of nothing": (lambda folder: folder / "in-%03d.png", "there is no picture in"),
    "damaged gif": (written("in.gif", b"GIF89a" + bytes(40)), "cannot be read as an animation"),
    "address": (lambda folder: "https://example.org/in.mp4", "https://example.org/in.mp4 is an address"),
    "playlist": (written("in.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"), "cannot be read as a film"),
}


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    code, out, err = run("video", *words, capsys=capsys)
    assert code == 2, err
    assert len(err.strip().splitlines()) == 1 and err.startswith("impasto: ") and not out
    return err


@pytest.mark.parametrize("name", BAD)
def test_bad_source(name: str, network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no film is named, with the reason."""
    make, said = BAD[name]
    source = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    err = refused(capsys, source, "-s", "red", "-o", tmp_path / "out.mp4", "--network", network_file)
    assert said in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("output", "more", "said"),
    [
        ("in.mp4", (), "is one of the files that are read"),
        ("out.xyz", (), "cannot be written as '.xyz'"),
        ("away/out.mp4", (), "its folder does not exist"),
        ("out.mp4", ("--codec", "prores"), "cannot be coded with prores"),
        ("out.webm", ("--codec", "h264"), "cannot be coded with h264"),
        ("out.mp4", ("--codec", "mpeg4", "--chroma", "444"), "mpeg4 has no full chroma"),
        ("out.mp4", ("--codec", "divx"), "--codec must be"),
        ("out.mp4", ("--start", "9"), "it ends before"),
        ("out.mp4", ("--start", "2", "--end", "1"), "must be behind the start"),
        ("out.mp4", ("--start", "soon"), "--start must be a number"),
        ("out.mp4", ("--style-at", "1:red"), "give one of them"),
        ("out.mp4", ("--strength-at", "1:9"), "must be a number from 0 to 1.5"),
        ("out.mp4", ("--strength-at", "0.5"), "is written SECONDS:STRENGTH"),
        ("out.mp4", ("--strength-at", "1:1", "--strength-at", "1:0"), "two keys for the strength at 1 s"),
        ("out.mp4", ("--mask", "green=nothing.png"), "nothing.png"),
        ("out.mp4", ("--mask", "green=nothing.mp4"), "there is no file"),
        ("out.mp4", ("--mask", "green=alpha"), "alpha"),
        ("out.mp4", ("--size", "0"), "--size must be"),
    ],
)
def test_bad_options(
    output: str,
    more: tuple[str, ...],
    said: str,
    network_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be done with a film is said, the film stays as it is, and nothing is left over."""
    source = film(tmp_path / "in.mp4", Drawing(frames=3))
    before = source.read_bytes()
    err = refused(capsys, source, "-s", "red", "-o", tmp_path / output, "--network", network_file, *more)
    assert said in err
    assert source.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["in.mp4"]


def test_no_style(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A style has to be named."""
    source = film(tmp_path / "in.mp4", Drawing(frames=3))
    assert "a style is missing" in refused(capsys, source, "-o", tmp_path / "out.mp4", "--network", network_file)


def test_other_film_there(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A film that impasto did not paint is overwritten only if asked for; one that it did, always."""
    source = film(tmp_path / "in.mp4", Drawing(frames=3))
    target = film(tmp_path / "out.mp4", Drawing(frames=1))
    words = (source, "-s", "red", "-o", target, "--network", network_file)
    assert "exists already" in refused(capsys, *words)
    assert run("video", *words, "--overwrite", capsys=capsys)[0] == 0
    assert run("video", *words, capsys=capsys)[0] == 0


def test_other_frames_there(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames in a folder that impasto did not paint stay, and a film is not painted into the folder it is read from."""
    folder = tmp_path / "there"
    folder.mkdir()
    for number in (1, 2):
        Image.fromarray(picture(number)).save(folder / f"frame-000{number}.png")
    source = film(tmp_path / "in.mp4", Drawing(frames=3))
    more = ("-s", "red", "--network", network_file)
    assert "exists already" in refused(capsys, source, "-o", folder, *more)
    assert "is read, and would be lost" in refused(capsys, folder, "-o", folder, "--force", *more)
    assert "is read, and would be lost" in refused(
        capsys, folder / "frame-%d.png", "-o", folder / "frame-%04d.png", *more
    )
    assert "its folder does not exist" in refused(capsys, source, "-o", tmp_path / "away" / "frames", *more)


def test_other_settings(
    network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is half painted is not gone on with in another style, unless it is painted from its beginning."""
    source = film(tmp_path / "in.mp4")
    words = (source, "-o", tmp_path / "out.mp4", "--network", network_file)
    with monkeypatch.context() as patch:
        patch.setattr("impasto.film.writing.put", broken(patch))
        patch.setattr("impasto.film.render.FRAMES", 5)
        assert "disk is full" in refused(capsys, *words, "-s", "red")
    err = refused(capsys, *words, "-s", "green")
    assert "half painted with another style" in err and "--restart" in err
    assert run("video", *words, "-s", "green", "--restart", capsys=capsys)[0] == 0


def broken(patch: Any) -> Any:
    """Files are put in their places, until the disk is full."""
    from impasto.film import writing

    whole, done = writing.put, []

    def put(made: Path, path: Path) -> int:
        done.append(path)
        if len(done) > 1:
            raise OSError(28, "the disk is full")
        return whole(made, path)

    return put


def test_extra_missing(
    network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PyAV the line that installs it is said; animations are painted without it."""
    source = film(tmp_path / "in.mp4", Drawing(frames=3))
    monkeypatch.setitem(sys.modules, "av", None)
    more = ("-s", "red", "--network", network_file)
    assert "pip install 'impasto[video]'" in refused(capsys, source, "-o", tmp_path / "out.mp4", *more)
    Image.fromarray(picture()).save(
        tmp_path / "in.gif", save_all=True, append_images=[Image.fromarray(picture(9))], duration=80
    )
    assert run("video", tmp_path / "in.gif", "-o", tmp_path / "out.gif", *more, capsys=capsys)[0] == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_protected(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that may not be written into is said before the work."""
    source = film(tmp_path / "in.mp4", Drawing(frames=3))
    (tmp_path / "locked").mkdir(mode=0o555)
    err = refused(capsys, source, "-s", "red", "-o", tmp_path / "locked" / "out.mp4", "--network", network_file)
    assert "write-protected" in err
