"""Options that several commands share, and records of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto import assets, limits

if TYPE_CHECKING:
    from impasto.painting.painter import Painter
    from impasto.styles.bank import Bank


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
Runtime = Annotated[str, typer.Option(help="What runs the network: auto, openvino or onnxruntime."), limits.RUNTIME]
Device = Annotated[
    str, typer.Option(help="cpu, gpu (if a runtime offers one), or auto: the quicker one here."), limits.DEVICE
]
Side = Annotated[int, typer.Option(help="Longer side of each painting, in pixels."), limits.SIDE]
Quality = Annotated[int, typer.Option(help="Of JPEG and WebP."), limits.QUALITY]


def _styles(help: str) -> Any:
    return typer.Option("--style", "-s", autocompletion=_style_names, help=help)


Mix = Annotated[list[str], _styles("NAME, or a mix such as NAME:0.6,NAME:0.4; several -s are mixed too.")]
Mixed = Annotated[list[str] | None, _styles("NAME, or a mix such as NAME:0.6,NAME:0.4; several -s are mixed too.")]
StyleImages = Annotated[
    list[Path] | None,
    typer.Option(help="A painting of your own as a style, called by its file's name; there may be several."),
]
Names = Annotated[list[str] | None, _styles("NAME,NAME,...; default: all.")]
Styles = Annotated[list[str], _styles("NAME,NAME,...; for mixes one -s each: -s A -s B:0.5,C:0.5.")]
MaxPixels = Annotated[int, typer.Option(help="Refuse pictures with more pixels than this."), limits.PIXELS]
MaxMemory = Annotated[
    float | None,
    typer.Option(
        help="Memory limit in GB; default: seven tenths of what is free, at most 5 to paint in one piece.",
        show_default=False,
    ),
    limits.GIGABYTES,
]
Precision = Annotated[
    str,
    typer.Option(help="f32, bf16 (much faster on some processors), or auto: the quicker one here."),
    limits.PRECISION,
]
LearnPrecision = Annotated[str, typer.Option(help="auto, f32 or bf16."), limits.PRECISION]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite files that impasto did not make.")]
KeepMetadata = Annotated[
    bool,
    typer.Option("--keep-metadata", help="Keep the photo's place, camera, serial numbers and notes in the painting."),
]


@dataclass(frozen=True)
class Banked:
    """A network and the bank that is read."""

    network: Network = "full"
    bank: BankFile = None

    def styles(self) -> Bank:
        """The bank, opened."""
        from impasto.styles.bank import Bank

        return Bank.load(self.bank or assets.bank_file(self.network))


@dataclass(frozen=True)
class Opens(Banked):
    """A network and a bank, and what runs them."""

    runtime: Runtime = "auto"
    device: Device = "auto"

    def painter(self, *, max_memory: float | None = None, **options: Any) -> Painter:
        """A painter of these; ``max_memory`` is in GB."""
        from impasto.painting.painter import Painter

        limit = None if max_memory is None else max_memory * 1e9
        given: dict[str, Any] = {"runtime": self.runtime, "device": self.device}
        return Painter(self.network, bank=self.bank, max_memory=limit, **given, **options)


STUDIO_PORT = 7878
LIVE_PORT = 7979  # always the same one, for browsers remember by it that a page may use the camera
