"""What the application has beside photos and paintings: its session, styles, page, health and numbers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from impasto.server import samples
from impasto.server.api import problem
from impasto.server.app import made
from impasto.server.settings import Settings
from tests.server.conftest import PNG, TestClient, drawn, hub_of, problem as problem_in


def test_session(client: TestClient) -> None:
    """The page learns at once what the server is, has and allows."""
    found = client.get("/api/v1/session").json()
    assert (found["mode"], found["networks"], found["network"], found["photo"]) == ("studio", ["tiny"], "tiny", None)
    assert found["limits"]["photos"] == 16 and found["limits"]["masks"] == 8
    assert {"image/jpeg", "image/png", "image/webp"} <= set(found["formats"]["read"])
    assert found["formats"]["write"] == ["jpeg", "png", "webp"]
    assert found["precision"] in ("f32", "bf16")


def test_styles(client: TestClient) -> None:
    """Styles come with what people choose by, and are not sent again while they are the same."""
    answer = client.get("/api/v1/styles")
    found = {each["name"]: each for each in answer.json()["styles"]}
    assert set(found) == {"red", "green", "blue"}
    assert set(found["red"]["neighbours"]) == {"green", "blue"}
    again = client.get("/api/v1/styles", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert problem_in(client.get("/api/v1/styles?network=huge")) == (404, "unknown-network")


def test_networks_that_come_along() -> None:
    """Without another network both that come along can be painted with."""
    assert list(Settings().kits) == ["full", "fast"]
    assert Settings(network="fast").default == "fast"


def test_page(client: TestClient) -> None:
    """The studio's page and its files are there, each by its name alone."""
    assert client.get("/").headers["content-type"] == "text/html; charset=utf-8"
    for name in ("index.html", "..%2fapp.py", "%2e%2e/app.py", "samples/samples.json", "app.py", "__init__.py"):
        assert client.get(f"/{name}").status_code == (200 if name == "index.html" else 404), name


def test_samples(client: TestClient) -> None:
    """Photos to begin with can be shown, and taken as one's own."""
    listed = samples.listed()
    if not listed:
        pytest.skip("the page has no samples yet")
    name = listed[0]["name"]
    assert client.get(f"/api/v1/samples/{name}").headers["content-type"] == "image/jpeg"
    photo = client.post(f"/api/v1/photos?sample={name}")
    assert (photo.status_code, photo.json()["width"]) == (201, listed[0]["width"])
    assert problem_in(client.get("/api/v1/samples/nothing")) == (404, "unknown")


def test_serve_has_no_page(settings: Settings) -> None:
    """The API alone has neither page nor lessons."""
    with TestClient(made(replace(Settings.serve(), network=settings.network))) as client:
        for path in ("/", "/index.html", "/api/v1/lessons/abc"):
            assert problem_in(client.get(path)) == (404, "unknown")


def test_health(client: TestClient) -> None:
    """Whoever runs it can ask whether it lives, and whether it takes photos."""
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_metrics(client: TestClient) -> None:
    """Requests are counted by route, without what people sent."""
    client.post("/api/v1/paint?style=red", content=drawn(), headers=PNG)
    client.get("/api/v1/photos/a-secret-id")
    text = client.get("/metrics").text
    assert 'impasto_requests_total{method="POST",route="/paint",status="200"}' in text
    assert 'route="/photos/{id}",status="404"' in text
    assert "impasto_worker_deaths_total 0.0" in text and "impasto_jobs_waiting" in text
    assert "a-secret-id" not in text


def test_faults_are_problems(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong inside is one sentence to the outside, without what it was."""

    def broken(id: str) -> None:
        raise RuntimeError("/home/somebody/secret.py is broken")

    monkeypatch.setattr(hub_of(client).store, "get", broken)
    quiet = TestClient(client.app, raise_server_exceptions=False)
    assert problem_in(quiet.get("/api/v1/photos/abc")) == (500, "fault")


def test_no_paths_in_problems() -> None:
    """A sentence of the library that names a file names no folder here."""
    from impasto.errors import BankError

    assert problem(BankError("'/tmp/x/y.safetensors': it is damaged")).detail == "'y.safetensors': it is damaged"


def test_the_loop_stays_free(client: TestClient) -> None:
    """While a photo is sent, painted and previewed, the event loop never stands still for long."""
    hub, longest = hub_of(client), [0.0]

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            begin = loop.time()
            await asyncio.sleep(0.01)
            longest[0] = max(longest[0], loop.time() - begin)

    assert client.portal is not None
    task = client.portal.start_task_soon(watch)
    data = drawn(1500, 1000, "JPEG")
    id = client.post("/api/v1/photos", content=data, headers={"content-type": "image/jpeg"}).json()["id"]
    client.post(f"/api/v1/photos/{id}/previews", json={"recipe": {"styles": {"red": 1}}, "max_side": 1024})
    client.post("/api/v1/paint?style=red", content=data, headers={"content-type": "image/jpeg"})
    task.cancel()
    assert longest[0] < 0.5  # painting alone takes longer, and machines may be busy
    assert hub.jobs.crew.deaths == 0
