"""``impasto live`` as a command: how it begins, what it prints, how it ends, what is left of a recording."""

from __future__ import annotations

import importlib.util
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")

from impasto.film import cameras, reading
from impasto.film.work import locked
from impasto.server.run import bound
from tests.conftest import run
from tests.film.drawn import Drawing, film, times_of
from tests.server.test_studio_command import Visitor, started


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of four seconds."""
    return film(tmp_path_factory.mktemp("clip") / "seen.mp4", Drawing(frames=100, options=(("crf", "20"),)))


def words(network: Path, *more: object) -> tuple[str, ...]:
    return ("live", "--no-browser", "--port", "0", "--network", str(network), *map(str, more))


def looked(visitor: Visitor, address: str, after: int = 0) -> int:
    """The status of the next painting."""
    return visitor.get(f"{address}/api/v1/live/painted?after={after}")[0]


@pytest.mark.process
def test_a_film_from_beginning_to_end(network_file: Path, clip: Path, tmp_path: Path) -> None:
    """A film is shown at a secret address, recorded at its own times, and ends the command with 0."""
    target = tmp_path / "me.mp4"
    with started(tmp_path, *words(network_file, "--camera", clip, "--record", target)) as (process, line):
        address, _, token = line.partition("/?token=")
        assert address.startswith("http://127.0.0.1:") and len(token) > 20
        visitor = Visitor()
        assert looked(visitor, address) == 401
        status, page = visitor.get(line)
        assert status == 200 and b"live.js" in page
        assert looked(visitor, address) == 200
        assert process.wait(60) == 0
        assert process.stdout and process.stderr
        said = process.stderr.read()
        assert process.stdout.read() == "" and said.startswith(f"{target}: ") and said.count("\n") == 1
    times = times_of(target)
    assert 2 < float(times[-1]) < 5 and len(times) <= 100


@pytest.mark.parametrize("kind", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.process)])
def test_stopped(network_file: Path, tmp_path: Path, kind: int) -> None:
    """Ctrl-C ends it quietly with 0, and the recording is whole."""
    target = tmp_path / "me.mp4"
    long = film(tmp_path / "seen.mp4", Drawing(frames=3000, sounds=(), options=(("crf", "30"),)))  # two minutes
    with started(tmp_path, *words(network_file, "--camera", long, "--record", target)) as (process, line):
        visitor = Visitor()
        visitor.get(line)
        while looked(visitor, line.partition("/?")[0], 5) != 200:  # a busy computer has not painted so many yet
            assert process.poll() is None
        process.send_signal(kind)
        assert process.wait(60) == 0
        assert process.stderr and process.stderr.read().startswith(f"{target}: ")
    assert len(times_of(target)) >= 5


@pytest.mark.process
def test_a_page_that_is_closed(network_file: Path, tmp_path: Path) -> None:
    """Some seconds after nobody looks any more it ends with 0, also where no camera ever came."""
    with started(tmp_path, *words(network_file)) as (process, line):
        visitor = Visitor()
        visitor.get(line)
        address = line.partition("/?")[0]
        assert looked(visitor, address) == 204
        assert process.poll() is None
        assert process.wait(60) == 0
        assert process.stderr and process.stderr.read() == ""


@pytest.mark.film
def test_killed(network_file: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL it leaves a film that can be read, of all but its last moments."""
    target = tmp_path / "me.mp4"
    long = film(tmp_path / "seen.mp4", Drawing(frames=3000, sounds=(), options=(("crf", "30"),)))
    with started(tmp_path, *words(network_file, "--camera", long, "--record", target)) as (process, line):
        visitor = Visitor()
        visitor.get(line)
        address, number, until = line.partition("/?")[0], 0, time.monotonic() + 30
        while number < 45 and time.monotonic() < until:
            with visitor.opener.open(f"{address}/api/v1/live/painted?after={number}", timeout=20) as answer:
                number = int(answer.headers["X-N"])
        process.kill()
        process.wait()
    assert sum(1 for _ in reading.opened(target).frames()) >= 15


