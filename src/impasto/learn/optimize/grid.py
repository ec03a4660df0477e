"""The experiment of Gatys et al. (2015, figure 3): growing sets of style layers down, content against style across.

Every cell is an optimisation of its own, kept in a folder, so that a grid that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from impasto import limits, pictures
from impasto.errors import LearnError, OptionError, PictureError
from impasto.learn.loss.features import load_loss_network
from impasto.learn.optimize.manifest import asked, manifest, read_manifest, save_picture
from impasto.learn.optimize.recipes import STYLE_LAYERS, settings_for
from impasto.learn.optimize.run import Optimization, OptimizeStep, RunOptions, split
from impasto.pictures import Picture
from impasto.pictures.sheets import contact_sheet

RATIOS = (1e-5, 1e-4, 1e-3, 1e-2)


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell, done: its row and column from 0, the style layers, alpha / beta, the picture, and its manifest."""

    row: int
    column: int
    layers: tuple[str, ...]
    ratio: float
    picture: Picture
    made: dict[str, Any]

    @property
    def label(self) -> str:
        """The label below the cell on the sheet."""
        first, last = self.layers[0], self.layers[-1]
        return f"{first if first == last else f'{first} to {last}'}, {self.ratio:g}"


def grid(
    photo: pictures.Source,
    painting: pictures.Source,
    folder: str | os.PathLike[str],
    *,
    layers: Sequence[str] = STYLE_LAYERS,
    ratios: Sequence[float] = RATIOS,
    recipe: str = "gatys-2015",
    **options: Unpack[RunOptions],
) -> Iterator[OptimizeStep | Cell]:
    """Paint every cell: row i takes the first i + 1 of ``layers``, column j has alpha / beta = ``ratios[j]``.

    Yields the steps of each cell, then the ``Cell``. Cells are PNGs in ``folder``; one that is there, and was asked for
    with the same settings and pictures, is read instead of painted. ``options`` are those of ``optimize``. Raises what
    ``optimize`` raises, all that can be known at once: before the first cell.
    """
    if not layers:
        raise OptionError("a grid needs at least one style layer")
    limits.RATIOS.check("ratios", tuple(ratios))
    keywords, changes = split(options)
    keywords["loss_network"] = keywords.get("loss_network") or load_loss_network()
    own: list[list[dict[str, Any]]] = [
        [{"style_layers": tuple(layers[: row + 1]), "content_weight": ratio, "style_weight": 1.0} for ratio in ratios]
        for row in range(len(layers))
    ]
    table = [[settings_for(recipe, **changes | cell) for cell in each] for each in own]
    for row, each in enumerate(table):
        Optimization(photo, painting, each[0], **keywords)  # a row is as deep and as dear in each of its columns
        for column in range(len(each)):
            _check_free(_path(folder, row, column))

    def cells() -> Iterator[OptimizeStep | Cell]:
        for row, each in enumerate(table):
            for column, settings in enumerate(each):
                run = Optimization(photo, painting, settings, **keywords)
                path = _path(folder, row, column)
                path.parent.mkdir(parents=True, exist_ok=True)
                made = _done(path, run)
                if made is None:
                    yield from run.run()
                    save_picture(run, path)
                    made = manifest(run)
                yield Cell(row, column, settings.style_layers, ratios[column], pictures.load(path).picture, made)

    return cells()


def sheet(cells: Sequence[Cell]) -> Picture:
    """All cells on one labelled sheet, as the paper has them."""
    columns = 1 + max(cell.column for cell in cells)
    return contact_sheet([cell.picture for cell in cells], [cell.label for cell in cells], columns=columns)


def numbers(cells: Sequence[Cell]) -> dict[str, Any]:
    """The losses of all cells, and the settings that they share, as JSON has it."""
    rows = [
        {"row": cell.row, "column": cell.column, "layers": list(cell.layers), "ratio": cell.ratio}
        | {name: cell.made[name] for name in ("losses", "evaluations", "seconds")}
        for cell in cells
    ]
    own = ("style_layers", "content_weight")
    shared = {name: value for name, value in cells[0].made["settings"].items() if name not in own}
    return {"settings": shared, "files": cells[0].made["files"], "versions": cells[0].made["versions"], "cells": rows}


def _path(folder: str | os.PathLike[str], row: int, column: int) -> Path:
    return Path(folder) / f"cell-{row + 1}-{column + 1}.png"


def _check_free(path: Path) -> None:
    """LearnError if there is something else than a cell where a cell is to be."""
    if os.path.lexists(path):
        try:
            read_manifest(path)
        except (LearnError, PictureError) as error:
            raise LearnError(f"{path} is there and no cell of a grid; name another folder with --cells") from error


def _done(path: Path, run: Optimization) -> dict[str, Any] | None:
    """The manifest of a cell that was painted before with the same settings and pictures; None if there is none."""
    if not path.exists():
        return None
    try:
        made = read_manifest(path)
    except (LearnError, PictureError):
        return None
    wanted = json.loads(json.dumps(asked(run)))
    whole = isinstance(made.get("losses"), dict) and "evaluations" in made and "seconds" in made
    return made if whole and all(made.get(key) == value for key, value in wanted.items()) else None
