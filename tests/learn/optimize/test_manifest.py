"""What a published picture says of how it was made, and what is made of what a stranger's picture says."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings as examples, strategies as st
from PIL import ExifTags, Image

from impasto import cli, pictures
from impasto.errors import ImpastoError, LearnError, OptionError, PictureError
from impasto.learn.loss.features import LossNetwork
from impasto.learn.optimize.grid import Cell, grid, numbers
from impasto.learn.optimize.manifest import manifest, read_manifest, replay, save_picture
from impasto.learn.optimize.recipes import settings_for
from impasto.learn.optimize.run import Optimization
from impasto.learn.optimize.starts import file_name
from impasto.styles.bank import Bank

SMALL: dict[str, Any] = {"size": 32, "steps": 2, "coarsest": 0, "precision": "float32"}
SMALL |= {"content_layers": ("relu1_1",), "style_layers": ("relu1_1",)}
RNG = np.random.default_rng(0)
Do = Callable[..., tuple[int, str, str]]


@pytest.fixture
def do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, loss_network: LossNetwork) -> Do:
    """Exit code, standard output and standard error of the command line, with a loss network of random weights."""
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: loss_network)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["impasto", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A folder whose name is nobody's business, with a photo, a painting, a mask and a start."""
    folder = tmp_path / "secret-folder"
    folder.mkdir()
    for name, shape in {"photo": (24, 32), "painting": (40, 40), "mask": (24, 32), "start": (24, 32)}.items():
        pictures.save(RNG.random((*shape, 3), np.float32), folder / f"{name}.png")
    return folder


@pytest.fixture
def made(secret: Path, loss_network: LossNetwork) -> dict[str, Any]:
    """The manifest of a finished run, as it is read from a file."""
    run = opened(secret, loss_network)
    list(run.run())
    return json.loads(json.dumps(manifest(run)))  # type: ignore[no-any-return]


def opened(folder: Path, loss_network: LossNetwork, **options: Any) -> Optimization:
    keywords = {name: options.pop(name) for name in ("network", "bank", "photo_masks") if name in options}
    files = folder / "photo.png", folder / "painting.png"
    return Optimization(*files, settings_for(**SMALL | options), loss_network=loss_network, **keywords)


# What is published


def test_no_folders(secret: Path, loss_network: LossNetwork, network_file: Path, tmp_path: Path) -> None:
    """A picture names its files without their folders, whatever they were for; the state has the paths."""
    start = str(secret / "start.png")
    for options in (
        {"start": start, "photo_masks": [secret / "mask.png"]},
        {"start": "network", "network": network_file, "bank": network_file.with_suffix(".safetensors")},
    ):
        run = opened(secret, loss_network, **options)
        list(run.run())
        save_picture(run, tmp_path / "out.png")
        bytes_of_it, text = (tmp_path / "out.png").read_bytes(), json.dumps(read_manifest(tmp_path / "out.png"))
        assert b"secret-folder" not in bytes_of_it and b"painting.png" in bytes_of_it
        assert str(network_file.parent) not in text and "/" not in text
    run.save(tmp_path / "state")
    assert b"secret-folder" in (tmp_path / "state").read_bytes()


