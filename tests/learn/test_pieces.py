"""The way a GPU takes through a training step, on the CPU: the same numbers, and nothing waits for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from another_device import another_device
from PIL import Image
from torch import Tensor

from impasto.errors import LearnError
from impasto.learn import pieces
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.judge import Judge
from impasto.learn.paintings import find_paintings
from impasto.learn.photos import PhotoFolder
from impasto.learn.pieces import convolve, on_gpu, piece
from impasto.learn.train import run as module
from impasto.learn.train.checkpoint import CHECKPOINT, Checkpoint
from impasto.learn.train.measure import PARTS
from impasto.learn.train.muon import Muon, orthogonal
from impasto.learn.train.records import METRICS, TrainStep
from impasto.learn.train.run import Run
from impasto.learn.train.settings import Schedule, TrainSettings
from impasto.learn.train.steps import STRIDE, Steps

TINY: dict[str, Any] = dict(
    steps=24,
    batch=3,
    size=32,
    alpha=0.1,
    content_layer="relu3_1",
    style_size=48,
    warmup=2,
    ramp=4,
    optimizer="muon",
    learning_rate=0.005,
)
Open = Callable[..., Run]


@pytest.fixture(autouse=True)
def few_unit_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNIT_PHOTOS", 1)


@pytest.fixture
def open_run(photos: Path, paintings: Path, loss_network: LossNetwork, tmp_path: Path) -> Open:
    """Opens a tiny run in a folder of this name; other keywords are settings."""

    def open_run(
        name: str = "run", *, device: str = "cpu", compile: bool = False, workers: int | None = None, **settings: Any
    ) -> Run:
        return Run(
            tmp_path / name,
            PhotoFolder.open(photos),
            find_paintings(paintings),
            TrainSettings(**TINY | settings),
            loss_network=loss_network,
            precision="float32",
            compile=compile,
            device=device,
            workers=workers,
        )

    return open_run


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A compiler that does all of a compiler's work but make code; the names of what it was given."""
    given: list[str] = []
    compile = torch.compile

    def tracing(function: Any, **options: Any) -> Any:
        given.append(function.__name__)
        return compile(function, backend="aot_eager", **options)

    monkeypatch.setattr(torch, "compile", tracing)
    fresh_state(monkeypatch)
    torch.compiler.reset()
    yield given
    torch.compiler.reset()


def fresh_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was compiled yet, and nothing failed."""
    monkeypatch.setattr(pieces.STATE, "made", {})
    monkeypatch.setattr(pieces.STATE, "failed", [])


def one_step(run: Run) -> tuple[Tensor, list[Tensor], Tensor]:
    """What a step measured, the gradients behind it, and how the weights moved."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # no row is like another, and blocks do something
        run.state.model.rows += torch.randn(run.state.model.rows.shape, generator=generator) / 10
    given = [(torch.rand(3, 3, 32, 32, generator=generator), torch.tensor([0, 2, 3]))]

    def weights() -> Tensor:
        return torch.cat([parameter.detach().flatten() for parameter in run.state.model.parameters()])

    before = weights()
    values = run.steps._stride(iter([]), given)
    return values, [parameter.grad for parameter in run.state.model.parameters()], weights() - before  # type: ignore[misc]


def same_step(one: Run, other: Run) -> None:
    """Two runs measure the same, have the same gradients and move the weights alike."""
    found, expected = one_step(one), one_step(other)
    torch.testing.assert_close(found[:2], expected[:2], rtol=2e-3, atol=1e-5)
    assert (found[2] - expected[2]).norm() < 0.01 * expected[2].norm()  # Adam's first moves are signs, even of noise


# The same numbers

WAYS: list[dict[str, Any]] = [
    {},
    {"margin": 8, "loss_surround": 16},
    {"network": "fast", "alpha": 1.0},
    {"loss_borders": "mirror", "content_layer": "pool3", "style_layers": ("relu1_2", "conv3_1")},
    {"norm": "batch"},
    {"padding": "zeros"},
]


@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_one_step(open_run: Open, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]) -> None:
    """In float32 a step measures the same on both ways, has the same gradients and moves the weights alike."""
    fresh_state(monkeypatch)
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    plain, other = open_run("plain", **settings), open_run("other", **settings)
    other.steps.in_pieces = other.steps.compiled = True
    same_step(other, plain)


