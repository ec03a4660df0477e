"""Training: what a step measures, that a killed run loses nothing, and that several processes are one."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from impasto.errors import LearnError, OptionError
from impasto.learn.loss.features import LossNetwork, random_loss_network
from impasto.learn.loss.losses import psnr
from impasto.learn.network.designs import FIRST, LATEST
from impasto.learn.network.layers import StyleNetwork
from impasto.learn.paintings import Painting, find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train import processes, run as module
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.train.export import PHOTO_CARD
from impasto.learn.train.records import METRICS, SHEET, TrainStep
from impasto.learn.train.run import PHOTO, Run
from impasto.learn.train.settings import Schedule, TrainSettings, learning_rate, style_weight
from impasto.learn.train.steps import Steps
from impasto.styles.bank import Bank

TINY: dict[str, Any] = dict(
    steps=6,
    batch=2,
    size=32,
    alpha=0.1,
    content_layer="relu1_1",
    style_layers=("relu1_1",),
    style_size=48,
    warmup=2,
    ramp=4,
    learning_rate=0.01,
)
OpenRun = Callable[..., Run]


@pytest.fixture(autouse=True)
def few_unit_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)


@pytest.fixture
def open_run(photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path) -> OpenRun:
    """Opens a tiny run, by default in the test's own folder; keywords are settings."""

    def open_run(
        folder: Path = tmp_path / "run",
        styles: list[Painting] | None = None,
        loss_network: LossNetwork = loss_network,
        teacher: tuple[StyleNetwork, Bank] | None = None,
        start_from: tuple[StyleNetwork, Bank] | None = None,
        **settings: Any,
    ) -> Run:
        return Run(
            folder,
            PhotoFolder.open(photos),
            find_paintings(paintings) if styles is None else styles,
            TrainSettings(**TINY | settings),
            loss_network=loss_network,
            teacher=teacher,
            start_from=start_from,
            precision="float32",
            compile=False,
        )

    return open_run


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in (folder / METRICS).read_text().splitlines()]


def same_bits(a: Path, b: Path) -> bool:
    """Whether two runs' checkpoints hold the same step and bitwise the same tensors."""
    one, other = (Checkpoint.read(folder / CHECKPOINT) for folder in (a, b))
    assert one.tensors.keys() == other.tensors.keys()
    assert any(name.startswith("adam.") for name in one.tensors) and "behind" in one.tensors
    different = [name for name, value in one.tensors.items() if not torch.equal(value, other.tensors[name])]
    return one.step == other.step and not different


# A run


def test_run(open_run: OpenRun, tmp_path: Path) -> None:
    """A run yields a record per step, writes the same to metrics.jsonl, and leaves a checkpoint of its last step."""
    steps = list(open_run().train())
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(step, TrainStep) and step.steps == 6 and len(step.styles) == 2 for step in steps)
    assert all(np.isfinite([s.content, s.style, s.total, s.learning_rate, s.pictures_per_second]).all() for s in steps)
    assert all((step.psnr is not None) == (PHOTO in step.styles) for step in steps)
    written = metrics(tmp_path / "run")
    assert [(line["step"], line["total"], line["styles"]) for line in written] == [
        (step.step, step.total, list(step.styles)) for step in steps
    ]
    checkpoint = Checkpoint.read(tmp_path / "run" / CHECKPOINT)
    assert checkpoint.step == 6
    assert checkpoint.names == ["checks", "noise", "stripes", "photo"]
    assert checkpoint.settings["alpha"] == 0.1 and checkpoint.seconds > 0


def test_finished_run(open_run: OpenRun) -> None:
    """A run that has done all its steps yields none when it is opened again."""
    list(open_run(steps=2).train())
    assert list(open_run(steps=2).train()) == []


def test_more_steps(open_run: OpenRun) -> None:
    """A finished run goes on if it is given more steps."""
    list(open_run(steps=2).train())
    assert [step.step for step in open_run(steps=3).train()] == [3]


def test_minutes(open_run: OpenRun, tmp_path: Path) -> None:
    """When its minutes are over a run does one step, saves it and stops."""
    assert len(list(open_run().train(Schedule(max_minutes=0)))) == 1
    assert Checkpoint.read(tmp_path / "run" / CHECKPOINT).step == 1


