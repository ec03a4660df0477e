"""A server on a real port, in a thread, and clients that are as rude as they like."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

from impasto.server.exchange import App
from impasto.server.guard import Guard, Rules
from impasto.server.protocol import settings
from tests.conftest import until


class Server:
    """``app`` behind ``rules``, listening on loopback."""

    def __init__(self, app: App, rules: Rules, **more: Any) -> None:
        self.log: list[str] = []
        guard = Guard(app, rules, lambda line, error: self.log.append(line))
        config = uvicorn.Config(guard, **{**settings(rules), "port": 0, "lifespan": "off", **more})
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    @property
    def open(self) -> int:
        """Connections."""
        return len(self.server.server_state.connections)

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """A new connection; reading from it gives up after a minute."""
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.port))
        return client

    def ask(self, data: bytes) -> bytes:
        """All that comes back for ``data`` until the server closes; an error if it does not."""
        with self.connect() as client:
            client.sendall(data)
            return read_all(client)

    def get(self, path: str = "/healthz") -> int:
        """The status of one ordinary request."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(client):
            client.request("GET", path)
            return client.getresponse().status


@contextlib.contextmanager
def serving(app: App, rules: Rules, **more: Any) -> Iterator[Server]:
    """A server that runs as long as the block."""
    server = Server(app, rules, **more)
    server.thread.start()
    try:
        until(lambda: server.server.started)
        yield server
    finally:
        server.server.should_exit = server.server.force_exit = True
        server.thread.join(timeout=60)
        assert not server.thread.is_alive()


def read_all(client: socket.socket) -> bytes:
    """What comes until the other side closes."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)
