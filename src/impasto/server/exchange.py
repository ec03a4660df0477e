"""One request and its answer: the body counted and timed as it comes, the answer with all its headers."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from impasto.server.clients import Address, Network, sender
from impasto.server.rules import INTERNAL, MB, SECURITY, Headers, Problem, Rules

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    raw_path: bytes
    query: str
    headers: dict[str, list[str]]
    client: Address | None
    forwarded: bool

    @classmethod
    def of(cls, scope: Scope, trusted: tuple[Network, ...]) -> Request:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip())
        peer = scope["client"][0] if scope.get("client") else None
        hops = [value.encode("latin-1") for value in headers.get("x-forwarded-for", [])]
        return cls(
            method=scope["method"],
            path=scope["path"],
            raw_path=scope.get("raw_path") or b"",
            query=scope.get("query_string", b"").decode("latin-1"),
            headers=headers,
            client=sender(peer, hops, trusted),
            forwarded=bool(hops or headers.get("forwarded")),
        )

    def one(self, name: str) -> str | None:
        """The value of a header; None where it is missing, and nothing useful where it is there twice."""
        values = self.headers.get(name)
        return None if values is None else "\n".join(values)

    @property
    def has_body(self) -> bool:
        return self.one("content-length") not in (None, "0") or "transfer-encoding" in self.headers

    @property
    def is_api(self) -> bool:
        return self.path == "/api" or self.path.startswith("/api/")

    @property
    def is_local(self) -> bool:
        return not self.forwarded and self.client is not None and self.client.is_loopback


def too_large(rules: Rules) -> Problem:
    return Problem(413, "too-large", f"the body is larger than {rules.body / MB:g} MB, the most that is taken")


class Exchange:
    """One request and its answer: counts and times the body as it comes, and completes the answer's headers."""

    def __init__(
        self, rules: Rules, request: Request, receive: Receive, send: Send, clock: Clock = time.monotonic
    ) -> None:
        self.rules, self.request, self.clock = rules, request, clock
        self._receive, self._send = receive, send
        self.arrived = not request.has_body  # all of the body
        self.started = self.over = False  # the answer
        self.gone = False  # the client, or the app's right to an answer
        self.taken, self.waited = 0, 0.0  # bytes; seconds
        self.linger = rules.linger_seconds

    async def receive(self) -> Message:
        """The next piece of the body, if it comes in time and is not too much; else the answer says so."""
        if self.over:
            return {"type": "http.disconnect"}
        if self.arrived:  # what comes now is the end of the connection
            message = await self._receive()
            self.gone = message["type"] == "http.disconnect"
            return message
        before = self.clock()
        try:
            async with asyncio.timeout(self.rules.body_seconds + self.taken / MB - self.waited):
                message = await self._receive()
        except TimeoutError:
            self.linger = 0.0
            return await self._stop(Problem(408, "slow", "the body came too slowly"))
        self.waited += self.clock() - before
        self.taken += len(message.get("body", b""))
        self.gone = message["type"] == "http.disconnect"
        self.arrived = self.gone or not message.get("more_body", False)
        if self.taken > self.rules.body:
            return await self._stop(too_large(self.rules))
        return message

    async def _stop(self, problem: Problem) -> Message:
        self.gone = True
        await self.refuse(problem)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A piece of the app's answer. After a refusal, and below a HEAD, there is nothing more to send."""
        if self.over:
            return
        if message["type"] == "http.response.start":
            headers = [(name.lower(), value) for name, value in message.get("headers", [])]
            if message["status"] == 500 and (b"content-type", b"application/problem+json") not in headers:
                return await self.refuse(INTERNAL)
            self.started = True
            await self._send({**message, "headers": self._headers(headers)})
        elif message["type"] == "http.response.body":
            head = self.request.method == "HEAD"
            more = message.get("more_body", False) and not head
            body = b"" if head else message.get("body", b"")
            self.over = not more
            if not more and not self.arrived:
                await self._send({"type": "http.response.body", "body": body, "more_body": True})
                body = await self._drain()
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def reply(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """An answer of the guard's own."""
        length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers + length})
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, problem: Problem) -> None:
        """Say the problem; where the answer has begun it is too late, and the server cuts the connection."""
        if self.started or self.over:
            self.over = True
            return
        headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *problem.headers]
        await self.reply(problem.status, headers, problem.body())

    async def _drain(self) -> bytes:
        """Take what is still being sent, for some seconds, so that the sender gets to read the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.linger):
                while not self.arrived:
                    message = await self._receive()
                    self.arrived = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return b""

    def _headers(self, headers: Headers) -> Headers:
        ours = [*SECURITY, *self._cors()]
        if self.request.is_api and not any(name == b"cache-control" for name, _ in headers):
            ours.append((b"cache-control", b"no-store"))
        if not self.arrived:
            ours.append((b"connection", b"close"))
        names = {name for name, _ in ours if name != b"vary"}
        return [(name, value) for name, value in headers if name not in names] + ours

    def _cors(self) -> Headers:
        if not self.rules.origins:
            return []
        origin = self.request.one("origin")
        if origin not in self.rules.origins:
            return [(b"vary", b"Origin")]
        shown = b"Content-Disposition, Location, Retry-After, X-About, X-N, X-Seconds"
        return [
            (b"vary", b"Origin"),
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-expose-headers", shown),
        ]
