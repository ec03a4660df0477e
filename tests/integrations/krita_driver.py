"""What tests/integrations/test_krita.py has Krita do; runs inside Krita, and writes down what came out."""

import json
import os
import struct
from pathlib import Path

from impasto_paint import command, plugin
from krita import Krita, Selection
from PyQt5.QtCore import QByteArray, QTimer
from PyQt5.QtWidgets import QApplication, QMessageBox

OUT = Path(os.environ["DRIVER_OUT"])
SRGB = plugin.SRGB
app = Krita.instance()
found = {}


def opened(space=SRGB, pixel=bytes([30, 20, 10, 255]), size=(8, 6)):
    """A document of one colour, and its layer."""
    width, height = size
    document = app.createDocument(width, height, "test", *space, 72.0)
    node = document.topLevelNodes()[0]
    node.setName("cat")
    node.setPixelData(QByteArray(pixel * (width * height)), 0, 0, width, height)
    document.refreshProjection()
    return document, node


def state(document):
    return [
        (node.name(), bytes(node.pixelData(0, 0, document.width(), document.height())).hex())
        for node in document.topLevelNodes()
    ]


def painted(document, node, cancelled=lambda: False):
    part = plugin.part_of(document, node)
    return plugin.paint(document, node, part, command.Choice("wave"), cancelled)


def refused(document, node, **env):
    """The sentence, and whether the document is as it was."""
    before, kept = document and state(document), dict(os.environ)
    os.environ.update(env)
    try:
        command.styles()
        painted(document, node)
        said = None
    except command.Trouble as trouble:
        said = str(trouble)
    os.environ.clear()
    os.environ.update(kept)
    return [said, (document and state(document)) == before]


document, node = opened()
before = state(document)
new = painted(document, node)
found["plain"] = {"before": before, "after": state(document), "bounds": list(new.bounds().getRect())}

# 16 bits and floats: Krita keeps integers as blue, green, red, alpha, and floats as red, green, blue, alpha
document, node = opened(("RGBA", "U16", SRGB[2]), struct.pack("<4H", 30 * 257, 20 * 257, 10 * 257, 65535))
new = painted(document, node)
found["U16"] = [plugin.space_of(new)[1], list(struct.unpack("<4H", bytes(new.pixelData(0, 0, 1, 1))))]
document, node = opened(("RGBA", "F32", SRGB[2]), struct.pack("<4f", 10 / 255, 20 / 255, 30 / 255, 1))
new = painted(document, node)
found["F32"] = [plugin.space_of(new)[1], list(struct.unpack("<4f", bytes(new.pixelData(0, 0, 1, 1))))]
document, node = opened(("GRAYA", "U8", ""), bytes([10, 255]))
new = painted(document, node)
found["GRAYA"] = [plugin.space_of(new)[0], list(bytes(new.pixelData(0, 0, 1, 1)))]

# a group
document, node = opened()
group, child = document.createGroupLayer("group"), node.duplicate()
document.rootNode().addChildNode(group, node)
group.addChildNode(child, None)
document.refreshProjection()
document.waitForDone()
new = painted(document, group)
found["group"] = [[each.name() for each in document.topLevelNodes()], list(bytes(new.pixelData(0, 0, 1, 1)))]

# a selection, half of it soft
document, node = opened()
selection = Selection()
selection.select(2, 1, 4, 3, 255)
selection.setPixelData(QByteArray(bytes([128])), 2, 1, 1, 1)
document.setSelection(selection)
new = painted(document, node)
alpha = bytes(new.pixelData(0, 0, 8, 6))[3::4]
found["selected"] = {
    "bounds": list(new.bounds().getRect()),
    "alpha": list(alpha[8:16]),
    "still": bool(document.selection()),
}
selection = Selection()
document.setSelection(selection)

# what cannot be painted
document, node = opened(pixel=bytes(4))
found["transparent"] = refused(document, node)
document, node = opened()
mask = document.createFilterLayer("haze", app.filter("invert"), Selection())
document.rootNode().addChildNode(mask, node)
found["filter"] = refused(document, mask)
found["nothing"] = refused(None, None)
document, node = opened()
for name in ("failing", "old", "none"):
    found[name] = refused(document, node, IMPASTO=os.environ["IMPASTO_" + name.upper()])

# cancelled after some looks
looks = []
before = state(document)
os.environ["IMPASTO"], quick = os.environ["IMPASTO_SLOW"], os.environ["IMPASTO"]
cancelled = painted(document, node, lambda: looks.append(1) or len(looks) > 5)
os.environ["IMPASTO"] = quick
found["cancelled"] = [cancelled is None, state(document) == before]

# from the menu, through the dialog; and with nothing found, which a message says
document, node = opened(size=(64, 48))
app.activeWindow().addView(document)
app.setActiveDocument(document)
QApplication.processEvents()


def answer(again=100):
    window = QApplication.activeModalWidget()
    if isinstance(window, plugin.Dialog):
        found["dialog"] = [window.style_box.itemText(i) for i in range(window.style_box.count())]
        window.accept()
    elif isinstance(window, QMessageBox):
        found["message"] = window.text()
        window.accept()
    elif again:
        QTimer.singleShot(100, lambda: answer(again - 1))


QTimer.singleShot(100, answer)
app.action("impasto_paint").trigger()
found["menu"] = [name for name, _ in state(document)]
app.action("edit_undo").trigger()
document.waitForDone()
found["undone"] = [name for name, _ in state(document)]
os.environ["IMPASTO"] = os.environ["IMPASTO_NONE"]
QTimer.singleShot(100, answer)
app.action("impasto_paint").trigger()
found["menu again"] = [name for name, _ in state(document)]
(OUT / "found.json").write_text(json.dumps(found))
