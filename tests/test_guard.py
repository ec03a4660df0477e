"""Two commits side by side: each runs its own code, and ratios are those of pairs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

guard = pytest.importorskip("benchmarks.guard")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a package ``impasto``: the first prints nothing, the second works for a while."""
    folder = tmp_path / "repository"
    package = folder / "src" / "impasto"
    package.mkdir(parents=True)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    (package / "__init__.py").touch()
    for number, code in enumerate(("", "sum(range(20_000_000))")):
        (package / "__main__.py").write_text(code)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", str(number)], check=True)
    return folder


def test_each_commit_runs_its_own_code(repository: Path, tmp_path: Path) -> None:
    """Each commit runs in a worktree of its own, which is gone afterwards; the slower one shows in the ratio."""
    old, new = (
        guard.checked_out("HEAD~1", tmp_path / "a", repository),
        guard.checked_out(None, tmp_path / "b", repository),
    )
    with old as one, new as other:
        found = guard.ratios(guard.pairs((one, other), ["-m", "impasto"], 2))
        assert one.path != other.path == repository
    assert found["processor"]["ratio"] > 1.5 and found["seconds"]["old"] > 0
    listed = subprocess.run(["git", "-C", str(repository), "worktree", "list"], capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 1 and not one.path.exists()


def test_what_fails_says_so(repository: Path, tmp_path: Path) -> None:
    """A case that fails ends the run with what it said."""
    with (
        guard.checked_out(None, tmp_path, repository) as tree,
        pytest.raises(SystemExit, match="No module named nothing"),
    ):
        tree.run(["-m", "nothing"])


def test_ratios_are_those_of_pairs() -> None:
    """The median is that of the pairs' ratios, not the ratio of the medians: what the machine does meets both."""
    pairs = [
        [dict.fromkeys(guard.MEASURES, a), dict.fromkeys(guard.MEASURES, b)] for a, b in ((1, 2), (10, 20), (4, 4))
    ]
    found = guard.ratios(pairs)["seconds"]
    assert (found["ratio"], found["least"], found["largest"]) == (2, 1, 2)
    assert (found["old"], found["new"]) == (4, 4)


def test_cases() -> None:
    """Every case names files that are made for it."""
    made = {"small", "large", "folder", "out", "outs"}
    for words in guard.cases().values():
        assert {word[1:-1] for word in words if word.startswith("{")} <= made
