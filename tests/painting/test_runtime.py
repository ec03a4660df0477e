"""An open network: both runtimes paint the same, every size comes back as it went in, bad files are refused."""

from __future__ import annotations

import sys
import threading
import time
import tomllib
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impasto import quiet
from impasto.errors import MismatchError, NetworkError, OptionError
from impasto.limits import RuntimeName
from impasto.painting import runtimes, sessions
from impasto.painting.network import SMALLEST, Network
from impasto.painting.sessions import Floats
from impasto.styles.bank import Bank
from tests.conftest import until

onnx = pytest.importorskip("onnx")

RUNTIMES: list[RuntimeName] = ["openvino", "onnxruntime"]


@pytest.fixture(scope="module", params=RUNTIMES)
def network(request: pytest.FixtureRequest, network_file: Path) -> Network:
    return Network(network_file, runtime=request.param)


@pytest.fixture(scope="module")
def rows(network_file: Path) -> Floats:
    return Bank.load(network_file.with_suffix(".safetensors")).rows


def noise(height: int, width: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def refused(path: Path, runtime: Any, *, names_file: bool = True) -> str:
    """The message, one line that names the file, with which it is refused."""
    with pytest.raises(NetworkError) as caught:
        Network(path, runtime=runtime)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 350 + len(str(path))
    assert str(path) in message or not names_file
    return message


# Painting


def test_properties(network: Network, network_file: Path, rows: Floats) -> None:
    """An open network tells its name, its fingerprint and the length of its rows."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    assert (network.name, network.fingerprint, network.row_size) == ("tiny", bank.fingerprint, rows.shape[1])
    assert type(network.name) is type(network.fingerprint) is str


@pytest.mark.parametrize("height", range(16, 34))
def test_sizes(network: Network, rows: Floats, height: int) -> None:
    """A picture of any size from 16 x 16 comes back in that size, in 0..1, contiguous and finite."""
    for width in range(16, 48):
        painted = network.paint(noise(height, width), rows[0])
        assert painted.shape == (height, width, 3) and painted.dtype == np.float32
        assert 0 <= painted.min() <= painted.max() <= 1 and painted.flags.c_contiguous


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (64, 40), (17, 120)], ids=str)
def test_same_in_both_runtimes(network_file: Path, rows: Floats, size: tuple[int, int]) -> None:
    """OpenVINO and ONNX Runtime paint the same picture."""
    one, other = (Network(network_file, runtime=name).paint(noise(*size), rows[1]) for name in RUNTIMES)
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)
    assert one.std() > 0.05


def test_mirrored_and_cropped(network: Network, rows: Floats) -> None:
    """A size that is no multiple of 4 is mirrored at the bottom and right, and the painting cropped back."""
    picture = noise(18, 21)
    mirrored = np.pad(picture, ((0, 2), (0, 3), (0, 0)), "reflect")
    whole = network.paint(mirrored, rows[0])
    np.testing.assert_allclose(network.paint(picture, rows[0]), whole[:18, :21], rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (18, 21)], ids=str)
def test_bytes(network: Network, rows: Floats, size: tuple[int, int]) -> None:
    """A picture of 8 bits is painted like its floats, and comes back in 8 bits."""
    picture = (noise(*size) * 255).astype(np.uint8)
    painted = network.paint(picture, rows[0])
    assert painted.dtype == np.uint8 and painted.shape == picture.shape and painted.flags.c_contiguous
    floats = network.paint(picture / np.float32(255), rows[0])
    np.testing.assert_allclose(painted, floats * 255, rtol=0, atol=0.51)


def test_sizes_that_come_again(network_file: Path, rows: Floats) -> None:
    """What is compiled for the first size, for sizes that come once and for those that come again paints the same."""
    network, pictures = Network(network_file), [noise(size, 24) for size in (16, 20, 24, 28)]
    first = [network.paint(picture, rows[0]) for picture in pictures]
    for _ in range(2):
        for picture, painted in reversed(list(zip(pictures, first, strict=True))):
            np.testing.assert_allclose(network.paint(picture, rows[0]), painted, rtol=0, atol=1e-5)


def test_large_pictures_at_their_size(network_file: Path, rows: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a small picture, a large one is painted by a network compiled for its size, which is a third faster."""
    compiled: list[tuple[int, ...] | None] = []

    def noted(self: Any, feeds: Any, shapes: Any) -> Any:
        compiled.append(tuple(shapes["picture"]) if shapes else None)
        return plain(self, feeds, shapes)

    plain = sessions.OpenVino._compile
    monkeypatch.setattr(sessions.OpenVino, "_compile", noted)
    monkeypatch.setattr(sessions, "IDLE", 40 * 40)
    network = Network(network_file, runtime="openvino", precision="f32")
    for side in (16, 20, 48):
        network.paint(noise(side, side), rows[0])
    assert compiled == [(1, 3, 16, 16), None, (1, 3, 48, 48)]


def test_halted(network_file: Path, rows: Floats) -> None:
    """A network that is halted paints nothing, until it may go on."""
    network, picture = Network(network_file, runtime="openvino"), noise(24, 16)
    painted = network.paint(picture, rows[0])
    network.halt(True)
    with pytest.raises(InterruptedError):
        network.paint(picture, rows[0])
    network.halt(False)
    assert np.array_equal(network.paint(picture, rows[0]), painted)


def test_halted_in_the_middle(network_file: Path, rows: Floats) -> None:
    """What is being painted when the network is halted ends at once; the next picture is painted as ever."""
    network, ends = Network(network_file, runtime="openvino"), []
    picture = noise(1600, 1600)

    def paint() -> None:
        try:
            ends.append(network.paint(picture, rows[0]).shape)
        except InterruptedError:
            ends.append(None)

    thread = threading.Thread(target=paint)
    thread.start()
    until(lambda: network._whole()._running is not None or ends)  # type: ignore[attr-defined]
    time.sleep(0.01)
    network.halt(True)
    thread.join(60)
    network.halt(False)
    paint()
    assert ends == [None, picture.shape]


@pytest.mark.parametrize("streams", [1, 2])
def test_broken_off(network_file: Path, rows: Floats, monkeypatch: pytest.MonkeyPatch, streams: int) -> None:
    """What paints any size and was broken off is made anew: OpenVINO's would keep shapes, and now and then fail."""
    compiled: list[bool] = []

    def noted(self: Any, feeds: Any, shapes: Any) -> Any:
        compiled.append(bool(shapes))
        found = plain(self, feeds, shapes)
        return found if shapes or len(compiled) > 2 else sessions._Ready(Broken(), [])

    class Broken:
        def create_infer_request(self) -> Broken:
            return self

        def infer(self, *_: Any, **__: Any) -> None:
            raise RuntimeError

    plain = sessions.OpenVino._compile
    monkeypatch.setattr(sessions.OpenVino, "_compile", noted)
    session, (scale, shift) = sessions.OpenVino(network_file, None, streams=streams), np.split(rows[0], 2)

    def paint(side: int) -> Any:
        return session.run({"picture": noise(side, side).transpose(2, 0, 1)[None], "scale": scale, "shift": shift})

    paint(16)
    with pytest.raises(RuntimeError):
        paint(20)
    assert [paint(side).shape for side in (24, 28)] == [(1, 3, 24, 24), (1, 3, 28, 28)]
    assert compiled == [True, False, False]


def test_prepared(network: Network, rows: Floats) -> None:
    """Getting ready for a size changes nothing of what is painted."""
    picture = (noise(37, 22) * 255).astype(np.uint8)
    painted = network.paint(picture, rows[0])
    network.prepare(37, 22)
    assert np.abs(network.paint(picture, rows[0]).astype(int) - painted).max() <= 1


def test_style(network: Network, rows: Floats) -> None:
    """Each row paints its own picture, and the order of calls does not matter."""
    picture = noise(24, 24)
    painted = [network.paint(picture, row) for row in rows]
    assert min(np.abs(a - b).mean() for i, a in enumerate(painted) for b in painted[:i]) > 0.01
    np.testing.assert_allclose(network.paint(picture, rows[0]), painted[0], rtol=0, atol=1e-5)


def test_colors_in_order(network: Network, rows: Floats) -> None:
    """Height, width and colours are not mixed up: a picture turned over gives another painting than itself."""
    picture = noise(20, 28)
    painted = network.paint(picture, rows[0])
    for other in (picture[::-1], picture[:, ::-1], picture[..., ::-1]):
        assert np.abs(network.paint(other, rows[0]) - painted).mean() > 0.01


def test_keeps_the_callers_arrays(network: Network, rows: Floats) -> None:
    """Neither picture nor row is changed, and a painting stays what it was when the next is made."""
    picture, row = noise(20, 20), rows[0].copy()
    painted = network.paint(picture, row)
    kept = painted.copy()
    network.paint(noise(20, 20, seed=1), rows[1])
    np.testing.assert_array_equal(painted, kept)
    np.testing.assert_array_equal(picture, noise(20, 20))
    np.testing.assert_array_equal(row, rows[0])


def test_any_array(network: Network, rows: Floats) -> None:
    """Pictures may be float64, turned or strided, and rows may be lists."""
    picture = noise(20, 24)
    painted = network.paint(picture, rows[0])
    strided = np.asfortranarray(picture.astype(np.float64))
    np.testing.assert_allclose(network.paint(strided, rows[0].tolist()), painted, rtol=0, atol=1e-5)


def test_threads_at_once(network: Network, rows: Floats) -> None:
    """One network may paint in several threads at once, and each gets its own picture."""
    pictures = [noise(64, 64, seed) for seed in range(8)]
    expected = [network.paint(picture, rows[0]) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        painted = list(pool.map(lambda picture: network.paint(picture, rows[0]), pictures * 3))
    np.testing.assert_allclose(painted, expected * 3, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("limit", [2**20, 40 * 40])
def test_streams(network_file: Path, rows: Floats, name: RuntimeName, limit: int, monkeypatch: Any) -> None:
    """Pictures of many sizes, painted side by side in streams or too large for them, are what they are one by one."""
    monkeypatch.setattr(sessions, "STREAMED", limit)
    one, many = (Network(network_file, runtime=name, streams=n) for n in (1, 2))
    floats = [noise(32 + 8 * (seed % 3), 48, seed) for seed in range(8)]
    bytes = [(255 * picture).astype(np.uint8) for picture in floats]
    with ThreadPoolExecutor(3) as pool:
        painted = list(pool.map(lambda picture: many.paint(picture, rows[0]), (floats + bytes) * 2))
    for picture, found in zip((floats + bytes) * 2, painted, strict=True):
        close = 1e-5 if picture.dtype == np.float32 else 1
        np.testing.assert_allclose(found.astype(float), one.paint(picture, rows[0]), rtol=0, atol=close)


@pytest.mark.parametrize("name", RUNTIMES)
def test_one_core(network_file: Path, rows: Floats, name: RuntimeName) -> None:
    """With a single thread the painting is the same."""
    one, many = (Network(network_file, runtime=name, threads=n).paint(noise(32, 32), rows[0]) for n in (1, None))
    np.testing.assert_allclose(one, many, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(15, 16), (16, 15), (1, 1), (3, 500), (1, 40)], ids=str)
def test_small(network: Network, rows: Floats, size: tuple[int, int]) -> None:
    """A picture below 16 pixels a side is mirrored, again and again, painted and cropped back."""
    picture = noise(*size)
    height, width = (max(16, -(-length // 4) * 4) for length in size)
    down, across = (np.pad(np.arange(n), (0, m - n), "reflect") for n, m in zip(size, (height, width), strict=True))
    whole = network.paint(picture[down][:, across], rows[0])
    np.testing.assert_allclose(network.paint(picture, rows[0]), whole[: size[0], : size[1]], rtol=0, atol=1e-5)
    bytes = (255 * picture).astype(np.uint8)
    assert network.paint(bytes, rows[0]).shape == picture.shape


# What is refused


def test_row_of_another_network(network: Network, rows: Floats) -> None:
    """A row of another length is a MismatchError that names the network and both lengths."""
    for row in (rows[0][:-2], np.ones(3206), rows):
        with pytest.raises(MismatchError, match=f"'tiny' takes rows of {network.row_size} numbers, not {row.size}"):
            network.paint(noise(16, 16), row)


@pytest.mark.parametrize("name", ["auto", *RUNTIMES])
def test_missing_file(tmp_path: Path, name: str) -> None:
    """A file that is not there is a NetworkError that says so; so is a folder."""
    assert "does not exist" in refused(tmp_path / "missing.onnx", name)
    assert "does not exist" in refused(tmp_path, name)


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("data", [b"", b"I am a text file\n", bytes(1000), b"\x08\x09" * 50], ids=range(4))
def test_damaged_file(tmp_path: Path, name: str, data: bytes) -> None:
    """An empty file, and one of another kind, are a NetworkError of one line."""
    path = tmp_path / "damaged.onnx"
    path.write_bytes(data)
    refused(path, name)


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_truncated_file(network_file: Path, tmp_path: Path, name: str, share: float) -> None:
    """A file that was cut short is a NetworkError of one line."""
    path = tmp_path / "cut.onnx"
    data = network_file.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused(path, name)


@pytest.fixture
def foreign(network_file: Path, tmp_path: Path) -> Iterator[Any]:
    """A network to take things from, and where to save it."""
    model = onnx.load(network_file)
    yield model, tmp_path / "foreign.onnx"


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("missing", ["network", "fingerprint", "row_size", "multiple", "all"])
def test_foreign_network(foreign: Any, name: str, missing: str) -> None:
    """A valid ONNX file that lacks one of our metadata is refused as not ours, and the message names it."""
    model, path = foreign
    kept = [(p.key, p.value) for p in model.metadata_props if missing != "all" and p.key != f"impasto.{missing}"]
    del model.metadata_props[:]
    for key, value in kept:
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
    message = refused(path, name)
    assert "is not a network of impasto's" in message
    assert f"impasto.{missing}" in message or missing == "all"


@pytest.mark.parametrize("name", RUNTIMES)
@pytest.mark.parametrize("key", ["row_size", "multiple"])
@pytest.mark.parametrize("value", ["many", "", "4.5"])
def test_nonsense_in_the_metadata(foreign: Any, name: str, key: str, value: str) -> None:
    """Metadata that are no numbers where numbers belong are refused."""
    model, path = foreign
    for entry in model.metadata_props:
        if entry.key == f"impasto.{key}":
            entry.value = value
    onnx.save(model, path)
    refused(path, name)


def test_unknown_runtime(network_file: Path) -> None:
    """An unknown runtime is an OptionError that names the known ones."""
    with pytest.raises(OptionError, match="runtime must be auto, openvino or onnxruntime, not 'tensorrt'"):
        Network(network_file, runtime="tensorrt")  # type: ignore[arg-type]


# Which runtime


def test_auto(network_file: Path) -> None:
    """OpenVINO is taken where it runs."""
    assert Network(network_file).runtime == "openvino"


def warned(recorder: pytest.WarningsRecorder) -> list[str]:
    """Our own lines; what other tests left open may be found to be so just then."""
    return [str(each.message) for each in recorder if not issubclass(each.category, ResourceWarning)]


@pytest.mark.parametrize("broken", [ImportError("not here"), OSError("illegal instruction")], ids=str)
def test_without_openvino(
    network_file: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, broken: Exception
) -> None:
    """Where OpenVINO breaks, ONNX Runtime is taken, and says why, once; who asks for OpenVINO gets a NetworkError."""
    runtimes._warn_once.cache_clear()

    class Breaker:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "openvino":
                raise broken

    for name in [name for name in sys.modules if name.split(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Breaker(), *sys.meta_path])
    assert Network(network_file).runtime == "onnxruntime"
    assert Network(network_file).runtime == "onnxruntime"
    (line,) = warned(recwarn)
    assert "ONNX Runtime paints" in line and str(broken) in line and "\n" not in line
    hint = "pip install openvino" if isinstance(broken, ImportError) else "illegal instruction"
    assert hint in refused(network_file, "openvino", names_file=False)


@pytest.mark.parametrize(("runtime", "hint"), [("auto", "openvino, or 'impasto"), ("onnxruntime", "'impasto")])
def test_a_runtime_that_is_missing(
    network_file: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, runtime: Any, hint: str
) -> None:
    """With no runtime, or without the one that is asked for, a sentence says what to install, and nothing else does."""
    missing = ModuleNotFoundError("not here")
    for function in ("openvino", "core", "onnxruntime"):
        monkeypatch.setattr(quiet, function, lambda: (_ for _ in ()).throw(missing))
    monkeypatch.setattr(runtimes, "_has_onnxruntime", lambda: False)
    assert f"pip install {hint}[onnxruntime]'" in refused(network_file, runtime, names_file=False)
    assert not warned(recwarn)


def test_the_base_install_has_one_runtime() -> None:
    """Where OpenVINO has wheels the base install has ONNX Runtime no more; elsewhere it has it instead."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    needed = [each.partition(";") for each in project["dependencies"]]
    places = {name.split(">")[0]: marker for name, _, marker in needed if marker}
    assert set(places) == {"openvino", "onnxruntime"}
    for machine in runtimes.HAVE_OPENVINO:
        assert f"platform_machine == '{machine}'" in places["openvino"]
        assert f"platform_machine != '{machine}'" in places["onnxruntime"]
    assert "onnxruntime" in project["optional-dependencies"]


def test_smallest_is_the_graphs(network_file: Path, rows: Floats) -> None:
    """Sixteen pixels, to which smaller pictures are mirrored, are enough for the padding of every layer."""
    assert SMALLEST == 16
    for name in RUNTIMES:
        assert Network(network_file, runtime=name).paint(noise(16, 16), rows[0]).std() > 0.01


@pytest.mark.parametrize("quicker", ["bf16", "f32"])
def test_precision_by_itself(network_file: Path, monkeypatch: pytest.MonkeyPatch, quicker: str) -> None:
    """ "auto" is what a trial finds quicker where OpenVINO has units for bfloat16, and f32 elsewhere, untried."""
    pytest.importorskip("openvino")
    monkeypatch.setattr("impasto.painting.runtimes.quicker", lambda key, openers: quicker)
    for has, taken in ((True, quicker), (False, "f32")):
        monkeypatch.setattr("impasto.painting.runtimes._has_bfloat16", lambda has=has: has)
        assert Network(network_file, runtime="openvino", precision="auto").precision == taken
        assert Network(network_file, runtime="onnxruntime", precision="auto").precision == "f32"


def test_trial_of_precisions(network_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial paints with the network at hand; its key names processor, cores, runtime and kind of network."""
    openvino = pytest.importorskip("openvino")
    keys = []

    def tried(key: str, openers: Any) -> str:
        keys.append(key)
        assert all(0 < opener()() < 60 for opener in openers.values())
        return "f32"

    monkeypatch.setattr("impasto.painting.runtimes._has_bfloat16", lambda: True)
    monkeypatch.setattr("impasto.painting.runtimes.quicker", tried)
    monkeypatch.setattr("impasto.painting.runtimes.processor", lambda: "Stand-in 3000")
    monkeypatch.setattr("impasto.painting.runtimes.instructions", lambda: "AVX2")
    Network(network_file, runtime="openvino", precision="auto", threads=2)
    assert keys == [f"Stand-in 3000, AVX2, 2, {openvino.__version__}, full, , 0.1, 1"]


@pytest.mark.parametrize(("machine", "lines"), [("x86_64", 1), ("AMD64", 1), ("riscv64", 0)])
def test_openvino_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder, machine: str, lines: int
) -> None:
    """Where pip installs OpenVINO along and it is missing all the same, a line says so; elsewhere it is no news."""
    runtimes._warn_once.cache_clear()
    missing = ModuleNotFoundError("No module named 'openvino'", name="openvino")
    monkeypatch.setattr("impasto.quiet.openvino", lambda: (_ for _ in ()).throw(missing))
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert not runtimes._has_openvino() and not runtimes._has_openvino()
    found = warned(recwarn)
    assert len(found) == lines and all("pip install openvino" in line for line in found)
    runtimes._warn_once.cache_clear()
    warnings.simplefilter("error")  # until the end of the test
    assert not runtimes._has_openvino()


def test_openvinos_cache_of_shapes_is_bounded(network_file: Path) -> None:
    """What OpenVINO remembers of every size it met has a limit, and OpenVINO knows the property that sets it."""
    pytest.importorskip("openvino")
    core = quiet.core()
    core.set_property("CPU", {"CPU_RUNTIME_CACHE_CAPACITY": quiet.SHAPES})
    with pytest.raises(RuntimeError, match="CPU_NO_SUCH_PROPERTY"):
        core.set_property("CPU", {"CPU_NO_SUCH_PROPERTY": quiet.SHAPES})
