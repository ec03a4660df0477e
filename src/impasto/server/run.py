"""A server started and ended: its socket, its address, its guard."""

from __future__ import annotations

import errno
import socket
from typing import Any

import uvicorn

from impasto.errors import OptionError
from impasto.server.settings import Settings


def bound(host: str, port: int, *, search: bool = False) -> socket.socket:
    """A socket that listens there, or with ``search`` at the next port that is free; OptionError if it cannot be."""
    for candidate in range(port, port + (100 if search else 1)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(512)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise OptionError(f"{host} port {candidate} cannot be used ({error.strerror or error})") from error
            continue
        listener.set_inheritable(False)
        return listener
    raise OptionError(f"port {port} is taken, by another server of impasto perhaps; choose another one with --port")


def run(app: Any, settings: Settings, listener: socket.socket) -> None:
    """Serve until a signal ends it."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.grace),
        timeout_keep_alive=30,
        lifespan="on",
    )
    uvicorn.Server(config).run(sockets=[listener])
