"""Ctrl-C and a kill, sent to real processes of the command line: what was made so far is kept, with one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from impasto import cli, pictures
from impasto.errors import LearnError, OptionError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.network.load import load_network
from impasto.learn.optimize.descent import LBFGS, Adam
from impasto.learn.optimize.manifest import manifest, read_manifest
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.settings import LessonSettings
from impasto.styles.bank import Bank

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process"),
]
RNG = np.random.default_rng(0)

# The command line with a loss network of random weights, so that nothing is downloaded.
CHILD = """
import pathlib, sys, time
from impasto import cli
from impasto.learn.evaluate import scores
from impasto.learn.loss import features
from impasto.learn.teach import match
features.load_loss_network = lambda file=None: features.random_loss_network()
mark = sys.argv.pop(1)

def waiting(*arguments):  # in the middle of the work that match and eval do
    pathlib.Path(mark).touch()
    for _ in range(3000):  # a signal just before one long sleep would wait for its end
        time.sleep(0.1)

if mark:
    scores.worth = match._alone = waiting
cli.main()
"""
LAYERS: dict[str, Any] = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1")}
KINDS = [signal.SIGINT, signal.SIGTERM]
TINY = (
    "--optimizer",
    "adam",
    "--size",
    32,
    "--precision",
    "float32",
    "--content-layers",
    "relu2_1",
    "--style-layers",
    "relu1_1,relu2_1",
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A photo and a painting."""
    for name in ("photo", "painting"):
        pictures.save(RNG.random((90, 96, 3), np.float32), tmp_path / f"{name}.png")
    return tmp_path / "photo.png", tmp_path / "painting.png"


def interrupted(
    words: tuple[Any, ...], ready: Callable[[], bool], kind: int, *, mark: Path | str = ""
) -> tuple[int, str, str]:
    """Start the command, send it a signal once it is ``ready``; exit code, standard output and standard error."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, (mark, *words))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 300
    try:
        while not ready():
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.01)
        process.send_signal(kind)
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    return process.returncode, out, err


def lines(path: Path) -> int:
    """How many lines a file has by now."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("kind", KINDS)
def test_optimize(files: tuple[Path, Path], tmp_path: Path, kind: int) -> None:
    """optimize writes picture and state, which are of the same step, and --resume goes on from there."""
    out, log = tmp_path / "out.png", tmp_path / "log.jsonl"
    words = ("optimize", *files, *TINY, "--json-log", log, "-o", out)
    code, _, err = interrupted((*words, "--steps", 100_000), lambda: lines(log) >= 3, kind)
    told = [line for line in err.splitlines() if not line[0].isdigit()]
    assert code == 130 and len(told) == 1 and "best so far" in told[0] and "--resume" in told[0], err
    state = tmp_path / "out.png.state"
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    made = read_manifest(out)
    assert state.exists() and made["evaluations"] == steps[-1]["evaluations"]
    assert made["losses"]["total"] == min(step["total"] for step in steps)
    code, _, err = interrupted((*words, "--steps", 100_000, "--resume"), lambda: lines(log) > len(steps) + 3, kind)
    assert code == 130 and read_manifest(out)["evaluations"] > made["evaluations"], err


@pytest.mark.parametrize("kind", KINDS)
def test_replay(files: tuple[Path, Path], tmp_path: Path, kind: int, loss_network: LossNetwork) -> None:
    """replay keeps the picture so far, without a state, and does not advise what it cannot do."""
    settings = settings_for(size=32, coarsest=0, steps=100_000, precision="float32", optimizer="adam", **LAYERS)
    made = manifest(Optimization(*files, settings, loss_network=loss_network))
    (tmp_path / "made.json").write_text(json.dumps(made | {"plan": [[32, 100_000, "float32"]]}))
    begin = time.monotonic()
    words = ("replay", tmp_path / "made.json", "-o", tmp_path / "again.png")
    code, _, err = interrupted(words, lambda: time.monotonic() > begin + 10, kind)
    told = [line for line in err.splitlines() if not line[0].isdigit()]
    assert code == 130 and len(told) == 1 and "--resume" not in err, err
    assert "best so far" in err and read_manifest(tmp_path / "again.png")["plan"][0][1] < 100_000
    assert not list(tmp_path.glob("*.state"))


