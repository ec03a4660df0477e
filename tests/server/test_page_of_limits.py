"""docs/serve.md reports the limits that hold."""

from __future__ import annotations

from pathlib import Path

from impasto.server.guard import Rules
from impasto.server.settings import MASKS, STYLES, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")


def test_limits_in_the_documents() -> None:
    """Its table has the numbers of the code, for both commands."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line[:2] == "| "]
    rows = {name: (serve, studio) for name, serve, studio, _ in cells}
    rules = Rules()
    assert rows["time for headers"][0] == f"{rules.header_seconds:g} s"
    assert rows["time for a body"][0] == f"{rules.body_seconds:g} s, and 1 s for each MB"
    assert rows["time without taking any of an answer"][0] == f"{rules.stall_seconds:g} s"
    assert rows["styles in a mix; masks of a photo"] == (f"{STYLES}; {MASKS}",) * 2
    for column, settings in enumerate((Settings.serve(), Settings())):
        connections = settings.connections
        assert rows["body"][column] == f"{settings.body // 2**20} MB"
        assert rows["pixels of a photo, read before it is decoded"][column] == f"{settings.pixels // 10**6} million"
        assert rows["requests at once"][column] == str(connections)
        assert rows["connections of one client; of all"][column] == f"{connections}; {2 * connections}"
        assert rows["photos that are kept"][column].startswith(
            f"{settings.photos}, for {settings.photo_life / 60:g} min"
        )
        assert rows["paintings that are kept"][column] == f"{settings.result_life / 60:g} minutes"
        life = "as long as it runs" if settings.own_life is None else f"for {settings.own_life / 60:g} minutes"
        assert rows["styles of one's own that are kept"][column].startswith(f"{settings.own_styles}, {life}")
        allowed = "no limit" if settings.job_time is None else f"{settings.job_time:g} s"
        assert rows["time of a painting"][column] == allowed
    waiting, size = Settings().waiting, Settings().waiting_bytes // 2**20
    assert rows["jobs that wait"][0] == f"{waiting}, with {size} MB of photos"
