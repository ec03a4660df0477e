"""ComfyUI's nodes without ComfyUI: what they take, what they paint, and how they say what is wrong."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from impasto import Bank, ImpastoError, Painter, assets
from impasto.painting.look import Look
from impasto.styles.bank import Card

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"
WORKFLOWS = sorted((FOLDER / "example_workflows").glob("*.json"))


def load() -> ModuleType:
    """The folder as ComfyUI imports it: a package by its path."""
    name = "impasto_nodes_under_test"
    where = [str(FOLDER)]
    spec = importlib.util.spec_from_file_location(name, FOLDER / "__init__.py", submodule_search_locations=where)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return sys.modules[f"{name}.nodes"]


nodes = load()


@pytest.fixture
def network(network_file: Path) -> str:
    nodes.painter_of.cache_clear()
    return str(network_file)


@pytest.fixture
def batch() -> np.ndarray:
    """An IMAGE: two pictures of noise, 40 x 48."""
    return np.random.default_rng(0).random((2, 40, 48, 3), np.float32)


def paint(image: Any, style: Any, **dials: Any) -> Any:
    (painting,) = nodes.ImpastoPaint().paint(image, style, **dials)
    return painting


def red() -> Any:
    return nodes.Style({"red": 1.0})


def test_nodes_import_in_a_bare_python() -> None:
    """The nodes are there where neither torch nor ComfyUI is, and open no network before they paint."""
    code = f"""
import sys
sys.modules["torch"] = sys.modules["comfy"] = sys.modules["folder_paths"] = sys.modules["nodes"] = None
import importlib.util
spec = importlib.util.spec_from_file_location("at.a.path", {str(FOLDER / "__init__.py")!r},
                                              submodule_search_locations=[{str(FOLDER)!r}])
