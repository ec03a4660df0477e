"""Cameras, without one: which is meant, how it is opened, and what happens when it goes away."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from impasto.errors import FilmError
from impasto.film import cameras
from impasto.film.cameras import Camera, Named
from tests.film.drawn import Drawing, film

DEVICES = (
    SimpleNamespace(name="/dev/video0", description="Front Camera", media_types=["video"]),
    SimpleNamespace(name="hw:0", description="Microphone", media_types=["audio"]),
    SimpleNamespace(name="/dev/video2", description="USB Camera", media_types=["video"]),
)
ENDS = OSError(5, "Input/output error")


@dataclass
class Stand:
    """A stand-in for PyAV: opens the next of ``gives``, a film's file or an error, whatever camera is asked for."""

    gives: list[Any]
    devices: Any = DEVICES
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    error: Any = av.error
    video: Any = av.video

    def enumerate_input_devices(self, system: str) -> Any:
        if isinstance(self.devices, Exception):
            raise self.devices
        return self.devices

    def open(self, address: str, format: str, options: dict[str, str]) -> Any:
        self.asked.append((address, format, options))
        given = self.gives.pop(0) if self.gives else ENDS
        if isinstance(given, Exception):
            raise given
        return av.open(str(given))


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    made = Stand([])
    monkeypatch.setattr(cameras, "av", lambda: made)
    monkeypatch.setattr(sys, "platform", "linux")
    return made


def test_the_list_has_cameras_alone(stand: Stand) -> None:
    """Cameras are numbered as they come, without microphones."""
    assert cameras.listed() == [Named(0, "Front Camera", "/dev/video0"), Named(1, "USB Camera", "/dev/video2")]


def test_devices_that_give_no_pictures_are_no_cameras(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux has several devices for a camera; the list has the one that gives pictures."""
    monkeypatch.setattr(cameras, "_captures", lambda address: address == "/dev/video2")
    assert cameras.listed() == [Named(0, "USB Camera", "/dev/video2")]


@pytest.mark.parametrize("which", ["1", "USB Camera", "usb", "/dev/video2"])
def test_which_is_meant(stand: Stand, which: str) -> None:
    """A camera is meant by its number, its name, a part of its name, or its address."""
    assert cameras.named(which).name == "USB Camera"


@pytest.mark.parametrize(("which", "says"), [("7", "no camera is called"), ("camera", "several cameras are called")])
def test_no_camera_of_that_name(stand: Stand, which: str, says: str) -> None:
    """A number or name that means none, or several, is one sentence with those that there are."""
    with pytest.raises(FilmError, match=rf"{says} '{which}'; there are 0 \(Front Camera\), 1 \(USB Camera\)"):
        cameras.named(which)


@pytest.mark.parametrize("devices", [(), ValueError("unknown format")])
def test_no_camera_at_all(stand: Stand, devices: Any) -> None:
    """Where there is none, or the system cannot list any, the sentence says what to do."""
    stand.devices = devices
    with pytest.raises(FilmError, match="there is no camera '0' here.*asks the browser"):
        cameras.named("0")


@pytest.mark.parametrize(("system", "kind"), [("linux", "v4l2"), ("darwin", "avfoundation"), ("win32", "dshow")])
def test_each_system_has_its_own(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, kind: str
) -> None:
    """A camera is opened as its system gives them, and rates are tried until it takes one."""
    monkeypatch.setattr(sys, "platform", system)
    address = {"dshow": "USB Camera", "avfoundation": "1"}.get(kind, "/dev/video2")
    stand.devices = [SimpleNamespace(name=address, description="USB Camera", media_types=["video"])]
    stand.gives = [ENDS, film(tmp_path / "seen.mp4", Drawing(frames=2))]
    camera = Camera(cameras.named("0"))
    camera.close()
    opens = {"dshow": "video=USB Camera", "avfoundation": "1:none"}.get(kind, "/dev/video2")
    assert [(where, how) for where, how, _ in stand.asked] == [(opens, kind)] * 2
    assert [options["framerate"] for _, _, options in stand.asked] == ["30", "25"]


def test_a_system_without_cameras(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose cameras FFmpeg does not know has none."""
    monkeypatch.setattr(sys, "platform", "plan9")
    assert cameras.listed() == []


def test_a_camera_that_cannot_be_opened(stand: Stand) -> None:
    """A camera that is busy or forbidden is one sentence with the reason."""
    with pytest.raises(FilmError, match=r"the camera USB Camera cannot be opened \(Input/output error\); another"):
        Camera(cameras.named("1"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A clock that goes on only while the camera is waited for."""
    now = [0.0]
    sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)  # noqa: E731
    monkeypatch.setattr(cameras, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    yield now


def test_a_camera_that_comes_back(stand: Stand, tmp_path: Path, clock: list[float]) -> None:
    """A camera that is unplugged is waited for, and goes on when it is back; that is said once."""
    seen = film(tmp_path / "seen.mp4", Drawing(frames=3, codec="mpeg4", base=Fraction(1, 25)))
    stand.gives = [seen, *[ENDS] * 7, seen]
    said: list[str] = []
    shapes = []
    with pytest.raises(FilmError, match="the camera Front Camera is gone"):
        for pixels in Camera(cameras.named("0")).frames(lambda: False, said.append):
            shapes.append(pixels.shape)
    assert shapes == [(48, 64, 3)] * 6
    assert len(said) == 2 and "does not answer" in said[0]


def test_a_camera_that_is_gone(stand: Stand, tmp_path: Path, clock: list[float]) -> None:
    """A camera that stays away for ten seconds ends the show with one sentence."""
    stand.gives = [film(tmp_path / "seen.mp4", Drawing(frames=1))]
    with pytest.raises(FilmError, match="the camera Front Camera is gone .*; plug it in"):
        list(Camera(cameras.named("0")).frames(lambda: False, lambda line: None))
    assert cameras.PATIENCE <= clock[0] < cameras.PATIENCE + 2


def test_what_has_ended_is_not_waited_for(stand: Stand, tmp_path: Path, clock: list[float]) -> None:
    """When the show is over nothing more is read, and nothing is said."""
    stand.gives = [film(tmp_path / "seen.mp4", Drawing(frames=3))]
    said: list[str] = []
    ended = iter([False, False, False, True])
    frames = list(Camera(cameras.named("0")).frames(lambda: next(ended, True), said.append))
    assert len(frames) <= 3 and not said


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_ffmpeg_knows_the_cameras_of_linux() -> None:
    """The FFmpeg that PyAV brings knows Linux's cameras, and lists them without an error."""
    assert isinstance(cameras.listed(), list)
    assert any("v4l2" in name for name in av.formats_available)
