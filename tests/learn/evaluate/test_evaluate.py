"""Quality numbers: each knows the artefact it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from impasto.learn.evaluate.artefacts import border_ratio, checkerboard, diagonal_detail, frames, saturated, turned
from impasto.learn.evaluate.pattern import SIDE
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.evaluate.scores import alike, evaluate, fidelity
from impasto.learn.evaluate.worth import worth
from impasto.learn.loss.features import LossNetwork
from impasto.learn.loss.settings import LossSettings

RNG = np.random.default_rng(0)
PHOTO = RNG.random((48, 64, 3), np.float32)


def test_a_checker_is_all_checkerboard() -> None:
    """The 2x2 checker has the value 1, stripes 0, white noise a third."""
    y, x = np.mgrid[:32, :32]
    assert checkerboard(((x + y) % 2).astype(np.float32)) == pytest.approx(1)
    assert checkerboard((x % 2).astype(np.float32)) == pytest.approx(0)
    assert checkerboard(RNG.random((400, 400), np.float32)) == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("wavelength", [4, 6, 11])
def test_diagonal_lines_raise_the_diagonal_number(wavelength: int) -> None:
    """Noise scores 1, fine lines at 45 degrees far more, lines along an axis far less."""
    y, x = np.mgrid[:96, :96] * 2 * np.pi / wavelength
    assert diagonal_detail(RNG.random((200, 200), np.float32)) == pytest.approx(1, abs=0.1)
    assert diagonal_detail(np.sin((x + y) / 2**0.5)) > 10
    assert diagonal_detail(np.sin(x)) < 0.1


def test_a_clean_border_scores_one() -> None:
    """A change that is even over the picture scores about 1, one near the edge far more."""
    even = PHOTO + 0.1
    edge = PHOTO.copy()
    edge[:4] += 0.5
    assert border_ratio(even, PHOTO) == pytest.approx(1)
    assert border_ratio(edge, PHOTO) > 10


def test_frames_stand_out_from_the_middle() -> None:
    """A frame counts in full all around, and one side's at that side; even pictures have none."""
    even = np.full((2, 96, 80, 3), 0.5, np.float32)
    assert frames(even) == (0, 0)
    framed, one = even.copy(), even.copy()
    framed[:, 24:-24, 24:-24, 1] -= 0.2
    assert frames(framed) == pytest.approx((51, 51), rel=1e-3)
    one[:, :8, :, 2] += 0.2
    around, side = frames(one)
    assert side == pytest.approx(51, rel=1e-3) and around == pytest.approx(51 * 80 * 8 / (96 * 80 - 80 * 64))


def test_pull(loss_network: LossNetwork, paintings) -> None:
    """Where the loss network sees a border mirrored, the objective pulls there as inside; else it pulls less."""
    deep = LossSettings(content_layer="relu3_1", style_layers=("relu3_1", "relu4_1"))
    photo = np.random.default_rng(1).random((64, 64, 3), np.float32)
    judges = [Scorer(loss_network, paintings, [photo], deep, trained=replace(deep, loss_surround=s)) for s in (0, 16)]
    bare, mirrored = (judge.pull("a", photo, 0.9 * photo) for judge in judges)
    assert bare + 0.1 < mirrored and 0.5 < mirrored < 2
    (score,) = evaluate(judges[1], lambda photo, _: 0.9 * photo, ["a"], [photo], pull=True)
    assert score.pull == mirrored


def test_pictures_turned_have_no_up_and_down() -> None:
    """What photos have above and below goes away with the turned ones; a frame that depends on the place stays."""
    sky = np.linspace(0, 1, 96, dtype=np.float32)[:, None, None] * np.ones((1, 96, 3), np.float32)
    assert max(frames([sky])) > 20 and max(frames(turned([sky]))) < 0.01


def test_frames_are_measured_where_crops_are_given(loss_network: LossNetwork, paintings) -> None:
    """A style that paints a frame has its size in ``frame``; without crops there is no such number."""

    def paint(photo, name: str):
        framed = photo.copy()
        framed[:8] = framed[-8:] = framed[:, :8] = framed[:, -8:] = 1 if name == "a" else photo.mean()
        return framed

    judge = Scorer(loss_network, {**paintings, "b": paintings["a"]}, [PHOTO], LossSettings())
    crops = [RNG.random((96, 96, 3), np.float32)]
    bad, good = evaluate(judge, paint, ["a", "b"], [PHOTO], crops=crops)
    assert bad.frame == pytest.approx(127, abs=4) and good.frame < 6 and bad.edge >= bad.frame - 1
    assert [score.frame for score in evaluate(judge, paint, ["a"], [PHOTO])] == [None]


