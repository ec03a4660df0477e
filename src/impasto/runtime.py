"""An open network: picture and row in, painted picture out. Knows runtimes and ONNX files, no style names or losses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto.errors import ImpastoError, MismatchError, NetworkError

Floats = npt.NDArray[np.float32]
RuntimeName: TypeAlias = Literal["auto", "openvino", "onnxruntime"]
Feeds: TypeAlias = dict[str, Floats]

SMALLEST = 16  # pixels: below this the mirror padding of the inner layers has nothing left to mirror


class Session(Protocol):
    """What a runtime gives: the metadata of the file, and a function from named inputs to the painted picture."""

    meta: dict[str, str]

    def run(self, feeds: Feeds) -> Floats: ...


class Network:
    """A pastiche network, open and ready; ``paint`` as often as you like.

    ``path`` is an ONNX file that impasto exported. ``runtime`` is "openvino", "onnxruntime" or "auto" (OpenVINO
    where it runs). ``threads`` limits the cores; None leaves it to the runtime. Raises NetworkError for a file that is
    missing, damaged or not such a network, and for a runtime that is not installed.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, runtime: RuntimeName = "auto", threads: int | None = None
    ) -> None:
        path = Path(path)
        self.runtime, session = _open(path, runtime, threads)
        try:
            self.name = session.meta["impasto.network"]
            self.fingerprint = session.meta["impasto.fingerprint"]
            self.row_size = int(session.meta["impasto.row_size"])
            self._multiple = int(session.meta["impasto.multiple"])
        except (KeyError, ValueError) as error:
            raise NetworkError(f"{path} is not a network of impasto's (its metadata lack {error})") from error
        self._run = session.run

    def paint(self, picture: Floats, row: npt.ArrayLike) -> Floats:
        """Paint a picture, (h, w, 3) in 0..1, at least 16 x 16, in the style of ``row`` (row_size,): same shape, 0..1.

        Sizes that are no multiple of 4 are mirrored up to one and cropped back. Raises MismatchError for a row of
        another length, NetworkError for a picture that is too small.
        """
        row = np.ascontiguousarray(row, np.float32)
        if row.shape != (self.row_size,):
            raise MismatchError(
                f"the network {self.name!r} takes rows of {self.row_size} numbers, not {row.size}; "
                "use a bank that was made for it"
            )
        height, width = picture.shape[:2]
        if min(height, width) < SMALLEST:
            raise NetworkError(
                f"the picture is {width} x {height} pixels, the smallest that can be painted is {SMALLEST} x {SMALLEST}"
            )
        scale, shift = np.split(row, 2)
        painted = self._run({"picture": self._planes(picture), "scale": scale, "shift": shift})
        painted = painted[0, :, :height, :width].transpose(1, 2, 0)  # (h, w, 3)
        return np.ascontiguousarray(painted)

    def _planes(self, picture: Floats) -> Floats:
        """(h, w, 3) -> (1, 3, h', w'), mirrored at the bottom and right up to the network's multiple."""
        bottom, right = (-size % self._multiple for size in picture.shape[:2])
        planes = picture.astype(np.float32, copy=False).transpose(2, 0, 1)
        if bottom or right:
            planes = np.pad(planes, ((0, 0), (0, bottom), (0, right)), "reflect")
        return np.ascontiguousarray(planes)[None]


def _open(path: Path, runtime: str, threads: int | None) -> tuple[str, Session]:
    if not path.is_file():
        raise NetworkError(
            f"{path} does not exist; check the path, or leave it out to use the network that comes along"
        )
    openers: dict[str, Callable[[Path, int | None], Session]] = {"openvino": _OpenVino, "onnxruntime": _OnnxRuntime}
    if runtime not in ("auto", *openers):
        raise NetworkError(f"there is no runtime {runtime!r}; choose auto, openvino or onnxruntime")
    if runtime == "auto":
        runtime = "openvino" if _importable("openvino") else "onnxruntime"
    try:
        return runtime, openers[runtime](path, threads)
    except ImpastoError:
        raise
    except ImportError as error:
        raise NetworkError(f"{runtime} is not installed or does not run here: pip install {runtime}") from error
    except Exception as error:  # both runtimes raise a zoo of types for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise NetworkError(f"{path} cannot be opened as a network ({reason}); export or install it again") from error


def _importable(module: str) -> bool:
    try:
        __import__(module)
    except Exception:  # a library that breaks on this machine raises more than ImportError
        return False
    return True


class _OpenVino:
    """OpenVINO on the CPU, in float32: on processors with bfloat16 units it would round to 8 bits by itself."""

    def __init__(self, path: Path, threads: int | None) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(path)
        info = model.rt_info["framework"] if model.has_rt_info(["framework"]) else {}
        self.meta = {str(key): str(value.value) for key, value in info.items()}
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self._compiled = core.compile_model(model, "CPU", options)

    def run(self, feeds: Feeds) -> Floats:
        painted: Floats = self._compiled(feeds)[0]
        return painted


class _OnnxRuntime:
    """ONNX Runtime on the CPU."""

    def __init__(self, path: Path, threads: int | None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.meta = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, feeds: Feeds) -> Floats:
        painted: Floats = self._session.run(None, feeds)[0]
        return painted
