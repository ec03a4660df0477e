"""The command line, as a person uses it: whole processes only where the process is the point."""

from __future__ import annotations

import importlib.metadata
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import impasto
from impasto.cli.learning import signals_call
from impasto.styles.bank import Bank
from tests.conftest import pixels, run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "cat.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 51, 3), np.uint8)).save(path)
    return path


def test_one_photo_is_painted_into_one_file(photo, network_file, tmp_path, capsys) -> None:
    """paint PHOTO -s NAME -o FILE writes a picture of the photo's size."""
    out = tmp_path / "out.png"
    code, _, err = run("paint", photo, "-s", "red", "-o", out, "--network", network_file, capsys=capsys)
    assert code == 0, err
    assert pixels(out).shape == (40, 51, 3)


def test_without_output_the_painting_lies_beside_the_photo(photo, network_file, capsys) -> None:
    """Without -o the painting is called PHOTO-STYLE, and the photo stays as it was."""
    before = photo.read_bytes()
    code, _, _ = run("paint", photo, "-s", "red:2,blue:1", "--network", network_file, capsys=capsys)
    assert code == 0
    assert photo.read_bytes() == before
    assert photo.with_name("cat-red-blue.jpg").exists()


def test_a_folder_is_painted_into_a_folder(photo, network_file, tmp_path, capsys) -> None:
    """A folder of photos goes into a folder, which is made; the JSON has a record for each."""
    photo.with_name("dog.png").write_bytes(photo.read_bytes())
    out = tmp_path / "painted" / "deep"
    words = ["paint", tmp_path, "-s", "red", "-o", out, "--network", network_file, "--json"]
    code, printed, _ = run(*words, capsys=capsys)
    records = [json.loads(line) for line in printed.splitlines()]
    assert code == 0
    assert sorted(path.name for path in out.iterdir()) == ["cat-red.jpg", "dog-red.png"]
    assert [record["width"] for record in records] == [51, 51]


def test_one_bad_photo_does_not_stop_the_rest(photo, network_file, tmp_path, capsys) -> None:
    """The bad one is named, the others are painted, and the exit code says that something was wrong."""
    bad = tmp_path / "bad.jpg"
    bad.write_text("not a picture")
    code, _, err = run("paint", bad, photo, "-s", "red", "-o", tmp_path / "o", "--network", network_file, capsys=capsys)
    assert code == 2
    assert "bad.jpg" in err and "1 of 2" in err
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["cat-red.jpg"]


def test_standard_input_to_standard_output(photo, network_file) -> None:
    """paint - -o - reads a picture from standard input and writes a PNG, and nothing else, to standard output."""
    words = ["paint", "-", "-s", "red", "-o", "-", "--network", str(network_file)]
    done = subprocess.run(
        [sys.executable, "-m", "impasto", *words], input=photo.read_bytes(), capture_output=True, check=True
    )
    assert pixels(io.BytesIO(done.stdout)).shape == (40, 51, 3)


def test_size_is_the_longer_side(photo, network_file, tmp_path, capsys) -> None:
    """--size 32 paints a picture whose longer side has 32 pixels."""
    out = tmp_path / "o.png"
    run("paint", photo, "-s", "red", "-o", out, "--size", 32, "--network", network_file, capsys=capsys)
    assert max(pixels(out).shape) == 32


def test_strength_zero_is_the_photo_style(photo, network_file, tmp_path, capsys) -> None:
    """--strength 0 of any style paints what the style photo paints."""
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    run("paint", photo, "-s", "red", "--strength", 0, "-o", a, "--network", network_file, capsys=capsys)
    run("paint", photo, "-s", "photo", "-o", b, "--network", network_file, capsys=capsys)
    assert np.array_equal(pixels(a), pixels(b))


def test_keep_color_keeps_grey_grey(network_file, tmp_path, capsys) -> None:
    """A grey photo painted with --keep-color is grey."""
    grey, out = tmp_path / "grey.png", tmp_path / "out.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)).save(grey)
    run("paint", grey, "-s", "red", "--keep-color", "-o", out, "--network", network_file, capsys=capsys)
    assert np.ptp(pixels(out).astype(int), axis=2).max() <= 1