module = sys.modules["at.a.path"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(sorted(module.NODE_CLASS_MAPPINGS), "openvino" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    names = sorted(nodes.NODE_CLASS_MAPPINGS)
    assert len(names) == 5 and done.stdout.strip() == f"{names} False", done.stderr


def test_every_node_is_registered_whole() -> None:
    """Each node has what ComfyUI's first way of registering asks for, and a method that takes its inputs."""
    assert nodes.NODE_CLASS_MAPPINGS.keys() == nodes.NODE_DISPLAY_NAME_MAPPINGS.keys()
    for node in nodes.NODE_CLASS_MAPPINGS.values():
        taken = {name for kind in node.INPUT_TYPES().values() for name in kind}
        method = getattr(node, node.FUNCTION)
        assert node.CATEGORY == "impasto" and node.RETURN_TYPES and node.DESCRIPTION
        assert taken == set(method.__code__.co_varnames[1 : method.__code__.co_argcount])


def test_dials_are_the_librarys() -> None:
    """Each dial of Paint begins where that of a look begins."""
    inputs = nodes.ImpastoPaint.INPUT_TYPES()["required"]
    look = Look("photo")
    assert {name: inputs[name][1]["default"] for name in ("strength", "brush", "keep_color", "network")} == {
        "strength": look.strength,
        "brush": look.brush,
        "keep_color": look.keep_color,
        "network": assets.DEFAULT,
    }
    assert sorted(inputs["network"][0]) == assets.networks()


def test_styles_are_those_that_ship() -> None:
    """The list of styles is that of the network that comes along."""
    names, options = nodes.ImpastoStyle.INPUT_TYPES()["required"]["name"]
    assert tuple(names) == Bank.load(assets.bank_file()).styles
    assert options["default"] in names


@pytest.mark.parametrize("dials", [{}, {"strength": 0.4}, {"keep_color": True}, {"brush": "large"}])
def test_a_batch_is_painted_as_the_painter_does(batch: np.ndarray, network: str, dials: dict[str, Any]) -> None:
    """Each picture of a batch is what Painter makes of it."""
    expected = [Painter(network).paint_array(each, "red", **dials) for each in batch]
    assert np.array_equal(paint(batch, red(), network=network, **dials), np.stack(expected))


def test_a_tensor_gives_a_tensor(batch: np.ndarray, network: str) -> None:
    """A tensor, of half precision too, comes back as a float32 tensor, and is left as it was."""
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(batch.copy())
    painted = paint(tensor, red(), network=network)
    assert painted.dtype == torch.float32 and np.array_equal(tensor.numpy(), batch)
    assert np.array_equal(painted.numpy(), paint(batch, red(), network=network))
    assert paint(tensor.half(), red(), network=network).dtype == torch.float32


def test_batches_of_several_sizes(batch: np.ndarray, network: str) -> None:
    """One node paints batches of one size after batches of another; alpha goes through."""
    alpha = np.concatenate([batch, batch[..., :1]], axis=-1)
    assert np.array_equal(paint(alpha, red(), network=network)[..., 3], batch[..., 0])
    assert paint(batch[:1, :30, :35], red(), network=network).shape == (1, 30, 35, 3)
    assert paint(batch, red(), network=network).shape == batch.shape


def test_a_mix_is_that_of_the_painter(batch: np.ndarray, network: str) -> None:
    """Styles that are chained are mixed by their weights."""
    (mix,) = nodes.ImpastoStyle().style("green", 0.25, mix_with=nodes.Style({"red": 0.75}))
    expected = Painter(network).paint_array(batch[0], {"red": 0.75, "green": 0.25})
    assert np.allclose(paint(batch[:1], mix, network=network)[0], expected, atol=1e-6)
    with pytest.raises(ImpastoError, match="'red' is there twice in a mix"):
        nodes.ImpastoStyle().style("red", 0.25, mix_with=nodes.Style({"red": 0.75}))


def test_regions_are_those_of_the_painter(batch: np.ndarray, network: str) -> None:
    """Each mask gets its style; one mask serves a whole batch, or each picture has its own."""
    masks = np.zeros((2, 40, 48), np.float32)
    masks[0, :20], masks[1, :, 24:] = 1, 0.5
    painter = Painter(network)
    (one,) = nodes.ImpastoRegion().region(nodes.Style({"blue": 1.0}), masks[:1])
    (own,) = nodes.ImpastoRegion().region(nodes.Style({"blue": 1.0}), masks)
    for regions, planes in ((one, masks[[0, 0]]), (own, masks)):
        expected = [
            painter.paint_array(each, "red", masks={"blue": plane}) for each, plane in zip(batch, planes, strict=True)
        ]
        assert np.array_equal(paint(batch, red(), regions=regions, network=network), np.stack(expected))
    (two,) = nodes.ImpastoRegion().region(nodes.Style({"green": 1.0}), masks[1], more=one)
    expected = painter.paint_array(batch[0], "red", masks={"blue": masks[0], "green": masks[1]})
    assert np.array_equal(paint(batch[:1], red(), regions=two, network=network)[0], expected)
    with pytest.raises(ImpastoError, match="two masks are given for 'blue'"):
        nodes.ImpastoRegion().region(nodes.Style({"blue": 1.0}), masks, more=one)


@pytest.fixture
def file(network_file: Path, tmp_path: Path) -> Path:
    """A file with one style, as teach writes it."""
    bank = Bank.load(network_file.with_suffix(".safetensors"))
    mine = bank.add("mine", bank["green"], Card("", "", "", "", "")).select(["mine"])
    mine.save(tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def test_a_style_out_of_a_file(batch: np.ndarray, network: str, file: Path) -> None:
    """A style out of a file is painted, mixed, and looked at again when the file changes; the next painting forgets."""
    (style,) = nodes.ImpastoStyleFile().style(str(file))
    painted = paint(batch, style, network=network)
    assert np.array_equal(painted, paint(batch, nodes.Style({"green": 1.0}), network=network))
    assert nodes.ImpastoStyleFile.IS_CHANGED(str(file), name="", weight=1.0) == file.stat().st_mtime
    with pytest.raises(ImpastoError, match="no style 'mine'"):
        paint(batch, nodes.Style({"mine": 1.0}), network=network)


def test_wrong_files_of_styles_are_sentences(file: Path) -> None:
    """No file, one that is none, and a name that it does not have are one sentence each."""
    for words, said in (
        ((" ",), "no file of styles is named"),
        ((str(file.with_name("no.safetensors")),), "no.safetensors"),
        ((str(file), "mime"), "did you mean 'mine'"),
    ):
        with pytest.raises(ImpastoError, match=said):
            nodes.ImpastoStyleFile().style(*words)


def test_a_style_of_another_network_is_a_sentence(batch: np.ndarray, file: Path) -> None:
    """A style that was taught to another network is refused with the reason."""
    (style,) = nodes.ImpastoStyleFile().style(str(file))
    with pytest.raises(ImpastoError, match="belongs to"):
        paint(batch, style, network="fast")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "image is of type NoneType, not a tensor"),
        (np.zeros((4, 4, 3), np.float32), "image is 4 x 4 x 3, and an IMAGE is batch x height x width x 3 or 4"),
        (np.zeros((1, 4, 4, 2), np.float32), "connect an IMAGE"),
        (np.zeros((0, 4, 4, 3), np.float32), "connect an IMAGE"),
        (np.full((1, 8, 8, 3), np.nan, np.float32), "NaN"),
        (np.full((1, 8, 8, 3), 200, np.float32), "span 0..1"),
    ],
)
def test_wrong_images_are_sentences(image: Any, said: str, network: str) -> None:
    """What is no IMAGE is one sentence, by which ComfyUI marks the node."""
    with pytest.raises(ImpastoError, match=said):
        paint(image, red(), network=network)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        ("white", "the mask of 'blue' is of type str"),
        (np.zeros((1, 1, 40, 48), np.float32), "connect a MASK"),
        (np.zeros((3, 40, 48), np.float32), "has 3 planes for 2 images"),
        (np.zeros((64, 64), np.float32), "64 x 64 pixels and the photo 48 x 40"),
    ],
)
def test_wrong_masks_are_sentences(mask: Any, said: str, batch: np.ndarray, network: str) -> None:
    """What is no MASK for these images is one sentence; so is the 64 x 64 that an image without alpha comes with."""
    (regions,) = nodes.ImpastoRegion().region(nodes.Style({"blue": 1.0}), mask)
    with pytest.raises(ImpastoError, match=said):
        paint(batch, red(), regions=regions, network=network)


