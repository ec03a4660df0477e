"""impasto video and impasto plan, as they are typed."""

from __future__ import annotations

import inspect
import json
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from impasto.film.reading import Container
from impasto.film.steady import frames
from impasto.film.writing import Coded
from tests.conftest import run
from tests.film.drawn import Drawing, film, frames_of


def test_records(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json there are records of how far it is; the last one says that it is done."""
    source = film(tmp_path / "in.mp4")
    code, out, err = run(
        *("video", source, "-s", "red", "-o", tmp_path / "out.mp4", "--network", network_file, "--json"), capsys=capsys
    )
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and not err
    assert records[-1]["done"] and records[-1]["frames"] == 12 and records[-1]["share"] == 1
    assert records[0].keys() == {"output", "frames", "seconds", "share", "fps", "left", "done"}


def test_over_time(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Styles, strength and a mask over time are options; a preview has an address."""
    source = film(tmp_path / "in.mp4", Drawing(frames=6))
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(tmp_path / "mask.png")
    code, out, err = run(
        *("video", source, "-o", tmp_path / "out.mp4", "--network", network_file, "--preview", "--size", "48"),
        *("--style-at", "0:red", "--style-at", "0.2:blue:0.5,green:0.5", "--strength-at", "0:0.5", "--strength-at"),
        *("0.2:1", "--mask", f"green={tmp_path / 'mask.png'}", "--keep-color", "--brush", "large", "--chroma", "444"),
        capsys=capsys,
    )
    assert code == 0 and not out
    assert "http://127.0.0.1:" in err and "6 frames, 0.2 s" in err
    assert frames_of(tmp_path / "out.mp4")[0].shape == (36, 48, 3)


def test_plan(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a film plan reports its frames, and the time for all of them."""
    source = film(tmp_path / "in.mp4", Drawing(frames=50))
    code, out, _ = run("plan", source, "--network", network_file, "--json", capsys=capsys)
    record = json.loads(out)
    assert code == 0 and record["frames"] == 50 and (record["width"], record["height"]) == (64, 48)
    assert record["seconds"] > 0


def test_plan_knows_all_of_the_work(
    network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time that plan reports has decoding, holding still and coding in it, each as often as there are frames."""
    for owner, name in ((Container, "_decoded"), (frames, "follow"), (Coded, "write")):
        monkeypatch.setattr(owner, name, _slow(getattr(owner, name)))
    source = film(tmp_path / "in.mp4", Drawing(frames=50, size=(1280, 960)))
    code, out, _ = run("plan", source, "--network", network_file, "--json", "--size", "64", capsys=capsys)
    assert code == 0 and json.loads(out)["seconds"] >= 50 * 0.15


def _slow(action: Any) -> Any:
    """The same, a twentieth of a second later; what it yields comes one by one so much later."""
    if inspect.isgeneratorfunction(action):

        def late(*given: Any) -> Any:
            for each in action(*given):
                time.sleep(0.05)
                yield each

        return late

    def later(*given: Any) -> Any:
        time.sleep(0.05)
        return action(*given)

    return later


def test_paint_names_it(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """impasto paint says which command paints films."""
    source = film(tmp_path / "in.mp4", Drawing(frames=2))
    code, _, err = run("paint", source, "-s", "red", "--network", network_file, capsys=capsys)
    assert code == 2 and "is a film; impasto video paints it" in err


@pytest.mark.parametrize(("name", "goes"), [("out.mkv", True), ("out.mp4", False)])
def test_subtitles(
    network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, goes: bool
) -> None:
    """Subtitles go along where the container takes them; where it does not, that is said."""
    (tmp_path / "in.srt").write_text("1\n00:00:00,100 --> 00:00:00,400\nHello\n")
    plain = film(tmp_path / "plain.mp4", Drawing(frames=25, sounds=()))
    with av.open(str(plain)) as pictures, av.open(str(tmp_path / "in.srt")) as words:
        with av.open(str(tmp_path / "in.mkv"), "w") as out:
            streams = {id(each): out.add_stream_from_template(each) for each in (pictures.streams[0], words.streams[0])}
            for container in (pictures, words):
                for packet in container.demux():
                    if packet.dts is not None:
                        packet.stream = streams[id(container.streams[0])]
                        out.mux(packet)
    code, _, err = run(
        *("video", tmp_path / "in.mkv", "-s", "red", "-o", tmp_path / name, "--network", network_file), capsys=capsys
    )
    assert code == 0
    with av.open(str(tmp_path / name)) as made:
        assert len(made.streams.subtitles) == goes
    assert ("subtitles of" in err) != goes
