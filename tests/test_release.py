"""A release could be cut: versions agree, Pythons are tested, and what is outdated warns before it goes away."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from pathlib import Path

import pytest

from impasto import assets
from impasto.errors import outdated

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_versions_agree() -> None:
    """The project, the package and the citation are of one version, which the changelog knows."""
    (cited,) = re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert PROJECT["version"] == assets.__version__ == cited
    assert f"## {assets.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["ci", "release"])
def test_the_oldest_and_the_newest_python_are_tested(name: str) -> None:
    """The workflows test the oldest and the newest Python that the project declares."""
    declared = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)]
    workflow = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert f'python: ["{declared[0]}", "{declared[-1]}"]' in workflow
    assert PROJECT["requires-python"] == f">={declared[0]}"
    assert declared == sorted(declared, key=numbers)


def test_what_is_outdated_warns_its_caller() -> None:
    """The warning names old, new and the version, and points at the line that uses the old name."""

    def old() -> None:
        outdated("old", "new", gone="9.9.9")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old()
    (warning,) = caught
    assert warning.category is DeprecationWarning and warning.filename == __file__
    assert str(warning.message) == "old is now new, and goes away with impasto 9.9.9"


def test_nothing_outlives_its_version() -> None:
    """What was to go away with this version is gone."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("outdated"):
                (gone,) = (ast.literal_eval(each.value) for each in node.keywords if each.arg == "gone")
                assert numbers(gone) > numbers(assets.__version__), f"{path}:{node.lineno}"
