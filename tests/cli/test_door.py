"""The command line's door: signals while it is imported, panels, completion, and what is the same for all commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from impasto import __main__, assets, cli
from impasto.cli import root

COMMANDS = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
EACH = {**COMMANDS, **{f"styles {name}": command for name, command in COMMANDS["styles"].commands.items()}}

STOPPED = """
import importlib.abc, os, sys

MODULE, KIND = sys.argv[1], int(sys.argv[2])
class Stop(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == MODULE:
            os.kill(os.getpid(), KIND)

sys.meta_path.insert(0, Stop())
from impasto.__main__ import main
print("ready", flush=True)
sys.argv[1:] = ["styles"]
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["impasto.cli", "typer.core", "impasto.cli.styles", "numpy", "safetensors"])
def test_ctrl_c_while_importing(module: str, kind: int) -> None:
    """A signal at any import, of the command line or of a command, ends it with 130 and one line."""
    command = [sys.executable, "-c", STOPPED, module, str(int(kind))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (130, "ready\n")
    assert ran.stderr == "impasto: interrupted: nothing was written\n"


def test_the_command_that_is_installed_comes_through_the_door() -> None:
    """pip's ``impasto`` imports nothing else before the signals are looked after."""
    script = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'impasto = "impasto.__main__:main"' in script
    code = "import sys; before = set(sys.modules); import impasto.__main__; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("impasto")}
    assert ours == {"impasto", "impasto.errors", "impasto.__main__"}
    assert not {"typer", "numpy", "rich"} & set(loaded)
    assert callable(__main__.main)


def test_an_ignored_signal_stays_ignored() -> None:
    """Behind nohup and in a shell's background Ctrl-C is none of the command's."""
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from impasto.__main__ import main; "
    code += "sys.argv[1:] = ['--version']\ntry: main()\nfinally: print(signal.getsignal(signal.SIGINT).name)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.split()[-1] == "SIG_IGN"


def test_every_command_is_in_one_panel(capsys: Any) -> None:
    """--help lists every command once, in the panels' order."""
    named = [name for names in root.PANELS.values() for name in names]
    assert sorted(named) == sorted(COMMANDS)
    with pytest.raises(SystemExit):
        sys.argv[1:] = ["--help"]
        cli.main()
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0].rstrip(":") for line in lines[lines.index("Paint:") :] if line.strip()]
    assert [each for each in listed if each in named] == named


@pytest.mark.parametrize("name", [name for name in EACH if name not in ("styles", "studio", "serve", "live")])
def test_every_command_has_json(name: str) -> None:
    """Whatever a command prints, --json prints as JSON; servers print their address alone."""
    assert any(param.opts == ["--json"] for param in EACH[name].params)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    """Each shell's script is shown, and completes commands and the names of styles, also inside a mix."""
    script = _run({"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}, "--show-completion", shell)
    assert f"complete_{shell}" in script
    assert "paint" in _completed(shell, "impasto pai")
    assert "klimt-the-kiss" in _completed(shell, "impasto paint cat.jpg -s klimt-the-k")
    assert "munch-the-scream,klimt-the-kiss" in _completed(shell, "impasto paint cat.jpg -s munch-the-scream,klimt-the")


def _completed(shell: str, words: str) -> str:
    bash = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    other = {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return _run({"_IMPASTO_COMPLETE": f"complete_{shell}", **(bash if shell == "bash" else other)})


def _run(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "impasto", *words]
    ran = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    return ran.stdout


def test_demo_paints_the_cat(tmp_path: Path, capsys: Any) -> None:
    """demo writes the photo as it came and its painting, and says where; again it writes over its own."""
    for _ in range(2):
        _main("demo", "-o", str(tmp_path), "--json")
        record = json.loads(capsys.readouterr().out)
        assert Path(record["photo"]).read_bytes() == assets.DEMO.read_bytes()
        assert Path(record["output"]).is_file()
        assert sorted(tmp_path.iterdir()) == sorted(Path(record[key]) for key in ("photo", "output"))


@pytest.mark.parametrize("name", ["demo.jpg", "demo-munch-the-scream.jpg"])
def test_demo_never_costs_a_file(name: str, tmp_path: Path, capsys: Any) -> None:
    """A file that impasto did not make is only overwritten with --force."""
    (tmp_path / name).write_bytes(b"mine")
    words = ["demo", "-s", "munch-the-scream", "-o", str(tmp_path)]
    assert _main(*words) == 2
    assert name in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 1
    assert _main(*words, "--force") == 0


def _main(*words: str) -> int:
    sys.argv[1:] = words
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)  # type: ignore[arg-type]
