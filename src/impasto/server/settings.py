"""What a server allows, as numbers: one record, in two kinds. Imports nothing heavy, for the command line reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from impasto import assets

MASKS, STYLES, MASK_SIDE, PREVIEW_SIDE = 8, 16, 1024, 1024
QUICK_SIDE = 384  # pixels of the largest preview that must be there at once
WRITES = ("jpeg", "png", "webp")
MIME = {  # of formats, by Pillow's names
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "JPEG2000": "image/jp2",
    "PPM": "image/x-portable-pixmap",
    "HEIF": "image/heic",
    "JXL": "image/jxl",
}
NAMES = {"WEBP": "WebP", "JPEG2000": "JPEG 2000", "HEIF": "HEIC", "JXL": "JPEG XL", "MPO": "JPEG"}  # for people
COMMON = ("JPEG", "MPO", "PNG", "WEBP", "AVIF")


@dataclass(frozen=True)
class Kit:
    """What a painter is opened with: a network that comes with impasto or an ONNX file, and a bank or its own."""

    network: str
    bank: Path | None = None
    max_memory: float | None = None


@dataclass(frozen=True)
class Settings:
    """What a server allows. Bytes, pixels, seconds."""

    mode: str = "studio"
    network: str = assets.DEFAULT  # the name of the default among ``kits``
    bank: Path | None = None
    max_memory: float | None = None
    body: int = 128 * 2**20
    pixels: int = 200_000_000
    formats: tuple[str, ...] = tuple(MIME)
    photos: int = 16
    photo_life: float = 1800.0
    result_life: float = 600.0
    own_styles: int = 64  # of paintings that were sent
    own_life: float | None = None  # None: as long as the server runs
    disk: int = 2 * 10**9
    waiting: int = 32
    waiting_bytes: int = 512 * 2**20
    job_time: float | None = None
    workers: int = 1  # that paint
    readers: int = 1  # processes that look at photos
    read_time: float = 180.0  # that looking at one may take
    connections: int = 64
    grace: float = 2.0  # seconds that running requests get at the end
    opens: Path | None = None  # the photo that the page begins with
    patience: float | None = None  # after the last page is closed, until the server ends; None: it stays

    @classmethod
    def serve(cls, **more: object) -> Settings:
        """Those of ``impasto serve``, which strangers may reach."""
        found: dict[str, object] = {
            "mode": "serve",
            "body": 32 * 2**20,
            "pixels": 50_000_000,
            "formats": COMMON,
            "photos": 64,
            "photo_life": 600.0,
            "own_life": 600.0,
            "job_time": 300.0,
            "connections": 256,
            "readers": 2,
            "read_time": 20.0,
            "grace": 30.0,
        }
        return cls(**{**found, **more})  # type: ignore[arg-type]

    @property
    def kits(self) -> dict[str, Kit]:
        """What can be painted with, by the name it has in a recipe: the networks that come along, or the one given."""
        given = Kit(self.network, self.bank, self.max_memory)
        if Path(self.network).suffix == ".onnx":
            return {Path(self.network).stem: given}
        names = sorted(assets.networks(), reverse=True)
        if self.network not in names:
            assets.network_file(self.network)  # which raises, and says what there is
        return {name: given if name == self.network else Kit(name, None, self.max_memory) for name in names}

    @property
    def read(self) -> str:
        """The formats that are taken, as people call them."""
        *most, last = dict.fromkeys(NAMES.get(kind, kind) for kind in self.formats)
        return f"{', '.join(most)} or {last}"

    @property
    def default(self) -> str:
        """The name of the network that a recipe without one means."""
        return Path(self.network).stem if Path(self.network).suffix == ".onnx" else self.network
