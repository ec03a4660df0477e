"""A page that shows a film beside its painting while it is painted: on this computer only, at a secret address."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from impasto.film.colour import Bytes
from impasto.film.pace import Progress

SIDE = 960  # pixels that are shown, longer side
PATIENCE = 1.0  # seconds after which a reader that waits looks again
BOUNDARY = "frame"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>impasto video</title>
<meta name="viewport" content="width=device-width">
<style>body{margin:0;display:flex;flex-wrap:wrap;gap:4px;justify-content:center;background:#222}
img{max-width:calc(50% - 4px);max-height:100vh;object-fit:contain}
@media(orientation:portrait){img{max-width:100%}}</style>
<img src="before" alt="The film"><img src="after" alt="Its painting"></html>"""


class Page:
    """The page, served from a thread of its own until it is closed; ``show`` brings the next frame."""

    def __init__(self) -> None:
        self._secret, self._changed = secrets.token_urlsafe(16), threading.Condition()
        self._number, self._shown, self._open = 0, {}, True  # type: int, dict[str, Bytes], bool
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/{self._secret}/"

    def show(self, before: Bytes, after: Bytes) -> None:
        with self._changed:
            self._number, self._shown = self._number + 1, {"before": before, "after": after}
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def allows(self, host: str | None) -> bool:
        """Whether a request was meant for this page: a name that leads here from elsewhere is none of ours."""
        return host in (f"127.0.0.1:{self._port}", f"localhost:{self._port}")

    def frames(self, which: str) -> Iterator[bytes]:
        """One of the two pictures as JPEG, again and again, as it changes."""
        last = 0
        while True:
            with self._changed:
                while self._number == last and self._open:
                    self._changed.wait(PATIENCE)
                if not self._open:
                    return
                last, pixels = self._number, self._shown[which]
            yield _jpeg(pixels)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 (its name is given)
                path = self.path.split("?")[0]
                parts = path.strip("/").split("/")
                known = secrets.compare_digest(parts[0].encode(), page._secret.encode())
                if not (page.allows(self.headers.get("Host")) and known):
                    self.send_error(404)
                elif len(parts) == 1:
                    self._answer("text/html; charset=utf-8")
                    self.wfile.write(PAGE.encode())
                elif parts[1] in ("before", "after"):
                    self._answer(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                    self._stream(parts[1])
                else:
                    self.send_error(404)

            def _answer(self, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Cache-Control", "no-store")
                self.send_header("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'")
                self.end_headers()

            def _stream(self, which: str) -> None:
                try:
                    for data in page.frames(which):
                        head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")
                except OSError:  # the reader has gone away
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Nothing: only the command line speaks."""

        return Handler


def shown(steps: Generator[Progress, None, None], say: Callable[[str], None]) -> Generator[Progress, None, None]:
    """The same records; their frames are shown on a page, whose address goes to ``say``."""
    page = Page()
    try:
        say(page.address)
        for step in steps:
            if step.frame is not None and step.painted is not None:
                page.show(step.frame, step.painted)
            yield step
    finally:
        steps.close()
        page.close()


def _jpeg(pixels: Bytes) -> bytes:
    image, data = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((SIDE, SIDE))
    image.save(data, "JPEG", quality=85)
    return data.getvalue()
