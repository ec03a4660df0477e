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
from typing import Any

FIREFOX = "/usr/bin/firefox-esr"
PATIENCE = 300  # s


def until(found: Callable[[], Any]) -> Any:
    """What is found, once there is something."""
    end = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.2)
    return result


class Firefox:
    """A page in Firefox."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.stream, self.count = self.socket.makefile("rb"), 0
        self._read()
        self.command("WebDriver:NewSession", {})
        self.command("WebDriver:SetTimeouts", {"script": 1000 * PATIENCE, "pageLoad": 1000 * PATIENCE})

    def _read(self) -> Any:
        length = b"".join(iter(lambda: self.stream.read(1), b":"))
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
        until(lambda: self.script(f"return document.querySelector({json.dumps(selector)}) !== null"))

    def drop(self, selector: str, path: Path) -> None:
        """Give a file to the input."""
        found = self.command("WebDriver:FindElement", {"using": "css selector", "value": selector})["value"]
        self.command("WebDriver:ElementSendKeys", {"id": next(iter(found.values())), "text": str(path)})

    def close(self) -> None:
        self.command("Marionette:Quit", {"flags": ["eForceQuit"]})
        self.stream.close()
        self.socket.close()


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
            page = Firefox(int(until(lambda: _text(profile / "MarionetteActivePort"))))
            yield page
            page.close()
        finally:
            process.terminate()


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
