"""The plug-in for GIMP 3, run against a stand-in for the part of GIMP's documented API that it calls."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from tests.integrations.test_called import COPIES, FAIL, SLOW, Fake, fake as fake, load

PLUG_IN = COPIES[1].parent / "impasto-paint.py"


class Layer:
    """A layer as GIMP gives it: pixels at a place."""

    def __init__(self, pixels: Image.Image, name: str = "cat", at: tuple[int, int] = (0, 0), group: bool = False):
        self.pixels, self.name, self.at, self.group = pixels, name, at, group
        self.image: Picture | None = None
        self.mask: Image.Image | None = None

    @staticmethod
    def new_from_drawable(layer: Layer, image: Picture) -> Layer:
        return Layer(layer.pixels.copy(), layer.name, layer.at)

    def is_group(self) -> bool:
        return self.group

    def get_name(self) -> str:
        return self.name

    def set_name(self, name: str) -> None:
        self.name = name

    def get_parent(self) -> None:
        return None

    def get_offsets(self) -> tuple[bool, int, int]:
        return (True, *self.at)

    def set_offsets(self, x: int, y: int) -> None:
        self.at = (x, y)

    def resize(self, width: int, height: int, x: int, y: int) -> None:
        self.pixels = self.pixels.crop((-x, -y, width - x, height - y))

    def set_visible(self, _: bool) -> None: ...
    def set_opacity(self, _: float) -> None: ...
    def set_mode(self, _: str) -> None: ...

    def mask_intersect(self) -> tuple[bool, int, int, int, int]:
        assert self.image is not None
        (left, top), (width, height) = self.at, self.pixels.size
        a, b, c, d = self.image.selected or (left, top, left + width, top + height)
        a, b, c, d = max(a, left), max(b, top), min(c, left + width), min(d, top + height)
        return (a < c and b < d, a - left, b - top, c - a, d - b)

    def create_mask(self, kind: str) -> str:
        return kind

    def add_mask(self, mask: Any) -> None:
        self.mask = mask


class Picture:
    """An image as GIMP gives it: layers, the topmost first, and a selection."""

    open = 0

    def __init__(self, *layers: Layer, precision: str = "u8") -> None:
        self.layers = list(layers)
        self.precision, self.profile = precision, "a profile"
        self.selected: tuple[int, int, int, int] | None = None
        self.emptied = False
        self.groups: list[str] = []
        for layer in layers:
            layer.image = self

    @classmethod
    def new_with_precision(cls, width: int, height: int, kind: str, precision: str) -> Picture:
        cls.open += 1
        return cls(precision=precision)

    def delete(self) -> None:
        Picture.open -= 1

    def get_base_type(self) -> str:
        return "rgb"

    def get_precision(self) -> str:
        return self.precision

    def get_color_profile(self) -> str:
        return self.profile

    def set_color_profile(self, profile: str) -> None:
        assert profile == "a profile"

    def insert_layer(self, layer: Layer, parent: None, position: int) -> None:
        layer.image = self
        self.layers.insert(position, layer)

    def get_item_position(self, layer: Layer) -> int:
        return self.layers.index(layer)

    def select_item(self, operation: str, layer: Layer) -> None:
        box = layer.pixels.getchannel("A").getbbox() if layer.pixels.mode == "RGBA" else (0, 0, *layer.pixels.size)
        self.selected, self.emptied = box, box is None

    def undo_group_start(self) -> None:
        self.groups.append("start")

    def undo_group_end(self) -> None:
        self.groups.append("end")

    @property
    def state(self) -> list[tuple[str, bytes]]:
        return [(layer.name, layer.pixels.tobytes()) for layer in self.layers]


class Procedure:
    """What was registered, and what is returned."""

    def __init__(self) -> None:
        self.arguments: dict[str, tuple[Any, ...]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("add_") and name.endswith("_argument"):
            return lambda argument, *rest: self.arguments.update({argument: rest})
        return lambda *words: None

    def new_return_values(self, status: str, error: Any) -> tuple[str, Any]:
        return status, error


class Config(dict[str, Any]):
    get_property = dict.__getitem__
    set_property = dict.__setitem__


class Widget:
    """Any of GTK's windows and widgets; the dialog answers what ``answer`` says, and Cancel is pressed by ``press``."""

    answer = True
    press = False
    made: list[Widget] = []

    def __init__(self, *_: Any, **__: Any) -> None:
        self.items: list[str] = []
        self.heard: Callable[..., None] | None = None
        Widget.made.append(self)

    def append(self, key: str, text: str) -> None:
        self.items.append(key)

    def set_active_id(self, key: str) -> None:
        self.active = key

    def get_active_id(self) -> str:
        return self.items[-1]

    def get_content_area(self) -> Widget:
        return self

    def run(self) -> bool:
        return Widget.answer

    def connect(self, signal: str, heard: Callable[..., None]) -> None:
        self.heard = heard

    def pulse(self) -> None:
        for each in Widget.made if Widget.press else ():
            if each.heard:
                each.heard(each, "cancel")

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: None