def test_seed(open_run: OpenRun, tmp_path: Path) -> None:
    """Two runs of one seed end with the same bits, runs of two seeds do not."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        list(open_run(tmp_path / name, seed=seed, steps=2).train())
    assert same_bits(tmp_path / "a", tmp_path / "b")
    assert not same_bits(tmp_path / "a", tmp_path / "c")


def test_learns(open_run: OpenRun) -> None:
    """Both content and style losses fall within thirty steps."""
    fixed = dict(style_weight_start=8.0, photo_turns=0.0, decay=0.0, learning_rate=0.02)
    steps = list(open_run(steps=30, **fixed).train())
    for loss in ("content", "style", "total"):
        begin, end = (np.mean([getattr(step, loss) for step in part]) for part in (steps[:5], steps[-5:]))
        assert end < 0.9 * begin, loss


@pytest.mark.parametrize("variant", [{"norm": "batch"}, {"padding": "zeros"}, {"upsampling": "transposed"}], ids=str)
def test_variants(open_run: OpenRun, variant: dict[str, str]) -> None:
    """The variants for comparisons train and resume, too."""
    list(open_run(steps=1, **variant).train())
    assert len(list(open_run(steps=2, **variant).train())) == 1


def test_bfloat16(photos: Path, paintings: Path, tmp_path: Path) -> None:
    """In bfloat16 the losses are those of float32, roughly, and weights, averages and moments stay float32."""
    totals = []
    for precision in ("float32", "bfloat16"):
        weights = {"conv1_1": (torch.ones(64, 3, 3, 3) / 5, torch.zeros(64))}
        folder, styles, settings = (
            PhotoFolder.open(photos),
            find_paintings(paintings),
            TrainSettings(**TINY | {"steps": 1}),
        )
        (step,) = Run(
            tmp_path / precision,
            folder,
            styles,
            settings,
            loss_network=LossNetwork(weights),
            precision=precision,  # type: ignore[arg-type]
            compile=False,
        ).train()
        totals.append(step.total)
    assert totals[0] == pytest.approx(totals[1], rel=0.1) and totals[0] != totals[1]
    tensors = Checkpoint.read(tmp_path / "bfloat16" / CHECKPOINT).tensors
    assert {value.dtype for value in tensors.values()} == {torch.float32}


# What is learned from whom


def test_photo_row(open_run: OpenRun) -> None:
    """The photo's row knows no painting: its loss is content and squared error, and no other row feels it."""
    run = open_run()
    pictures, photo = torch.rand(2, 3, 32, 32), len(run.paintings)
    parts = run.steps.losses(pictures, torch.tensor([photo, photo]))
    assert parts["style"].tolist() == [0, 0]
    torch.testing.assert_close(parts["total"], parts["content"] + 60 * parts["error"])
    parts["total"].mean().backward()
    assert run.state.model.rows.grad is not None
    assert run.state.model.rows.grad.abs().amax(1).gt(0).tolist() == [False, False, False, True]


def test_tones_of_the_photo_row(open_run: OpenRun) -> None:
    """The photo's row paints with the photo's own tones: what it has in their place does not matter."""
    run = open_run()
    pictures, photo = torch.rand(2, 3, 32, 32), torch.tensor([len(run.paintings)] * 2)
    before, style = run.state.model(pictures, photo), run.state.model(pictures, photo - 1)
    with torch.no_grad():
        run.state.model.rows[:, -3:] += 1.0
    assert torch.equal(run.state.model(pictures, photo), before)
    assert not torch.allclose(run.state.model(pictures, photo - 1), style)


def test_style_row(open_run: OpenRun) -> None:
    """A style's loss is content and weighted style, each style with its own weight, and no squared error."""
    run = open_run()
    run.measure.weights[1] = 3.0
    run.state.step = run.settings.ramp
    parts = run.steps.losses(torch.rand(2, 3, 32, 32), torch.tensor([0, 1]))
    expected = parts["content"] + 8.0 * torch.tensor([1.0, 3.0]) * parts["style"]
    torch.testing.assert_close(parts["total"], expected)


def test_style_targets(open_run: OpenRun, paintings: Path) -> None:
    """The distance to a style is 0 at its painting."""
    run = open_run(style_layers=("relu1_1", "relu2_1"))
    assert list(run.judge.targets.grams) == ["relu1_1", "relu2_1"]
    ids = torch.arange(3)
    pictures = [module.load_painting(painting.path, 48) for painting in run.paintings]
    grams, _ = run.judge._statistics(pictures)
    assert run.judge.targets.distance(grams, ids).max() < 1e-9
    assert run.judge.targets.distance(grams, ids.flip(0))[[0, 2]].min() > 0.01