def test_patterns_are_measured_where_they_are_asked_for(loss_network: LossNetwork, paintings) -> None:
    """A style that weaves has a larger ``pattern`` than one that does not; unasked there is no such number."""
    weave = np.indices((SIDE, SIDE)).sum(0)[..., None] % 2 * np.float32(0.05)

    def paint(photo, name: str):
        return photo + weave if name == "a" and len(photo) == SIDE else photo

    judge = Scorer(loss_network, {**paintings, "b": paintings["a"]}, [PHOTO], LossSettings())
    bad, good = evaluate(judge, paint, ["a", "b"], [PHOTO], even=True)
    assert bad.pattern > 30 > good.pattern
    assert [score.pattern for score in evaluate(judge, paint, ["a"], [PHOTO])] == [None]


def test_saturated_counts_black_and_white() -> None:
    """Half black, half grey: one half."""
    picture = np.full((8, 8, 3), 0.5, np.float32)
    picture[:4] = 0
    assert saturated(picture) == 0.5


def test_the_most_alike_pair_comes_first() -> None:
    """Pairs are told with their mean absolute difference, the smallest first."""
    painted = {"a": PHOTO, "b": PHOTO + 0.5, "c": PHOTO + 0.01}
    pairs = alike(painted)
    assert pairs[0][:2] == ("a", "c") and pairs[0][2] == pytest.approx(0.01, abs=1e-4)
    assert len(pairs) == 3


def test_fidelity_is_psnr() -> None:
    """An error of 0.1 everywhere is 20 dB."""
    assert fidelity([PHOTO], lambda photo: photo + np.float32(0.1)) == pytest.approx(20, abs=0.01)


@pytest.fixture
def paintings() -> dict[str, torch.Tensor]:
    return {"a": torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))}


@pytest.mark.parametrize("unit", ["energy", "fair", "photos"])
def test_doing_nothing_scores_what_it_says(loss_network: LossNetwork, paintings, unit) -> None:
    """A painter that gives the photo back has content 0 and exactly the total of the photo untouched."""
    judge = Scorer(loss_network, paintings, [PHOTO], LossSettings(unit=unit, style_layers=("relu1_1", "relu2_1")))
    scores = judge.score("a", [PHOTO], lambda photo, name: photo)
    assert scores.content == 0
    assert scores.total == pytest.approx(scores.untouched) and scores.untouched > 0


def test_the_painting_itself_has_no_style_loss(loss_network: LossNetwork, paintings) -> None:
    """A painter that returns the painting has style 0."""
    judge = Scorer(
        loss_network,
        paintings,
        [PHOTO],
        LossSettings(unit="energy", content_layer="relu2_1", style_layers=("relu1_1",)),
    )
    same = np.ascontiguousarray(paintings["a"][0].permute(1, 2, 0).numpy())
    photo = RNG.random((48, 48, 3), np.float32)
    scores = judge.score("a", [photo], lambda *_: same)
    assert scores.style == pytest.approx(0, abs=1e-6) and scores.content > 0


def test_worth_counts_the_evaluations_that_get_as_low(loss_network: LossNetwork, paintings) -> None:
    """The photo itself is worth the first evaluation; what L-BFGS reached is worth as many as it took; less, fewer."""
    judge = Scorer(
        loss_network, paintings, [PHOTO], LossSettings(style_layers=("relu1_1", "relu2_1"), content_layer="relu2_1")
    )
    nothing = judge.score("a", [PHOTO], lambda photo, name: photo).total
    counts = [worth(judge, PHOTO, "a", nothing * share, limit=30) for share in (0.99, 0.6, 0.0)]
    assert counts[0] <= 4 and counts[0] < counts[1] < counts[2] == 30


def test_worth_takes_turns_through_the_photos(loss_network: LossNetwork, paintings, monkeypatch) -> None:
    """Each style competes on as many photos as asked for, and the next style goes on behind them."""
    photos = [PHOTO * np.float32(share) for share in (1, 0.9, 0.8)]
    seen: list[int] = []

    def note(judge: Scorer, photo: np.ndarray, *_: object) -> int:
        seen.append(next(i for i, each in enumerate(photos) if each is photo))
        return 7

    monkeypatch.setattr("impasto.learn.evaluate.scores.worth", note)
    settings = LossSettings(style_layers=("relu1_1",), content_layer="relu1_1")
    judge = Scorer(loss_network, {"a": paintings["a"], "b": paintings["a"]}, photos, settings)
    scores = list(evaluate(judge, lambda photo, name: photo, ["a", "b"], photos, worth_on=2))
    assert seen == [0, 1, 2, 0] and [score.worth for score in scores] == [7, 7]
