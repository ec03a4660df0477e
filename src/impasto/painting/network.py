"""An open ONNX network: picture + row -> painted picture. Knows no style names."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from impasto import limits
from impasto.errors import MismatchError, NetworkError
from impasto.limits import Device, Precision, RuntimeName
from impasto.painting.runtimes import Wanted, open
from impasto.painting.sessions import Bytes, Feeds, Floats, Session, cores

if TYPE_CHECKING:
    from impasto.painting.tiles.sampled import Sampled
    from impasto.painting.tiles.stages import Graph

Pixels = TypeVar("Pixels", Floats, Bytes)

FLOATS = 60.0  # bytes a pixel: the photo and the painting as floats, and in the orders that they need
IN_BYTES = 30.0  # and as bytes
BYTES = 600.0  # memory of a painting a pixel, where the graph cannot be asked: ONNX Runtime's for ``full``
SMALLEST = 16  # pixels a side: below this the padding of the inner layers has nothing left to mirror; we mirror before


class Network:
    """A pastiche network, open and ready; ``paint`` as often as you like.

    ``path`` is an ONNX file that impasto exported. ``runtime`` is "openvino", "onnxruntime" or "auto" (OpenVINO
    where it runs). ``threads`` limits the cores; None leaves it to the runtime. ``precision`` "bf16" computes in
    bfloat16, which is several times as fast on some processors with units for it and slower on others, and differs by
    less than the eye can see (OpenVINO only); "auto" takes what a short trial with this network finds quicker here,
    which is remembered in the cache folder. ``streams`` is how many threads paint at once: pictures of up to a
    megapixel go side by side, on a share of the cores each, which leaves no core waiting for another (OpenVINO only;
    others take turns). ``device`` "gpu" paints on a GPU that an installed runtime offers, in float32, and "auto" does
    so where a trial finds that one right and quicker; tiles, and what does not fit there, are the processor's all the
    same. Raises NetworkError for a file that is missing, damaged or not such a network, and for a
    runtime or a GPU that is not there; OptionError for an unknown runtime, precision or device.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
        precision: Precision = "f32",
        streams: int = 1,
        device: Device = "cpu",
    ) -> None:
        path = Path(path)
        limits.SEVERAL.check("threads", 1 if threads is None else threads)
        limits.SEVERAL.check("streams", streams)
        found = open(path, Wanted(runtime, threads, precision, streams, device))
        self.runtime, self.precision, self.device = found.runtime, found.precision, found.device
        self._wanted = Wanted(found.runtime, threads, found.precision, streams, found.device)  # another time
        self._path, session = path.absolute(), found.session
        self._opened: Session | None
        self._forget()
        try:
            self.name = session.meta["impasto.network"]
            self.fingerprint = session.meta["impasto.fingerprint"]
            self.row_size = int(session.meta["impasto.row_size"])
            self.multiple = int(session.meta["impasto.multiple"])  # pixels of the lattice that strokes are tied to
            self.margin = int(session.meta.get("impasto.margin", 0))
        except (KeyError, ValueError) as error:
            raise NetworkError(f"{path} is not a network of impasto's (its metadata lack {error})") from error
        if "impasto.graph" in session.meta:
            raise NetworkError(f"{path} is of an older impasto, for regions alone; name the network beside it")
        self._opened = session
        _networks.add(self)

    def _forget(self) -> None:
        """Have nothing open any more: a forked child, which has none of the threads, opens its own."""
        self._opening = threading.RLock()  # OpenVINO comes to a halt where two threads read graphs at once
        self._graph: Graph | None = None
        self._sampled: Sampled | None = None
        self._opened = None

    def _whole(self) -> Session:
        with self._opening:
            if self._opened is None:
                self._opened = open(self._path, self._wanted).session
            return self._opened

    def paint(self, picture: Pixels, row: npt.ArrayLike) -> Pixels:
        """Paint a picture, (h, w, 3), of any size, in the style of ``row`` (row_size,): same shape and type.

        The picture is float32, 0..1, or uint8, 0..255, which is faster. Sizes that are no multiple of the network's, or
        below 16 or its margin, are mirrored up and cropped back. The last bits of float32 depend on what came before
        (OpenVINO compiles for sizes that come again). Raises MismatchError for a row of another length.
        """
        return _cut(self._whole().run(self._feeds(picture, row)), picture)

    def prepare(self, height: int, width: int) -> None:
        """Compile for 8-bit pictures of this size now, not when the second one comes."""
        blank: Any = np.broadcast_to(np.uint8(0), (height, width, 3))
        self._whole().prepare(self._feeds(blank, np.zeros(self.row_size, np.float32)))

    def let_go(self) -> None:
        """Give back the memory that is kept for the next picture, which takes it again."""
        if self._opened is not None:
            self._opened.let_go()

    def afresh(self) -> None:
        """Paint the next picture to the last bit as if it were the first one: forget which sizes came before."""
        if self._opened is not None:
            self._opened.afresh()

    def halt(self, on: bool) -> None:
        """End what is painted now, and until that is ``on`` no more, by InterruptedError; OpenVINO, whole pictures."""
        if self._opened is not None:
            self._opened.halt(on)

    if not TYPE_CHECKING:  # else every misspelt name would be one

        def __getattr__(self, name: str) -> Any:
            now = "; a Painter paints regions, masks=..., which blend a painting in each style"
            raise AttributeError(f"Network has no {name}{now if name == 'paint_regions' else ''}")

    def _feeds(self, picture: npt.NDArray[Any], row: npt.ArrayLike) -> Feeds:
        row = np.ascontiguousarray(row, np.float32)
        if row.shape != (self.row_size,):
            raise self._mismatch(row.size)
        scale, shift = np.split(row, 2)
        return {"picture": self._planes(picture), "scale": scale, "shift": shift}

    @property
    def smallest(self) -> int:
        """The least pixels a side that the network takes; smaller pictures are mirrored up to it."""
        return max(SMALLEST, self.margin + 1)  # a margin shows that many pixels of it

    def pixels(self, height: int, width: int) -> int:
        """About how many pixels are painted for a picture of this size, those of the margin too."""
        tall, wide = (max(side, self.smallest) + 2 * self.margin for side in (height, width))
        return tall * wide

    @property
    def threads(self) -> int:
        """How many cores it uses."""
        return self._wanted.threads or cores()

    def bytes_for(self, height: int, width: int, *, floats: bool = True) -> int:
        """Memory that painting a picture of this size, of ``floats`` or of bytes, takes beside the network's own."""
        share = 0.85 if self.precision == "bf16" else 1.45  # of what the graph shows, measured
        pixel = share * self.graph().straight.bytes if self.runtime == "openvino" else BYTES
        pixel += FLOATS if floats or self.runtime != "openvino" else IN_BYTES
        return int(pixel * self.pixels(height, width))

    def graph(self) -> Graph:
        """The network in stages, for pictures that are painted in tiles; NetworkError without OpenVINO."""
        if self.runtime != "openvino":
            raise NetworkError(
                "a picture that does not fit into memory whole is painted in tiles, which needs OpenVINO: "
                "pip install openvino, and take the runtime auto or openvino"
            )
        with self._opening:
            if self._graph is None:
                from impasto.painting.tiles.stages import Graph

                options = {"INFERENCE_PRECISION_HINT": self.precision}
                self._graph = Graph(self._path, options, self.multiple, self.margin)
            return self._graph

    def sampled(self) -> Sampled:
        """The network with moments that are taken from places; NetworkError without OpenVINO."""
        graph = self.graph()
        with self._opening:
            if self._sampled is None:
                from impasto.painting.tiles.sampled import Sampled

                self._sampled = Sampled(graph)
            return self._sampled

    def _mismatch(self, size: int) -> MismatchError:
        return MismatchError(
            f"the network {self.name!r} takes rows of {self.row_size} numbers, not {size}; "
            "use a bank that was made for it"
        )

    def _planes(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(h, w, C) -> (1, C, h', w'), or (1, h', w', C) of bytes: mirrored below and at the right."""
        bottom, right = (
            -(-max(size, self.smallest) // self.multiple) * self.multiple - size for size in picture.shape[:2]
        )
        if bottom or right:
            picture = np.pad(picture, ((0, bottom), (0, right), (0, 0)), "reflect")
        planes = picture if picture.dtype == np.uint8 else picture.astype(np.float32, copy=False).transpose(2, 0, 1)
        return np.ascontiguousarray(planes)[None]


def _cut(painted: npt.NDArray[Any], picture: Pixels) -> Pixels:
    """(1, 3, h', w'), or (1, h', w', 3) of bytes -> (h, w, 3), the size of ``picture``."""
    height, width = picture.shape[:2]
    pixels = painted[0] if painted.dtype == np.uint8 else painted[0].transpose(1, 2, 0)
    cut: Pixels = np.ascontiguousarray(pixels[:height, :width])
    return cut


def _forget_in_child() -> None:
    for network in list(_networks):
        network._forget()


_networks: weakref.WeakSet[Network] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