def test_styles_as_json(network_file, capsys) -> None:
    """styles --json has name, artist, title, year and licence of every style."""
    bank = network_file.with_suffix(".safetensors")
    code, printed, _ = run("styles", "--bank", bank, "--json", capsys=capsys)
    styles = json.loads(printed)["styles"]
    assert code == 0
    assert [style["name"] for style in styles] == ["red", "green", "blue", "photo"]
    assert {"name", "artist", "title", "year", "licence", "source"} <= styles[0].keys()


def test_styles_for_people(network_file, capsys) -> None:
    """styles prints every name."""
    code, printed, _ = run("styles", "--bank", network_file.with_suffix(".safetensors"), capsys=capsys)
    assert code == 0 and all(name in printed for name in ("red", "green", "blue", "photo"))


def test_sheet(photo, network_file, tmp_path, capsys) -> None:
    """sheet paints all styles of the bank on one picture."""
    out = tmp_path / "sheet.jpg"
    code, _, err = run("sheet", photo, "-o", out, "--size", 48, "--network", network_file, capsys=capsys)
    assert code == 0 and "4 styles" in err
    assert pixels(out).shape[1] > 2 * 48


@pytest.mark.process
def test_train_then_export_then_paint(photo, photos, paintings, tmp_path, capsys) -> None:
    """The whole way on the command line: train, resume, export, paint."""
    pytest.importorskip("torch")
    words = ["train", "--photos", photos, "--styles", paintings, "-o", tmp_path / "run", "--size", 32, "--batch", 2]
    words += ["--alpha", 0.1, "--no-compile", "--precision", "float32", "--style-size", 48]
    for steps in (1, 2):
        code, printed, err = run(*words, "--steps", steps, "--json", capsys=capsys)
        assert code == 0, err
        assert json.loads(printed.splitlines()[-1])["step"] == steps
    code, _, err = run("export", tmp_path / "run", "-o", tmp_path / "net", "--name", "mine", capsys=capsys)
    assert code == 0, err
    network, out = tmp_path / "net" / "mine.onnx", tmp_path / "out.png"
    code, _, err = run("paint", photo, "-s", "stripes", "--network", network, "-o", out, capsys=capsys)
    assert code == 0 and out.exists(), err