def test_style_size(open_run: OpenRun, paintings: Path) -> None:
    """A style with a size of its own is learned from its painting at that size."""
    styles = find_paintings(paintings, {"checks": {"size": 20}})
    grams, own = (open_run(styles=s).judge.targets.grams["relu1_1"] for s in (None, styles))
    assert not torch.allclose(grams[0], own[0])
    assert torch.equal(grams[1:], own[1:])


def test_borders_of_the_loss(open_run: OpenRun, loss_network: LossNetwork, tmp_path: Path) -> None:
    """A run's loss network has the borders that its settings name; the caller's stays as it was."""
    assert open_run(tmp_path / "mirror", loss_borders="mirror").judge.network.borders == "mirror"
    assert open_run(tmp_path / "zeros").judge.network.borders == loss_network.borders == "zeros"


def test_borders_that_do_not_exist() -> None:
    """Borders of another kind are an OptionError that names those there are."""
    with pytest.raises(OptionError, match="zeros or mirror, not 'ones'"):
        TrainSettings(loss_borders="ones")  # type: ignore[arg-type]


def test_different_styles_in_a_batch(open_run: OpenRun) -> None:
    """A batch holds different styles while there are enough, and the same one twice only if there are not."""
    run = open_run(batch=4)
    for run.state.step in range(10):
        assert sorted(run.state.deal().tolist()) == [0, 1, 2, 3]
    assert len(open_run(batch=6).state.deal()) == 6


def test_those_behind_get_more_turns(open_run: OpenRun) -> None:
    """A style whose loss is twice the others' gets about twice their turns, the photo as many as it is given."""
    run = open_run(batch=1, photo_turns=2.0)
    run.state.behind[:3] = torch.tensor([1.0, 1.0, 4.0])
    turns = np.zeros(4)
    for run.state.step in range(2000):
        turns[run.state.deal()] += 1
    expected = np.array([0.5, 0.5, 2.0, 2.0])
    np.testing.assert_allclose(turns / turns.sum(), expected / expected.sum(), atol=0.04)


def test_batch_of_the_photo_alone(open_run: OpenRun, tmp_path: Path) -> None:
    """A step in which only the photo's row had a turn has finite losses, and its line in the metrics is JSON."""
    run = open_run(batch=1, photo_turns=1e9, steps=1)
    (step,) = run.train()
    assert step.styles == (PHOTO,)
    assert np.isfinite([step.content, step.style, step.total]).all()
    assert metrics(tmp_path / "run")[0]["step"] == 1


def test_average(open_run: OpenRun) -> None:
    """The averaged weights lie between the first and the last, and are what a checkpoint gives back."""
    run = open_run(steps=20)
    first = run.state.model.rows.detach().clone()
    list(run.train())
    network, rows = run.state.averaged()
    last = run.state.model.rows.detach()
    assert 0 < (rows - first).norm() < (last - first).norm()
    stored_network, stored_rows = Checkpoint.read(run.dir / CHECKPOINT).averaged()
    assert torch.equal(stored_rows, rows)
    assert stored_network.fingerprint() == network.fingerprint() != run.state.model.network.fingerprint()


# Schedules


def test_learning_rate() -> None:
    """The learning rate rises linearly, stays, and falls to a fiftieth along a cosine."""
    settings = TrainSettings(steps=1000, warmup=100, decay=0.3, learning_rate=1.0)
    rates = [learning_rate(settings, step) for step in range(1000)]
    assert rates[:100] == pytest.approx(np.arange(1, 101) / 100)
    assert rates[100:700] == pytest.approx(np.ones(600))
    assert rates[850] == pytest.approx(0.51)
    assert rates[999] == pytest.approx(0.02, abs=1e-3)
    assert all(a > b for a, b in zip(rates[700:], rates[701:], strict=False))


def test_learning_rate_without_schedule() -> None:
    """Without warm-up and decay the learning rate is constant."""
    settings = TrainSettings(steps=10, warmup=0, decay=0.0, learning_rate=0.5)
    assert [learning_rate(settings, step) for step in range(10)] == [0.5] * 10


def test_style_weight() -> None:
    """The style weight grows by equal factors up to the end of the ramp, and stays."""
    settings = TrainSettings(style_weight=8.0, style_weight_start=0.5, ramp=4)
    assert [style_weight(settings, step) for step in range(6)] == pytest.approx([0.5, 1, 2, 4, 8, 8])
    assert style_weight(replace(settings, ramp=0), 1) == 8.0


# Which styles