@pytest.mark.filterwarnings("ignore")  # what torch warns of itself while it compiles
def test_one_step_in_compiled_pieces(open_run: Open, traced: list[str]) -> None:
    """It does when the pieces are compiled, too, and every one of them is."""
    plain, other = open_run("plain", margin=8, loss_surround=16), open_run("other", margin=8, loss_surround=16)
    other.steps.in_pieces = other.steps.compiled = True
    same_step(other, plain)
    pieces_there = {"_instance_normed", "reflect_pad", "replicate_pad", "phase_kernels", "_bias_relu", "_centred"} | {
        "_mean_square"
    }
    assert set(traced) == {*pieces_there, "_mean_square"} and not pieces.STATE.failed


@pytest.mark.parametrize("shape", [(3, 5), (8, 3), (16, 8), (3, 32)], ids=str)
def test_convolutions(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A convolution whose channels are filled up to eights gives what it gives without, and the same gradients."""
    outputs, inputs = shape
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, inputs, 9, 9, generator=generator, requires_grad=True)
    weight = torch.randn(outputs, inputs, 3, 3, generator=generator, requires_grad=True)
    bias = torch.randn(outputs, generator=generator, requires_grad=True)
    pulls = torch.randn(2, outputs, 5, 5, generator=generator)

    def found() -> tuple[Tensor, ...]:
        y = convolve(x, weight, bias, stride=2, padding=1)
        return y, *torch.autograd.grad((y * pulls).sum(), [x, weight, bias])

    expected, channels, conv2d = found(), [], F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda x, w, *rest: channels.extend(w.shape[:2]) or conv2d(x, w, *rest))
    with on_gpu(compiled=False):
        torch.testing.assert_close(found(), expected, rtol=1e-4, atol=1e-4)
    assert all(count % 8 == 0 for count in channels) and len(channels) == 2


@pytest.mark.parametrize("shape", [(6, 20, 1, 1), (20, 6, 1, 1), (8, 4, 3, 3)], ids=str)
def test_muon_moves_equal_shapes_together(shape: tuple[int, ...]) -> None:
    """What several weights of one shape become together, each becomes alone."""
    generator = torch.Generator().manual_seed(0)
    start, pull = torch.randn(3, *shape, generator=generator), torch.randn(3, *shape, generator=generator)
    together = [torch.nn.Parameter(value.clone()) for value in start]
    alone = [torch.nn.Parameter(value.clone()) for value in start]
    optimizers = [Muon(together, lr=0.1), *(Muon([weight], lr=0.1) for weight in alone)]
    for turn in range(3):
        for weight, other, gradient in zip(together, alone, pull, strict=True):
            weight.grad, other.grad = gradient * (turn + 1), gradient * (turn + 1)
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(orthogonal(start.flatten(2))[1], orthogonal(start[1].flatten(1)), rtol=1e-4, atol=1e-5)


# Nothing waits


@pytest.fixture
def on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a run possible on a device that has shapes and no numbers, so that to ask for one is an error."""
    channels = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512}
    grams = {layer: torch.empty(3, count, count, device="meta") for layer, count in channels.items()}
    assert callable(Judge._statistics)
    monkeypatch.setattr(Judge, "_statistics", lambda *_: (grams, [1.0]))
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())


def test_no_step_waits(open_run: Open, on_meta: None) -> None:
    """Ten steps are asked for, with their optimisers and averages, and none of their numbers is."""
    run = open_run(device="meta", margin=8, loss_surround=16)
    run.steps.in_pieces = True
    given: list[tuple[Tensor, Tensor]] = []
    assert run.steps.stride == STRIDE == 10
    values = run.steps._stride(run._batches(), given)
    assert values.shape == (10, len(PARTS) + 1, 3) and run.step == len(given) == 10
    with pytest.raises((RuntimeError, NotImplementedError)):  # so the test is not green for nothing
        values.cpu()


def test_strides(open_run: Open, tmp_path: Path) -> None:
    """Off the CPU steps are read by tens, and there is a record of each; a run that ends between is complete."""
    run = open_run()
    run.steps.stride = 10
    steps = list(run.train())
    assert [step.step for step in steps] == list(range(1, 25))
    assert len({step.pictures_per_second for step in steps}) == 3 and len({step.total for step in steps}) == 24
    rates = [step.learning_rate for step in steps[:3]]
    assert rates == [0.0025, 0.005, 0.005]
    assert len((tmp_path / "run" / METRICS).read_text().splitlines()) == 24


