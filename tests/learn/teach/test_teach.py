"""One row is learned, and nothing else moves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import LearnError, MismatchError, PictureError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.network.full import PasticheNetwork
from impasto.learn.network.load import load_network
from impasto.learn.photos import PhotoFolder
from impasto.learn.teach.lesson import Lesson
from impasto.learn.teach.match import convex_minimum
from impasto.learn.teach.pace import Pace
from impasto.learn.teach.settings import LessonSettings
from impasto.styles import strokes
from impasto.styles.bank import PHOTO, Bank
from tests.conftest import run

LAYERS: dict[str, Any] = {"content_layer": "relu1_1", "style_layers": ("relu1_1",)}
QUICK = LessonSettings(
    steps=30, batch=1, size=32, check_every=10, checks=2, match_size=32, match_photos=1, match_steps=6, **LAYERS
)


@pytest.fixture(scope="module")
def painting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coarse dark stripes, 72 x 80."""
    path = tmp_path_factory.mktemp("painting") / "stripes.png"
    y, x = np.mgrid[:72, :80]
    Image.fromarray(np.stack([x // 5 % 2 * 120, y, x * 0], -1).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def lesson(painting: Path, photos: Path, network_file: Path, loss_network: LossNetwork) -> Lesson:
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    network = load_network(network_file)
    return Lesson(painting, network, bank, PhotoFolder.open(photos), QUICK, loss_network=loss_network)


def total(lesson: Lesson, row: np.ndarray) -> float:
    """What a row scores on the pictures of the search for a start."""
    photos = lesson.easel.draw(2**31 + 1, QUICK.match_photos, QUICK.match_size)
    with torch.no_grad():
        return float(lesson.easel.total(torch.from_numpy(row.copy()), photos))


# The start


def test_the_match_is_a_convex_mix(lesson: Lesson) -> None:
    """Weights are positive, sum to 1 and stand in order; the row is the mix they tell; photo has no part in it."""
    found = lesson.match()
    weights = list(found.weights.values())
    assert min(weights) > 0 and sum(weights) == pytest.approx(1, abs=1e-3) and weights == sorted(weights)[::-1]
    assert PHOTO not in found.weights
    mixed = sum(weight * lesson.bank[name] for name, weight in found.weights.items())
    np.testing.assert_allclose(found.row, mixed, atol=1e-3)


def test_the_match_is_at_least_as_good_as_every_style(lesson: Lesson) -> None:
    """No single style scores better than the mix, and ``nearest`` is the best of them."""
    found = lesson.match()
    alone = {name: total(lesson, lesson.bank[name]) for name in lesson.bank if name != PHOTO}
    assert found.total <= min(alone.values()) * 1.02  # small weights are dropped
    assert found.nearest == min(alone, key=lambda name: alone[name])


def test_what_one_style_painted_is_matched_to_it(lesson: Lesson, photos: Path, tmp_path: Path) -> None:
    """A painting that was made with one style's row is closest to that style."""
    photo = lesson.easel.draw(2**31 + 1, 1, 96)
    with torch.no_grad():
        painted = lesson.network(photo, torch.from_numpy(lesson.bank["blue"].copy())[None])
    path = tmp_path / "blue.png"
    Image.fromarray((painted[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)).save(path)
    settings = replace(QUICK, style_weight=1000.0)
    again = Lesson(path, lesson.network, lesson.bank, lesson.photos, settings, loss_network=lesson.loss_network)
    assert next(iter(again.match().weights)) == "blue"


def test_other_stroke_sizes_are_no_candidates(lesson: Lesson) -> None:
    """What is another stroke size of a style has no part in a mix."""
    before = lesson.match().weights
    lesson.bank = lesson.bank.add("red.600", lesson.bank["red"], strokes.card(lesson.bank.card("red"), 600, of="red"))
    assert lesson.match().weights == before


def test_the_least_convex_combination() -> None:
    """The weights are at least as good as any other on the simplex, and exact where the minimum lies inside."""
    generator = np.random.default_rng(0)
    for _ in range(5):
        root, slope = generator.normal(size=(6, 4)), generator.normal(size=6)
        quadratic = root @ root.T
        found = convex_minimum(quadratic, slope)
        assert found.min() >= 0 and found.sum() == pytest.approx(1)
        others = generator.dirichlet(np.full(6, 0.5), 2000)
        values = np.einsum("ni,ij,nj->n", others, quadratic, others) + others @ slope
        assert found @ quadratic @ found + slope @ found <= values.min() + 1e-6
    middle = np.array([0.2, 0.3, 0.5])
    np.testing.assert_allclose(convex_minimum(np.eye(3), -2 * middle), middle, atol=1e-6)


# The loop


def test_teaching_lowers_the_loss(lesson: Lesson) -> None:
    """The held-out loss of the best row falls below that of the start, and the steps tell so."""
    start = lesson.match().row
    steps = list(lesson.run(start=start))
    checked = [step for step in steps if step.held_out is not None]
    assert [step.step for step in checked] == [10, 20, 30]
    assert steps[-1].best == lesson.best_total < steps[0].best
    assert total(lesson, lesson.row) < total(lesson, start)
    assert steps[-1].progress == 1 and steps[-1].learning_rate < steps[15].learning_rate


def test_nothing_but_the_row_moves(lesson: Lesson) -> None:
    """Network, loss network and bank have the same bits afterwards; in the new bank all other rows are the same."""
    weights = {name: value.clone() for name, value in lesson.network.state_dict().items()}
    ruler = {name: value.clone() for name, value in lesson.loss_network.state_dict().items()}
    rows, fingerprint = lesson.bank.rows.tobytes(), lesson.network.fingerprint()
    list(lesson.run())
    assert all(torch.equal(value, weights[name]) for name, value in lesson.network.state_dict().items())
    assert all(torch.equal(value, ruler[name]) for name, value in lesson.loss_network.state_dict().items())
    assert lesson.network.fingerprint() == fingerprint
    taught = lesson.bank.add("new", lesson.row, lesson.bank.card("red"))
    assert taught.rows.tobytes() == rows + lesson.row.tobytes()


def test_crops_are_painted_in_a_small_margin(lesson: Lesson) -> None:
    """While a lesson looks the margin is 16 pixels at most; pictures are painted in the network's own."""
    network, found = lesson.network, []
    network.register_forward_pre_hook(lambda *_: found.append(network.margin))
    network.margin = 40
    total(lesson, lesson.bank["red"])
    network.margin = 8
    total(lesson, lesson.bank["red"])
    assert found == [16, 8] and network.margin == 8


def test_what_vgg_sees_beyond_a_crop_is_no_zeros(lesson: Lesson) -> None:
    """A lesson's own losses do not change where more is mirrored outwards: the border is out of sight."""
    row, photos = torch.from_numpy(lesson.bank["red"].copy()), lesson.easel.draw(0, 1, 32)
    found = []
    for surround in (16, 24, 0):
        lesson.easel.judge.network.surround = surround
        with torch.no_grad():
            found.append(float(lesson.easel.total(row, photos)))
    assert lesson.settings.loss_surround == 16
    assert found[0] == pytest.approx(found[1], rel=1e-5) != found[2]


def test_equal_lessons_are_equal(lesson: Lesson, painting: Path) -> None:
    """Two lessons of the same settings end with the same bits."""
    again = Lesson(
        painting, lesson.network, lesson.bank, lesson.photos, lesson.settings, loss_network=lesson.loss_network
    )
    for each in (lesson, again):
        list(each.run())
    assert lesson.row.tobytes() == again.row.tobytes()


def test_the_best_is_there_at_any_moment(lesson: Lesson) -> None:
    """Broken off after a step, the lesson has a row no worse than its start; before any, that is a LearnError."""
    with pytest.raises(LearnError, match="nothing was learned yet"):
        _ = lesson.row
    steps = lesson.run()
    next(steps)
    steps.close()
    assert lesson.row.shape == (lesson.network.row_size,) and np.isfinite(lesson.row).all()


def test_it_stops_when_it_no_longer_improves(lesson: Lesson) -> None:
    """Without a learning rate nothing improves; after ``patience`` checks the rate falls, and the lesson ends."""
    lesson.settings = replace(QUICK, learning_rate=1e-30, patience=2, check_every=1, fall=3)
    steps = list(lesson.run())
    assert len(steps) == 2 + 3 and steps[-1].progress == 1


def test_the_rate_falls_in_the_end(lesson: Lesson) -> None:
    """It is held for ``hold`` of the steps and then falls to a fiftieth."""
    lesson.settings = replace(QUICK, steps=20, hold=0.5, warmup=1, learning_rate=0.01)
    rates = [step.learning_rate for step in lesson.run()]
    assert rates[:10] == [0.01] * 10 and rates[10:] == sorted(rates[10:])[::-1] and rates[-1] < 0.001


def test_it_stops_when_time_is_up(lesson: Lesson) -> None:
    """No time at all is one step."""
    (step,) = lesson.run(max_minutes=0.0)
    assert step.progress >= 1 and step.held_out is not None


def test_a_loss_that_is_no_number(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lesson that breaks down is a LearnError that says what to do, and the best row stays finite."""
    monkeypatch.setattr(Pace, "rate", lambda *_: 1e30)
    with pytest.raises(LearnError, match="broke down at step .*lower the learning rate"):
        list(lesson.run())
    assert np.isfinite(lesson.row).all()


def test_settings_come_from_the_bank(network_file: Path) -> None:
    """The objective is the one the bank was trained with; what is given counts more, and None counts as not given."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    assert LessonSettings.of(bank) == LessonSettings()
    meta = {"settings": {"style_weight": 3.0, "style_layers": ["relu1_1"], "style_size": 300, "steps": 9, "x": 1}}
    trained = replace(bank, meta=meta)
    expected = LessonSettings(style_weight=3.0, style_layers=("relu1_1",), style_size=300)
    assert LessonSettings.of(trained) == expected
    assert LessonSettings.of(trained, style_size=200, style_weight=None) == replace(expected, style_size=200)


def test_what_cannot_be_taught(lesson: Lesson, painting: Path, tmp_path: Path) -> None:
    """A small or damaged painting, a bank of another network and one without styles are refused by name."""
    rest = (lesson.bank, lesson.photos, QUICK)
    options = {"loss_network": lesson.loss_network}
    Image.new("RGB", (63, 200)).save(tmp_path / "small.png")
    with pytest.raises(LearnError, match="small.png is only 63 x 200 pixels"):
        Lesson(tmp_path / "small.png", lesson.network, *rest, **options)  # type: ignore[arg-type]
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(PictureError, match="bad.png"):
        Lesson(tmp_path / "bad.png", lesson.network, *rest, **options)  # type: ignore[arg-type]
    with pytest.raises(MismatchError, match="belongs to network 'tiny'"):
        Lesson(painting, PasticheNetwork(alpha=0.1), *rest, **options)  # type: ignore[arg-type]
    lesson.bank = lesson.bank.select([PHOTO])
    with pytest.raises(LearnError, match="has no styles to mix"):
        lesson.match()


# The command line


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, loss_network: LossNetwork) -> None:
    """Lessons of a few tiny steps, with random loss weights."""
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda _: loss_network)

    def short(_: type[LessonSettings], bank: Bank, **given: Any) -> LessonSettings:
        return replace(QUICK, steps=given.get("steps", 2), style_size=given.get("style_size") or QUICK.style_size)

    monkeypatch.setattr("impasto.learn.teach.settings.LessonSettings.of", classmethod(short))


def test_a_painting_becomes_a_style(quick, painting, photos, network_file, tmp_path, capsys) -> None:
    """teach writes the bank with one style more, at its end, and --only a small file of that style alone."""
    words = ["teach", painting, "--name", "mine", "--network", network_file, "--photos", photos, "--steps", 10]
    words += ["--precision", "float32", "--artist", "Me"]
    out, one = tmp_path / "bank.safetensors", tmp_path / "mine.safetensors"
    code, printed, err = run(*words, "-o", out, "--json", "--preview", tmp_path / "p.png", capsys=capsys)
    assert code == 0, err
    assert [json.loads(line)["step"] for line in printed.splitlines()] == list(range(1, 11))
    old, new = Bank.load(network_file.with_suffix(".safetensors")), Bank.load(out)
    assert new.names == (*old.names, "mine") and new.card("mine").artist == "Me"
    assert new.rows[:-1].tobytes() == old.rows.tobytes()
    assert (tmp_path / "p.png").exists()
    words[words.index(photos)] = next(photos.iterdir())  # a single photo will do
    code, _, err = run(*words, "-o", one, "--only", capsys=capsys)
    assert code == 0 and "step 10" in err, err
    assert Bank.load(one).names == ("mine",) and one.stat().st_size < 16_000


@pytest.mark.process
def test_a_painting_at_several_stroke_sizes(quick, painting, network_file, tmp_path, capsys) -> None:
    """--stroke-sizes writes a row for each size, the middle one under the style's name; --replace clears old ones."""
    words = ["teach", painting, "--name", "mine", "--network", network_file, "--precision", "float32", "--only"]
    out = tmp_path / "mine.safetensors"
    code, _, err = run(*words, "--stroke-sizes", "80,72,76", "-o", out, capsys=capsys)
    assert code == 0, err
    bank = Bank.load(out)
    assert strokes.sizes(bank, "mine") == {72: "mine.72", 76: "mine", 80: "mine.80"}
    assert len({row.tobytes() for row in bank.rows}) == 3
    words = ["teach", painting, "--name", "mine", "--network", network_file, "--bank", out, "--replace"]
    again = tmp_path / "again.safetensors"
    code, _, err = run(*words, "--precision", "float32", "-o", again, capsys=capsys)
    assert code == 0, err
    assert Bank.load(again).names == ("mine",)


def test_ctrl_c_keeps_the_best(quick, painting, network_file, tmp_path, capsys, monkeypatch) -> None:
    """Interrupted, teach writes the best row so far and says so."""

    def interrupted(self: Lesson, **_: Any) -> Any:
        self._keep(torch.from_numpy(self.bank["red"].copy()), 1.0)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Lesson, "run", interrupted)
    out = tmp_path / "bank.safetensors"
    words = ["teach", painting, "--name", "mine", "--network", network_file, "-o", out, "--precision", "float32"]
    code, _, err = run(*words, capsys=capsys)
    assert code == 130 and "the best row so far is kept" in err
    assert np.array_equal(Bank.load(out)["mine"], Bank.load(out)["red"])


def test_match_prints_a_mix_for_paint(quick, painting, network_file, capsys) -> None:
    """match prints what -s takes; with --json the losses too."""
    words = ["match", painting, "--network", network_file, "--precision", "float32"]
    code, printed, err = run(*words, capsys=capsys)
    assert code == 0 and "nearest style" in err
    assert all(name.split(":")[0] in ("red", "green", "blue") for name in printed.strip().split(","))
    code, printed, _ = run(*words, "--json", capsys=capsys)
    assert code == 0 and json.loads(printed)["mix"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["teach", "{painting}", "--name", "red", "-o", "{tmp}/b"], "--replace"),
        (["teach", "{painting}", "--name", "Bad Name", "-o", "{tmp}/b"], "lower-case"),
        (["teach", "{painting}", "--name", "new", "-o", "{tmp}/there"], "--force"),
        (["teach", "{painting}", "--name", "photo", "--replace", "-o", "{tmp}/b"], "gives the photo back"),
        (["teach", "{painting}", "--name", "new", "-o", "{tmp}/no/b"], "folder does not exist"),
        (["teach", "{tmp}/none.png", "--name", "new", "-o", "{tmp}/b"], "none.png"),
        (["teach", "{painting}", "--name", "new", "-o", "{tmp}/b", "--photos", "{tmp}/none"], "not a folder"),
        (["teach", "{painting}", "--name", "n", "-o", "{tmp}/b", "--stroke-sizes", "70,900"], "80 pixels"),
        (
            ["teach", "{painting}", "--name", "n", "-o", "{tmp}/b", "--stroke-sizes", "65,70"],
            "only 70 x 63 pixels at a style size of 70",
        ),
        (["teach", "{painting}", "--name", "n", "-o", "{tmp}/b", "--stroke-sizes", "70"], "two or more"),
        (["teach", "{painting}", "--name", "n", "-o", "{tmp}/b", "--stroke-sizes", "a,b"], "--stroke-sizes must be"),
        (["match", "{tmp}/there"], "there"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_lessons(words, hint, quick, painting, network_file, tmp_path, capsys) -> None:
    """What cannot be taught is one sentence and exit code 2, and no file is written."""
    (tmp_path / "there").write_text("no picture, no bank")
    filled = [word.format(painting=painting, tmp=tmp_path) for word in words]
    code, _, err = run(*filled, "--network", network_file, capsys=capsys)
    assert code == 2 and hint in err and err.count("\n") == 1, err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