def test_find_styles(paintings: Path) -> None:
    """Each painting is a style named after its file, with card, size and weight from its entry, if it has one."""
    entry = {"artist": "A. Nonym", "year": 1900, "size": 300, "weight": 2}
    checks, noise, stripes = find_paintings(paintings, {"noise": entry, "unknown": {"size": 1}})
    assert noise == Painting("noise", paintings / "noise.png", {"artist": "A. Nonym", "year": "1900"}, 300, 2.0)
    assert checks == Painting("checks", paintings / "checks.png")
    assert stripes.name == "stripes"
    assert entry["size"] == 300  # the caller's own is left alone


@pytest.mark.parametrize("crop", [[0, 0, 1], [0, 0, 0, 1], [0, 0.5, 1, 1.1], "left", [0, 0, "1", 1]])
def test_bad_crops(crop: object, paintings: Path) -> None:
    """A crop that is no part of the painting is a LearnError that says what one is."""
    assert find_paintings(paintings, {"noise": {"crop": [0, 0.5, 1, 1]}})[1].crop == (0, 0.5, 1, 1)
    with pytest.raises(LearnError, match=r"crop of 'noise' must be \[left, top, right, bottom\]"):
        find_paintings(paintings, {"noise": {"crop": crop}})


@pytest.mark.parametrize("names", [[], ["a.png", "b/a.png"], ["photo.png"]], ids=["none", "twice", "photo"])
def test_bad_names(names: list[str], tmp_path: Path) -> None:
    """No paintings, two of one name, or one called photo, are a LearnError."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    with pytest.raises(LearnError, match="must hold paintings with different names, none of them 'photo'"):
        find_paintings(tmp_path)


def test_names_that_no_bank_takes(tmp_path: Path) -> None:
    """A file name that could not be a style's name in a bank is refused before training, not after."""
    Image.new("RGB", (4, 4)).save(tmp_path / "Starry Night.png")
    with pytest.raises(LearnError, match="'Starry Night' cannot be a name"):
        find_paintings(tmp_path)


def test_no_folder_of_paintings(tmp_path: Path) -> None:
    """A folder that is not there is a LearnError."""
    with pytest.raises(LearnError, match="is not a folder of paintings"):
        find_paintings(tmp_path / "missing")


# Stopping and going on


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.25, "batch": 3}, {"norm": "batch"}], ids=str)
def test_resume(open_run: OpenRun, tmp_path: Path, settings: dict[str, Any]) -> None:
    """Six steps end with the same bits as three steps, a new start, and three more."""
    list(open_run(tmp_path / "whole", **settings).train())
    first = open_run(tmp_path / "parts", **settings).train(Schedule(checkpoint_every=3))
    for _ in range(3):
        next(first)
    list(open_run(tmp_path / "parts", **settings).train())
    assert same_bits(tmp_path / "whole", tmp_path / "parts")


def test_metrics_after_a_crash(open_run: OpenRun, tmp_path: Path) -> None:
    """Steps that are done again after a crash stand once in the metrics, and half a line is dropped."""
    crashing = open_run(tmp_path / "run").train(Schedule(checkpoint_every=2))
    for _ in range(5):
        next(crashing)
    assert len(metrics(tmp_path / "run")) == 5
    with open(tmp_path / "run" / METRICS, "a") as file:
        file.write('{"step": 6, "ste')
    run = open_run(tmp_path / "run")
    assert run.step == 4
    list(run.train())
    assert [line["step"] for line in metrics(tmp_path / "run")] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("crash_in", ["open", "os.fsync", "os.replace"])
def test_crash_while_saving(open_run: OpenRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_in: str) -> None:
    """A crash in the middle of writing a checkpoint leaves the old one, and the run goes on from there."""
    folder = tmp_path / "run"
    list(open_run(steps=2).train())
    before = (folder / CHECKPOINT).read_bytes()
    run = open_run(steps=4)
    next(run.train(Schedule(checkpoint_every=100)))

    def crash(*arguments: Any) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(f"impasto.files.{crash_in}", crash, raising=False)
        with pytest.raises(OSError, match="the power is gone"):
            run.save_checkpoint()
    assert (folder / CHECKPOINT).read_bytes() == before
    assert [step.step for step in open_run(steps=4).train()] == [3, 4]


@pytest.mark.parametrize("change", [{"alpha": 0.2}, {"padding": "zeros"}, {"norm": "batch"}, {"seed": 5}], ids=str)
def test_resume_another_run(open_run: OpenRun, change: dict[str, Any]) -> None:
    """To resume with another network or seed is a LearnError that names both values."""
    list(open_run(steps=1).train())
    ((name, value),) = change.items()
    with pytest.raises(LearnError, match=rf"holds a run with {name} \S+, not {value}"):
        open_run(**change)


