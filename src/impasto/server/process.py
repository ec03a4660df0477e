"""A process of ours behind a pipe: started, listened to, sent to and ended without ever making an event loop wait."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Signals are blocked for what this thread starts: Ctrl-C reaches the whole group, and we say when it is to end.

    A child that only ignores them is hit while it is being imported.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker  # is not on Windows

    resource_tracker.ensure_running()  # or it would be started meanwhile, which unblocks them
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Process:
    """``target(channel, setup)`` in a new process. What it sends goes to ``received``, in the loop; None is its end."""

    def __init__(
        self, target: Callable[[Connection, Any], None], setup: Any, received: Callable[[Any, Any], None]
    ) -> None:
        self._target, self._setup, self._received = target, setup, received
        self._loop = asyncio.get_running_loop()
        self._sender = ThreadPoolExecutor(1, "to-process")
        self.dead = False  # by our will
        self._process: Any = None
        self._channel: Any = None
        self._sender.submit(self._start)

    @property
    def pid(self) -> int | None:
        """Its number; None before it has begun."""
        found: int | None = None if self._process is None else self._process.pid
        return found

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would have the runtime's locks and not its threads
        self._channel, other = context.Pipe()
        process = context.Process(target=self._target, args=(other, self._setup), daemon=True)
        with contextlib.suppress(OSError), _deaf():  # without a process the channel ends at once
            process.start()
            self._process = process
        other.close()
        threading.Thread(target=self._listen, daemon=True).start()
        if self.dead:
            self.end()

    def _listen(self) -> None:
        message: Any = True
        while message is not None:
            try:
                message = self._channel.recv()
            except (EOFError, OSError):
                message = None
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._received, self, message)

    def send(self, message: Any) -> None:
        """Send in a thread: a pipe that is full waits."""
        with contextlib.suppress(RuntimeError):  # it is closed already
            self._sender.submit(self._send, message)

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):  # that it has ended the listener says
            self._channel.send(message)

    def end(self) -> None:
        """End the process now, whatever it is at."""
        self.dead = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End it and wait until it is gone; not in the loop."""
        self.end()
        self._sender.shutdown(wait=True)
        if self._process is not None:
            self._process.kill()
            self._process.join(5)
        if self._channel is not None:
            self._channel.close()
