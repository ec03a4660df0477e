#!/usr/bin/env python3
"""Filters > Artistic > Paint with impasto, for GIMP 3: a layer, or what is selected of it, painted into a new layer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import command
import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gio, GLib, GObject, Gtk  # noqa: E402

PROCEDURE = "plug-in-impasto-paint"
TITLE = "Paint with impasto"


class ImpastoPaint(Gimp.PlugIn):
    """What GIMP asks a plug-in for: its procedures, and what each of them is."""

    def do_set_i18n(self, name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> Any:
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label("Paint with _impasto...")
        procedure.add_menu_path("<Image>/Filters/Artistic")
        procedure.set_documentation(
            "Paint a layer in the style of a painting, into a new layer", "Calls impasto.", name
        )
        procedure.set_attribution("The impasto authors", "The impasto authors", "2026")
        flags, begin = GObject.ParamFlags.READWRITE, command.Choice("")
        procedure.add_string_argument("style", "St_yle", "As impasto styles lists them; empty: the first", "", flags)
        low, high = command.STRENGTHS
        procedure.add_double_argument("strength", "_Strength", "0 is the layer, 1 the style", low, high, 1.0, flags)
        brushes = Gimp.Choice.new()
        for place, brush in enumerate(command.BRUSHES):
            brushes.add(brush, place, brush, "")
        procedure.add_choice_argument("brush", "_Brush", "Strokes on large layers", brushes, begin.brush, flags)
        procedure.add_boolean_argument("keep-color", "Keep _colours", "Keep the colours of the layer", False, flags)
        return procedure


def run(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, data: Any) -> Any:
    """What GIMP calls. The image is as it was wherever this does not end in success."""
    try:
        layer = layer_of(drawables)
        styles = command.styles()
        if not styles:
            raise command.Trouble("the installed impasto has no styles; install it again")
        if run_mode != Gimp.RunMode.INTERACTIVE:
            painted = paint(image, layer, chosen(config, styles))
        elif asked(procedure, config, styles):
            with Waiting() as window:
                painted = paint(image, layer, chosen(config, styles), window.cancelled)
        else:
            painted = False
    except command.Trouble as trouble:
        error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), str(trouble), 0)
        return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)
    status = Gimp.PDBStatusType.SUCCESS if painted else Gimp.PDBStatusType.CANCEL
    return procedure.new_return_values(status, GLib.Error())


def layer_of(drawables: list[Any]) -> Any:
    """The one layer that is chosen; Trouble where it is none with pixels of its own."""
    if len(drawables) != 1 or not isinstance(drawables[0], Gimp.Layer):
        raise command.Trouble("choose one layer to be painted")
    if drawables[0].is_group():
        name = drawables[0].get_name()
        raise command.Trouble(f"{name} is a group and has no pixels of its own; choose a layer, or merge the group")
    return drawables[0]


def chosen(config: Any, styles: list[str]) -> command.Choice:
    style = config.get_property("style") or styles[0]
    values = (config.get_property(name) for name in ("strength", "brush", "keep-color"))
    return command.Choice(style, *values)


def paint(image: Any, layer: Any, choice: command.Choice, cancelled: Callable[[], bool] = lambda: False) -> bool:
    """Paint a layer, or what is selected of it, into a new one above it; False once it was cancelled."""
    found, x, y, width, height = layer.mask_intersect()
    if not found:
        raise command.Trouble(f"nothing of {layer.get_name()} is selected; select a part of it, or nothing")
    with command.scratch() as folder:
        photo = Path(folder) / "photo.png"
        save(image, layer, (x, y, width, height), photo)
        painting = command.paint(photo, choice, cancelled)
        if painting is None:
            return False
        file = Gio.File.new_for_path(str(painting))
        new = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, file)
    if new is None:
        raise command.Trouble("GIMP could not open the painting; see its error console")
    _, left, top = layer.get_offsets()
    image.undo_group_start()
    try:
        new.set_name(f"{layer.get_name()} ({choice.style})")
        image.insert_layer(new, layer.get_parent(), image.get_item_position(layer))
        new.set_offsets(left + x, top + y)
        if not Gimp.Selection.is_empty(image):
            new.add_mask(new.create_mask(Gimp.AddMaskType.SELECTION))
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return True


def save(image: Any, layer: Any, part: tuple[int, int, int, int], photo: Path) -> None:
    """Write a part of a layer as PNG, in the precision and profile of its image (floats become 16 bits)."""
    x, y, width, height = part
    copy = Gimp.Image.new_with_precision(width, height, image.get_base_type(), image.get_precision())
    try:
        copy.set_color_profile(image.get_color_profile())
        alone = Gimp.Layer.new_from_drawable(layer, copy)
        copy.insert_layer(alone, None, 0)
        alone.set_visible(True)
        alone.set_opacity(100.0)
        alone.set_mode(Gimp.LayerMode.NORMAL)
        alone.resize(width, height, -x, -y)
        alone.set_offsets(0, 0)
        copy.select_item(Gimp.ChannelOps.REPLACE, alone)  # what is not transparent
        if Gimp.Selection.is_empty(copy):
            raise command.Trouble(f"{layer.get_name()} is transparent there; choose a layer with pixels")
        Gimp.Selection.none(copy)
        if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, copy, Gio.File.new_for_path(str(photo)), None):
            raise command.Trouble("GIMP could not write the layer into a temporary file; is the disk full?")
    finally:
        copy.delete()


def asked(procedure: Any, config: Any, styles: list[str]) -> bool:
    """Show the dials, with the installed styles as a list, and put what is chosen into ``config``."""
    GimpUi.init(PROCEDURE)
    dialog = GimpUi.ProcedureDialog.new(procedure, config, TITLE)
    combo = Gtk.ComboBoxText()
    for name in styles:
        combo.append(name, name)
    begin = config.get_property("style")
    combo.set_active_id(begin if begin in styles else styles[0])
    combo.show()
    dialog.get_content_area().pack_start(combo, False, False, 6)
    dialog.fill(["strength", "brush", "keep-color"])
    agreed: bool = dialog.run()
    if agreed:
        config.set_property("style", combo.get_active_id())
    dialog.destroy()
    return agreed


class Waiting:
    """A window with Cancel, while impasto paints. (GIMP's own Cancel would end the plug-in and leave impasto alone.)"""

    def __enter__(self) -> Waiting:
        self.stopped = False
        self.window = Gtk.Dialog(title=TITLE)
        self.window.add_button("_Cancel", Gtk.ResponseType.CANCEL)
        self.bar = Gtk.ProgressBar()
        self.window.get_content_area().pack_start(self.bar, True, True, 12)
        self.window.connect("response", self.stop)  # closing the window is one, too
        self.window.show_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.window.destroy()

    def stop(self, *_: object) -> None:
        self.stopped = True

    def cancelled(self) -> bool:
        """Let the window live for a moment; whether Cancel was pressed."""
        self.bar.pulse()
        while Gtk.events_pending():
            Gtk.main_iteration()
        return self.stopped


if __name__ == "__main__":
    Gimp.main(ImpastoPaint.__gtype__, sys.argv)