def test_resume_other_styles(open_run: OpenRun, paintings: Path) -> None:
    """To resume with fewer styles, or in another order, is a LearnError."""
    list(open_run(steps=1).train())
    styles = find_paintings(paintings)
    for others in (styles[:2], styles[::-1]):
        with pytest.raises(LearnError, match="holds a run with other styles"):
            open_run(styles=others)


@pytest.mark.parametrize("data", [b"", b"no checkpoint", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_damaged_checkpoint(open_run: OpenRun, tmp_path: Path, data: bytes) -> None:
    """A damaged checkpoint is a LearnError that names it, not a fresh start over it."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CHECKPOINT).write_bytes(data)
    with pytest.raises(LearnError, match="damaged or not a checkpoint"):
        open_run()


def test_no_checkpoint(tmp_path: Path) -> None:
    """A folder without a checkpoint is a LearnError that asks whether it is a run."""
    with pytest.raises(LearnError, match="is this a folder that impasto train wrote"):
        Checkpoint.read(tmp_path / CHECKPOINT)


# Breaking down


@pytest.mark.parametrize("what", ["weights", "gradient"])
def test_not_a_number(open_run: OpenRun, tmp_path: Path, what: str) -> None:
    """A loss or gradient that is not a number ends the run with a LearnError, and the checkpoint stays good."""
    run = open_run()
    steps = run.train(Schedule(checkpoint_every=1))
    next(steps), next(steps)
    if what == "weights":
        with torch.no_grad():
            run.state.model.rows.fill_(torch.nan)
    else:
        run.state.model.rows.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(LearnError, match="broke down at step 3: .* not a number; lower the learning rate"):
        list(steps)
    checkpoint = Checkpoint.read(tmp_path / "run" / CHECKPOINT)
    assert checkpoint.step == 2
    assert all(value.isfinite().all() for value in checkpoint.tensors.values())
    assert len(list(open_run().train())) == 4


def test_saturated(open_run: OpenRun) -> None:
    """After a hundred steps, pictures that are mostly black or white bring a warning."""
    run = open_run(steps=1000, photo_turns=0.0)  # the photo's row has the photo's tones
    run.state.step = 99
    with torch.no_grad():
        run.state.model.rows[:, -3:] = 50.0  # the last layer's shift: all white
    steps = run.train()
    assert [bool(next(steps).warning) for _ in range(3)] == [False, True, True]
    assert "black or white" in next(steps).warning


def test_healthy(open_run: OpenRun) -> None:
    """A run that does well brings no warning."""
    run = open_run(steps=104, learning_rate=0.001)
    run.state.step = 101
    assert [step.warning for step in run.train(Schedule(sheet_minutes=0))] == ["", "", ""]


def test_look_alikes(open_run: OpenRun) -> None:
    """After a thousand steps, two styles that paint nearly the same picture bring a warning that names them."""
    run = open_run(steps=10_000)
    torch.manual_seed(0)
    run.state.average["rows"] += 0.5 * torch.randn_like(run.state.average["rows"])
    run.state.step = 1001
    assert run.sheet(size=32) == ""
    run.state.average["rows"][2] = run.state.average["rows"][0]
    assert "checks and stripes paint nearly the same picture" in run.sheet(size=32)
    run.state.step = 1000
    assert run.sheet(size=32) == ""


def test_sheet(open_run: OpenRun, tmp_path: Path) -> None:
    """The sheet shows one photo in every style, and its warning comes with the step's record."""
    run = open_run(steps=1003)
    run.state.step = 1001
    step = next(run.train(Schedule(sheet_minutes=0)))
    assert "paint nearly the same picture" in step.warning  # all rows are still equal
    with Image.open(tmp_path / "run" / SHEET) as sheet:
        assert sheet.width % 256 == 0 and sheet.height == 256
    assert metrics(tmp_path / "run")[-1]["warning"] == step.warning


# Real processes

CHILD = """
import itertools, json, os, sys
import torch
import torch.distributed as dist
from impasto.learn.train import run as train
from impasto.learn.train.export import PHOTO_CARD
from impasto.learn.network.designs import FIRST, LATEST
from impasto.learn.loss.features import LossNetwork, random_loss_network
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.train.settings import Schedule, TrainSettings

folder, photos, paintings, settings = sys.argv[1:]
rank = int(os.environ.get("RANK", -1))
if rank >= 0:
    dist.init_process_group("gloo")
train.UNIT_PHOTOS = 1
weight = torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(0)) / 4
run = train.Run(
    folder, PhotoFolder.open(photos), find_paintings(paintings), TrainSettings(**json.loads(settings)),
    loss_network=LossNetwork({"conv1_1": (weight, torch.zeros(64))}), precision="float32", compile=False,
)
print(sum(1 for _ in itertools.islice(run.train(Schedule(checkpoint_every=2)), 3 if rank >= 0 else None)))
if rank >= 0:
    print(sum(1 for _ in run.train(Schedule(max_minutes=0 if rank == 0 else 1000))))
    dist.barrier()
    dist.destroy_process_group()
"""


def start(
    folder: Path, photos: Path, paintings: Path, *, env: dict[str, str] | None = None, **settings: Any
) -> subprocess.Popen[str]:
    """A process that trains in a folder and prints how many steps it did."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(photos), str(paintings), json.dumps(TINY | settings)],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: subprocess.Popen[str]) -> list[list[int]]:
    """Waits for processes and returns the numbers that they printed; all must succeed."""
    try:
        outputs = [process.communicate(timeout=900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, errors
    return [list(map(int, printed.split())) for printed, _ in outputs]


def kill(process: subprocess.Popen[str], metrics_file: Path, moment: float) -> None:
    """Ends a process without warning once it has done so many steps and a fraction of another."""
    deadline = time.monotonic() + 900
    try:
        while not metrics_file.exists() or metrics_file.read_bytes().count(b"\n") < int(moment):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(moment % 1 / 20)
    finally:
        process.kill()
        process.communicate()


def shallow() -> LossNetwork:
    """The loss network of the processes."""
    weight = torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(0)) / 4
    return LossNetwork({"conv1_1": (weight, torch.zeros(64))})


@pytest.mark.process
def test_kill(photos: Path, paintings: Path, open_run: OpenRun, tmp_path: Path) -> None:
    """A run that is killed without warning at a random moment and started again ends with the same bits."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    steps, moment = 30, random.uniform(3, 20)
    kill(start(killed, photos, paintings, steps=steps), killed / METRICS, moment)
    before = Checkpoint.read(killed / CHECKPOINT).step
    assert 0 < before < steps, f"killed at {moment}"
    assert finish(start(killed, photos, paintings, steps=steps)) == [[steps - before]]
    list(open_run(whole, loss_network=shallow(), steps=steps).train())
    assert same_bits(whole, killed), f"killed at {moment}"
    assert [line["step"] for line in metrics(killed)] == list(range(1, steps + 1))


PAIR: dict[str, Any] = {"batch": 4, "steps": 5, "decay": 0.0}


@pytest.fixture(scope="module")
def pair(photos: Path, paintings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[int]]]:
    """Two processes that did three steps together, then were told to stop, the first at once and the other late.

    Their folder, and how many steps each did before and after.
    """
    folder = tmp_path_factory.mktemp("pair")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
    two = [start(folder, photos, paintings, env={**world, "RANK": str(rank)}, **PAIR) for rank in range(2)]
    return folder, finish(*two)


def test_two_processes(pair: tuple[Path, list[list[int]]], open_run: OpenRun, tmp_path: Path) -> None:
    """Two processes with half of the batch each train as one process does with the whole of it."""
    list(open_run(tmp_path, loss_network=shallow(), **PAIR | {"steps": 4}).train())
    one, two = metrics(tmp_path), metrics(pair[0])
    assert [step["styles"] for step in one] == [step["styles"] for step in two]
    for name in ("content", "style", "total", "style_losses"):
        np.testing.assert_allclose([s[name] for s in two], [s[name] for s in one], rtol=2e-3, atol=1e-4)
    checkpoints = [Checkpoint.read(folder / CHECKPOINT) for folder in (tmp_path, pair[0])]
    assert checkpoints[0].step == checkpoints[1].step == 4
    gradients = [torch.cat([v.flatten() for k, v in c.tensors.items() if k.endswith("exp_avg")]) for c in checkpoints]
    assert (gradients[0] - gradients[1]).norm() < 0.01 * gradients[0].norm()
    painted = [network(torch.ones(1, 3, 32, 32) / 2, rows[:1]) for network, rows in (c.averaged() for c in checkpoints)]
    torch.testing.assert_close(*painted, atol=5e-3, rtol=0)


def test_two_processes_stop_together(pair: tuple[Path, list[list[int]]]) -> None:
    """When the main process's minutes are over all processes stop, whatever their own clocks say."""
    assert pair[1] == [[3, 1], [3, 1]]


def test_batch_that_cannot_be_shared(open_run: OpenRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that cannot be shared evenly among the processes is a LearnError with both numbers."""
    monkeypatch.setattr(processes, "world", lambda: 2)
    with pytest.raises(LearnError, match="batch of 3 .* 2 processes"):
        open_run(batch=3)


def test_compiled_in_several_processes(open_run: OpenRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling the network changes no name, so that averages and checkpoints fit in several processes too."""
    run = open_run()
    names = list(run.state.model.state_dict())
    wrap = torch.nn.Sequential  # torch.compile makes of a module another one around it, too
    monkeypatch.setattr(torch, "compile", lambda what, **_: wrap(what) if isinstance(what, torch.nn.Module) else what)
    monkeypatch.setattr(processes, "world", lambda: 2)
    monkeypatch.setattr(Steps, "_plain", lambda self: None)
    run.steps._compiled()
    assert list(run.state.model.state_dict()) == names


def test_psnr_of_a_step(open_run: OpenRun) -> None:
    """A step's signal-to-noise ratio is that of the photo's row alone."""
    run = open_run(batch=4, steps=1)
    values: dict[str, Tensor] = {}
    losses = run.steps.losses
    run.steps.losses = lambda *arguments: values.update(losses(*arguments)) or values  # type: ignore[method-assign, func-returns-value]
    (step,) = run.train()
    assert step.psnr == pytest.approx(psnr(float(values["error"].detach()[step.styles.index(PHOTO)])))


def test_the_callers_loss_network_stays_as_it_was(photos: Path, paintings: Path, tmp_path: Path) -> None:
    """A run in bfloat16 does not round the weights of the loss network that it was given."""
    mine = random_loss_network()
    before = mine.get_buffer("conv1_1_weight").clone()
    styles, settings = find_paintings(paintings), TrainSettings(size=32, batch=2, alpha=0.1, style_size=48)
    Run(tmp_path, PhotoFolder.open(photos), styles, settings, loss_network=mine, precision="bfloat16", compile=False)
    assert mine.get_buffer("conv1_1_weight").dtype == torch.float32
    assert torch.equal(mine.get_buffer("conv1_1_weight"), before)


# A teacher


@pytest.fixture
def teacher(open_run: OpenRun, tmp_path: Path) -> tuple[StyleNetwork, Bank]:
    """A network of the paper's kind with rows for the run's styles, none of them alike."""
    network, rows = open_run(tmp_path / "teacher").state.averaged()
    rows = rows + 0.3 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(0))
    names = tuple(open_run(tmp_path / "teacher").names)
    cards = (PHOTO_CARD,) * len(names)
    return network, Bank(names=names, rows=rows.numpy(), cards=cards, network="full", fingerprint=network.fingerprint())


def test_learning_from_a_teacher(open_run: OpenRun, teacher: tuple[StyleNetwork, Bank], tmp_path: Path) -> None:
    """The fast network comes nearer to what the teacher paints, without any look at content and style."""
    options = dict(network="fast", teacher_weight=30.0, objective_weight=0.0, photo_turns=0.0, steps=60, batch=4)
    steps = list(open_run(tmp_path / "fast", teacher=teacher, **options).train())
    early, late = (np.mean([step.distance for step in part]) for part in (steps[:10], steps[-10:]))
    assert late < 0.85 * early
    assert all(step.content == 0 and step.style == 0 for step in steps)


def test_objective_beside_a_teacher(open_run: OpenRun, teacher: tuple[StyleNetwork, Bank]) -> None:
    """With an objective too, the total is content plus weighted style plus the weighted distance."""
    settings = dict(network="fast", teacher_weight=3.0, photo_turns=0.0, style_weight_start=2.0, style_weight=2.0)
    for step in open_run(teacher=teacher, **settings).train():
        assert step.total == pytest.approx(step.content + 2 * step.style + 3 * step.distance, rel=1e-4)


def test_no_teacher(open_run: OpenRun) -> None:
    """A run that is to learn from a teacher alone needs one."""
    with pytest.raises(LearnError, match="--teacher"):
        open_run(objective_weight=0.0)


def test_teacher_without_a_style(open_run: OpenRun, teacher: tuple[StyleNetwork, Bank]) -> None:
    """A teacher must know every style of the run; the message names one that it lacks."""
    network, bank = teacher
    lacking = bank.names[0]
    with pytest.raises(LearnError, match=lacking):
        open_run(teacher=(network, bank.select(bank.names[1:])), teacher_weight=1.0)


def test_another_network(open_run: OpenRun) -> None:
    """A run of the paper's network is not resumed as one of the fast network."""
    list(open_run(steps=1).train())
    with pytest.raises(LearnError, match="network full, not fast"):
        open_run(network="fast")


# Muon


def test_muon_resumes_to_the_same_bits(open_run: OpenRun, tmp_path: Path) -> None:
    """A run with Muon that was cut in two ends with the same bits as one that was not."""
    list(open_run(tmp_path / "whole", optimizer="muon").train())
    list(open_run(tmp_path / "cut", optimizer="muon").train(Schedule(max_minutes=0)))
    list(open_run(tmp_path / "cut", optimizer="muon").train())
    assert same_bits(tmp_path / "whole", tmp_path / "cut")


def test_another_optimizer_for_the_next_slice(open_run: OpenRun, tmp_path: Path) -> None:
    """A slice may go on with another optimizer: what that cannot use of the old state begins afresh."""
    list(open_run(steps=3).train())
    assert [step.step for step in open_run(steps=5, optimizer="muon").train()] == [4, 5]
    assert [step.step for step in open_run(steps=6).train()] == [6]


def test_unknown_optimizer(open_run: OpenRun) -> None:
    """An optimizer that there is not is named in the message."""
    with pytest.raises(OptionError, match="optimizer must be adam or muon, not 'sgd'"):
        open_run(optimizer="sgd")


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0, 1.0, -1.0), (0.0, 0.0, 0.0, 0.0)], ids=str)
def test_weights_of_layers_that_make_no_sense(weights: tuple[float, ...]) -> None:
    """Too few, negative or no weights of style layers are refused in one sentence."""
    with pytest.raises(OptionError, match="style_layer_weights must be one"):
        TrainSettings(style_layer_weights=weights)