@pytest.mark.parametrize(
    ("style", "dials", "said"),
    [
        ({"rod": 1.0}, {}, "did you mean 'red'"),
        ({"red": 0.0}, {}, "0"),
        ({"red": 1.0}, {"strength": 2.0}, "strength must be"),
        ({"red": 1.0}, {"brush": "huge"}, "brush must be"),
        ({"red": 1.0}, {"stroke_size": 3000}, "stroke size"),
    ],
)
def test_wrong_dials_are_sentences(
    style: dict[str, float], dials: dict[str, Any], said: str, batch: np.ndarray, network: str
) -> None:
    """A dial that a workflow has wrong is one of impasto's sentences, before anything is painted."""
    with pytest.raises(ImpastoError, match=said):
        paint(batch, nodes.Style(style), network=network, **dials)


def test_cancel_and_progress_are_comfyuis(batch: np.ndarray, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI's bar moves to its end, and its Cancel leaves the batch with ComfyUI's own exception."""

    class Interrupted(Exception):
        pass

    shown: list[float] = []
    bar = SimpleNamespace(update_absolute=shown.append)
    monkeypatch.setitem(sys.modules, "comfy.utils", SimpleNamespace(ProgressBar=lambda total: bar))
    paint(batch, red(), network=network)
    assert shown == sorted(shown) and shown[-1] == 100

    def stop() -> None:
        if 50 in shown:
            raise Interrupted

    shown.clear()
    management = SimpleNamespace(throw_exception_if_processing_interrupted=stop)
    monkeypatch.setitem(sys.modules, "comfy.model_management", management)
    with pytest.raises(Interrupted):
        paint(batch, red(), network=network)
    assert shown[-1] == 50


@pytest.fixture
def quick(network: str, loss_network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teaching takes two small steps, with a loss network of random weights."""
    from impasto.learn.teach import course
    from impasto.learn.teach.settings import LessonSettings

    tiny = {"match_size": 16, "match_photos": 1, "match_steps": 1, "content_layer": "relu1_1"}
    layers = ("relu1_1",)
    settings = LessonSettings(steps=2, batch=1, size=16, checks=1, style_size=80, style_layers=layers, **tiny)
    given = {"settings": settings, "loss_network": loss_network, "precision": "float32"}
    monkeypatch.setattr(course, "teach", partial(course.teach, **given))


def test_a_painting_becomes_a_style(
    batch: np.ndarray, network: str, quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A painting is learned although ComfyUI computes no gradients, painted at once, and kept in a file."""
    torch, file = pytest.importorskip("torch"), tmp_path / "mine.safetensors"
    painting = np.random.default_rng(2).random((1, 80, 72, 3), np.float32)
    shown: list[float] = []
    bar = SimpleNamespace(update_absolute=shown.append)
    monkeypatch.setitem(sys.modules, "comfy.utils", SimpleNamespace(ProgressBar=lambda total: bar))
    with torch.inference_mode():
        (style,) = nodes.ImpastoTeach().teach(torch.from_numpy(painting), "mine", file=str(file), network=network)
    assert shown == sorted(shown) and shown
    (kept,) = nodes.ImpastoStyleFile().style(str(file))
    assert np.array_equal(paint(batch, style, network=network), paint(batch, kept, network=network))
    with pytest.raises(ImpastoError, match="is there already; use it by Style from a file"):
        nodes.ImpastoTeach().teach(painting, "mine", file=str(file), network=network)
    with pytest.raises(ImpastoError, match="cannot be written"):
        nodes.ImpastoTeach().teach(painting, "mine", file=str(tmp_path / "no" / "x.safetensors"), network=network)
    with pytest.raises(ImpastoError, match="another name|already"):
        nodes.ImpastoTeach().teach(painting, "red", network=network)


def test_teaching_needs_its_extra(batch: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch, one sentence says what to install."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImpastoError, match="torch is not installed: pip install"):
        nodes.ImpastoTeach().teach(batch, "mine")


def test_the_registry_would_take_it() -> None:
    """Its pyproject.toml and its code are as the registry's rules want them; who publishes fills in the rest."""
    read = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))
    project, text = read["project"], (FOLDER / "nodes.py").read_text(encoding="utf-8")
    assert "comfyui" not in project["name"].lower() and project["version"] == assets.__version__
    assert set(project["license"]) == {"text"} and project["description"] and read["tool"]["comfy"]["DisplayName"]
    assert not [word for word in ("eval(", "exec(", "subprocess", "os.system", "http") if word in text]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_example_fits_together(path: Path) -> None:
    """Every link of an example joins an output to an input of its type, and every widget has a value it takes."""
    found = json.loads(path.read_text(encoding="utf-8"))
    by_id = {node["id"]: node for node in found["nodes"]}
    for number, giver, out, taker, into, kind in found["links"]:
        output, entry = by_id[giver]["outputs"][out], by_id[taker]["inputs"][into]
        assert number in output["links"] and entry["link"] == number and output["type"] == entry["type"] == kind
    ours = [node for node in found["nodes"] if node["type"].startswith("Impasto")]
    assert ours
    for node in ours:
        made = nodes.NODE_CLASS_MAPPINGS[node["type"]]
        inputs = {name: kind for part in made.INPUT_TYPES().values() for name, kind in part.items()}
        sockets = {
            name for name, kind in inputs.items() if kind[0] in (nodes.IMAGE, nodes.MASK, nodes.STYLE, nodes.REGIONS)
        }
        assert {each["name"] for each in node["inputs"]} == sockets
        assert [each["type"] for each in node["outputs"]] == list(made.RETURN_TYPES)
        widgets = [kind for name, kind in inputs.items() if name not in sockets]
        for (kind, *_), value in zip(widgets, node["widgets_values"], strict=True):
            assert value in kind if isinstance(kind, list) else isinstance(value, (bool, int, float, str))