def names(*words: str) -> SimpleNamespace:
    return SimpleNamespace(**{word: word for word in words})


def save_png(mode: str, image: Picture, file: Path, options: None) -> bool:
    """GIMP writes 16 bits where the image has more than 8."""
    (layer,) = image.layers
    layer.pixels.save(file)
    return True


def stand_in() -> dict[str, ModuleType]:
    gi, repository = ModuleType("gi"), ModuleType("gi.repository")
    gi.require_version = lambda name, version: None  # type: ignore[attr-defined]
    selection = SimpleNamespace(
        is_empty=lambda image: image.selected is None, none=lambda image: setattr(image, "selected", None)
    )
    error = SimpleNamespace(new_literal=lambda domain, message, code: message)
    found = {
        "Gimp": SimpleNamespace(
            PlugIn=type("PlugIn", (), {"__gtype__": "type", "error_quark": staticmethod(lambda: 1)}),
            ImageProcedure=SimpleNamespace(new=lambda *words: Procedure()),
            PDBProcType=names("PLUGIN"),
            PDBStatusType=names("SUCCESS", "CANCEL", "EXECUTION_ERROR"),
            ProcedureSensitivityMask=names("DRAWABLE"),
            RunMode=names("INTERACTIVE", "NONINTERACTIVE"),
            AddMaskType=names("SELECTION"),
            ChannelOps=names("REPLACE"),
            LayerMode=names("NORMAL"),
            Choice=SimpleNamespace(new=lambda: Widget()),
            Selection=selection,
            Image=Picture,
            Layer=Layer,
            file_save=save_png,
            file_load_layer=lambda mode, image, file: Layer(Image.open(file).copy(), file.name),
            displays_flush=lambda: None,
        ),
        "GimpUi": SimpleNamespace(init=lambda name: None, ProcedureDialog=SimpleNamespace(new=Widget)),
        "Gio": SimpleNamespace(File=SimpleNamespace(new_for_path=Path)),
        "GLib": SimpleNamespace(Error=type("Error", (), {"new_literal": staticmethod(error.new_literal)})),
        "GObject": SimpleNamespace(ParamFlags=names("READWRITE")),
        "Gtk": SimpleNamespace(
            ComboBoxText=Widget,
            Dialog=Widget,
            ProgressBar=Widget,
            ResponseType=names("CANCEL"),
            events_pending=lambda: False,
            main_iteration=lambda: None,
        ),
    }
    for name, value in found.items():
        setattr(repository, name, value)
    return {"gi": gi, "gi.repository": repository}


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The plug-in's own file, as GIMP starts it: its folder is where it imports from."""
    for name, module in stand_in().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(PLUG_IN.parent))
    monkeypatch.delitem(sys.modules, "command", raising=False)
    monkeypatch.setattr(Widget, "made", [])
    monkeypatch.setattr(Widget, "answer", True)
    monkeypatch.setattr(Widget, "press", False)
    Picture.open = 0
    module = load(PLUG_IN, "impasto_paint_of_gimp")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def image() -> Picture:
    return Picture(Layer(Image.new("RGBA", (8, 6), (10, 20, 30, 255)), at=(3, 2)), Layer(Image.new("RGB", (20, 20))))


def run(plug_in: ModuleType, image: Picture, mode: str = "NONINTERACTIVE", **dials: Any) -> tuple[str, Any]:
    config = Config({"style": "wave", "strength": 1.0, "brush": "medium", "keep-color": False, **dials})
    result: tuple[str, Any] = plug_in.run(Procedure(), mode, image, image.layers[:1], config, None)
    assert Picture.open == 0  # no copy of the image is left in GIMP
    return result


def test_it_lies_as_gimp_wants_it() -> None:
    """GIMP takes a file that is called as its folder is, and may be run."""
    assert PLUG_IN.stem == PLUG_IN.parent.name
    assert PLUG_IN.read_text().startswith("#!/usr/bin/env python3\n")
    assert PLUG_IN.stat().st_mode & stat.S_IXUSR or sys.platform == "win32"