def test_a_bank_in_memory(secret: Path, loss_network: LossNetwork, network_file: Path) -> None:
    """A bank that was given as an object is told by its fingerprint, not as Python prints it."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    run = opened(secret, loss_network, start="network:red", network=network_file, bank=bank)
    told = manifest(run)["chosen"]["painters"]
    assert told["bank"]["fingerprint"] == bank.fingerprint and told["network"]["name"] == "tiny.onnx"
    assert "Bank(" not in json.dumps(told)
    own = opened(secret, loss_network, start="network:red", network=network_file)
    assert manifest(own)["chosen"]["painters"]["bank"]["sha256"] == told["bank"]["sha256"]


def test_names_of_other_systems() -> None:
    """A path of Windows loses its folders everywhere."""
    assert (
        file_name(r"C:\Users\me\Pictures\cat.jpg") == file_name("/home/me/cat.jpg") == file_name("cat.jpg") == "cat.jpg"
    )


def test_published_numbers_of_a_grid(secret: Path, loss_network: LossNetwork, tmp_path: Path) -> None:
    """The numbers beside a grid hold no folders."""
    files = secret / "photo.png", secret / "painting.png"
    options = {name: value for name, value in SMALL.items() if name != "style_layers"}
    made = grid(*files, tmp_path / "c", layers=["relu1_1"], ratios=[1e-3], loss_network=loss_network, **options)
    told = numbers([item for item in made if isinstance(item, Cell)])
    assert "secret-folder" not in json.dumps(told) and told["files"]["photo"][0]["name"] == "photo.png"


# The way back


def test_replay_by_name(do: Do, secret: Path, loss_network: LossNetwork, tmp_path: Path) -> None:
    """Replay looks beside the picture, or in the folders that are named; of two of a name the right one is taken."""
    run = opened(secret, loss_network, start=str(secret / "start.png"))
    list(run.run())
    save_picture(run, tmp_path / "out.png")
    code, _, err = do("replay", tmp_path / "out.png", "-o", tmp_path / "again.png")
    assert code == 2 and "photo.png is needed" in err and "--folder" in err
    pictures.save(RNG.random((24, 32, 3), np.float32), tmp_path / "photo.png")
    words = ("replay", tmp_path / "out.png", "-o", tmp_path / "again.png", "--folder", tmp_path)
    assert "painting.png is needed" in do(*words)[2] or "pixels differ" in do(*words)[2]
    code, _, err = do(*words, "--folder", secret)
    assert code == 0, err
    assert (tmp_path / "again.png").read_bytes()[-500:] == (tmp_path / "out.png").read_bytes()[-500:]
    assert read_manifest(tmp_path / "again.png")["losses"] == read_manifest(tmp_path / "out.png")["losses"]


@pytest.mark.parametrize("bank", [False, True])
def test_replay_of_a_network(
    secret: Path, loss_network: LossNetwork, network_file: Path, tmp_path: Path, bank: bool
) -> None:
    """A start that a network painted is painted again by the same network and styles, found by name."""
    for path in network_file.parent.iterdir():
        (secret / path.name).write_bytes(path.read_bytes())
    (secret / "mine.safetensors").write_bytes((secret / "tiny.safetensors").read_bytes())
    options = {"bank": secret / "mine.safetensors"} if bank else {}
    run = opened(secret, loss_network, start="network", network=secret / "tiny.onnx", **options)
    *_, last = run.run()
    told = json.loads(json.dumps(manifest(run)))
    more = Bank.load(secret / "mine.safetensors").add(
        "one-more", [0.5] * 306, Bank.load(secret / "mine.safetensors").cards[0]
    )
    more.save(secret / "mine.safetensors", overwrite=True)  # which does not matter: the start names other styles
    *_, again = replay(told, folder=secret, loss_network=loss_network).run()
    assert again.picture is not None and last.picture is not None
    np.testing.assert_array_equal(again.picture, last.picture)
    told["chosen"]["painters"]["bank"]["sha256"] = "0" * 64
    with pytest.raises(LearnError, match="not the one that was used"):
        replay(told, folder=secret, loss_network=loss_network)


def old(made: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A manifest as format 1 had it: paths, and what was chosen among the settings."""
    found = copy.deepcopy(made) | {"format": 1, "network": {"network": "full", "bank": None}}
    for cards in found["files"].values():
        for card in cards:
            card["path"] = str(folder / card.pop("name"))
    del found["chosen"], found["painters"]
    return found


@pytest.mark.parametrize("folder", [Path("/nowhere/at/all"), Path(r"C:\Users\me")])
def test_old_manifests(made: dict[str, Any], secret: Path, loss_network: LossNetwork, folder: Path) -> None:
    """A manifest of format 1 is replayed; of its paths, also those of Windows, only the names count."""
    found = old(made, folder)
    if "\\" in str(folder):
        found = json.loads(json.dumps(found).replace("me/", "me\\\\"))
    *_, last = replay(found, folder=secret, loss_network=loss_network).run()
    assert last.total == made["losses"]["total"]


