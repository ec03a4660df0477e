"""What slow, silent and rude clients meet on a real port."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import time

import pytest
from asgi import Echo
from sockets import read_all, serving

from impasto.server.exchange import App, Receive, Scope, Send
from impasto.server.guard import Rules
from tests.conftest import until

GET = b"GET /api/v1/things HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
END = b"Connection: close\r\n\r\n"


def problem(data: bytes) -> tuple[int, str]:
    """Status and code of an answer that is a problem, with the headers that all answers have."""
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head and b"content-security-policy" in head
    assert b"connection: close" in head
    assert b"server:" not in head
    record = json.loads(body)
    assert f"HTTP/1.1 {record['status']}".encode() == head[:12]
    return record["status"], record["code"]


def flood(size: int, pieces: int = 1) -> App:
    """An app that answers with ``pieces`` times ``size`` bytes."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(pieces):
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


# Headers


@pytest.mark.parametrize("start", [b"G", b"GET / HTTP/1.1\r\n", GET, GET + b"X-Endless: "])
def test_headers_that_do_not_end(start: bytes) -> None:
    """Headers must be there in time: 408, and the connection is closed."""
    with serving(Echo(), Rules(header_seconds=0.3)) as server:
        assert problem(server.ask(start)) == (408, "slow")
        assert server.get() == 200


def test_headers_drop_by_drop() -> None:
    """A byte now and then does not extend the time."""
    with serving(Echo(), Rules(header_seconds=0.4)) as server, server.connect() as client:
        with pytest.raises(OSError):
            for _ in range(100):
                client.sendall(b"X")
                time.sleep(0.05)


def test_silent_connections_are_closed() -> None:
    """Who connects and says nothing is closed without a word, which a browser would take for an answer."""
    with serving(Echo(), Rules(header_seconds=0.3)) as server:
        assert server.ask(b"") == b""


def test_the_next_request_has_a_deadline_too() -> None:
    """On a connection that is kept, the headers of the second request have as much time as those of the first."""
    with serving(Echo(), Rules(header_seconds=0.3)) as server, server.connect() as client:
        client.sendall(GET + b"\r\n")
        while not client.recv(65536).endswith(b"0\r\n\r\n"):
            pass
        client.sendall(GET)
        assert problem(read_all(client)) == (408, "slow")


def test_a_long_answer_is_not_a_slow_header() -> None:
    """The deadline of the headers ends with them."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.6)
        await Echo()(scope, receive, send)

    with serving(slow, Rules(header_seconds=0.3)) as server:
        assert server.ask(GET + END).startswith(b"HTTP/1.1 200")


# Bodies


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
def test_bodies_that_do_not_end(framing: bytes) -> None:
    """Bodies must come in time: 408, and the connection is closed."""
    with serving(Echo(), Rules(body_seconds=0.3)) as server:
        assert problem(server.ask(POST + framing)) == (408, "slow")
        until(lambda: server.open == 0)


def test_large_bodies_are_told_so() -> None:
    """Who sends too much gets to read why, though all of it is sent before the answer is read."""
    with serving(Echo(), Rules(body=1000)) as server:
        for framing in (b"Content-Length: 8000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n7A1200\r\n"):
            end = b"\r\n0\r\n\r\n" if b"chunked" in framing else b""
            assert problem(server.ask(POST + framing + bytes(8_000_000) + end)) == (413, "too-large")
        until(lambda: server.open == 0)


def test_a_refused_body_is_not_awaited_for_long() -> None:
    """After a refusal a client may go on sending for some seconds, not for ever."""
    with serving(Echo(), Rules(token="secret", linger_seconds=0.5)) as server, server.connect() as client:
        start = time.monotonic()
        client.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
        assert problem(read_all(client)) == (401, "token")
        assert 0.4 < time.monotonic() - start < 30


def test_who_asks_before_sending_is_answered_before() -> None:
    """With Expect: 100-continue a refusal comes instead of the permission to send."""
    with serving(Echo(), Rules(body=1000)) as server, server.connect() as client:
        client.sendall(POST + b"Content-Length: 8000000\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413")


# Answers that nobody takes


@pytest.mark.parametrize(("size", "pieces"), [(20_000_000, 1), (100_000, 200)])
def test_receivers_that_stall(size: int, pieces: int) -> None:
    """Who takes nothing of an answer is cut off, whether it waits in the app or in the server's buffer."""
    app = flood(size, pieces)
    with serving(app, Rules(stall_seconds=0.5)) as server, server.connect(receive_buffer=4096) as client:
        client.sendall(GET + b"\r\n")
        until(lambda: server.open == 1)
        until(lambda: server.open == 0)


