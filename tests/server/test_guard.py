"""What a guard refuses, what it lets through, and what stands on every answer; without a network."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest
from asgi import Answer, Echo, ask, get

from impasto.server.clients import Buckets, address, networks, sender
from impasto.server.exchange import Receive, Scope, Send
from impasto.server.guard import Guard, Rules

FOREIGN = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]
STUDIO = Rules(token="secret", cookie="impasto-7878")
SERVE = Rules(token="secret")
BEARER = [("authorization", "Bearer secret")]
PICTURE = [("content-type", "image/png")]


def guarded(rules: Rules | None = None, **more: Any) -> Guard:
    return Guard(Echo(), rules or Rules(**more))


# Host


@pytest.mark.parametrize("host", ["localhost", "localhost:7878", "127.0.0.1:7878", "[::1]:7878", "LOCALHOST:1"])
def test_hosts_of_ours(host: str) -> None:
    """A Host on the list is served, whatever its port and case."""
    assert get(guarded(), host=host).status == 200


FOREIGN_HOSTS = [
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7878", "user@localhost", "localhost@evil.example",
    "", None, "localhost:port", "localhost:7878:7878", "127.1", "localhost.", "[::1", "[::2]:7878", "localhost evil",
    "0.0.0.0:7878", "169.254.169.254", "localhost/evil", "localhost,evil.example",
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/v1/things", "/healthz"])
def test_foreign_hosts(host: str | None, path: str) -> None:
    """Any other Host is refused with 421 on every route: what a rebound name asks for, for one."""
    guard = guarded(STUDIO)
    answer = get(guard, target=path, host=host)
    assert (answer.status, answer.code, guard.app.seen) == (421, "host", [])


def test_two_hosts() -> None:
    """Two Host headers are refused, even if both are ours."""
    assert get(guarded(), headers=[("host", "localhost:7878")]).status == 421


def test_allowed_hosts() -> None:
    """A name that the rules add is served, and nothing else is asked of Host: it never chooses what holds."""
    guard = guarded(Rules(hosts=frozenset({"paint.example"}), token="secret"))
    assert get(guard, host="paint.example").code == "token"
    assert get(guard, host="paint.example", headers=BEARER).status == 200
    assert get(guard, host="localhost", headers=BEARER).status == 421


@pytest.mark.parametrize(
    "wrong",
    [
        {"hosts": {"*"}}, {"hosts": {"Example.org"}}, {"hosts": {"localhost:80"}}, {"origins": {"*"}},
        {"origins": {"null"}}, {"origins": {"https://a.example/"}}, {"origins": {"a.example"}}, {"trusted": ("proxy",)},
    ],
)  # fmt: skip
def test_rules_are_checked(wrong: dict[str, Any]) -> None:
    """What cannot be a rule is an error at once: "*" for hosts and origins above all."""
    with pytest.raises(ValueError):
        Rules(**wrong)


# Pages of others

SITES = [None, "same-origin", "none", "same-site", "cross-site", "nonsense"]
ORIGINS = [None, "http://localhost:7878", "http://localhost:7879", "null", "https://evil.example"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_who_may_use_the_api(method: str, site: str | None, origin: str | None) -> None:
    """The API serves our own page and what is no browser; Sec-Fetch-Site decides, and Origin where it is missing."""
    headers = [(name, value) for name, value in (("sec-fetch-site", site), ("origin", origin)) if value is not None]
    ours = site in ("same-origin", "none") or (site is None and origin in (None, "http://localhost:7878"))
    answer = get(guarded(), method, headers=headers)
    assert answer.status == (200 if ours else 403)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_pages_of_others_change_nothing() -> None:
    """Outside of the API, too, pages of others may only read."""
    assert get(guarded(), "GET", "/icon.svg", FOREIGN).status == 200
    assert get(guarded(), "POST", "/", FOREIGN).code == "origin"


def test_two_claims_are_none() -> None:
    """Two headers of one name do not add up to a permission."""
    twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]
    assert get(guarded(), headers=twice).status == 403


def test_links_from_elsewhere_open_the_studio() -> None:
    """A link on a page of somebody else opens the page, without the cookie, which browsers keep back then."""
    link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
    assert get(guarded(STUDIO), target="/", headers=link).status == 200


def test_behind_a_proxy_with_https() -> None:
    """An Origin is ours by host and port: the scheme is that of a proxy in front."""
    rules = Rules(hosts=frozenset({"paint.example"}))
    headers = [("origin", "https://paint.example")]
    assert get(guarded(rules), "POST", headers=headers, host="paint.example").status == 200


# CORS

SHOP = "https://shop.example"
PREFLIGHT = [("sec-fetch-site", "cross-site"), ("access-control-request-method", "POST")]


def test_named_origins_may_use_the_api() -> None:
    """An origin that the rules name gets its preflight answered and its requests served, without credentials."""
    guard = guarded(origins={SHOP}, token="secret")
    first = get(guard, "OPTIONS", headers=[*PREFLIGHT, ("origin", SHOP)])
    assert first.status == 204 and guard.app.seen == []
    assert first.headers["access-control-allow-origin"] == SHOP
    assert "authorization" in first.headers["access-control-allow-headers"]
    assert "POST" in first.headers["access-control-allow-methods"]
    headers = [("sec-fetch-site", "cross-site"), ("origin", SHOP)]
    for answer, status in ((get(guard, headers=[*headers, *BEARER]), 200), (get(guard, headers=headers), 401)):
        assert answer.status == status  # a page may also read why it is refused
        assert answer.headers["access-control-allow-origin"] == SHOP
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "https://shop.example.evil.example", "null", SHOP + ":444"])
def test_preflights_of_others(origin: str) -> None:
    """A preflight from elsewhere is refused and names no origin."""
    answer = get(guarded(origins={SHOP}), "OPTIONS", headers=[*PREFLIGHT, ("origin", origin)])
    assert answer.code == "origin"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


# Token


@pytest.mark.parametrize(
    "headers",
    [
        [], [("authorization", "secret")], [("authorization", "Bearer wrong")], [("authorization", "Bearer ")],
        [("authorization", "Basic secret")], [("cookie", "=secret")], [("cookie", "impasto-7878=secret")],
        [("cookie", "None=secret")], [("authorization", "Bearer s\xe9cret")],
        [("authorization", "Bearer secret"), ("authorization", "Bearer secret")],
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/v1/things", "/openapi.json", "/metrics"])
def test_serve_wants_its_token(headers: list[tuple[str, str]], path: str) -> None:
    """With a token, everything of ``serve`` needs it, as a bearer and in no other way; 401 says which way."""
    answer = get(guarded(SERVE), target=path, headers=headers)
    assert (answer.status, answer.code) == (401, "token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_bearer() -> None:
    """The right token opens the server; the scheme's case does not matter."""
    for scheme in ("Bearer", "bearer"):
        assert get(guarded(SERVE), headers=[("authorization", f"{scheme} secret")]).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_token(path: str) -> None:
    """Load balancers ask for health without a token."""
    assert get(guarded(SERVE), target=path).status == 200


