"""A layer of Krita's, or what is selected of it, painted by the installed impasto into a new layer above it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from krita import Extension, Krita
from PyQt5.QtCore import QByteArray, QRect, Qt
from PyQt5.QtGui import QImage, QPainter
from PyQt5.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QMessageBox,
    QProgressDialog,
)

from . import command

TITLE = "Paint with impasto"
SRGB = ("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")  # colour model, depth and profile, as Krita names them
WITH_PIXELS = ("paintlayer", "grouplayer", "filelayer", "vectorlayer", "clonelayer", "filllayer")


class ImpastoPaint(Extension):
    """What Krita asks a plug-in for: an entry of the menu, and what it does."""

    def setup(self) -> None:
        pass

    def createActions(self, window: Any) -> None:
        action = window.createAction("impasto_paint", TITLE + "...", "tools/scripts")
        action.triggered.connect(self.run)

    def run(self) -> None:
        """Ask, and paint. The image is as it was wherever a sentence is shown instead."""
        try:
            document = Krita.instance().activeDocument()
            node = document and document.activeNode()
            part = part_of(document, node)
            dialog = Dialog(command.styles())
            if dialog.exec_():
                waiting = Waiting()
                try:
                    paint(document, node, part, dialog.choice(), waiting.cancelled)
                finally:
                    waiting.close()
        except command.Trouble as trouble:
            QMessageBox.warning(None, TITLE, str(trouble))


class Dialog(QDialog):
    """The dials of ``impasto paint``, with the installed styles."""

    def __init__(self, styles: list[str]) -> None:
        super().__init__(QApplication.activeWindow())
        if not styles:
            raise command.Trouble("the installed impasto has no styles; install it again")
        self.setWindowTitle(TITLE)
        begin = command.Choice(styles[0])
        self.style_box, self.brush_box = QComboBox(), QComboBox()
        self.style_box.addItems(styles)
        self.brush_box.addItems(command.BRUSHES)
        self.brush_box.setCurrentText(begin.brush)
        self.strength_box = QDoubleSpinBox()
        self.strength_box.setRange(*command.STRENGTHS)
        self.strength_box.setSingleStep(0.05)
        self.strength_box.setValue(begin.strength)
        self.color_box = QCheckBox("Keep the colours of the layer")
        buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow("Style", self.style_box)
        form.addRow("Strength", self.strength_box)
        form.addRow("Brush", self.brush_box)
        form.addRow(self.color_box)
        form.addRow(buttons)

    def choice(self) -> command.Choice:
        return command.Choice(
            self.style_box.currentText(),
            self.strength_box.value(),
            self.brush_box.currentText(),
            self.color_box.isChecked(),
        )


class Waiting(QProgressDialog):
    """A window with Cancel, while impasto paints; nothing else of Krita can be used meanwhile."""

    def __init__(self) -> None:
        super().__init__("impasto is painting...", "Cancel", 0, 0, QApplication.activeWindow())
        self.setWindowTitle(TITLE)
        self.setWindowModality(Qt.ApplicationModal)
        self.setMinimumDuration(0)
        self.show()

    def cancelled(self) -> bool:
        """Let the window live for a moment; whether Cancel was pressed."""
        QApplication.processEvents()
        return bool(self.wasCanceled())


def part_of(document: Any, node: Any) -> QRect:
    """What of the layer is to be painted: its pixels on the canvas, or what is selected; Trouble where that is none."""
    if document is None or node is None:
        raise command.Trouble("open an image and choose a layer first")
    if node.type() not in WITH_PIXELS:
        raise command.Trouble(f"{node.name()} has no pixels to be painted; choose a paint layer")
    part = node.bounds() & QRect(0, 0, document.width(), document.height())
    selection = document.selection()
    if selection is not None:
        part &= QRect(selection.x(), selection.y(), selection.width(), selection.height())
    if part.isEmpty():
        what = f"nothing of {node.name()} is selected" if selection is not None else f"{node.name()} is empty"
        raise command.Trouble(f"{what}; choose a layer with pixels, or select a part of it")
    return part


def paint(
    document: Any, node: Any, part: QRect, choice: command.Choice, cancelled: Callable[[], bool] = lambda: False
) -> Any:
    """Paint a part of a layer into a new layer above it, which is returned; None once it was cancelled."""
    with command.scratch() as folder:
        photo = Path(folder) / "photo.png"
        save(node, part, photo)
        painting = command.paint(photo, choice, cancelled)
        if painting is None:
            return None
        image = QImage(str(painting)).convertToFormat(QImage.Format_ARGB32)
    if image.size() != part.size():
        raise command.Trouble("the painting is not as large as the layer; update impasto or the plug-in")
    selection = document.selection()
    if selection is not None:
        keep_selected(image, selection.pixelData(*part.getRect()))
    new = document.createNode(f"{node.name()} ({choice.style})", "paintlayer")
    new.setPixelData(converted(bytes_of(image), part, SRGB, space_of(new)), *part.getRect())
    node.parentNode().addChildNode(new, node)
    document.refreshProjection()
    return new


def save(node: Any, part: QRect, photo: Path) -> None:
    """Write a part of a layer as 8-bit sRGB PNG, whatever its colour space is."""
    pixels = converted(node.projectionPixelData(*part.getRect()), part, space_of(node), SRGB)
    if not bytes(pixels)[3::4].strip(b"\0"):
        raise command.Trouble(f"{node.name()} is transparent there; choose a layer with pixels")
    image = QImage(pixels, part.width(), part.height(), 4 * part.width(), QImage.Format_ARGB32)
    if not image.save(str(photo)):
        raise command.Trouble("Krita could not write the layer into a temporary file; is the disk full?")


def space_of(node: Any) -> tuple[str, str, str]:
    return node.colorModel(), node.colorDepth(), node.colorProfile()


def converted(pixels: Any, part: QRect, before: tuple[str, ...], after: tuple[str, ...]) -> Any:
    """Pixels of one colour space in another; Krita itself does it, in a document that nobody sees."""
    if before == after:
        return pixels
    width, height = part.width(), part.height()
    document = Krita.instance().createDocument(width, height, "impasto", *before, 72.0)
    document.setBatchmode(True)  # asks nothing
    layer = document.topLevelNodes()[0]
    layer.setPixelData(pixels, 0, 0, width, height)
    document.setColorSpace(*after)
    document.waitForDone()
    found = layer.pixelData(0, 0, width, height)
    document.close()
    return found


def keep_selected(image: QImage, weights: Any) -> None:
    """Make an image transparent where nothing is selected, and in between where edges are soft."""
    width, height = image.width(), image.height()
    painter = QPainter(image)
    painter.setCompositionMode(QPainter.CompositionMode_DestinationIn)
    painter.drawImage(0, 0, QImage(weights, width, height, width, QImage.Format_Alpha8))
    painter.end()


def bytes_of(image: QImage) -> QByteArray:
    """The pixels of an image, blue, green, red, alpha, as Krita has them."""
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return QByteArray(bytes(bits))