def test_nothing_outside_of_the_folder_is_opened(
    made: dict[str, Any], secret: Path, loss_network: LossNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever paths a stranger's picture names, files are opened in the folder alone."""
    seen: list[Path] = []
    load = pictures.load
    monkeypatch.setattr(
        pictures, "load", lambda source, **options: seen.append(Path(source)) or load(source, **options)
    )
    outside = tmp_path / "passwd.png"
    pictures.save(RNG.random((24, 32, 3), np.float32), outside)
    for name in (str(outside), "../passwd.png", "..", "a/../../passwd.png", "/dev/zero", "..\\passwd.png", "\0", ""):
        for kind in ("photo", "paintings"):
            found = copy.deepcopy(made)
            found["files"][kind][0]["name"] = name
            with pytest.raises(LearnError):
                replay(found, folder=secret, loss_network=loss_network)
        found = copy.deepcopy(made)
        found["settings"]["start"] = found["chosen"]["start"] = name or "x"
        with pytest.raises(LearnError):
            replay(found, folder=secret, loss_network=loss_network)
        found = copy.deepcopy(made)
        found["settings"]["start"] = found["chosen"]["start"] = "network:red"
        found["chosen"]["painters"] = {"network": {"name": name}, "bank": {"name": name}}
        with pytest.raises(ImpastoError):
            replay(found, folder=secret, loss_network=loss_network)
    assert {path.parent for path in seen} <= {secret}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("plan",), [[10**6, 10, "float32"]], "damaged: the size of a stage must be .*, not 1000000"),
        (("plan",), [[32, 10**12, "float32"]], "evaluations of a stage"),
        (("plan",), [[32, 1, "float16"]], "precision of a stage"),
        (("plan",), [[32, 1]], "a plan is a list"),
        (("settings", "size"), 10**6, "need .* GB of memory"),
        (("chosen", "history"), 10**9, "history must be .*, not 1000000000"),
        (("settings", "device"), "cuda", "no setting 'device'"),
        (("settings", "network"), "/etc/passwd", "no setting 'network'"),
        (("files", "paintings"), [], "lists no paintings"),
        (("files",), {}, "files are not those"),
        (("loss_network",), "0" * 16, "another loss network"),
        (("settings",), None, "no settings"),
    ],
)
def test_refused(
    made: dict[str, Any], secret: Path, loss_network: LossNetwork, place: tuple[str, ...], value: Any, message: str
) -> None:
    """What would take all memory, and what no manifest has, is refused in one sentence."""
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(LearnError, match=message) as caught:
        replay(made, folder=secret, loss_network=loss_network, max_memory=4e9)
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything that is in a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([here] if here else []), *(place for key, inner in pairs for place in places(inner, (*here, key)))]


@examples(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_manifest(
    made: dict[str, Any], secret: Path, loss_network: LossNetwork, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    """Whatever stands in the place of anything in a manifest, replay is ready, or it is one sentence."""
    monkeypatch.setattr("impasto.learn.optimize.manifest.fingerprint", lambda _: made["loss_network"])
    for found in (copy.deepcopy(made), old(made, secret)):
        *way, last = data.draw(st.sampled_from(places(found)))
        inner = found
        for key in way:
            inner = inner[key]
        if data.draw(st.booleans()):
            inner[last] = data.draw(JSON)
        else:
            del inner[last]
        try:
            replay(found, folder=secret, loss_network=loss_network)
        except (LearnError, PictureError) as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "[" * 100_000, "null", '{"made_by": "impasto optimize"}', '{"format": NaN}', "1e999", "9" * 5000]
    + ['{"made_by": "impasto optimize", "format": true}', '{"made_by": "impasto optimize", "format": [1]}'],
    ids=lambda text: text[:20],
)
def test_no_manifest(do: Do, tmp_path: Path, text: str) -> None:
    """JSON that is none, or no manifest, is one sentence, in a file of its own and in a picture."""
    (tmp_path / "made.json").write_text(text)
    block = Image.Exif()
    block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0" + text[:60_000].encode()
    Image.new("RGB", (8, 8)).save(tmp_path / "made.png", exif=block)
    for name in ("made.json", "made.png"):
        code, _, err = do("replay", tmp_path / name, "--show")
        assert code == 2 and err.count("\n") == 1 and name in err


