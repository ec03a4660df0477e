"""impasto studio, and serve: the page, and the HTTP API."""

from __future__ import annotations

import importlib.util
import secrets
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from impasto import limits
from impasto.cli.options import BankFile, MaxMemory, Network
from impasto.cli.root import app
from impasto.cli.terminal import say
from impasto.errors import MissingExtraError

PORT = 7878
Port = Annotated[int, typer.Option(help="The port; 0: any that is free."), limits.PORT]


@app.command()
def studio(
    photo: Annotated[Path | None, typer.Argument(help="A photo to open the page with.")] = None,
    network: Network = "full",
    bank: BankFile = None,
    port: Annotated[
        int | None, typer.Option(help="The port; default: 7878, or the next that is free."), limits.PORT
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open no browser.")] = False,
    max_memory: MaxMemory = None,
) -> None:
    """Open a page on which photos are painted (needs impasto[studio]).

    It runs on this computer, for you alone; no photo leaves it. Ctrl-C ends it.
    """
    _extra()
    from impasto.server import app as application
    from impasto.server import run
    from impasto.server.settings import Settings

    settings = Settings(network=network, bank=bank, max_memory=None if max_memory is None else max_memory * 1e9)
    token = secrets.token_urlsafe(24)
    made = application.made(settings)
    listener = run.bound("127.0.0.1", PORT if port is None else port, search=port is None)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}"
    typer.echo(address)
    if not no_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        run.run(made, settings, listener)
    except KeyboardInterrupt:
        say("ended")


def _extra() -> None:
    """MissingExtraError where impasto[studio] is not installed."""
    for name in ("fastapi", "uvicorn", "prometheus_client"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(f"{name} is not installed: pip install 'impasto[studio]'")