def test_slow_receivers_get_all() -> None:
    """Who is slow but takes something gets the whole answer, in more time than a stall may last."""
    app = flood(100_000, 30)
    with serving(app, Rules(stall_seconds=0.5)) as server, server.connect(receive_buffer=65536) as client:
        client.sendall(GET + END)
        taken, start = 0, time.monotonic()
        while piece := client.recv(30_000):
            taken += len(piece)
            time.sleep(0.02)
        assert taken > 3_000_000 and time.monotonic() - start > 1


# Connections


def test_connections_of_one_client() -> None:
    """One address holds so many connections; the next gets 503 at once, and places become free again."""
    with serving(Echo(), Rules(connections=4)) as server:
        held = [server.connect() for _ in range(4)]
        until(lambda: server.open == 4)
        assert problem(server.ask(b"")) == (503, "busy")
        for client in held:
            client.close()
        until(lambda: server.open == 0)
        assert server.get() == 200


def test_resets_leave_nothing() -> None:
    """Clients that vanish in the middle of a body leave no connection and no task, and are no error."""
    with serving(Echo(), Rules()) as server:
        for _ in range(20):
            client = server.connect()
            client.sendall(POST + b"Content-Length: 1000\r\n\r\nabc")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        until(lambda: server.open == 0 and not server.server.server_state.tasks)
        assert server.log == [] and server.get() == 200


# What is not HTTP


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50) + b"\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        GET + b" folded: x\r\nX\x00: y\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
def test_what_is_not_http(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What is no request gets a problem as well, and does no harm."""
    with serving(Echo(), Rules()) as server:
        status, code = problem(server.ask(data))
        assert (status, code) in [(400, "not-http"), (431, "headers")]
        assert server.get() == 200 and server.log == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_damage_after_the_answer_has_begun(caplog: pytest.LogCaptureFixture) -> None:
    """A chunk that is none, behind an answer under way, closes the connection and nothing else."""

    async def eager(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await Echo()(scope, receive, lambda message: send({**message, "type": "http.response.body"}))

    with serving(eager, Rules()) as server, server.connect() as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        while b"first" not in client.recv(65536):
            pass
        client.sendall(b"ZZ\r\n")
        assert b"HTTP/1.1" not in read_all(client)
        until(lambda: server.open == 0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_two_requests_in_one_packet() -> None:
    """Pipelined requests are both answered, and a smuggled one is a request like any other."""
    with serving(Echo(), Rules()) as server:
        answer = server.ask(GET + b"\r\n" + GET.replace(b"localhost", b"evil.example") + END)
        assert answer.count(b"HTTP/1.1 200") == 1 and answer.count(b"HTTP/1.1 421") == 1


def test_upgrades_are_ignored() -> None:
    """There is nothing to upgrade to; the request is answered as it is."""
    with serving(Echo(), Rules()) as server:
        upgrade = b"Connection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
        assert server.ask(GET + upgrade).startswith(b"HTTP/1.1 200")


def test_the_log_never_has_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """Even with the server's log of requests on, the token of the studio's address is not in it."""
    caplog.set_level(logging.DEBUG)
    rules = Rules(token="hush-hush", cookie="impasto-1")
    with serving(Echo(), rules, access_log=True, log_level="debug", log_config=None) as server:
        server.ask(b"GET /?token=hush-hush HTTP/1.1\r\nHost: localhost\r\n" + END)
        server.ask(b"GET /?token=hush-wrong HTTP/1.1\r\nHost: localhost\r\n" + END)
        server.ask(GET + b"Authorization: Bearer hush-hush\r\n" + END)
    assert "GET /" in caplog.text and "hush" not in caplog.text