@pytest.mark.parametrize("kind", KINDS)
def test_grid(files: tuple[Path, Path], tmp_path: Path, kind: int) -> None:
    """grid keeps the cells that are done, and writes no sheet."""
    out = tmp_path / "grid.png"
    words = ("grid", *files, "-o", out, "--size", 32, "--steps", 30, "--layers", "relu1_1,relu2_1")
    words += ("--ratios", ",".join(f"{i}e-4" for i in range(1, 400)))
    first = tmp_path / "grid-cells" / "cell-1-2.png"
    code, _, err = interrupted(words, first.exists, kind)
    cells = list(first.parent.iterdir())
    assert code == 130 and err.splitlines()[-1].startswith(f"stopped: {len(cells)} cells are kept in"), err
    assert not out.exists() and not out.with_suffix(".json").exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [(), ("--stroke-sizes", "80,88,96")])
def test_teach(files: tuple[Path, Path], tmp_path: Path, network_file: Path, kind: int, more: tuple[str, ...]) -> None:
    """teach writes the best row so far; stroke sizes that it did not come to are named."""
    out, preview = tmp_path / "bank.safetensors", tmp_path / "preview.png"
    words = ("teach", files[1], "--name", "mine", "-o", out, "--network", network_file, "--size", 32, "--only", *more)
    words += ("--preview", preview, "--steps", 100_000, "--precision", "float32")
    code, _, err = interrupted(words, preview.exists, kind)
    last = err.splitlines()[-1]
    assert code == 130 and "stopped at step" in last and "the best row so far is kept" in last, err
    assert Bank.load(out).names == ("mine",)
    assert ("without stroke sizes 80, 96" in last) == bool(more)


@pytest.mark.parametrize("kind", KINDS)
def test_match_and_eval(
    files: tuple[Path, Path], photos: Path, paintings: Path, tmp_path: Path, network_file: Path, kind: int
) -> None:
    """match and eval print nothing when they are interrupted, and exit with 130."""
    common = ("--network", network_file, "--precision", "float32")
    tests = [
        ("match", files[1], *common, "--photos", photos),
        ("eval", "--photos", photos, "--styles", paintings, "--size", 48, "--worth", 1, *common),
    ]
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    named = [*(path.stem for path in sorted(paintings.iterdir())), "photo"]
    for old, new in zip(bank.names, named, strict=True):
        bank = bank if old == new else bank.rename(old, new)
    bank.save(tmp_path / "bank.safetensors")
    for words in tests:
        mark = tmp_path / words[0]
        words = (*words, "--bank", tmp_path / "bank.safetensors")
        code, out, err = interrupted(words, mark.exists, kind, mark=mark)
        assert code == 130 and not out and "Traceback" not in err, err


# The same, within a process


def test_a_full_disk_on_the_way(
    files: tuple[Path, Path],
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be written on the way costs a line and not the work: the end is written all the same."""
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: loss_network)
    saved: list[Path] = []

    def full(self: Optimization, path: Path) -> None:
        saved.append(path)
        raise LearnError(f"{path} cannot be written (No space left on device)")

    monkeypatch.setattr(Optimization, "save", full)
    words = ("optimize", *files, *TINY, "--steps", 6, "--save-every", 2, "-o", tmp_path / "out.png")
    monkeypatch.setattr("sys.argv", ["impasto", *map(str, words)])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert capsys.readouterr().err.count("warning: ") == len(saved) >= 2
    assert read_manifest(tmp_path / "out.png")["evaluations"] >= 6


def test_broken_down_on_the_way(
    files: tuple[Path, Path],
    loss_network: LossNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where memory is short after some steps, the picture so far and the state are kept, and it is one sentence."""
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: loss_network)
    step, calls = Adam.step, []

    def short(self: Adam, evaluate: Any) -> int:
        calls.append(1)
        if len(calls) > 3:
            raise MemoryError
        return step(self, evaluate)

    monkeypatch.setattr(Adam, "step", short)
    words = ("optimize", *files, *TINY, "--steps", 6, "-o", tmp_path / "out.png")
    monkeypatch.setattr("sys.argv", ["impasto", *map(str, words)])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "not enough memory" in err
    assert read_manifest(tmp_path / "out.png")["evaluations"] == 3 and (tmp_path / "out.png.state").exists()