BAD = {
    "unknown style": (["paint", "{photo}", "-s", "rde", "--network", "{network}"], "red"),
    "weights that sum to zero": (["paint", "{photo}", "-s", "red:0", "--network", "{network}"], "add up to 0"),
    "weight that is not a number": (["paint", "{photo}", "-s", "red:nan", "--network", "{network}"], "nan"),
    "strength out of range": (["paint", "{photo}", "-s", "red", "--strength", "9", "--network", "{network}"], "1.5"),
    "missing photo": (["paint", "{tmp}/none.jpg", "-s", "red", "--network", "{network}"], "none.jpg"),
    "empty folder": (["paint", "{tmp}/empty", "-s", "red", "--network", "{network}"], "empty"),
    "unknown suffix": (["paint", "{photo}", "-s", "red", "-o", "{tmp}/a.xyz", "--network", "{network}"], "a.xyz"),
    "missing folder": (["paint", "{photo}", "-s", "red", "-o", "{tmp}/no/a.png", "--network", "{network}"], "folder"),
    "damaged bank": (["paint", "{photo}", "-s", "red", "--bank", "{photo}", "--network", "{network}"], "cat.jpg"),
    "damaged network": (["paint", "{photo}", "-s", "red", "--network", "{tmp}/bad.onnx"], "bad.onnx"),
    "unknown network": (["paint", "{photo}", "-s", "red", "--network", "huge"], "huge"),
    "unknown runtime": (["paint", "{photo}", "-s", "red", "--runtime", "x", "--network", "{network}"], "openvino"),
    "no memory": (["paint", "{photo}", "-s", "red", "--max-memory", "-1", "--network", "{network}"], "more than 0"),
    "unknown precision": (["plan", "{photo}", "--precision", "x", "--network", "{network}"], "f32 or bf16"),
    "quality out of range": (["paint", "{photo}", "-s", "red", "--quality", "0", "--network", "{network}"], "1 to 100"),
    "size of nothing": (["paint", "{photo}", "-s", "red", "--size", "0", "--network", "{network}"], "--size must be"),
    "plan of no photo": (["plan", "{tmp}/bad.onnx", "--network", "{network}"], "bad.onnx"),
    "plan of an empty folder": (["plan", "{tmp}/empty", "--network", "{network}"], "empty"),
    "tiles without OpenVINO": (
        ["paint", "{photo}", "-s", "red", "--max-memory", "0.01", "--runtime", "onnxruntime", "--network", "{network}"],
        "needs OpenVINO",
    ),
    "two photos into one file": (
        ["paint", "{photo}", "{tmp}/none.jpg", "-s", "red", "-o", "{tmp}/a.jpg", "--network", "{network}"],
        "one file",
    ),
    "train without photos": (["train", "--photos", "{tmp}/empty", "--styles", "{tmp}", "-o", "{tmp}/r"], "empty"),
    "export without a run": (["export", "{tmp}/empty", "-o", "{tmp}/x"], "checkpoint"),
    "sheet of unknown style": (
        ["sheet", "{photo}", "-o", "{tmp}/s.png", "-s", "gren", "--network", "{network}"],
        "green",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(case, photo, network_file, tmp_path, capsys) -> None:
    """Whatever is wrong, the message is one line that names it, the code is 2, and no file is written."""
    words, hint = BAD[case]
    if words[0] in ("train", "export"):
        pytest.importorskip("torch")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.onnx").write_bytes(network_file.read_bytes()[:500])
    before = sorted(tmp_path.rglob("*"))
    filled = [word.format(photo=photo, network=network_file, tmp=tmp_path) for word in words]
    code, printed, err = run(*filled, capsys=capsys)
    assert code == 2, err
    assert hint in err and err.count("\n") == 1 and err.startswith("impasto: ") and not printed
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == [path for path in before if path.is_file()]


def test_a_missing_extra_says_the_pip_line(tmp_path: Path) -> None:
    """Without torch, train says how to install it."""
    code = "import sys; sys.modules['torch'] = None; from impasto.cli.entry import main; main()"
    words = ["train", "--photos", tmp_path, "--styles", tmp_path, "-o", tmp_path / "run"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 2 and "pip install 'impasto[learn]'" in done.stderr


def test_version_is_the_packages(capsys) -> None:
    """--version, the module and the installed package agree."""
    version = importlib.metadata.version("impasto")
    code, printed, _ = run("--version", capsys=capsys)
    assert (code, printed) == (0, f"impasto {version}\n")
    assert impasto.__version__ == version


def test_help_imports_nothing_heavy() -> None:
    """--help loads neither a runtime nor torch."""
    heavy = ("torch", "openvino", "onnxruntime", "onnx")
    probe = f"import sys, impasto.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_bank_of_another_network_is_refused(photo, network_file, tmp_path, capsys) -> None:
    """The message names both networks."""
    other = tmp_path / "other.safetensors"
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    Bank(names=bank.names, rows=bank.rows, cards=bank.cards, network="huge", fingerprint="abc123").save(other)
    words = ["paint", photo, "-s", "red", "--network", network_file, "--bank", other]
    code, _, err = run(*words, capsys=capsys)
    assert code == 2 and "huge" in err and "tiny" in err


def test_eval_measures_every_style(photos, network_file, tmp_path, capsys) -> None:
    """eval --json scores each style on the photos, and the photo row, and names the two most alike styles."""
    pytest.importorskip("torch")
    for name in ("red", "green", "blue"):
        Image.new("RGB", (64, 48), name).save(tmp_path / f"{name}.png")
    words = ["eval", "--photos", photos, "--styles", tmp_path, "--network", network_file, "--size", 64, "--limit", 2]
    code, printed, err = run(*words, "--precision", "float32", "--json", capsys=capsys)
    assert code == 0, err
    report = json.loads(printed)
    assert [style["name"] for style in report["styles"]] == ["red", "green", "blue"]
    assert report["photos"] == 2 and report["closest_difference"] > 0 and report["photo_psnr"] > 0


def test_eval_names_the_painting_that_is_missing(photos, network_file, tmp_path, capsys) -> None:
    """A style whose painting is not in the folder is named."""
    pytest.importorskip("torch")
    words = ["eval", "--photos", photos, "--styles", photos, "--network", network_file, "-s", "red"]
    code, _, err = run(*words, capsys=capsys)
    assert code == 2 and "red" in err and err.count("\n") == 1


def test_a_photo_that_does_not_fit_is_painted_in_tiles(photo, network_file, tmp_path, capsys, monkeypatch) -> None:
    """With hardly any memory the painting is the same, and the temporary files are gone."""
    pytest.importorskip("openvino")
    monkeypatch.setattr("impasto.painting.tiles.cutting.KEPT_LIMIT", 20.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 203, 3), np.uint8)).save(photo.with_suffix(".png"))
    words = ["paint", photo.with_suffix(".png"), "-s", "red", "--network", network_file]
    for name, more in (("whole", []), ("tiles", ["--max-memory", "0.001"])):
        code, _, err = run(*words, "-o", tmp_path / f"{name}.png", *more, capsys=capsys)
        assert code == 0, err
    whole, tiles = (pixels(tmp_path / f"{name}.png").astype(int) for name in ("whole", "tiles"))
    assert 0 < np.abs(whole - tiles).mean() < 2
    assert not list((tmp_path / "tmp").iterdir())


def test_plan_tells_memory_tiles_and_time(photo, network_file, capsys) -> None:
    """plan --json has a record for each photo; for people it is a table, and the photos stay unread."""
    code, printed, _ = run("plan", photo, "--network", network_file, "--json", capsys=capsys)
    record = json.loads(printed)
    assert code == 0 and (record["width"], record["height"], record["whole"], record["tiles"]) == (51, 40, True, 1)
    assert record["memory"] > 0 and record["seconds"] > 0 and record["disk"] == 0
    code, printed, _ = run("plan", photo, photo, "--network", network_file, capsys=capsys)
    assert code == 0 and printed.count("whole") == 2 and "GB" in printed


def test_a_folder_of_small_photos(photo, network_file, tmp_path, capsys, monkeypatch) -> None:
    """Many small photos are painted side by side, and come out as each alone does, in their order."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(12):
        Image.open(photo).crop((i, 0, 60, 40)).save(folder / f"{i:02}.png")
    monkeypatch.setattr("impasto.painting.batch.cores", lambda: 2)
    words = ["-s", "red", "--network", network_file, "--precision", "f32", "--json"]
    code, printed, _ = run("paint", folder, "-o", tmp_path / "out", *words, capsys=capsys)
    records = [json.loads(line) for line in printed.splitlines()]
    assert code == 0
    assert [Path(record["photo"]).name for record in records] == [f"{i:02}.png" for i in range(12)]
    for i in (0, 7, 11):
        run("paint", folder / f"{i:02}.png", "-o", tmp_path / "one.png", *words, capsys=capsys)
        one = np.asarray(Image.open(tmp_path / "one.png")).astype(int)
        assert np.abs(np.asarray(Image.open(records[i]["output"])) - one).max() <= 1


def test_a_folder_with_bad_photos_everywhere(photo, network_file, tmp_path, capsys) -> None:
    """Photos that cannot be read or are of no kind that we know stop no other, whatever their place in the folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(7):
        (folder / f"{i}.jpg").write_bytes(photo.read_bytes())
    (folder / "0.jpg").write_bytes(b"")
    (folder / "3.jpg").write_bytes(photo.read_bytes()[:300])
    (folder / "6.jpg").write_bytes(b"I am a text file")
    words = ["paint", folder, "-s", "red", "-o", tmp_path / "out", "--network", network_file, "--json"]
    code, printed, err = run(*words, capsys=capsys)
    assert code == 2 and "3 of 7" in err and err.count("skipped") == 3
    records = [json.loads(line) for line in printed.splitlines()]
    assert [Path(record["photo"]).name for record in records] == [f"{i}.jpg" for i in range(7)]
    assert ["error" in record for record in records] == [True, False, False, True, False, False, True]
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_shrinking_keeps_the_proportions(photo, network_file, tmp_path, capsys) -> None:
    """--size of a JPEG gives the size that the whole photo would be shrunk to; masks go along."""
    big, mask, out = tmp_path / "big.jpg", tmp_path / "mask.png", tmp_path / "out.png"
    Image.open(photo).resize((510, 401)).save(big)
    Image.new("L", (510, 401), 128).save(mask)
    for more in ([], ["--mask", f"blue={mask}"]):
        words = ["paint", big, "-s", "red", "--size", 60, "-o", out, "--network", network_file, *more]
        code, _, err = run(*words, capsys=capsys)
        assert code == 0, err
        assert pixels(out).shape == (47, 60, 3)


def test_a_long_work_ends_in_peace(monkeypatch) -> None:
    """The first signal asks the work to stop, the second interrupts it; then they mean what they meant before."""
    before, asked = signal.getsignal(signal.SIGTERM), []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), signals_call(lambda: asked.append(1)):
            signal.raise_signal(signal.SIGTERM)
            assert asked == [1]
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