def test_the_mix_example_paints() -> None:
    """The first example, run node by node over its links, paints with the network that comes along."""
    found = json.loads((FOLDER / "example_workflows" / "mix.json").read_text(encoding="utf-8"))
    image = np.random.default_rng(1).random((1, 32, 40, 3), np.float32)
    given: dict[int, Any] = {}
    for node in sorted(found["nodes"], key=lambda node: node["order"]):
        taken = {each["name"]: given[each["link"]] for each in node["inputs"] if each["link"] is not None}
        results: tuple[Any, ...] = (image, None)
        if node["type"] in nodes.NODE_CLASS_MAPPINGS:
            made = nodes.NODE_CLASS_MAPPINGS[node["type"]]
            inputs = [name for part in made.INPUT_TYPES().values() for name in part]
            sockets = {each["name"] for each in node["inputs"]}
            widgets = dict(zip([name for name in inputs if name not in sockets], node["widgets_values"], strict=True))
            results = getattr(made(), made.FUNCTION)(**taken, **widgets)
        for result, output in zip(results, node["outputs"], strict=False):
            given |= {link: result for link in output["links"]}
    mix = {"hokusai-great-wave": 1.0, "van-gogh-road-with-cypress-and-star": 1.0}
    assert np.allclose(taken["images"][0], Painter().paint_array(image[0], mix), atol=1e-5)