def test_its_dials_are_impastos(plug_in: ModuleType) -> None:
    """The procedure that GIMP registers has the dials of impasto paint, with their limits and defaults."""
    made = plug_in.ImpastoPaint()
    (name,) = made.do_query_procedures()
    arguments = made.do_create_procedure(name).arguments
    assert arguments.keys() == {"style", "strength", "brush", "keep-color"}
    assert arguments["strength"][2:5] == (0.0, 1.5, 1.0) and arguments["brush"][3] == "medium"


def test_a_layer_is_painted_into_a_new_one(plug_in: ModuleType, fake: Fake, image: Picture) -> None:
    """The painting is a layer above the layer, at its place, and one step of undo."""
    fake()
    below = image.state
    assert run(plug_in, image)[0] == "SUCCESS"
    new = image.layers[0]
    assert (new.name, new.at, new.mask) == ("cat (wave)", (3, 2), None)
    assert new.pixels.getpixel((0, 0)) == (245, 235, 225, 255)
    assert image.state[1:] == below and image.groups == ["start", "end"]


def test_dials_go_to_impasto(plug_in: ModuleType, fake: Fake, image: Picture) -> None:
    """What is chosen in the dialog, the style from the list of the installed ones, is what impasto is called with."""
    log = fake(styles='{"styles": [{"name": "wave"}, {"name": "tower"}]}')
    assert run(plug_in, image, "INTERACTIVE", **{"strength": 0.5, "keep-color": True})[0] == "SUCCESS"
    assert "--style tower --strength 0.5 --brush medium --keep-color" in log.read_text()


def test_only_what_is_selected_is_painted(plug_in: ModuleType, fake: Fake, image: Picture) -> None:
    """With a selection, only its part is painted, and the selection is the new layer's mask."""
    fake()
    image.selected = (5, 0, 30, 5)
    assert run(plug_in, image)[0] == "SUCCESS"
    new = image.layers[0]
    assert (new.at, new.pixels.size, new.mask) == ((5, 2), (6, 3), "SELECTION")
    assert image.selected == (5, 0, 30, 5)


def test_sixteen_bits_go_over_as_they_are(plug_in: ModuleType, fake: Fake) -> None:
    """A layer of 16 bits or floats is handed over in the precision of its image, not in 8 bits."""
    fake()
    seen: list[str] = []
    gimp = sys.modules["gi.repository"].Gimp  # type: ignore[attr-defined]
    gimp.file_save = lambda mode, copy, file, options: seen.append(copy.precision) or save_png(mode, copy, file, None)
    image = Picture(Layer(Image.new("RGB", (8, 6))), precision="float-linear")
    assert run(plug_in, image)[0] == "SUCCESS"
    assert seen == ["float-linear"]


def refused(plug_in: ModuleType, image: Picture, said: str, **dials: Any) -> None:
    before = image.state
    status, message = run(plug_in, image, **dials)
    assert status == "EXECUTION_ERROR" and said in message and "\n" not in message
    assert image.state == before and image.groups == []


def test_what_cannot_be_painted_is_a_sentence(plug_in: ModuleType, fake: Fake, image: Picture) -> None:
    """A group, a transparent layer, a selection beside the layer, no layer: a sentence, and the image as it was."""
    fake()
    image.selected = (15, 15, 20, 20)
    refused(plug_in, image, "nothing of cat is selected")
    refused(plug_in, Picture(Layer(Image.new("RGBA", (4, 4)))), "cat is transparent there")
    refused(plug_in, Picture(Layer(Image.new("RGB", (4, 4)), group=True)), "cat is a group")
    refused(plug_in, Picture(), "choose one layer")


def test_what_impasto_says_is_shown(
    plug_in: ModuleType, fake: Fake, image: Picture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """impasto's own sentence, one for an old impasto, and one for none; the image is as it was."""
    fake(FAIL)
    refused(plug_in, image, "did you mean 'wave'?", style="x")
    fake(version="impasto 0.0.1")
    refused(plug_in, image, "pip install --upgrade impasto")
    monkeypatch.setenv("IMPASTO", str(tmp_path / "none"))
    refused(plug_in, image, "which is no program")


def test_cancel_leaves_the_image_as_it_was(plug_in: ModuleType, fake: Fake, image: Picture) -> None:
    """Cancel in the dialog, or while impasto paints, changes nothing."""
    fake(SLOW)
    before = image.state
    Widget.press = True
    assert run(plug_in, image, "INTERACTIVE")[0] == "CANCEL"
    Widget.answer = False
    assert run(plug_in, image, "INTERACTIVE")[0] == "CANCEL"
    assert image.state == before and image.groups == []