def test_strides_resume(open_run: Open, tmp_path: Path) -> None:
    """A run that was stopped ends with the bits of one that was not: it stops where losses are read."""
    for name in ("whole", "stopped"):
        run = open_run(name)
        run.steps.stride = 10
        if name == "stopped":
            assert len(list(run.train(Schedule(max_minutes=0)))) == 10
            run = open_run(name)
            run.steps.stride = 10
        list(run.train())
    one, other = (Checkpoint.read(tmp_path / name / CHECKPOINT) for name in ("whole", "stopped"))
    assert one.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(value, other.tensors[name]) for name, value in one.tensors.items())


def test_another_device(
    photos: Path, paintings: Path, loss_network: LossNetwork, open_run: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run off the CPU does what one on the CPU does; its checkpoint goes on there, and the other way round."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    there, here = open_run("there", steps=4), open_run("here", steps=4)
    here.steps.stride = 10
    with another_device() as device:
        there = open_run("there", device=device, steps=4)
        records = list(there.train())
    expected = list(here.train())
    assert [step.styles for step in records] == [step.styles for step in expected]
    assert [step.total for step in records] == pytest.approx([step.total for step in expected], rel=1e-3)
    assert [step.step for step in open_run("there", steps=5).train()] == [5]
    with another_device() as device:
        assert [step.step for step in open_run("here", device=device, steps=5).train()] == [5]


# What goes wrong


def test_a_piece_that_no_compiler_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece whose compilation fails runs as it is from then on; one that fails anyway says why."""
    asked: list[str] = []

    def fails(function: Any, **_: Any) -> Any:
        asked.append(function.__name__)
        raise RuntimeError("PassManager::run failed")

    fresh_state(monkeypatch)
    monkeypatch.setattr(torch, "compile", fails)

    @piece
    def double(x: Tensor) -> Tensor:
        return x * 2

    @piece
    def wrong(x: Tensor) -> Tensor:
        return x.reshape(7)

    with on_gpu(compiled=True):
        assert double(torch.ones(2)).tolist() == double(torch.ones(2)).tolist() == [2, 2]
        with pytest.raises(RuntimeError, match="invalid for input"):
            wrong(torch.ones(2))
    assert asked == ["double", "wrong"] and pieces.STATE.failed == ["double"]


def test_a_compiler_that_fails_on_pieces(open_run: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose pieces cannot be compiled says so once, with their names, and does its steps."""
    fresh_state(monkeypatch)
    monkeypatch.setattr(torch, "compile", None)
    run = open_run(steps=3)
    run.steps.in_pieces = run.steps.compiled = True
    warnings = [step.warning for step in run.train()]
    assert "the compiler fails on reflect_pad, _instance_normed" in warnings[0] and not any(warnings[1:])


def test_a_compiler_that_fails(open_run: Open) -> None:
    """A compiled step that raises is done again without the compiler, which one warning says, of one line."""
    run, sound = open_run("run", steps=3), open_run("sound", steps=3)

    def fails(*_: Tensor) -> Any:
        raise RuntimeError("PassManager::run failed\nand a page of code")

    run.steps.compiled, run.steps.forward = True, fails
    warnings = [step.warning for step in run.train()]
    assert warnings == ["the compiler fails (PassManager::run failed); training goes on without it", "", ""]
    list(sound.train())
    assert all(
        torch.equal(a, b) for a, b in zip(run.state.model.parameters(), sound.state.model.parameters(), strict=True)
    )


@pytest.mark.parametrize("moment", [3, 17])
def test_not_a_number_in_a_stride(open_run: Open, moment: int) -> None:
    """All steps that were asked for are done again without the compiler, from where they began."""
    run, sound = open_run("run"), open_run("sound")
    run.steps.stride = sound.steps.stride = 10
    plain, run.steps.compiled = run.steps.forward, True
    run.steps.forward = lambda *given: tuple(part * (torch.nan if run.step == moment else 1) for part in plain(*given))
    warnings = [step.warning for step in run.train()]
    assert [number for number, warning in enumerate(warnings) if "compiler" in warning] == [9 if moment == 3 else 19]
    list(sound.train())
    assert all(
        torch.equal(a, b) for a, b in zip(run.state.model.parameters(), sound.state.model.parameters(), strict=True)
    )
    assert all(torch.equal(value, sound.state.average[name]) for name, value in run.state.average.items())


def test_never_a_number_in_a_stride(open_run: Open, tmp_path: Path) -> None:
    """Without a compiler to blame the run ends with the number of the step, and the checkpoint stays good."""
    run = open_run()
    run.steps.stride = 10
    plain = run.steps.forward
    run.steps.forward = lambda *given: tuple(part * (torch.nan if run.step == 14 else 1) for part in plain(*given))
    with pytest.raises(LearnError, match="broke down at step 15: .* not a number"):
        list(run.train(Schedule(checkpoint_every=10)))
    checkpoint = Checkpoint.read(tmp_path / "run" / CHECKPOINT)
    assert checkpoint.step == 10 and all(value.isfinite().all() for value in checkpoint.tensors.values())


@pytest.mark.parametrize(("most", "said"), [(2, "a batch of 2 fits (--batch 2)"), (0, "nor for one picture")])
def test_out_of_memory(open_run: Open, monkeypatch: pytest.MonkeyPatch, most: int, said: str) -> None:
    """Where a batch is too large for the device's memory, one sentence names the largest half of it that is not."""
    losses = Steps.losses

    def limited(self: Steps, pictures: Tensor, ids: Tensor) -> dict[str, Tensor]:
        if len(pictures) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return losses(self, pictures, ids)

    monkeypatch.setattr(Steps, "losses", limited)
    with pytest.raises(LearnError, match="no memory for a batch of 8 at 32 px") as error:
        list(open_run(batch=8).train())
    assert said in str(error.value) and "\n" not in str(error.value)


# Photos from other processes

processes = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # as DataLoader starts them on Linux


@processes
def test_workers(open_run: Open, tmp_path: Path) -> None:
    """Photos that other processes decode are the same, so that a run ends with the same bits, also when it goes on."""
    list(open_run("alone", steps=4).train())
    list(open_run("helped", steps=2, workers=2, decay=0.0).train())
    list(open_run("helped", steps=4, workers=2).train())
    one, other = (Checkpoint.read(tmp_path / name / CHECKPOINT) for name in ("alone", "helped"))
    assert all(torch.equal(value, other.tensors[name]) for name, value in one.tensors.items())


@processes
def test_workers_that_can_read_nothing(tmp_path: Path) -> None:
    """If no photo can be read, it is one sentence; a photo that cannot is named, whoever met it."""
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(LearnError, match="^none of the photos can be read$"):
        next(PhotoFolder.open(tmp_path).batches(0, 0, 1, 16, workers=1))
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "good.png")
    folder = PhotoFolder.open(tmp_path)
    for _, batch in zip(range(4), folder.batches(0, 0, 2, 16, workers=1), strict=False):
        assert batch.shape == (2, 3, 16, 16) and batch.dtype == torch.uint8
    assert [path.name for path in folder.skipped] == ["broken.png"]


def test_how_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU decodes its photos itself; for a GPU each core but one has a process, shared among GPUs, at most 14."""
    from impasto.learn.devices import default_workers

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    assert default_workers(torch.device("cpu")) == 0
    assert default_workers(torch.device("cuda")) == 14
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert default_workers(torch.device("cuda:1")) == 3


# Time


def test_minutes_count_from_the_start(open_run: Open) -> None:
    """Minutes count from the moment that is given: of a program that began long ago one step is left."""
    import time

    assert len(list(open_run().train(Schedule(max_minutes=1), since=time.monotonic() - 120))) == 1
    assert len(list(open_run(steps=3).train(Schedule(max_minutes=1)))) == 2


def test_checkpoints_by_the_clock(open_run: Open, tmp_path: Path) -> None:
    """A checkpoint is written when its minutes are over, however few steps were done."""
    steps = open_run().train(Schedule(checkpoint_minutes=0))
    next(steps), next(steps)
    assert Checkpoint.read(tmp_path / "run" / CHECKPOINT).step == 2
    steps.close()
    assert isinstance(next(open_run().train()), TrainStep)
