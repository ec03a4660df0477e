"""A server started and ended: its socket, its guard, its signals."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from impasto.errors import OptionError
from impasto.painting.painter import Painter
from impasto.server import previews, protocol
from impasto.server.guard import Guard
from impasto.server.rules import LOOPBACK, Rules
from impasto.server.settings import Settings

PORTS = 100  # that are tried where none was asked for
EVERYWHERE = ("0.0.0.0", "::", "")


def check(settings: Settings) -> None:
    """NetworkError, BankError or MismatchError where what is not our own cannot be painted with."""
    for kit in settings.kits.values():
        if kit.bank is not None or Path(kit.network).suffix == ".onnx":
            Painter(kit.network, bank=kit.bank, max_memory=kit.max_memory)


def bound(host: str, port: int, *, search: bool = False) -> socket.socket:
    """A socket bound there, or with ``search`` to the next port that is free; OptionError if it cannot be."""
    for candidate in range(port, port + (PORTS if search else 1)):
        try:
            return _bound(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                reason = error.strerror or error
                raise OptionError(f"{host} port {candidate} cannot be used ({reason}); choose others") from error
    raise OptionError(f"port {port} is taken, by another server perhaps; choose another one with --port")


def _bound(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, proto)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)  # or two could have the same address
    except OSError:
        listener.close()
        raise
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches a server at this address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def rules(
    settings: Settings,
    listener: socket.socket,
    *,
    host: str,
    token: str | None,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
    trusted: Sequence[str] = (),
    rate: int = 0,
) -> Rules:
    """What the guard of this server goes by; OptionError for what cannot be a host, an origin or an address."""
    own = set() if host in EVERYWHERE else {f"[{host}]" if ":" in host else host.lower()}
    try:
        return Rules(
            hosts=LOOPBACK | own | {each.lower() for each in hosts},
            token=token,
            cookie=f"impasto-{listener.getsockname()[1]}" if settings.mode == "studio" else None,
            origins=frozenset(origins),
            trusted=tuple(trusted),
            rate=rate,
            connections=settings.connections,
            body=settings.body,
        )
    except ValueError as error:
        raise OptionError(str(error)) from error


def run(
    app: Any,
    settings: Settings,
    listener: socket.socket,
    checked: Rules,
    report: Callable[[str, Exception], None],
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Serve until a signal ends it, or there is nothing to serve any more (``ended``).

    ``report`` gets a line, and the exception, for what is a fault of ours.
    """
    options = {**protocol.settings(checked), "timeout_graceful_shutdown": int(settings.grace)}
    config = uvicorn.Config(Guard(app, checked, report), log_config=None, lifespan="on", **options)
    server = _Server(config)
    server.ended = ended
    with _interruptible(server):
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which asks ten times a second whether it has ``ended``."""

    ended: Callable[[], bool]

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self.ended()


@contextlib.contextmanager
def _interruptible(server: uvicorn.Server) -> Iterator[None]:
    """Let Ctrl-C end the server before uvicorn listens, too; its coroutine would be left with a warning."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, server.handle_exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def idle() -> bool:
    """Whether no thread paints any more; C++ ends a process with a line of its own where one does at its end."""
    return not any(thread.name.startswith(previews.THREAD) for thread in threading.enumerate())
