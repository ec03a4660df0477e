"""uvicorn's HTTP protocol with the deadlines that it lacks: for headers, and for who does not take an answer.

ASGI begins once the headers are there and ends once the answer is in a buffer; slow clients live before and after that.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from impasto.server.clients import address, networks
from impasto.server.rules import SECURITY, Problem, Rules

_KERNEL_BUFFER = 256 * 1024  # bytes; the kernel's own would take megabytes, and hide for minutes who takes nothing


def settings(rules: Rules) -> dict[str, Any]:
    """What ``uvicorn.Config`` needs beside the app and the address, so that ``rules`` hold."""
    return {
        "http": type("Protocol", (_Protocol,), {"rules": rules}),
        "ws": "none",
        "proxy_headers": False,  # the guard reads them, from trusted proxies alone
        "server_header": False,
        "access_log": False,  # it would write the token of the studio's address
        "timeout_keep_alive": 5,
        "timeout_graceful_shutdown": 30,
        "log_level": "error",  # warnings are about what clients send, as often as they like
    }


class _Protocol(H11Protocol):
    """One connection. All clients together may hold twice ``rules.connections``, one client half of that."""

    rules = Rules()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_timer: asyncio.TimerHandle | None = None
        self._unsent = 0  # bytes, when last looked at
        self._stall_timer = self.loop.call_later(self.rules.stall_seconds, self._check_stall)
        if isinstance(sock := transport.get_extra_info("socket"), socket.socket):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER)
        if self._too_many():
            self._end(Problem(503, "busy", "too many connections at once; try again soon", [(b"retry-after", b"2")]))
        else:
            self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stall_timer.cancel()
        self._forget_headers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._header_timer is None and self.conn.their_state is h11.IDLE:
            self._await_headers()  # of the next request on this connection
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget_headers()

    def send_400_response(self, msg: str) -> None:
        """As for other refusals; uvicorn's own would be plain text, and would fail once an answer has begun."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._end(Problem(400, "not-http", "this is not a valid HTTP request"))
        else:
            self.transport.close()
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _too_many(self) -> bool:
        if len(self.connections) > 2 * self.rules.connections:
            return True
        host = self.client[0] if self.client else None
        trusted = (found := address(host or "")) and any(found in net for net in networks(self.rules.trusted))
        same = sum(other.client is not None and other.client[0] == host for other in self.connections)  # type: ignore[union-attr]
        return same > self.rules.connections and not trusted

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(self.rules.header_seconds, self._headers_late)

    def _forget_headers(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _headers_late(self) -> None:
        self._header_timer = None
        if self.conn.trailing_data[0]:
            self._end(Problem(408, "slow", "the headers came too slowly"))
        else:  # browsers open connections in advance, and would take the answer for one to their next request
            self.transport.close()

    def _check_stall(self) -> None:
        """Cut off who has taken nothing of what waits since the last look."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent >= self._unsent > 0:
            self.transport.abort()
            return
        self._unsent = unsent
        self._stall_timer = self.loop.call_later(self.rules.stall_seconds, self._check_stall)

    def _end(self, problem: Problem) -> None:
        body = problem.body()
        headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
        headers += [*problem.headers, *SECURITY, (b"connection", b"close")]
        lines = [f"HTTP/1.1 {problem.status} {problem.title}".encode(), *(b": ".join(pair) for pair in headers)]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()
