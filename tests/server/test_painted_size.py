"""The limit of pixels is one of the painting, too: ``size`` with ``enlarge`` may make a small photo large."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import PNG, TestClient, drawn, hub_of, problem, sent

LARGE: dict[str, Any] = {"styles": {"red": 1}, "size": 30_000, "enlarge": True}


def test_paint(client: TestClient) -> None:
    """A painting beyond the limit is refused, and nothing is queued."""
    asked = hub_of(client).jobs.asked
    answer = client.post("/api/v1/paint?style=red&size=30000&enlarge=true", content=drawn(), headers=PNG)
    assert problem(answer) == (422, "too-many-pixels")
    assert answer.json()["detail"] == (
        "the painting would have 600,000,000 pixels, more than the limit of 200,000,000; give a smaller size"
    )
    assert hub_of(client).jobs.asked == asked


@pytest.mark.parametrize("call", ["jobs", "plan", "window"])
def test_calls_with_recipes(client: TestClient, call: str) -> None:
    """So are a job, its plan and a window of it."""
    asked, photo = hub_of(client).jobs.asked, sent(client)["id"]
    place = {"x": 0, "y": 0, "width": 64, "height": 64}
    bodies = {"jobs": {"photo": photo}, "plan": {}, "window": place}
    address = "/api/v1/jobs" if call == "jobs" else f"/api/v1/photos/{photo}/{call}"
    answer = client.post(address, json={"recipe": LARGE, **bodies[call]})
    assert problem(answer) == (422, "too-many-pixels")
    assert hub_of(client).jobs.asked == asked