def test_metrics() -> None:
    """Metrics are for this computer itself, not for what a proxy on it passes on; others need the token."""
    local = {"target": "/metrics", "peer": "127.0.0.1"}
    assert get(guarded(SERVE), **local).status == 200
    assert get(guarded(SERVE), **local, headers=[("x-forwarded-for", "198.51.100.1")]).status == 401
    assert get(guarded(SERVE), **local, headers=[("x-forwarded-for", "127.0.0.1")]).status == 401
    assert get(guarded(SERVE), target="/metrics", headers=BEARER).status == 200
    assert get(guarded(), target="/metrics").code == "local"


def test_studio_turns_its_token_into_a_cookie() -> None:
    """The address with the token leads to the page, with a cookie that no script reads and no other site sends."""
    guard = guarded(STUDIO)
    answer = get(guard, target="/?token=secret")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie == "impasto-7878=secret; Path=/; HttpOnly; SameSite=Strict"
    assert answer.headers["referrer-policy"] == "no-referrer" and guard.app.seen == []
    assert get(guard, headers=[("cookie", "a=b; impasto-7878=secret")]).status == 200


@pytest.mark.parametrize("cookie", ["", "impasto-7878=wrong", "impasto-7879=secret", "impasto-7878=", "secret"])
def test_studio_without_the_cookie(cookie: str) -> None:
    """Without the cookie the page's files are there, for they hold nothing, and the API is not."""
    headers = [("cookie", cookie)]
    assert get(guarded(STUDIO), headers=headers).code == "token"
    assert get(guarded(STUDIO), target="/openapi.json", headers=headers).code == "token"
    assert get(guarded(STUDIO), target="/page.js", headers=headers).status == 200


def test_a_wrong_token_in_the_address() -> None:
    """A wrong token in the address is refused; who has the cookie by now is led to the page all the same."""
    assert get(guarded(STUDIO), target="/?token=wrong").code == "token"
    assert get(guarded(STUDIO), target="/?token=").code == "token"
    again = get(guarded(STUDIO), target="/?token=old", headers=[("cookie", "impasto-7878=secret")])
    assert again.status == 303 and "set-cookie" not in again.headers


