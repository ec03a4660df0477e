"""Firefox, driven by Marionette, the protocol that it has for this: Selenium needs another program for it.

WebDriver BiDi is not used: beside its debugger, a worker that another worker begins now and then never runs.
Source: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

FIREFOX = "/usr/bin/firefox-esr"
PATIENCE = 300  # s


def until(found: Callable[[], Any], instead: Callable[[], Any] = lambda: "nothing") -> Any:
    """What is found, once there is something; in the end the error says what there is ``instead``."""
    end = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < end, f"it did not come: {instead()}"
        time.sleep(0.2)
    return result


class Firefox:
    """A page in Firefox."""

    def __init__(self, connection: socket.socket, stream: IO[bytes]) -> None:
        self.socket, self.stream, self.count = connection, stream, 0
        self._read()
        self.command("WebDriver:NewSession", {})
        self.command("WebDriver:SetTimeouts", {"script": 1000 * PATIENCE, "pageLoad": 1000 * PATIENCE})

    def _read(self) -> Any:
        length = b""
        while (byte := self.stream.read(1)) != b":":
            assert byte, "Firefox is gone"
            length += byte
        return json.loads(self.stream.read(int(length)))

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        self.count += 1
        text = json.dumps([0, self.count, name, parameters]).encode()
        self.socket.sendall(b"%d:%b" % (len(text), text))
        _, _, error, result = self._read()
        assert error is None, error["message"]
        return result

    def script(self, text: str) -> Any:
        """What a function in the page with this body gives; a promise is waited for."""
        return self.command("WebDriver:ExecuteScript", {"script": text, "args": []})["value"]

    def wait(self, selector: str) -> None:
        """Until there is such an element."""
        there = f"return document.querySelector({json.dumps(selector)}) !== null"
        until(lambda: self.script(there), lambda: self.script("return document.body.innerText"))

    def drop(self, selector: str, path: Path) -> None:
        """Give a file to the input."""
        found = self.command("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"]
        self.command("WebDriver:ElementSendKeys", {"id": next(iter(found.values())), "text": str(path)})


@contextlib.contextmanager
def firefox(profile: Path, downloads: Path) -> Iterator[Firefox]:
    """Firefox with a new profile, which saves what is downloaded in a folder."""
    prefs = {"folderList": 2, "dir": str(downloads), "useDownloadDir": True, "alwaysOpenPanel": False}
    prefs["always_ask_before_handling_new_types"] = False
    lines = [
        f"user_pref({json.dumps(f'browser.download.{name}')}, {json.dumps(value)});" for name, value in prefs.items()
    ]
    (profile / "user.js").write_text("\n".join([*lines, 'user_pref("marionette.port", 0);']))
    command = [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", profile]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port = int(until(lambda: _port(process, profile / "MarionetteActivePort")))
            with (
                socket.create_connection(("127.0.0.1", port), PATIENCE) as connection,
                connection.makefile("rb") as stream,
            ):
                page = Firefox(connection, stream)
                yield page
                page.command("Marionette:Quit", {"flags": ["eForceQuit"]})
                process.wait(PATIENCE)
        finally:
            process.kill()


def _port(process: subprocess.Popen[bytes], path: Path) -> str:
    assert process.poll() is None, "Firefox is gone"
    return path.read_text().strip() if path.exists() else ""
