"""What stands between the open internet and the app: one ASGI middleware, made from one frozen record of rules.

It refuses before the app sees a request, watches bodies while they come, and puts the same headers on every answer.
It knows nothing of painting. Deadlines for headers and for receivers that stall are the protocol's (protocol.py).
"""

from __future__ import annotations

import asyncio
import hmac
import math
import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from impasto.server.clients import Buckets, networks
from impasto.server.exchange import App, Clock, Exchange, Receive, Request, Scope, Send, too_large
from impasto.server.rules import HOST, INTERNAL, Headers, Problem, Rules as Rules

Report = Callable[[str, Exception], None]

ENDING = Problem(503, "ending", "the server ends; try again soon", [(b"retry-after", b"10"), (b"connection", b"close")])
PROBES = frozenset({"/healthz", "/readyz"})  # asked by load balancers: without a token, and also when all is busy

_HEADERS = 16 * 1024  # bytes
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SIMPLE = re.compile(r"application/x-www-form-urlencoded|multipart/.*|text/.*")  # what any page may send unasked
_TRICKS = re.compile(r"[\x00-\x1f\x7f\\%\ufffd]|//|/\.\.?(/|$)")  # in a decoded path; a "%" left was encoded twice
_TRICKS_RAW = re.compile(rb"%2f|%5c|%00", re.IGNORECASE)