# Bodies


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "TEXT/HTML"]
)
def test_kinds_that_any_page_may_send(kind: str) -> None:
    """Forms, multipart and text are refused: browsers send them for any page, without asking first."""
    guard = guarded()
    answer = get(guard, "POST", headers=[("content-type", kind)], body=[b"x"])
    assert (answer.status, answer.code, guard.app.seen) == (415, "unsupported-type", [])


@pytest.mark.parametrize("kind", ["image/jpeg", "application/json", "application/octet-stream"])
def test_kinds_that_are_taken(kind: str) -> None:
    """Pictures, JSON and plain bytes are passed on as they come."""
    assert get(guarded(), "POST", headers=[("content-type", kind)], body=[b"12", b"345"]).body == b"5"


def test_bodies_that_say_to_be_large() -> None:
    """A Content-Length beyond the limit is refused before anything is read, and the connection is closed."""
    guard = guarded(body=10)
    answer = get(guard, "POST", headers=PICTURE, body=[b"x" * 11])
    assert (answer.status, answer.code, guard.app.seen) == (413, "too-large", [])
    assert answer.headers["connection"] == "close" and answer.whole
    assert get(guarded(body=10), "POST", headers=PICTURE, body=[b"x" * 10]).body == b"10"


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "1_0"])
def test_lengths_that_are_none(length: str) -> None:
    """A length that is no number is no length to believe."""
    headers = [*PICTURE, ("content-length", length)]
    assert get(guarded(), "POST", headers=headers, body=[b"x"]).code == "too-large"


def test_bodies_that_become_large() -> None:
    """A body without a length is counted while it comes; the app hears that its client is gone."""
    guard = guarded(body=10)
    chunked = [*PICTURE, ("transfer-encoding", "chunked")]
    answer = get(guard, "POST", headers=chunked, body=[b"x" * 6] * 100)
    assert (answer.status, answer.code, answer.whole) == (413, "too-large", True)
    assert guard.app.bodies == [6]


def test_bodies_that_are_slow() -> None:
    """Who drips is cut off in time, with 408, however the drops are spread."""
    guard = guarded(body_seconds=0.2)
    start = time.monotonic()
    chunked = [*PICTURE, ("transfer-encoding", "chunked")]
    answer = get(guard, "POST", headers=chunked, body=[b"x", 0.05] * 1000)
    assert (answer.status, answer.code, answer.headers["connection"]) == (408, "slow", "close")
    assert time.monotonic() - start < 20  # all drops take 50 s


def test_a_slow_app_is_not_a_slow_body() -> None:
    """Time counts while the server waits for the body, not while the app does something else."""

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(3):
            await receive()
            await asyncio.sleep(0.15)
        await Echo()(scope, receive, send)

    chunked = [*PICTURE, ("transfer-encoding", "chunked")]
    assert get(Guard(busy, Rules(body_seconds=0.2)), "POST", headers=chunked, body=[b"x"] * 5).status == 200


def test_more_time_for_more() -> None:
    """Each MB that has come gives a second more."""
    pieces: list[bytes | float] = [b"x" * 2**20, 0.3, b"x", 0.3, b"x"]
    assert get(guarded(body_seconds=0.1), "POST", headers=PICTURE, body=pieces).status == 200


def test_who_still_sends_gets_to_read_the_answer() -> None:
    """A refused body is taken and thrown away for a moment; a reset would hide the answer."""
    left: list[bytes | float] = [b"x"] * 50

    async def upload() -> Answer:
        return await ask(guarded(SERVE), "POST", headers=PICTURE, body=left)

    answer = asyncio.run(upload())
    assert answer.code == "token" and answer.whole and answer.headers["connection"] == "close"


def test_an_answer_before_the_body() -> None:
    """An app that answers without reading gets its answer through, and the connection closes after it."""

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})

    answer = get(Guard(hasty, Rules()), "POST", headers=PICTURE, body=[b"x"] * 5)
    assert (answer.status, answer.body, answer.whole, answer.headers["connection"]) == (404, b"no", True, "close")
    assert "connection" not in get(Guard(hasty, Rules())).headers


# How much


def test_connections() -> None:
    """More requests at once than the rules allow are answered with 503 and when to come back; health is not."""
    free = asyncio.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/healthz":
            await free.wait()
        await Echo()(scope, receive, send)

    async def crowd() -> None:
        guard = Guard(waits, Rules(connections=3))
        inside = [asyncio.create_task(ask(guard)) for _ in range(3)]
        await asyncio.sleep(0)
        more = await ask(guard)
        assert (more.status, more.code) == (503, "busy") and int(more.headers["retry-after"]) >= 1
        assert (await ask(guard, target="/healthz")).status == 200
        free.set()
        assert [(await each).status for each in inside] == [200] * 3
        assert (await ask(guard)).status == 200 and guard.busy == 0

    asyncio.run(crowd())


