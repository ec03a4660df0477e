"""Requests without a network: an app is called as a server would call it, and what it sends is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from impasto.server.exchange import App, Message, Receive, Scope, Send


@dataclass
class Answer:
    """What came back: the last header of each name, and all of them in order."""

    status: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def code(self) -> str:
        """Of a problem; it checks that the problem is one."""
        problem = json.loads(self.body)
        assert self.headers["content-type"] == "application/problem+json"
        assert problem.keys() == {"type", "title", "status", "detail", "code"}
        assert problem["status"] == self.status and problem["title"]
        assert problem["detail"] and "\n" not in problem["detail"] and ". " not in problem["detail"]
        return str(problem["code"])


async def ask(
    app: App,
    method: str = "GET",
    target: str = "/api/v1/things",
    headers: Iterable[tuple[str, str]] = (),
    *,
    body: Iterable[bytes | float] | None = None,
    peer: str | None = "203.0.113.9",
    host: str | None = "localhost:7878",
) -> Answer:
    """One request; of ``body``, numbers are seconds until the next piece, and its end is the end of the connection."""
    answer = Answer()
    pieces = list(body) if body is not None else []
    ended: list[bool] = []
    left = sum(isinstance(piece, bytes) for piece in pieces)
    sent = {name.lower() for name, _ in headers}
    if body is not None and not sent & {"content-length", "transfer-encoding"}:
        headers = [*headers, ("content-length", str(sum(len(piece) for piece in pieces if isinstance(piece, bytes))))]

    async def receive() -> Message:
        nonlocal left
        while pieces:
            piece = pieces.pop(0)
            if isinstance(piece, bytes):
                left -= 1
                return {"type": "http.request", "body": piece, "more_body": left > 0}
            await asyncio.sleep(piece)
        if body is None and not ended:
            ended.append(True)
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert not answer.whole, "nothing may follow the end of an answer"
        if message["type"] == "http.response.start":
            assert not answer.status
            answer.status = message["status"]
            answer.pairs = [(name.decode(), value.decode()) for name, value in message["headers"]]
        else:
            assert answer.status
            answer.body += message.get("body", b"")
            answer.whole = not message.get("more_body", False)

    raw, _, query = target.partition("?")
    named = [] if host is None else [("host", host)]
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [*named, *headers]],
        "client": (peer, 50000) if peer else None,
    }
    await app(scope, receive, send)
    return answer


def get(app: App, *words: Any, **more: Any) -> Answer:
    """``ask``, from outside of a loop."""
    return asyncio.run(ask(app, *words, **more))


class Echo:
    """An app that takes any body and answers with its size; it remembers what reached it."""

    def __init__(self, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[int] = []
        self.headers = list(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append((scope["method"], scope["path"]))
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            size, more = size + len(message["body"]), message.get("more_body", False)
        self.bodies.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": [*self.headers]})
        await send({"type": "http.response.body", "body": str(size).encode()})
