"""One sentence for people who have no terminal: on a page, or in a window of what their desktop has."""

from __future__ import annotations

import html
import http.server
import shutil
import subprocess
import threading
import webbrowser
from contextlib import suppress

PATIENCE = 20.0  # seconds that a browser gets
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>impasto</title>
<body style="font: 20px sans-serif; max-width: 32em; margin: 15vh auto; padding: 0 1em">
<h1 style="font-size: 24px">impasto studio</h1><p>{}</p>"""
DIALOGS = (
    ("zenity", "--error", "--no-markup", "--title=impasto studio", "--text"),
    ("kdialog", "--title", "impasto studio", "--error"),
    ("xmessage", "-center", "-title", "impasto studio"),
    ("notify-send", "impasto studio"),
)


def show(sentence: str) -> bool:
    """Whether somebody was shown it. A browser that may read no file of ours, as in a sandbox, is sent it."""
    return _on_page(sentence) or any(_in_dialog(*words, sentence) for words in DIALOGS)


def _on_page(sentence: str) -> bool:
    page, seen, found = PAGE.format(html.escape(sentence)).encode(), threading.Event(), False

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)
            seen.set()

        def log_message(self, *words: object) -> None: ...

    with suppress(OSError), http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with suppress(webbrowser.Error):
            found = webbrowser.open(f"http://127.0.0.1:{server.server_port}/") and seen.wait(PATIENCE)
        server.shutdown()
    return found


def _in_dialog(*words: str) -> bool:
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
