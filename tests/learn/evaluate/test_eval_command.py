"""impasto eval: which styles it measures, what it needs, and that it says so before the work."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto import cli
from impasto.learn.evaluate.artefacts import border_ratio
from impasto.learn.evaluate.scorer import Scorer
from impasto.learn.loss.features import LossNetwork
from impasto.styles import strokes
from impasto.styles.bank import Bank, Card

Eval = Callable[..., tuple[int, str, str]]
RNG = np.random.default_rng(0)


@pytest.fixture
def painted(tmp_path: Path) -> Path:
    """Paintings for two of the tiny network's styles."""
    folder = tmp_path / "painted"
    folder.mkdir()
    for name in ("red", "green"):
        Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def bank(network_file: Path, tmp_path: Path) -> Path:
    """A bank of red in two stroke sizes, and green; it has no ``photo``."""
    own = Bank.load(network_file.with_suffix(".safetensors"))
    card = Card("", "", "", "", "")
    sizes = own.select(["green"]).add("red", own["red"], strokes.card(card, 400))
    sizes = sizes.add("red.64", own["blue"], strokes.card(card, 64, of="red"))
    sizes.save(tmp_path / "bank.safetensors")
    return tmp_path / "bank.safetensors"


@pytest.fixture
def measure(
    network_file: Path,
    photos: Path,
    painted: Path,
    bank: Path,
    loss_network: LossNetwork,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Eval:
    """Run impasto eval: exit code, standard output, standard error. ``work`` says whether it may begin to work."""
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: loss_network)
    given = {"--photos": photos, "--styles": painted, "--network": network_file, "--bank": bank, "--size": 48}
    given |= {"--precision": "float32"}

    def run(options: dict[str, Any] | None = None, *flags: str, work: bool = True) -> tuple[int, str, str]:
        if not work:
            monkeypatch.setattr(Scorer, "score", lambda *_: pytest.fail("it began to work"))
        words = [str(word) for pair in (given | (options or {})).items() for word in pair]
        monkeypatch.setattr("sys.argv", ["impasto", "eval", *words, *flags])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


def strict(text: str) -> Any:
    """JSON that has neither NaN nor infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_stroke_sizes_and_no_photo(measure: Eval) -> None:
    """Each style counts once, whatever sizes it has; a bank without a photo row is measured with the network's own."""
    code, out, err = measure(None, "--json")
    assert code == 0, err
    found = strict(out)
    assert [style["name"] for style in found["styles"]] == ["green", "red"] and found["photo_psnr"] < 100
    assert str(Path.home()) not in out and found["network"] == "tiny"


def test_a_stroke_size_by_name(measure: Eval) -> None:
    """A stroke size that is asked for is measured against its style's painting."""
    code, out, err = measure({"-s": "red.64"}, "--json")
    assert code == 0, err
    assert [style["name"] for style in strict(out)["styles"]] == ["red.64"]


def test_the_photo_row_is_optional(measure: Eval, network_file: Path) -> None:
    """Where there is a photo row its fidelity is told."""
    code, out, err = measure({"-s": "red,green", "--bank": network_file.with_suffix(".safetensors")}, "--json")
    assert code == 0, err
    assert "photo_psnr" in strict(out)


def test_frames(measure: Eval) -> None:
    """With --frame every style has its frame and edge, and the worst stand beside those of the photos."""
    code, out, err = measure({"--frame": 2}, "--json")
    assert code == 0, err
    found = strict(out)
    assert found["worst_frame"] == max(style["frame"] for style in found["styles"])
    assert found["worst_edge"] == max(style["edge"] for style in found["styles"]) and found["photos_frame"] > 0
    code, out, err = measure(None, "--json")
    assert strict(out)["styles"][0]["frame"] is None and "worst_frame" not in strict(out)


def test_numbers_that_are_none(measure: Eval, monkeypatch: pytest.MonkeyPatch) -> None:
    """A perfect photo row has no PSNR in dB: JSON says null."""
    monkeypatch.setattr("impasto.learn.evaluate.scores.alike", lambda painted: [("red", "green", math.inf)])
    monkeypatch.setattr("impasto.learn.evaluate.scorer.diagonal_detail", lambda luma: math.nan)
    code, out, err = measure(None, "--json")
    assert code == 0, err
    assert strict(out)["closest_difference"] is None and strict(out)["styles"][0]["diagonal"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--worth": 6}, "6 of 5 photos"),
        ({"--worth": -1}, "--worth must be"),
        ({"--frame": -1}, "--frame must be"),
        ({"--limit": 0}, "--limit must be"),
        ({"--limit": -2}, "--limit must be"),
        ({"--size": 0}, "--size must be"),
        ({"-s": "red,blu"}, "no style 'blu'"),
        ({"-s": "photo"}, "name one, other than photo"),
        ({"--styles": "{photos}"}, "holds no painting called green, red"),
        ({"--photos": "{empty}"}, "not a folder with photos"),
        ({"--photos": "{bad}"}, "bad.png"),
        ({"--style-weight": "nan"}, "--style-weight must be"),
        ({"--style-size": "-3"}, "--style-size must be"),
    ],
    ids=str,
)
def test_before_the_work(measure: Eval, photos: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """What is missing or makes no sense is one sentence before anything is measured."""
    for name in ("empty", "bad"):
        (tmp_path / name).mkdir()
    (tmp_path / "bad" / "bad.png").write_bytes(b"no picture")
    places = {"photos": photos, "empty": tmp_path / "empty", "bad": tmp_path / "bad"}
    filled = {key: str(value).format(**places) for key, value in options.items()}
    code, out, err = measure(filled, work=False)
    assert code == 2 and not out and err.count("\n") == 1 and message in err, err


def test_borders_of_small_pictures() -> None:
    """A picture of a few pixels has an inside and a border too."""
    photo = RNG.random((8, 8, 3), np.float32)
    assert border_ratio(photo + np.float32(0.1), photo) == pytest.approx(1, rel=1e-3)
