"""The helpers for tests of permissions do what those tests rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from system import as_user, needs_linux


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_permissions_stop_the_user(tmp_path: Path, mode: int) -> None:
    """Also as root, the user of these tests cannot write where nobody may, nor look into what is closed."""
    (folder := tmp_path / "closed").mkdir(mode=mode)
    found = subprocess.run(
        as_user([sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", folder / "file"]),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1 and "PermissionError" in found.stderr
    if mode == 0:
        assert subprocess.run(as_user(["ls", folder]), capture_output=True).returncode


def test_the_user_may_use_what_is_ours(tmp_path: Path) -> None:
    """The user writes where we may, and runs our Python with our packages."""
    code = "import sys, impasto; open(sys.argv[1], 'w')"
    subprocess.run(as_user([sys.executable, "-c", code, tmp_path / "file"]), check=True)
    assert (tmp_path / "file").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has these programs")
@pytest.mark.parametrize(("ci", "user", "outcome"), [("true", 1000, "fail"), ("", 0, "fail"), ("", 1000, "skip")])
def test_missing_programs_are_not_overlooked(monkeypatch: pytest.MonkeyPatch, ci: str, user: int, outcome: str) -> None:
    """A missing program fails the test for root and where CI=true is set, and skips it for others."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("os.geteuid", lambda: user)
    expected = pytest.fail.Exception if outcome == "fail" else pytest.skip.Exception
    with pytest.raises(expected, match="needs no-such-program"):
        needs_linux("sh", "no-such-program")