@pytest.mark.parametrize("comment", ["text", b"", b"\xff" * 20, b"UNICODE\0\xd8\x00\xd8", 7, (1, 2)])
def test_odd_comments(tmp_path: Path, comment: Any) -> None:
    """A UserComment of any kind is no manifest, and no crash."""
    block = Image.Exif()
    block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    Image.new("RGB", (8, 8)).save(tmp_path / "odd.png", exif=block)
    with pytest.raises(LearnError, match="no manifest"):
        read_manifest(tmp_path / "odd.png")


def test_replay_leaves_other_files_alone(do: Do, secret: Path, loss_network: LossNetwork) -> None:
    """A file beside the output that is called like a state is neither deleted nor written."""
    run = opened(secret, loss_network)
    list(run.run())
    save_picture(run, secret / "out.png")
    (secret / "again.png.state").write_text("mine")
    assert do("replay", secret / "out.png", "-o", secret / "again.png")[0] == 0
    assert (secret / "again.png.state").read_text() == "mine"


def test_optimize_leaves_other_files_alone(do: Do, secret: Path) -> None:
    """optimize refuses at once where something else than its state is in the state's place."""
    (secret / "out.png.state").write_text("mine")
    words = ("--size", 32, "--steps", 1, "--content-layers", "relu1_1", "--style-layers", "relu1_1")
    code, _, err = do("optimize", secret / "photo.png", secret / "painting.png", "-o", secret / "out.png", *words)
    assert code == 2 and "out.png.state" in err and err.count("\n") == 1
    assert (secret / "out.png.state").read_text() == "mine" and not (secret / "out.png").exists()


# Grids


@pytest.fixture
def cells(secret: Path, loss_network: LossNetwork, tmp_path: Path) -> Callable[..., list[Any]]:
    def run(**options: Any) -> list[Any]:
        chosen: dict[str, Any] = {name: value for name, value in SMALL.items() if name != "style_layers"}
        chosen |= {"layers": ["relu1_1", "relu2_1"], "ratios": [1e-3], "loss_network": loss_network} | options
        return list(grid(secret / "photo.png", secret / "painting.png", tmp_path / "cells", **chosen))

    return run


def test_cells_from_the_network_are_found(cells: Callable[..., list[Any]], network_file: Path) -> None:
    """Cells that start from the network, or were painted when memory was short, are found again."""
    options = {"start": "network", "network": network_file}
    assert len(cells(**options)) > 2
    assert [type(item) for item in cells(**options)] == [Cell, Cell]
    plenty = cells(history=40)
    assert len(plenty) > 2 and len(cells(history=40, max_memory=0.9e9)) == 2
    assert len(cells(history=39)) > 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": ["relu1_1", "relu9_1"]}, "did you mean"),
        ({"layers": ["relu1_1", "relu1_1"]}, "named twice"),
        ({"ratios": [1e-3, math.nan]}, "ratios must be .*nan"),
        ({"ratios": [1e-3, -1.0]}, "ratios must be .*-1.0"),
        ({"ratios": [1e-3, 0]}, "ratios must be .* 0\\)"),
        ({"layers": ["relu1_1", "relu5_1"], "size": 16}, "short side would be"),
        ({"stepps": 3}, "did you mean 'steps'"),
    ],
    ids=str,
)
def test_bad_grids(cells: Callable[..., list[Any]], tmp_path: Path, options: dict[str, Any], message: str) -> None:
    """What is wrong with any cell is found before the first is painted."""
    with pytest.raises((LearnError, OptionError), match=message):
        cells(**options)
    assert not (tmp_path / "cells").exists()


def test_no_cell(cells: Callable[..., list[Any]], tmp_path: Path) -> None:
    """A file that is no cell is not painted over."""
    (tmp_path / "cells").mkdir()
    pictures.save(RNG.random((9, 9, 3), np.float32), tmp_path / "cells" / "cell-2-1.png")
    with pytest.raises(LearnError, match=r"cell-2-1.png is there and no cell"):
        cells()
    assert [path.name for path in (tmp_path / "cells").iterdir()] == ["cell-2-1.png"]
