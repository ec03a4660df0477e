"""impasto studio from a double click: its browser, its end, its errors, for nobody sees its terminal."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from typing import NoReturn

from impasto.cli import terminal, window
from impasto.cli.options import STUDIO_PORT
from impasto.cli.studio import serve_app
from impasto.errors import OptionError
from impasto.server import app as application, run
from impasto.server.only import Only
from impasto.server.settings import Settings
from impasto.server.visits import Visits

HOST = "127.0.0.1"
PATIENCE = 120.0  # seconds from the last page until the end
SLOW = 45.0  # seconds after which a browser that was asked for the page is not coming

app = terminal.App(add_completion=False)


def main() -> NoReturn:
    """Open the page of the studio that runs, or of a new one; exit 2 behind one sentence, which is shown."""
    if getattr(sys, "frozen", False):  # PyInstaller has set it, and a browser is not to load our libraries
        before = os.environ.pop("LD_LIBRARY_PATH_ORIG", "")
        os.environ["LD_LIBRARY_PATH"] = before
    if sys.stdout is None:  # a program of Windows without a console
        sys.stdout = open(os.devnull, "w")
    terminal.run(app, window.show)


@app.command()
def studio() -> None:
    """Open the studio's page."""
    _check_browser()
    with Only() as only:
        address = only.find()
        if address is None:
            _serve(only)
        else:
            webbrowser.open(address)


def _serve(only: Only) -> None:
    settings, token = Settings(patience=PATIENCE), secrets.token_urlsafe(24)
    made = application.made(settings)
    with _listener() as listener:
        rules = run.rules(settings, listener, host=HOST, token=token)
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"
        only.say(address)

        def visits() -> Visits:  # they begin with the server
            found: Visits = made.state.hub.visits
            return found

        def browse() -> None:
            webbrowser.open(address)
            time.sleep(SLOW)
            if not visits().ever:
                window.show(f"impasto studio runs, but no browser has opened its page; open {address} in one")

        threading.Thread(target=browse, daemon=True).start()
        serve_app(made, settings, listener, rules, address, browser=False, ended=lambda: visits().over)


def _check_browser() -> None:
    """OptionError where there is nothing to show a page in; a browser of text does not paint."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, names)):
        raise OptionError("there is no display to show impasto studio on; start it from a desktop")
    try:
        webbrowser.get()
    except webbrowser.Error as error:
        raise OptionError("impasto studio is a page, and there is no browser to open it; install one") from error


def _listener() -> socket.socket:
    """At the port that browsers remember the studio's photos by, the next that is free, or any."""
    try:
        return run.bound(HOST, STUDIO_PORT, search=True)
    except OptionError:
        return run.bound(HOST, 0)
