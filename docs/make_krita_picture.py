"""The picture in docs/integrations.md: Krita 5 with a layer that its plug-in has painted. Takes a minute or two.

Needs krita and xvfb-run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from impasto import assets
from tests.integrations.krita_session import session

PLACE = Path(__file__).parent / "images" / "krita.jpg"
WIDTH, QUALITY = 1200, 82
DRIVER = """\
import os
from krita import Krita, Selection
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication
from impasto_paint import command, plugin

app = Krita.instance()
window = app.activeWindow().qwindow()
window.setGeometry(0, 0, 1280, 800)
document = app.openDocument(os.environ["PHOTO"])
app.activeWindow().addView(document)
app.setActiveDocument(document)
for _ in range(30):
    QApplication.processEvents()
app.activeWindow().activeView().canvas().setZoomLevel(1.5)
half = Selection()
half.select(document.width() // 2, 0, document.width() // 2, document.height(), 255)
document.setSelection(half)
node = document.topLevelNodes()[0]
part = plugin.part_of(document, node)
new = plugin.paint(document, node, part, command.Choice("hokusai-great-wave"))
document.setActiveNode(new)
document.setSelection(None)
document.refreshProjection()
document.waitForDone()

def shoot():
    dialog = QApplication.activeModalWidget()
    dialog.style_box.setCurrentText("hokusai-great-wave")
    dialog.move(400, 480)
    QTimer.singleShot(3000, lambda: (
        app.activeWindow().qwindow().screen().grabWindow(0).save(os.environ["DRIVER_OUT"] + "/shot.png"),
        dialog.reject(),
    ))

QTimer.singleShot(3000, shoot)
app.action("impasto_paint").trigger()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "impasto"
        path = Path(assets.__file__).parents[1]
        code = f"import sys; sys.path.insert(0, {str(path)!r}); from impasto.__main__ import main; main()"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -c "{code}" "$@"\n')
        program.chmod(0o755)
        out = session(DRIVER, Path(folder), screen="1280x800x24", IMPASTO=str(program), PHOTO=str(assets.DEMO))
        shot = Image.open(out / "shot.png").convert("RGB")
    shot.resize((WIDTH, round(shot.height * WIDTH / shot.width)), Image.Resampling.LANCZOS).save(PLACE, quality=QUALITY)


if __name__ == "__main__":
    main()