# Stopping


def test_stopped_behind_a_step(open_run: OpenRun, tmp_path: Path) -> None:
    """A run that is told to stop ends the step that it is at, saves, and goes on to the same bits later."""
    stopped = open_run(tmp_path / "stopped", steps=4)
    for step in stopped.train(Schedule(checkpoint_every=100)):
        if step.step == 2:
            stopped.stop()
    assert stopped.step == 3 and Checkpoint.read(tmp_path / "stopped" / CHECKPOINT).step == 3
    again, whole = open_run(tmp_path / "stopped", steps=4), open_run(tmp_path / "whole", steps=4)
    for run in (again, whole):
        list(run.train())
    assert torch.equal(again.state.average["rows"], whole.state.average["rows"])


# Trained weights to start from


def test_starting_from_a_network(open_run: OpenRun, teacher: tuple[StyleNetwork, Bank], tmp_path: Path) -> None:
    """A new run takes over a network and the rows of the styles that it has; those that it lacks are new."""
    network, bank = teacher
    run = open_run(tmp_path / "next", start_from=(network, bank.select(bank.names[1:])))
    assert all(
        torch.equal(a, b) for a, b in zip(run.state.model.network.parameters(), network.parameters(), strict=True)
    )
    new, *known = run.state.model.rows.detach().numpy()
    np.testing.assert_array_equal(known, bank.rows[1:])
    np.testing.assert_array_equal(new, network.initial_row().flatten())


