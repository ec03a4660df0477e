"""An open network: picture and row in, painted picture out. Knows runtimes and ONNX files, no style names or losses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.errors import ImpastoError, MismatchError, NetworkError
from impasto.stages import Graph

Floats = npt.NDArray[np.float32]
RuntimeName: TypeAlias = Literal["auto", "openvino", "onnxruntime"]
Precision: TypeAlias = Literal["auto", "f32", "bf16"]
Feeds: TypeAlias = dict[str, Floats]

PICTURES = 60.0  # bytes a pixel: the photo and the painting as floats, and in the orders that they need
REGIONS = "-regions"  # ends the name of the file that paints regions, beside the network's own
BYTES = 1050.0  # memory of a painting a pixel, where the graph cannot be asked: ONNX Runtime's for ``full``
SMALLEST = 16  # pixels: below this the mirror padding of the inner layers has nothing left to mirror


class Session(Protocol):
    """What a runtime gives: the metadata of the file, and a function from named inputs to the painted picture."""

    meta: dict[str, str]

    def run(self, feeds: Feeds) -> Floats: ...


class Network:
    """A pastiche network, open and ready; ``paint`` as often as you like.

    ``path`` is an ONNX file that impasto exported. ``runtime`` is "openvino", "onnxruntime" or "auto" (OpenVINO
    where it runs). ``threads`` limits the cores; None leaves it to the runtime. ``precision`` "bf16" computes in
    bfloat16, which is several times as fast where the processor has units for it, and differs by less than the eye
    can see (OpenVINO only); "auto" takes it where the processor has them. Raises NetworkError for a file that is
    missing, damaged or not such a network, and for a runtime that is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
        precision: Precision = "f32",
    ) -> None:
        path = Path(path)
        self.runtime, self.precision, session = _open(path, runtime, threads, precision)
        self._path, self._threads = path, threads
        self._graphs: dict[bool, Graph] = {}
        self._regions: Session | None = None
        try:
            self.name = session.meta["impasto.network"]
            self.fingerprint = session.meta["impasto.fingerprint"]
            self.row_size = int(session.meta["impasto.row_size"])
            self._multiple = int(session.meta["impasto.multiple"])
        except (KeyError, ValueError) as error:
            raise NetworkError(f"{path} is not a network of impasto's (its metadata lack {error})") from error
        if "impasto.graph" in session.meta:
            raise NetworkError(f"{path} only paints regions; name the network beside it, without {REGIONS}")
        self._run = session.run

    def paint(self, picture: Floats, row: npt.ArrayLike) -> Floats:
        """Paint a picture, (h, w, 3) in 0..1, at least 16 x 16, in the style of ``row`` (row_size,): same shape, 0..1.

        Sizes that are no multiple of 4 are mirrored up to one and cropped back. Raises MismatchError for a row of
        another length, NetworkError for a picture that is too small.
        """
        row = np.ascontiguousarray(row, np.float32)
        if row.shape != (self.row_size,):
            raise self._mismatch(row.size)
        _check_size(picture)
        scale, shift = np.split(row, 2)
        return _cut(self._run({"picture": self._planes(picture), "scale": scale, "shift": shift}), picture)

    def paint_regions(self, picture: Floats, rows: npt.ArrayLike, masks: Floats) -> Floats:
        """Paint in K styles at once: ``rows`` (K, row_size), mixed per pixel by ``masks`` (K, h, w) of sum 1.

        Scale and shift are mixed inside the network, behind every norm, whose moments stay those of the whole picture.
        Raises NetworkError if the network's file for regions, NAME-regions.onnx beside it, is missing or another's.
        """
        rows = np.ascontiguousarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.row_size:
            raise self._mismatch(rows.shape[-1])
        if masks.shape != (len(rows), *picture.shape[:2]):
            raise NetworkError(
                f"{len(rows)} styles need masks of shape {(len(rows), *picture.shape[:2])}, not {masks.shape}"
            )
        _check_size(picture)
        scale, shift = (np.ascontiguousarray(half) for half in np.split(rows, 2, axis=1))
        planes = {"picture": self._planes(picture), "masks": self._planes(masks.transpose(1, 2, 0))}
        return _cut(self._open_regions().run({**planes, "scale": scale, "shift": shift}), picture)

    @property
    def threads(self) -> int:
        """How many cores it uses."""
        return self._threads or len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0))

    def bytes_for(self, height: int, width: int, *, regions: bool = False) -> int:
        """Memory that ``paint`` or ``paint_regions`` takes for a picture of this size, beside the network's own."""
        share = 0.85 if self.precision == "bf16" else 1.15  # of what the graph tells, measured
        pixel = share * self.graph(regions).straight().bytes if self.runtime == "openvino" else BYTES
        return int((pixel + PICTURES) * height * width)

    def graph(self, regions: bool = False) -> Graph:
        """The network in stages, for pictures that are painted in tiles; NetworkError without OpenVINO."""
        if self.runtime != "openvino":
            raise NetworkError(
                "a picture that does not fit into memory whole is painted in tiles, which needs OpenVINO: "
                "pip install openvino, and take the runtime auto or openvino"
            )
        if regions not in self._graphs:
            path = self._regions_file() if regions else self._path
            self._graphs[regions] = Graph(path, {"INFERENCE_PRECISION_HINT": self.precision}, self._multiple)
        return self._graphs[regions]

    def _regions_file(self) -> Path:
        """The file for regions, which is there and belongs to this network."""
        self._open_regions()
        return self._path.with_name(f"{self._path.stem}{REGIONS}.onnx")

    def _open_regions(self) -> Session:
        if self._regions is None:
            path = self._path.with_name(f"{self._path.stem}{REGIONS}.onnx")
            if not path.is_file():
                raise NetworkError(
                    f"the network {self.name!r} has no {path.name} to paint regions with; export it again"
                )
            _, _, session = _open(path, self.runtime, self._threads, self.precision)
            if session.meta.get("impasto.fingerprint") != self.fingerprint:
                raise NetworkError(f"{path} belongs to another network than {self._path.name}; export both again")
            self._regions = session
        return self._regions

    def _mismatch(self, size: int) -> MismatchError:
        return MismatchError(
            f"the network {self.name!r} takes rows of {self.row_size} numbers, not {size}; "
            "use a bank that was made for it"
        )

    def _planes(self, picture: Floats) -> Floats:
        """(h, w, C) -> (1, C, h', w'), mirrored at the bottom and right up to the network's multiple."""
        bottom, right = (-size % self._multiple for size in picture.shape[:2])
        planes = picture.astype(np.float32, copy=False).transpose(2, 0, 1)
        if bottom or right:
            planes = np.pad(planes, ((0, 0), (0, bottom), (0, right)), "reflect")
        return np.ascontiguousarray(planes)[None]


