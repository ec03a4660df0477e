"""What opens a network here: OpenVINO or ONNX Runtime, float32 or bfloat16, the processor or a GPU."""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from impasto import limits, quiet
from impasto.errors import NetworkError, attempt, brief, foreign, lacks_memory
from impasto.painting import devices
from impasto.painting.precision import TURNS, Timed, quicker
from impasto.painting.sessions import Feeds, OnnxRuntime, OpenVino, Session, cores
from impasto.painting.tiles.compile_cache import instructions, machine, processor

TRIAL = 256  # pixels a side of the picture with which precisions, and devices, are compared
HAVE_OPENVINO = ("x86_64", "AMD64", "arm64", "aarch64")  # on these pip installs it along, elsewhere ONNX Runtime
EXTRA = "'impasto[onnxruntime]'"


@dataclass(frozen=True)
class Wanted:
    """How a network is to be opened; see ``Network``."""

    runtime: str = "auto"
    threads: int | None = None
    precision: str = "f32"
    streams: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Found:
    """An open network, with the runtime, the precision and the device that were taken."""

    session: Session
    runtime: str
    precision: str
    device: str


def open(path: Path, wanted: Wanted) -> Found:
    """The open network in the file; NetworkError where it or the runtime cannot be had."""
    if not path.is_file():
        raise NetworkError(
            f"{path} does not exist; check the path, or leave it out to use the network that comes along"
        )
    runtime = limits.RUNTIME.check("runtime", wanted.runtime)
    precision = limits.PRECISION.read("precision", wanted.precision)
    limits.DEVICE.check("device", wanted.device)
    if runtime == "auto":
        runtime = "onnxruntime" if _has_onnxruntime() and not _has_openvino() else "openvino"
    with foreign(lambda error: NetworkError(_why_closed(path, runtime, error))):
        if runtime == "onnxruntime":
            if precision == "bf16":
                raise NetworkError(f"the precision {precision} needs OpenVINO; take the runtime openvino, or f32")
            found = Found(OnnxRuntime(path, wanted.threads), runtime, "f32", "cpu")
        else:
            found = _in_openvino(path, wanted, precision)
        return _with_gpu(path, wanted, found)


def _in_openvino(path: Path, wanted: Wanted, precision: str) -> Found:
    first = "f32" if precision == "auto" else precision
    session = OpenVino(path, wanted.threads, first, wanted.streams)
    taken = _quicker(session, wanted.threads) if precision == "auto" and _has_bfloat16() else first
    return Found(session if taken == first else session.another(taken, wanted.streams), "openvino", taken, "cpu")


def _with_gpu(path: Path, wanted: Wanted, found: Found) -> Found:
    """The same with a GPU in front of the processor, if that is wanted and there is one that paints right."""
    if wanted.device == "cpu":
        return found
    here = machine() if found.runtime == "openvino" else (processor(), str(cores()))
    key = ", ".join([*here, *_kind(found.session), ""])
    gpu = devices.chosen(wanted.device, key, devices.gpus, lambda gpu: _tested(path, gpu, found.session))
    if gpu is None:
        return found
    return Found(devices.WithGpu(gpu.open(path), found.session), found.runtime, found.precision, "gpu")


def _tested(path: Path, gpu: devices.Gpu, session: Session) -> str:
    feeds = _trial_feeds(session, TRIAL)
    return devices.compared(*(partial(_painted, each, feeds) for each in (session, gpu.open(path))))


def _painted(session: Session, feeds: Feeds) -> tuple[Any, float]:
    """The painting, and the least seconds that it takes."""
    painted = session.run(feeds)  # the first warms up
    return painted, min(_timed(session, feeds) for _ in range(TURNS))


def _timed(session: Session, feeds: Feeds) -> float:
    begin = time.perf_counter()
    session.run(feeds)
    return time.perf_counter() - begin


def _why_closed(path: Path, runtime: str, error: Exception) -> str:
    if isinstance(error, ImportError):
        hint = f"openvino, or {EXTRA} to paint without it" if runtime == "openvino" else EXTRA
        why = f" ({brief(error)})" if error.__cause__ else ""  # a library that breaks, not one that is missing
        return f"{runtime} is not installed or does not run here{why}: pip install {hint}"
    if lacks_memory(error):
        return f"there is not enough memory to open {path}; close other programs"
    return f"{path} cannot be opened as a network ({brief(error)}); export or install it again"


def _has_bfloat16() -> bool:
    """Whether OpenVINO finds units for bfloat16 in the processor."""
    # what is wrong with OpenVINO is reported when the network is opened
    return attempt(lambda: "BF16" in quiet.core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"), False)


def _has_onnxruntime() -> bool:
    return importlib.util.find_spec("onnxruntime") is not None


def _quicker(first: OpenVino, threads: int | None) -> str:
    """The precision that is quicker for this network, open in float32, on this processor.

    That there are units for bfloat16 says little: one processor is twice as fast with them, another slower by half.
    """
    key = [processor(), instructions(), str(threads or cores()), quiet.openvino().__version__, *_kind(first)]

    def opened(precision: str) -> Timed:
        session = first.another(precision)
        return partial(_timed, session, _trial_feeds(session, TRIAL))

    openers: dict[str, Callable[[], Timed]] = {name: partial(opened, name) for name in ("f32", "bf16")}
    return quicker(", ".join(key), openers)


def _kind(session: Session) -> list[str]:
    """What a network is like, beside its weights."""
    return [session.meta.get(f"impasto.{key}", "") for key in ("kind", "design", "alpha", "apart")]


def _trial_feeds(session: Session, size: int) -> Feeds:
    half = int(session.meta["impasto.row_size"]) // 2
    picture = (np.arange(3 * size**2) % 251).astype(np.uint8).reshape(1, size, size, 3)
    style: Feeds = {"scale": np.ones(half, np.float32), "shift": np.zeros(half, np.float32)}
    return {"picture": picture, **style}


def _has_openvino() -> bool:
    """Whether OpenVINO can be taken; where it should be there and cannot, a warning says why, once."""
    try:
        quiet.openvino()
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError) or error.name != "openvino":
            cause = error.__cause__ or error
            _warn_once(f"importing it failed ({type(cause).__name__}: {brief(cause)})")
        elif platform.machine() in HAVE_OPENVINO:
            _warn_once("it is not installed (pip install openvino)")
        return False
    return True


@cache
def _warn_once(reason: str) -> None:
    with contextlib.suppress(RuntimeWarning):  # the picture is painted where warnings are errors, too
        line = f"ONNX Runtime paints, 2 to 12 times slower than OpenVINO: {reason}"
        warnings.warn(line, RuntimeWarning, stacklevel=2)