BAD: list[tuple[list[Any], str]] = [
    (["-s", "hokusay-great-wave"], "hokusay-great-wave"),
    (["--camera", "7"], "there is no camera '7' here"),
    (["--camera", "Front"], "there is no camera 'Front' here"),
    (["--camera", "nothing.mp4"], "there is no file nothing.mp4"),
    (["--camera", "http://10.0.0.7/video"], "http://10.0.0.7/video is an address; --camera takes cameras of"),
    (["--camera", "rtsp://10.0.0.7:554/1"], "rtsp://10.0.0.7:554/1 is an address"),
    (["--list-cameras"], "there is no camera that --camera could take"),
    (["--record", "me.gif"], "me.gif cannot be recorded"),
    (["--record", "nowhere/me.mp4"], "nowhere"),
    (["--size", "0"], "--size must be"),
    (["--steady", "2"], "--steady must be"),
    (["--strength", "3"], "--strength must be"),
    (["--port", "70000"], "--port must be"),
    (["--network", "nothing.onnx"], "nothing.onnx"),
]


@pytest.mark.parametrize(("given", "says"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    network_file: Path,
    tmp_path: Path,
    given: list[Any],
    says: str,
) -> None:
    """What cannot be shown is one sentence and exit code 2, before there is a page, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cameras, "listed", lambda: [])
    network = [] if "--network" in given else ["--network", network_file]
    port = [] if "--port" in given else ["--port", 0]
    code, out, err = run("live", "--no-browser", *port, *network, *given, capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("impasto: ") and err.count("\n") == 1 and says in err
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_recorded_over(
    clip: Path, network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is looked at, and what impasto did not make, is not recorded over."""
    other = film(tmp_path / "mine.mp4", Drawing(frames=2))
    before = other.read_bytes(), clip.read_bytes()
    network = ("--no-browser", "--network", network_file)
    code, _, err = run("live", *network, "--camera", clip, "--record", clip, capsys=capsys)
    assert code == 2 and "would be lost" in err
    code, _, err = run("live", *network, "--camera", clip, "--record", other, capsys=capsys)
    assert code == 2 and "exists already" in err
    assert (other.read_bytes(), clip.read_bytes()) == before


def test_a_recording_that_is_under_way(
    clip: Path, network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two that record, or paint, into one file the second is refused, before there is a frame in it, too."""
    target = tmp_path / "me.mp4"
    painting = ("video", clip, "-s", "red", "-o", target, "--network", network_file)
    with locked(target):
        for more in ((), ("--force",)):
            command = ("live", "--no-browser", "--network", network_file, "--record", target, *more)
            code, _, err = run(*command, capsys=capsys)
            assert code == 2 and f"another process is painting this film, {target}" in err and err.count("\n") == 1
        assert run(*painting, capsys=capsys)[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken(network_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that was asked for and is taken is one sentence."""
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        code, out, err = run("live", "--no-browser", "--network", network_file, "--port", port, capsys=capsys)
    assert (code, out) == (2, "")
    assert err == f"impasto: port {port} is taken, by another server perhaps; choose another one with --port\n"


def test_missing_extras(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Without impasto[studio], or where films are read or recorded impasto[video], the line says what to install."""
    found = importlib.util.find_spec
    with monkeypatch.context() as without:
        without.setattr(importlib.util, "find_spec", lambda name, *r: None if name == "uvicorn" else found(name, *r))
        code, _, err = run("live", capsys=capsys)
        assert (code, err) == (2, "impasto: uvicorn is not installed: pip install 'impasto[studio]'\n")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    for more in (["--record", tmp_path / "me.mp4"], ["--list-cameras"], ["--camera", "0"]):
        code, _, err = run("live", "--no-browser", *more, capsys=capsys)
        assert (code, err) == (2, "impasto: films need PyAV: pip install 'impasto[video]'\n")


def test_cameras_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The list has the number, the name and the address of each camera."""
    monkeypatch.setattr(cameras, "listed", lambda: [cameras.Named(0, "Front Camera", "/dev/video0")])
    assert run("live", "--list-cameras", capsys=capsys) == (0, "0  Front Camera  (/dev/video0)\n", "")