def test_starting_from_a_design(open_run: OpenRun, teacher: tuple[StyleNetwork, Bank], tmp_path: Path) -> None:
    """A new run has the design of the network that it takes over."""
    network = open_run(tmp_path / "old", network="fast", design=FIRST).state.averaged()[0]
    run = open_run(tmp_path / "next", network="fast", start_from=(network, teacher[1].select([])))
    assert run.settings.design == FIRST


def test_starting_from_another_network(open_run: OpenRun, teacher: tuple[StyleNetwork, Bank], tmp_path: Path) -> None:
    """Weights of another architecture are refused in one sentence."""
    with pytest.raises(LearnError, match="other layers than this run's 'fast'"):
        open_run(tmp_path / "next", start_from=teacher, network="fast")


def test_design_of_a_run(open_run: OpenRun, tmp_path: Path) -> None:
    """A run of ``fast`` goes on with the design that it was begun with; one that names none is of the first."""
    assert open_run(network="fast").settings.design == LATEST
    run = open_run(tmp_path / "old", network="fast", design=FIRST)
    run.save_checkpoint()
    held = Checkpoint.read(tmp_path / "old" / CHECKPOINT)
    del held.settings["design"]  # as runs were written before there were several
    held.write(tmp_path / "old" / CHECKPOINT)
    again = open_run(tmp_path / "old", network="fast")
    assert again.settings.design == FIRST and not again.changes
    assert len([*again.train()]) == TINY["steps"]
    assert Checkpoint.read(tmp_path / "old" / CHECKPOINT).averaged()[0].settings == {"network": "fast", "alpha": 0.1}
