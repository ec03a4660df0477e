"""A studio that ends with its page, and one studio for each user."""

from __future__ import annotations

import dataclasses
import http.server
import os
import threading
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from impasto.errors import TargetError
from impasto.server import only
from impasto.server.app import made
from impasto.server.only import Only
from impasto.server.settings import Settings
from impasto.server.visits import Visits
from tests.server.conftest import TestClient, hub_of


def test_the_end_comes_after_the_last_page() -> None:
    """It is over some time after the last page was closed, or after none has come; a page in time keeps it."""
    now = [0.0]
    visits = Visits(10, clock=lambda: now[0])
    now[0] = 9
    assert not visits.over and not visits.ever
    with visits:
        now[0] = 100
        with visits:
            pass
        now[0] = 200
        assert not visits.over and visits.ever
    now[0] = 209
    assert not visits.over
    now[0] = 211
    assert visits.over


def test_who_is_not_to_leave_stays() -> None:
    """Without patience, as in ``impasto studio``, it is never over."""
    assert not Visits(None, clock=iter([0.0, 1e9]).__next__).over


def test_only_a_studio_with_patience_has_an_end(settings: Settings, client: TestClient) -> None:
    """The page is told whether it can end the studio; where it cannot there is no such call."""
    assert client.get("/api/v1/session").json()["ends"] is False
    assert client.post("/api/v1/end").status_code == 404
    with TestClient(made(dataclasses.replace(settings, patience=60))) as app:
        assert app.get("/api/v1/session").json()["ends"] is True
        assert not hub_of(app).visits.over
        assert app.post("/api/v1/end").status_code == 204
        assert hub_of(app).visits.over


def test_the_second_finds_the_first(tmp_path: Path) -> None:
    """Of two studios of one user the second gets the address of the first, as soon as that answers."""

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *words: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Healthy)
    with Only(tmp_path) as first, server:
        second = Only(tmp_path)
        assert first.take() and not second.take()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/?token=t"
        threading.Timer(0.3, first.say, [address]).start()
        assert second.find(10) == address
        server.shutdown()
        with pytest.raises(TargetError, match="does not answer"):
            second.find(0.5)
    assert not (tmp_path / "address").exists()


def test_one_that_ends_is_waited_for(tmp_path: Path) -> None:
    """Who begins while the former studio ends, and answers no more, takes its place."""
    first = Only(tmp_path)
    assert first.find() is None
    with Only(tmp_path) as second:
        assert not second.take()
        ending = threading.Timer(0.3, first.__exit__)
        ending.start()
        assert second.find(30) is None and not Only(tmp_path).take()
        ending.join()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="the system's temporary folder is the user's own")
def test_a_folder_that_others_can_read_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is in a folder of this user alone: an open folder or a link of that name is passed by."""
    name = f"{only.NAME}-{os.getuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "elsewhere").mkdir(0o700)
    (tmp_path / "session" / name).mkdir(parents=True)
    (tmp_path / "session" / name).chmod(0o755)
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetError, match="no folder for temporary files"):
        Only()
    (tmp_path / "temporary" / name).unlink()
    with Only() as found:
        assert found.take()
    assert (tmp_path / "temporary" / name).stat().st_mode & 0o777 == 0o700