def _check_size(picture: Floats) -> None:
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        raise NetworkError(
            f"the picture is {width} x {height} pixels, the smallest that can be painted is {SMALLEST} x {SMALLEST}"
        )


def _cut(painted: Floats, picture: Floats) -> Floats:
    """(1, 3, h', w') -> (h, w, 3), the size of ``picture``."""
    height, width = picture.shape[:2]
    return np.ascontiguousarray(painted[0, :, :height, :width].transpose(1, 2, 0))


def _open(path: Path, runtime: str, threads: int | None, precision: str) -> tuple[str, str, Session]:
    """The runtime and the precision that were taken, and the open network."""
    if not path.is_file():
        raise NetworkError(
            f"{path} does not exist; check the path, or leave it out to use the network that comes along"
        )
    openers: dict[str, Callable[[Path, int | None, str], Session]] = {
        "openvino": _OpenVino,
        "onnxruntime": _OnnxRuntime,
    }
    if runtime not in ("auto", *openers):
        raise NetworkError(f"there is no runtime {runtime!r}; choose auto, openvino or onnxruntime")
    if precision not in ("auto", "f32", "bf16"):
        raise NetworkError(f"there is no precision {precision!r}; choose auto, f32 or bf16")
    if runtime == "auto":
        runtime = "openvino" if _importable("openvino") else "onnxruntime"
    if precision == "auto":
        precision = "bf16" if runtime == "openvino" and _has_bfloat16() else "f32"
    try:
        return runtime, precision, openers[runtime](path, threads, precision)
    except ImpastoError:
        raise
    except ImportError as error:
        raise NetworkError(f"{runtime} is not installed or does not run here: pip install {runtime}") from error
    except Exception as error:  # both runtimes raise a zoo of types for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise NetworkError(f"{path} cannot be opened as a network ({reason}); export or install it again") from error


def _has_bfloat16() -> bool:
    """Whether OpenVINO finds units for bfloat16 in the processor."""
    try:
        import openvino

        return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception:  # what is wrong with OpenVINO is told when the network is opened
        return False


def _importable(module: str) -> bool:
    try:
        __import__(module)
    except Exception:  # a library that breaks on this machine raises more than ImportError
        return False
    return True


class _OpenVino:
    """OpenVINO on the CPU. It is always told the precision: with bfloat16 units it would take them by itself."""

    def __init__(self, path: Path, threads: int | None, precision: str) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(path)
        info = model.rt_info["framework"] if model.has_rt_info(["framework"]) else {}
        self.meta = {str(key): str(value.value) for key, value in info.items()}
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self._compiled = core.compile_model(model, "CPU", options)
        self._lock = threading.Lock()  # it keeps one set of buffers and refuses a second thread

    def run(self, feeds: Feeds) -> Floats:
        with self._lock:
            painted: Floats = self._compiled(feeds)[0]
        return painted


class _OnnxRuntime:
    """ONNX Runtime on the CPU, in float32."""

    def __init__(self, path: Path, threads: int | None, precision: str) -> None:
        import onnxruntime

        if precision != "f32":
            raise NetworkError(f"the precision {precision} needs OpenVINO; take the runtime openvino, or f32")

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.meta = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, feeds: Feeds) -> Floats:
        painted: Floats = self._session.run(None, feeds)[0]
        return painted
