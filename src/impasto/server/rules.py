"""What a guard goes by, as one frozen record; what it says when it refuses; and the headers of every answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus

from impasto.server.clients import networks

Headers = list[tuple[bytes, bytes]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
MB = 2**20
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
ORIGIN = re.compile(r"https?://" + HOST.pattern)

CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "img-src 'self' blob: data:; style-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SECURITY: Headers = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


@dataclass(frozen=True)
class Rules:
    """All that a guard goes by. Times are in seconds, sizes in bytes; ValueError for what cannot be a rule."""

    hosts: frozenset[str] = LOOPBACK  # what Host may name, without the port
    token: str | None = None  # None: whoever reaches the server may use it
    cookie: str | None = None  # of the studio: the cookie that carries the token; its page needs none
    origins: frozenset[str] = frozenset()  # whose pages may use the API (CORS), as "https://example.org"
    trusted: tuple[str, ...] = ()  # addresses and networks of proxies whose X-Forwarded-For is believed
    rate: int = 0  # requests a minute and client; 0: as many as they like
    connections: int = 256  # at once
    body: int = 32 * MB
    header_seconds: float = 10.0
    body_seconds: float = 30.0  # and one more for each MB that has come
    stall_seconds: float = 60.0  # for who does not take an answer
    linger_seconds: float = 5.0  # for who still sends while the answer is there; at once, a reset would hide it

    def __post_init__(self) -> None:
        for host in self.hosts:
            if not (found := HOST.fullmatch(host)) or found[2]:
                raise ValueError(f"{host!r} is not the name or address of a host, in lower case and without a port")
        for origin in self.origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin; write it as https://example.org, without a path")
        networks(self.trusted)


@dataclass(frozen=True)
class Problem:
    """Why a request is refused: what RFC 9457 calls a problem. ``detail`` is one sentence, ``code`` never changes."""

    status: int
    code: str
    detail: str
    headers: Headers = field(default_factory=list)

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def body(self) -> bytes:
        """The problem as application/problem+json."""
        words = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        return json.dumps(words).encode()


INTERNAL = Problem(500, "fault", "something went wrong inside the server; its log has more")
