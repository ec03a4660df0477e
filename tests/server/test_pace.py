"""How long paintings take, and how far they are."""

from __future__ import annotations

import pytest

from impasto.server.pace import Pace, progress
from tests.server.conftest import PNG, TestClient, drawn, sent

RECIPE = {"styles": {"red": 1}}


def test_a_tiny_picture_teaches_nothing(client: TestClient) -> None:
    """After a picture of one pixel a plan takes as long as before."""
    photo, address = sent(client, drawn(800, 600))["id"], "/api/v1/photos/{}/plan"
    before = client.post(address.format(photo), json={"recipe": RECIPE}).json()["seconds"]
    assert client.post("/api/v1/paint?style=red", content=drawn(1, 1), headers=PNG).status_code == 200
    assert client.post(address.format(photo), json={"recipe": RECIPE}).json()["seconds"] == before


def test_learns_the_rate() -> None:
    """Paintings of some size show how quick this computer is."""
    pace = Pace()
    for _ in range(5):
        pace.learn("full", 4e6, 2.1)
    assert pace.seconds("full", 8e6) == pytest.approx(4.1, rel=0.05)


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_what_is_learned_has_bounds(seconds: float) -> None:
    """A computer that slept, or a clock that jumped, makes no estimate absurd."""
    pace = Pace()
    pace.learn("full", 10e6, seconds)
    assert 0.3 < pace.seconds("full", 10e6) < 1000


def test_regions_take_longer(client: TestClient) -> None:
    """A plan with a region takes about twice as long as one without; a region that keeps the photo adds nothing."""
    photo = sent(client, drawn(800, 600))["id"]
    client.put(f"/api/v1/photos/{photo}/masks/0", content=drawn(8, 8), headers=PNG)
    one, two, kept = (
        client.post(f"/api/v1/photos/{photo}/plan", json={"recipe": RECIPE | {"regions": regions}}).json()["seconds"]
        for regions in ([], *([{"mask": 0, "styles": {style: 1}}] for style in ("blue", "photo")))
    )
    assert two > 1.2 * one and kept == one


@pytest.mark.parametrize("passed", [0.0, 1.0, 9.0, 11.0, 100.0, 2000.0])
@pytest.mark.parametrize("share", [0.0, 0.04, 0.1, 0.5, 0.97])
def test_share_and_time_agree(passed: float, share: float) -> None:
    """What is shown as done and the time that is left belong to the same whole, however wrong the first estimate."""
    found, left = progress(10.0, passed, share, 0.9 * passed)
    assert 0 <= found < 1 and left >= 0
    assert found == pytest.approx(passed / max(passed + left, 1e-9))


def test_its_own_pace_counts() -> None:
    """A painting that is half done after 7 minutes needs 7 more, whatever was estimated."""
    assert progress(10.0, 420.0, 0.5, 420.0) == pytest.approx((0.5, 420.0))
