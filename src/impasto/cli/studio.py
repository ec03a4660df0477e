"""impasto studio, and serve: the page, and the HTTP API."""

from __future__ import annotations

import importlib.util
import logging
import os
import secrets
import sys
import threading
import traceback
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.options import STUDIO_PORT, BankFile, MaxMemory, Network
from impasto.cli.records import options
from impasto.cli.root import app
from impasto.cli.terminal import DEBUG, at_once, say
from impasto.errors import MissingExtraError, OptionError, PictureError

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from impasto.server.rules import Rules
    from impasto.server.settings import Settings

MODULES = ("fastapi", "uvicorn", "prometheus_client")


@dataclass(frozen=True)
class Painting:
    """What is painted with."""

    network: Network = "full"
    bank: BankFile = None
    max_memory: MaxMemory = None

    def settings(self) -> dict[str, Any]:
        limit = None if self.max_memory is None else self.max_memory * 1e9
        return {"network": self.network, "bank": self.bank, "max_memory": limit}


@app.command()
@options
def studio(
    *,
    photo: Annotated[Path | None, typer.Argument(help="A photo to open the page with.")] = None,
    painting: Painting,
    port: Annotated[
        int | None,
        typer.Option(help=f"The port, 0 for any; default: {STUDIO_PORT}, or the next that is free."),
        limits.PORT,
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open no browser.")] = False,
) -> None:
    """Open a page on which photos are painted (needs impasto[studio]).

    The page is on this computer and for you alone: no photo leaves it. Ctrl-C ends it.
    """
    with at_once():
        check_extra()
        from impasto.server import app as application, run
        from impasto.server.settings import Settings

        settings = Settings(**painting.settings(), opens=photo)
        if photo is not None:
            _check_photo(photo, settings)
        run.check(settings)
        made = application.made(settings)
    host, token = "127.0.0.1", secrets.token_urlsafe(24)
    with run.bound(host, STUDIO_PORT if port is None else port, search=port is None) as listener:
        rules = run.rules(settings, listener, host=host, token=token)
        address = f"http://{host}:{listener.getsockname()[1]}/?token={token}"
        serve_app(made, settings, listener, rules, address, browser=not no_browser)


@app.command()
@options
def serve(
    *,
    painting: Painting,
    host: Annotated[str, typer.Option(help="The address to listen at; all but this computer's own need --token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port, 0 for any."), limits.PORT] = STUDIO_PORT,
    token: Annotated[
        str | None, typer.Option(help="What callers have to send: Authorization: Bearer TOKEN.", envvar="IMPASTO_TOKEN")
    ] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A name by which callers reach this server.")] = None,
    cors: Annotated[list[str] | None, typer.Option(help="An origin whose pages may call, https://example.org.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that paint."), limits.WORKERS] = 1,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="The address of a proxy whose X-Forwarded-For is believed.")
    ] = None,
    rate: Annotated[int, typer.Option(help="Requests a minute of one caller; 0: no limit."), limits.COUNT] = 0,
) -> None:
    """Serve the HTTP API alone, for programs (needs impasto[studio]).

    It listens on this computer alone, unless --host says otherwise. Photos come as bodies and are kept for minutes at
    most; no address is fetched and no file is opened for a caller.
    """
    with at_once():
        check_extra()
        from impasto.server import app as application, run
        from impasto.server.settings import Settings

    if token is not None and (len(token) < 8 or not token.isascii() or not token.isprintable() or " " in token):
        raise OptionError("--token must be 8 or more letters, digits and signs without spaces")
    if token is None and not run.is_loopback(host):
        raise OptionError(f"--host {host} lets others reach the server; give --token, too, which they have to send")
    with at_once():
        settings = Settings.serve(**painting.settings(), workers=workers)
        run.check(settings)
        made = application.made(settings)
    with run.bound(host, port) as listener:
        given = {"hosts": allow_host or (), "origins": cors or (), "trusted": trusted_proxy or (), "rate": rate}
        rules = run.rules(settings, listener, host=host, token=token, **given)  # type: ignore[arg-type]
        shown = f"[{host}]" if ":" in host else host
        serve_app(made, settings, listener, rules, f"http://{shown}:{listener.getsockname()[1]}", browser=False)


def serve_app(
    made: FastAPI,
    settings: Settings,
    listener: socket.socket,
    rules: Rules,
    address: str,
    *,
    browser: bool,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Print the address, as one line, and serve until Ctrl-C or SIGTERM, or until it has ``ended``."""
    from impasto.server import run

    logging.getLogger("uvicorn.error").addFilter(_is_news)
    try:
        typer.echo(address)
        sys.stdout.flush()
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        run.run(made, settings, listener, rules, _report, ended)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    finally:
        if not run.idle():
            sys.stdout.flush()
            os._exit(0)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's is worth printing: that requests are cancelled at the end is what was asked for."""
    return not str(record.msg).startswith("Cancel ")


def _report(line: str, error: Exception) -> None:
    say(f"impasto: this is a fault of impasto, please report it ({line})")
    if os.environ.get(DEBUG):
        say("".join(traceback.format_exception(error)))


def _check_photo(photo: Path, settings: Settings) -> None:
    """PictureError for what the page could not begin with: no file, no picture, or one that is cut short."""
    from impasto import pictures
    from impasto.server.settings import PREVIEW_SIDE

    found = pictures.load(photo, max_pixels=settings.pixels, max_side=PREVIEW_SIDE)
    if found.format not in settings.formats:
        raise PictureError(f"{photo} is no {settings.read}; save it as one of these")


def check_extra() -> None:
    """MissingExtraError where impasto[studio] is not installed."""
    for name in MODULES:
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(f"{name} is not installed: pip install 'impasto[studio]'")