def test_stop_behind_a_whole_step(
    files: tuple[Path, Path], loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle of a step, an optimisation ends behind it; resumed, it gives the bits of a whole one."""
    settings = settings_for(size=32, coarsest=0, steps=12, precision="float32", **LAYERS)
    *_, whole = Optimization(*files, settings, loss_network=loss_network).run()
    first = Optimization(*files, settings, loss_network=loss_network)
    step, calls = LBFGS.step, []

    def stopping(self: LBFGS, evaluate: Any) -> int:
        def halfway(picture: torch.Tensor) -> Any:
            calls.append(1)
            if len(calls) == 5:
                first.stop()
            return evaluate(picture)

        return step(self, halfway)

    monkeypatch.setattr(LBFGS, "step", stopping)
    steps = list(first.run())
    assert first.stopped and not first.done and steps[-1].picture is not None
    assert steps[-1].evaluations == steps[-2].evaluations == len(calls)
    assert list(first.run())[-1].evaluations == len(calls)  # it stays stopped
    first.save(tmp_path / "state")
    second = Optimization(*files, settings, loss_network=loss_network)
    second.restore(tmp_path / "state")
    *_, last = second.run()
    assert last.picture is not None and whole.picture is not None
    np.testing.assert_array_equal(last.picture, whole.picture)


def test_stop_before_the_first_step(files: tuple[Path, Path], loss_network: LossNetwork) -> None:
    """An optimisation that was stopped before its first step yields nothing; its picture is the start."""
    run = Optimization(*files, settings_for(size=32, coarsest=0), loss_network=loss_network)
    run.stop()
    assert list(run.run()) == [] and run.parts is None
    assert run.picture().shape == (30, 32, 3)


def test_bad_times(files: tuple[Path, Path], loss_network: LossNetwork) -> None:
    """What a run is asked for is checked when it is asked, not at its first step."""
    run = Optimization(*files, settings_for(size=32, coarsest=0), loss_network=loss_network)
    for options in ({"max_seconds": float("nan")}, {"max_seconds": 0}, {"picture_every": -1}, {"picture_every": 1.5}):
        with pytest.raises(OptionError, match=next(iter(options))):
            run.run(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["{}", "[]", '{"version": 1}', "null"])
def test_odd_states(files: tuple[Path, Path], loss_network: LossNetwork, tmp_path: Path, state: str) -> None:
    """A state that says nonsense is one sentence."""
    from safetensors.torch import save_file

    save_file({"picture": torch.zeros(1)}, tmp_path / "state", {"impasto_state": state})
    run = Optimization(*files, settings_for(size=32, coarsest=0), loss_network=loss_network)
    with pytest.raises(LearnError, match="state"):
        run.restore(tmp_path / "state")


def test_stop_a_lesson(files: tuple[Path, Path], photos: Path, network_file: Path, loss_network: LossNetwork) -> None:
    """A lesson that is stopped while it looks for a start, or later, has a row; ``at`` gives one that goes on."""
    bank, network = Bank.load(network_file.with_suffix(".safetensors")), load_network(network_file)
    layers: dict[str, Any] = {"content_layer": "relu1_1", "style_layers": ("relu1_1",)}
    settings = LessonSettings(size=16, match_size=16, checks=1, batch=1, check_every=1, **layers)
    lesson = Lesson(files[1], network, bank, PhotoFolder.open(photos), settings, loss_network=loss_network)
    lesson.stop()
    assert list(lesson.run()) == [] and np.isfinite(lesson.row).all()
    again = lesson.at(80)
    for step in again.run():
        if step.step == 2:
            again.stop()
    assert again.step == 2 and not np.array_equal(again.row, lesson.row)