def test_rate() -> None:
    """A client has so many requests a minute, then 429 and the time to wait; others and probes go on."""
    now = 0.0
    guard = Guard(Echo(), Rules(rate=6), clock=lambda: now)
    assert [get(guard).status for _ in range(7)] == [200] * 6 + [429]
    late = get(guard)
    assert late.code == "rate" and late.headers["retry-after"] == "10"
    assert get(guard, peer="203.0.113.10").status == 200
    assert get(guard, target="/healthz").status == 200
    now = 10.0
    assert [get(guard).status for _ in range(2)] == [200, 429]


def test_guessing_tokens_is_slow() -> None:
    """Requests that are refused count as well."""
    guard = Guard(Echo(), Rules(rate=3, token="secret"), clock=lambda: 0.0)
    assert [get(guard).status for _ in range(4)] == [401, 401, 401, 429]


def test_the_table_of_clients_is_bounded() -> None:
    """However many addresses come, 4,096 are remembered, the latest; an IPv6 client is its whole network."""
    buckets = Buckets(1, clock=lambda: 0.0)
    for n in range(10_000):
        buckets.wait(address(f"10.0.{n // 256}.{n % 256}"))
    assert len(buckets.levels) == 4096
    assert buckets.wait(address("10.0.39.15")) > 0  # the last one
    assert [bool(buckets.wait(address(f"2001:db8::{n}"))) for n in (1, 2)] == [False, True]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not a proxy of ours: believed nothing
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),  # what stands left is only claimed
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.7, 10.0.0.2"], "10.0.0.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, junk"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["[2001:db8::1]:80"], "2001:db8::1"),
        (None, ["198.51.100.1"], "None"),
    ],
)
def test_who_sends(peer: str | None, forwarded: list[str], client: str) -> None:
    """X-Forwarded-For is believed from trusted proxies alone, and from the right only as far as they go."""
    hops = [value.encode() for value in forwarded]
    assert str(sender(peer, hops, networks(("10.0.0.0/8",)))) == client


def test_rate_behind_a_proxy() -> None:
    """Behind a trusted proxy each client has a rate of its own, and cannot get another by claiming hops."""
    guard = Guard(Echo(), Rules(rate=1, trusted=("10.0.0.1",)), clock=lambda: 0.0)

    def status(hops: str, peer: str = "10.0.0.1") -> int:
        return get(guard, peer=peer, headers=[("x-forwarded-for", hops)]).status

    assert [status("198.51.100.1"), status("198.51.100.2"), status("7.7.7.7, 198.51.100.1")] == [200, 200, 429]
    assert [status(f"198.51.100.{n}", peer="203.0.113.9") for n in (3, 4)] == [200, 429]


# Paths

TRICKS = [
    "/../etc/passwd", "/api/../../etc/passwd", "/api/v1/..", "/./api", "/api/v1/.", "//etc/passwd", "/api//v1",
    "/..%2f..%2fetc%2fpasswd", "/%2e%2e/etc/passwd", "/%2E%2E%2Fx", "/api/v1/photos/%2e%2e", "/api/v1/a%2fb",
    "/api/v1/a%5cb", "/api/v1/a\\b", "/..\\..\\windows", "/%00", "/api/v1/a%00.png", "/a%0d%0ab", "/a%7f",
    "/%252e%252e%252fetc", "/%25252e", "/%c0%ae%c0%ae/x", "/%ff", "http://evil.example/", "*", "evil.example:443", "",
    "/a%2F..%2Fb", "/api/v1/styles/%2e%2e%5c%2e%2e", "/%", "/%u002e", "/a%1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_path_tricks(path: str) -> None:
    """Dots, backslashes, NUL, double encodings and other targets than paths reach no route: 404."""
    guard = guarded(STUDIO)
    answer = get(guard, target=path)
    assert (answer.status, answer.code, guard.app.seen) == (404, "unknown", [])


@pytest.mark.parametrize("path", ["/", "/api/v1/styles/hokusai.2-x_y", "/a%20b", "/.well-known", "/a..b", "/C:/x"])
def test_paths_as_they_should_be(path: str) -> None:
    """Names with dots in them and escaped letters are ordinary paths."""
    assert get(guarded(), target=path).status == 200


@pytest.mark.parametrize(
    ("target", "headers"), [("/" + "x" * 17_000, []), ("/?" + "x" * 17_000, []), ("/", [("x", "x" * 600)] * 30)]
)
def test_long_addresses_and_headers(target: str, headers: list[tuple[str, str]]) -> None:
    """More than 16 KB of address and headers are refused, also in many small ones."""
    assert get(guarded(), target=target, headers=headers).code == "headers"


# Answers

EVERY = {"content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy"}
EVERY |= {"cross-origin-embedder-policy", "cross-origin-resource-policy", "x-frame-options"}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({}, 200), ({"target": "/"}, 200), ({"host": "evil.example"}, 421), ({"headers": FOREIGN}, 403),
        ({"target": "/%00"}, 404), ({"method": "OPTIONS"}, 200), ({"method": "HEAD"}, 200),
    ],
)  # fmt: skip
def test_headers_of_every_answer(words: dict[str, Any], status: int) -> None:
    """Every answer, also a refusal, says that browsers may not sniff, frame, embed, leak or run anything foreign."""
    answer = get(guarded(), **words)
    assert answer.status == status and answer.headers.keys() >= EVERY
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]