class Guard:
    """``app`` behind ``rules``. ``report`` gets a line and the exception where the app fails."""

    def __init__(
        self,
        app: App,
        rules: Rules,
        report: Report = lambda line, error: None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.app, self.rules, self.report, self.clock = app, rules, report, clock
        self.trusted = networks(rules.trusted)
        self.buckets = Buckets(rules.rate, clock)
        self.busy = 0  # requests under way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, refused or passed on; what is not HTTP is the server's start and end, or a refused socket."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self.app(scope, receive, send)
        else:
            request = Request.of(scope, self.trusted)
            self.busy += 1
            try:
                await self._answer(scope, request, Exchange(self.rules, request, receive, send, self.clock))
            finally:
                self.busy -= 1

    async def _answer(self, scope: Scope, request: Request, exchange: Exchange) -> None:
        if problem := self._first_problem(request):
            await exchange.refuse(problem)
        elif self._is_preflight(request):
            await exchange.reply(204, self._preflight())
        elif self.rules.cookie and request.path == "/" and _given(request) is not None:
            scope["query_string"] = b""  # in place: the server's own log must not have the token
            await self._log_in(request, exchange)
        elif problem := self._token(request) or self._body(request):
            await exchange.refuse(problem)
        else:
            await self._pass_on(scope, request, exchange)

    async def _pass_on(self, scope: Scope, request: Request, exchange: Exchange) -> None:
        method = "GET" if request.method == "HEAD" else request.method  # the exchange leaves the body away
        try:
            await self.app({**scope, "method": method}, exchange.receive, exchange.send)
        except asyncio.CancelledError:  # the server ends, and has waited long enough
            await exchange.refuse(ENDING)
        except Exception as error:  # whatever the app has not handled
            if not exchange.gone:
                words = " ".join(f"{type(error).__name__}: {error}".split())
                self.report(f"{request.method} {request.path} failed: {words}", error)
            await exchange.refuse(INTERNAL)

    # What is refused, and why

    def _first_problem(self, request: Request) -> Problem | None:
        return (
            self._size(request)
            or self._path(request)
            or self._host(request)
            or self._load(request)
            or self._origin(request)
        )

    def _size(self, request: Request) -> Problem | None:
        """The server's own limit holds for headers that come in pieces, not for those in one packet."""
        size = len(request.raw_path) + len(request.query)
        size += sum(len(name) + len(value) for name, values in request.headers.items() for value in values)
        close = [(b"connection", b"close")]
        return Problem(431, "headers", "the address and the headers are too long", close) if size > _HEADERS else None

    def _path(self, request: Request) -> Problem | None:
        path = request.path
        tricks = not path.startswith("/") or _TRICKS.search(path) or _TRICKS_RAW.search(request.raw_path)
        return Problem(404, "unknown", "there is nothing at this address") if tricks else None

    def _host(self, request: Request) -> Problem | None:
        found = HOST.fullmatch((request.one("host") or "").lower())
        if found and found[1] in self.rules.hosts:
            return None
        return Problem(421, "host", "this server does not answer to that Host; --allow-host adds a name")

    def _load(self, request: Request) -> Problem | None:
        if request.path in PROBES:
            return None
        if wait := self.buckets.wait(request.client):
            later = [(b"retry-after", str(math.ceil(wait)).encode())]
            return Problem(429, "rate", f"at most {self.rules.rate} requests a minute; try again later", later)
        if self.busy > self.rules.connections:
            return Problem(503, "busy", "too many requests at once; try again soon", [(b"retry-after", b"2")])
        return None

    def _origin(self, request: Request) -> Problem | None:
        """Pages of others may read and change nothing: what browsers say of a request decides; others say nothing."""
        if request.method in _SAFE and not request.is_api or self._named_origin(request):
            return None
        site, origin = request.one("sec-fetch-site"), request.one("origin")
        if site is not None:
            ours = site in ("same-origin", "none")
        else:
            ours = origin is None or origin.partition("://")[2] == request.one("host")
        return None if ours else Problem(403, "origin", "pages of another origin may not use this server")

    def _named_origin(self, request: Request) -> bool:
        return request.one("origin") in self.rules.origins

    def _token(self, request: Request) -> Problem | None:
        if request.path == "/metrics" and not request.is_local and self.rules.token is None:
            return Problem(403, "local", "metrics are for this computer alone; with --token others may read them")
        free = request.path in PROBES or (request.path == "/metrics" and request.is_local)
        page = self.rules.cookie and not request.is_api and request.path not in ("/metrics", "/openapi.json")
        if self.rules.token is None or free or page or self._has_token(request):
            return None
        how = "send the header Authorization: Bearer TOKEN"
        if self.rules.cookie:
            how = "open the address that was printed at its start"
        challenge = [(b"www-authenticate", b'Bearer realm="impasto"')]
        return Problem(401, "token", f"this server needs its token; {how}", challenge)

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = (request.one("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(given.strip()):
            return True
        pairs = (pair.strip().partition("=") for line in request.headers.get("cookie", []) for pair in line.split(";"))
        return any(self._is_token(value) for name, _, value in pairs if name == self.rules.cookie)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.rules.token or "").encode()) and bool(self.rules.token)

    def _body(self, request: Request) -> Problem | None:
        if not request.has_body:
            return None
        kind = (request.one("content-type") or "").partition(";")[0].strip().lower()
        if _SIMPLE.fullmatch(kind):
            return Problem(415, "unsupported-type", "send the picture itself as the body, with its own Content-Type")
        length = request.one("content-length") or "0"
        wrong = not length.isdecimal() or len(length) > 15 or int(length) > self.rules.body
        return too_large(self.rules) if wrong else None

    # What the guard answers itself

    async def _log_in(self, request: Request, exchange: Exchange) -> None:
        """/?token=T becomes a cookie, so that the token stands in no address and no script can read it."""
        headers: Headers = [(b"location", b"/"), (b"cache-control", b"no-store")]
        if self._is_token(_given(request) or ""):
            cookie = f"{self.rules.cookie}={self.rules.token}; Path=/; HttpOnly; SameSite=Strict"
            headers.append((b"set-cookie", cookie.encode()))
        elif not self._has_token(request):
            return await exchange.refuse(
                Problem(401, "token", "this token is not the one that was printed at the start")
            )
        await exchange.reply(303, headers)

    def _is_preflight(self, request: Request) -> bool:
        asked = "access-control-request-method" in request.headers
        return request.method == "OPTIONS" and asked and self._named_origin(request)

    def _preflight(self) -> Headers:
        return [
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE"),
            (b"access-control-allow-headers", b"authorization, content-type, idempotency-key"),
            (b"access-control-max-age", b"600"),
        ]


def _given(request: Request) -> str | None:
    """The token in an address."""
    return parse_qs(request.query, keep_blank_values=True).get("token", [None])[-1]
