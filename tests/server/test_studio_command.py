"""``impasto studio`` and ``impasto serve`` as commands: how they begin, what they print, how they end."""

from __future__ import annotations

import contextlib
import http.cookiejar
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from impasto.errors import OptionError
from impasto.server.run import bound, rules
from impasto.server.settings import Settings
from tests.conftest import run, until
from tests.server.conftest import drawn


@contextlib.contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A command in a process of its own, and the line that it has printed."""
    command = [sys.executable, "-m", "impasto", *words]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) as process:
        assert process.stdout and process.stderr
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield process, line.strip()
        finally:
            process.kill()


class Visitor:
    """A browser that keeps cookies."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar, urllib.request.ProxyHandler({}))

    def get(self, address: str) -> tuple[int, bytes]:
        try:
            with self.opener.open(address, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the server puts what is temporary."""
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_studio(network_file: Path, folder: Path, tmp_path: Path, kind: int) -> None:
    """It prints its address with the token as one line, has the photo, and ends quietly, with nothing left."""
    photo = tmp_path / "my cat.png"
    photo.write_bytes(drawn())
    words = ("studio", str(photo), "--no-browser", "--port", "0", "--network", str(network_file))
    with started(folder, *words) as (process, line):
        address, _, token = line.partition("/?token=")
        assert address.startswith("http://127.0.0.1:") and len(token) > 20
        visitor = Visitor()
        assert visitor.get(f"{address}/api/v1/session")[0] == 401
        status, page = visitor.get(line)
        assert status == 200 and b"<html" in page
        until(lambda: visitor.get(f"{address}/readyz")[0] == 200)
        session: dict[str, Any] = json.loads(visitor.get(f"{address}/api/v1/session")[1])
        assert (session["mode"], session["photo"]["name"], session["photo"]["width"]) == ("studio", "my cat.png", 96)
        assert session["network"] == "tiny" and len(list(folder.iterdir())) == 1
        process.send_signal(kind)
        assert process.wait(60) == 0
        assert process.stdout and process.stderr
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
    assert list(folder.iterdir()) == []


def test_serve(network_file: Path, folder: Path) -> None:
    """The API alone has no page, and asks for the token."""
    words = ("serve", "--port", "0", "--network", str(network_file), "--token", "a-good-token")
    with started(folder, *words) as (process, address):
        visitor = Visitor()
        assert visitor.get(f"{address}/")[0] == 401
        visitor.opener.addheaders = [("Authorization", "Bearer a-good-token")]
        assert visitor.get(f"{address}/")[0] == 404
        session = json.loads(visitor.get(f"{address}/api/v1/session")[1])
        assert (session["mode"], session["teach"], session["samples"]) == ("serve", False, [])
        assert visitor.get(f"{address}/api/v1/lessons/abc")[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert list(folder.iterdir()) == []


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that was asked for and is taken is one sentence; without one the next that is free is found."""
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        code, out, err = run("studio", "--no-browser", "--port", port, capsys=capsys)
        assert (code, out) == (2, "")
        assert err == f"impasto: port {port} is taken, by another server perhaps; choose another one with --port\n"
        with bound("127.0.0.1", port, search=True) as second:
            assert second.getsockname()[1] > port


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["serve", "--host", "0.0.0.0"], "--token"),
        (["serve", "--host", "192.168.1.5"], "--token"),
        (["serve", "--token", "short"], "8 or more"),
        (["serve", "--port", "0", "--cors", "*"], "origin"),
        (["serve", "--port", "0", "--cors", "example.org"], "origin"),
        (["serve", "--port", "0", "--allow-host", "http://example.org"], "host"),
        (["serve", "--port", "0", "--trusted-proxy", "nobody"], "nobody"),
        (["serve", "--workers", "0"], "--workers"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--network", "huge"], "fast, full"),
        (["serve", "--host", "host.invalid", "--token", "a-good-token"], "host.invalid"),
        (["studio", "nothing.jpg"], "There is no file nothing.jpg"),
        (["studio", "--network", "nothing.onnx"], "nothing.onnx"),
        (["studio", "--bank", "nothing.safetensors"], "nothing.safetensors"),
    ],
)
def test_what_cannot_be(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    """What a server cannot be started with is one sentence, before anything is printed or opened."""
    code, out, err = run(*words, capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("impasto: ") and err.count("\n") == 1 and says in err


@pytest.mark.parametrize("kind", ["text", "cut", "folder"])
def test_a_photo_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """A photo that the page could not begin with is one sentence, before the server starts."""
    photo = tmp_path / "cat.jpg"
    whole = drawn(300, 200, "JPEG")
    if kind == "folder":
        photo.mkdir()
    else:
        photo.write_bytes(b"This is a text." * 9 if kind == "text" else whole[: len(whole) // 2])
    code, out, err = run("studio", photo, "--no-browser", "--port", 0, capsys=capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    says = {"text": "not a picture", "cut": "cut short", "folder": "is a folder"}[kind]
    assert err.startswith("impasto: ") and says in err


def test_a_bank_of_another_network(network_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bank that does not belong to the network is found before the server begins."""
    bank = network_file.with_suffix(".safetensors")
    code, _, err = run("studio", "--no-browser", "--network", "fast", "--bank", bank, capsys=capsys)
    assert code == 2 and "belongs to network 'tiny'" in err


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without impasto[studio] both commands say the line that installs it."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else found(name, *rest)
    )
    for command in ("studio", "serve"):
        code, _, err = run(command, capsys=capsys)
        assert (code, err) == (2, "impasto: uvicorn is not installed: pip install 'impasto[studio]'\n")


def test_rules_of_a_server() -> None:
    """A server answers to its own address and names, and its studio's cookie is named by its port."""
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        studio = rules(Settings(), listener, host="127.0.0.1", token="a-good-token")
        assert studio.cookie == f"impasto-{port}"
        served = rules(Settings.serve(), listener, host="0.0.0.0", token="a-good-token", hosts=["Paint.example.org"])
        assert served.cookie is None and "paint.example.org" in served.hosts and "0.0.0.0" not in served.hosts
        assert (served.body, served.connections) == (32 * 2**20, 256)


def test_an_address_that_is_not_ours() -> None:
    """An address that this computer does not have is one sentence."""
    with pytest.raises(OptionError, match="203.0.113.7 port 0 cannot be used"):
        bound("203.0.113.7", 0)


def test_ipv6() -> None:
    """An address of the newer kind is an address, too."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("there is no IPv6 here")
    with bound("::1", 0) as listener:
        assert "[::1]" in rules(Settings.serve(), listener, host="::1", token=None).hosts