def test_headers_of_the_app_do_not_weaken_ours() -> None:
    """What the app says of the same is replaced, and named once; its own headers stay."""
    app = Echo([(b"Content-Security-Policy", b"default-src *"), (b"X-Seconds", b"1"), (b"vary", b"Accept")])
    answer = get(Guard(app, Rules(origins=frozenset({SHOP}))))
    assert [value for name, value in answer.pairs if name == "content-security-policy"][0].startswith("default-src 'n")
    assert answer.headers["x-seconds"] == "1" and ("vary", "Accept") in answer.pairs


def test_answers_of_the_api_are_not_kept() -> None:
    """Browsers and proxies keep nothing of the API but what the app says they may."""
    assert get(guarded()).headers["cache-control"] == "no-store"
    kept = Guard(Echo([(b"cache-control", b"private, max-age=60")]), Rules())
    assert get(kept).headers["cache-control"] == "private, max-age=60"


def test_head() -> None:
    """HEAD is GET without the body, also where the answer would never end."""

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["method"] == "GET"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-seconds", b"1")]})
        for _ in range(10):
            await send({"type": "http.response.body", "body": b"data", "more_body": True})

    answer = get(Guard(endless, Rules()), "HEAD")
    assert (answer.status, answer.body, answer.whole, answer.headers["x-seconds"]) == (200, b"", True, "1")


def test_websockets_are_refused() -> None:
    """There are none, so that no page can open one."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guarded()({"type": "websocket"}, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


# Errors of the app


def test_errors_of_the_app() -> None:
    """What the app does not handle is 500 without a word of the inside; the log gets one line and the exception."""
    log: list[tuple[str, Exception]] = []

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("/home/somebody/secret\nTraceback")

    answer = get(Guard(broken, Rules(), lambda *words: log.append(words)), "POST")
    assert (answer.status, answer.code) == (500, "fault")
    assert b"secret" not in answer.body and b"KeyError" not in answer.body
    ((line, error),) = log
    assert re.fullmatch(r"POST /api/v1/things failed: KeyError: .*", line) and isinstance(error, KeyError)


def test_errors_that_a_framework_answers() -> None:
    """Frameworks answer 500 in their own words and raise again: ours stand in their place."""

    async def starlette_like(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Traceback: secret"})
        raise RuntimeError("secret")

    answer = get(Guard(starlette_like, Rules()))
    assert (answer.status, answer.code) == (500, "fault") and b"secret" not in answer.body


def test_errors_in_the_middle_of_an_answer() -> None:
    """An answer that broke off is not completed, so that nobody takes it for whole."""

    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError

    answer = get(Guard(breaks, Rules()))
    assert (answer.status, answer.body, answer.whole) == (200, b"half", False)


def test_requests_that_the_end_of_the_server_cuts_off() -> None:
    """Whose request is cancelled because the server ends gets 503, and to know that it was not the request's fault."""

    async def end() -> Answer:
        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(60)

        request = asyncio.create_task(ask(Guard(slow, Rules())))
        await asyncio.sleep(0.01)
        request.cancel()
        return await request

    answer = asyncio.run(end())
    assert (answer.status, answer.code, answer.whole) == (503, "ending", True)


def test_clients_that_leave_are_no_errors() -> None:
    """What an app raises because its client is gone is not reported."""
    log: list[Any] = []

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise RuntimeError("the client is gone")

    headers = [*PICTURE, ("content-length", "100")]
    get(Guard(reads, Rules(), lambda *words: log.append(words)), "POST", headers=headers, body=[b"x"] * 2)
    assert log == []
