"""OpenVINO and ONNX Runtime, behind one interface."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import threading
import time
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import limits, quiet
from impasto.errors import NetworkError, attempt, brief, foreign, lacks_memory
from impasto.painting.precision import Timed, instructions, processor, quicker

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Feeds: TypeAlias = dict[str, npt.NDArray[Any]]
FIXED = 2  # sizes of pictures that OpenVINO keeps a network of their own for: landscape and portrait
REMEMBERED = 16  # pictures whose sizes count as having come before
IDLE = 2**21  # pixels: for a picture beyond this size no memory is kept once it is painted
STREAMED = 2**20  # pixels: pictures up to this size may be painted side by side
TRIAL = 256  # pixels a side of the picture with which precisions are compared
HAVE_OPENVINO = ("x86_64", "AMD64", "arm64", "aarch64")  # on these pip installs it along, elsewhere ONNX Runtime
EXTRA = "'impasto[onnxruntime]'"


class Session(Protocol):
    """What a runtime gives: the metadata of the file, and a function from named inputs to the painted picture.

    The picture is float32, (1, 3, h, w), 0..1, or uint8, (1, h, w, 3), 0..255, and the painted one is like it.
    """

    meta: dict[str, str]

    def run(self, feeds: Feeds) -> npt.NDArray[Any]: ...

    def prepare(self, feeds: Feeds) -> None:
        """Get ready for pictures of this size; every size is painted without, too."""

    def let_go(self) -> None:
        """Give back the memory that is kept for the next picture."""

    def afresh(self) -> None:
        """Forget which sizes came before."""

    def halt(self, on: bool) -> None:
        """End what is painted now, and until that is ``on`` no more, with an InterruptedError."""


def cores() -> int:
    """How many cores this process may use."""
    return len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0))


def open(path: Path, runtime: str, threads: int | None, precision: str, streams: int) -> tuple[str, str, Session]:
    """The runtime and the precision that were taken, and the open network."""
    if not path.is_file():
        raise NetworkError(
            f"{path} does not exist; check the path, or leave it out to use the network that comes along"
        )
    openers: dict[str, Callable[[Path, int | None, str, int], Session]] = {
        "openvino": _OpenVino,
        "onnxruntime": _OnnxRuntime,
    }
    limits.RUNTIME.check("runtime", runtime)
    precision = limits.PRECISION.read("precision", precision)
    if runtime == "auto":
        runtime = "onnxruntime" if _has_onnxruntime() and not _has_openvino() else "openvino"
    with foreign(lambda error: NetworkError(_why_closed(path, runtime, error))):
        if precision == "auto":
            precision = _quicker(path, threads) if runtime == "openvino" and _has_bfloat16() else "f32"
        return runtime, precision, openers[runtime](path, threads, precision, streams)


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


def _quicker(path: Path, threads: int | None) -> str:
    """The precision that is quicker for this network on this processor.

    That there are units for bfloat16 says little: one processor is twice as fast with them, another slower by half.
    """
    first = _OpenVino(path, threads, "f32", 1)
    kind = (first.meta.get(f"impasto.{key}", "") for key in ("kind", "design", "alpha"))
    key = [processor(), instructions(), str(threads or cores()), quiet.openvino().__version__, *kind]

    def opened(precision: str) -> Timed:
        session = first if precision == "f32" else _OpenVino(path, threads, precision, 1)
        feeds = _trial_feeds(session, TRIAL)

        def once() -> float:
            begin = time.perf_counter()
            session.run(feeds)
            return time.perf_counter() - begin

        return once

    return quicker(", ".join(key), {name: partial(opened, name) for name in ("f32", "bf16")})


def _trial_feeds(session: Session, size: int) -> Feeds:
    half = int(session.meta["impasto.row_size"]) // 2
    picture = (np.arange(3 * size**2) % 251).astype(np.uint8).reshape(1, size, size, 3)
    return {"picture": picture, "scale": np.ones(half, np.float32), "shift": np.zeros(half, np.float32)}


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


@dataclass(frozen=True)
class _Ready:
    """A compiled network, and its requests that nobody uses just now."""

    compiled: Any
    idle: list[Any]

    @cached_property
    def request(self) -> Any:
        """The one that paints alone."""
        return self.compiled.create_infer_request()


class _OpenVino:
    """OpenVINO on the CPU. The precision is always set: with bfloat16 units it would take them by itself.

    A network compiled for one size of picture is a tenth to a third faster than one for any size, and takes 0.1 s to
    compile. The first size gets one and the next that comes again, later any that comes twice in a row, and every one
    beyond two megapixels, which makes up for it with one painting; other sizes share one for all.
    """

    def __init__(self, path: Path, threads: int | None, precision: str, streams: int) -> None:
        self._core = quiet.core()
        self._model = self._core.read_model(path)
        info = self._model.rt_info["framework"] if self._model.has_rt_info(["framework"]) else {}
        self.meta = {str(key): str(value.value) for key, value in info.items()}
        self._options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._streams = streams
        self._fixed: OrderedDict[Any, _Ready] = OrderedDict()  # for pictures of one size
        self._any: dict[Any, _Ready] = {}  # for all sizes, by the type of the picture and the streams
        self._seen: deque[Any] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()  # a request keeps one set of buffers and refuses a second thread
        self._halting = threading.Lock()
        self._halted = False
        self._running: Any = None  # the request that is painting alone
        quiet.has_threads(self)

    def run(self, feeds: Feeds) -> npt.NDArray[Any]:
        if self._streams_for(feeds) > 1:
            return self._run_beside(feeds)
        with self._lock:
            ready = self._ready(feeds)
            try:
                painted: npt.NDArray[Any] = self._painted(ready.request, feeds)
            finally:
                if feeds["picture"].size // 3 > IDLE:
                    ready.compiled.release_memory()
        return painted

    def _painted(self, request: Any, feeds: Feeds) -> npt.NDArray[Any]:
        with self._halting:
            if self._halted:
                raise InterruptedError
            self._running = request
        try:
            painted: npt.NDArray[Any] = request.infer(feeds, share_inputs=True)[0]
        except RuntimeError:
            if self._halted:
                raise InterruptedError from None
            raise
        finally:
            with self._halting:
                self._running = None
        return painted

    def halt(self, on: bool) -> None:
        with self._halting:
            self._halted = on
            if on and self._running is not None:
                self._running.cancel()

    def _run_beside(self, feeds: Feeds) -> npt.NDArray[Any]:
        """Paint while other threads do, each with buffers of its own."""
        with self._lock:
            ready = self._ready(feeds)
            request = ready.idle.pop() if ready.idle else ready.compiled.create_infer_request()
        try:
            painted: npt.NDArray[Any] = request.infer(feeds)[0]
        finally:
            ready.idle.append(request)
        return painted

    def _streams_for(self, feeds: Feeds) -> int:
        return self._streams if feeds["picture"].size // 3 <= STREAMED else 1

    def prepare(self, feeds: Feeds) -> None:
        with self._lock:
            self._seen.append(_sizes(feeds))  # as if it came a second time
            self._ready(feeds)

    def let_go(self) -> None:
        if self._streams == 1:  # else another thread may be at work
            with self._lock:
                for ready in (*self._fixed.values(), *self._any.values()):
                    ready.compiled.release_memory()

    def afresh(self) -> None:
        with self._lock:
            self._fixed.clear()
            self._seen.clear()

    def _ready(self, feeds: Feeds) -> _Ready:
        sizes, kind = _sizes(feeds), feeds["picture"].dtype
        again = not self._seen or sizes in self._seen
        at_once = not self._seen or sizes == self._seen[-1]
        self._seen.append(sizes)
        if sizes in self._fixed:
            self._fixed.move_to_end(sizes)
            return self._fixed[sizes]
        often = at_once if len(self._fixed) == FIXED else again  # many sizes in turn would drive each other out
        if not often and feeds["picture"].size // 3 <= IDLE:  # beyond, one painting makes up for it
            key = kind, self._streams_for(feeds)
            if key not in self._any:
                self._any[key] = self._compile(self._model_for(kind), feeds)
            return self._any[key]
        model = self._model_for(kind)
        model.reshape({name: list(value.shape) for name, value in feeds.items()})
        if len(self._fixed) == FIXED:
            self._fixed.popitem(last=False)
        self._fixed[sizes] = self._compile(model, feeds)
        return self._fixed[sizes]

    def _compile(self, model: Any, feeds: Feeds) -> _Ready:
        streams = self._streams_for(feeds)
        beside = {"NUM_STREAMS": streams} if streams > 1 else {}
        return _Ready(self._core.compile_model(model, "CPU", {**self._options, **beside}), [])

    def _model_for(self, kind: Any) -> Any:
        """The network, or one around it that takes and gives bytes, rows of pixels as files have them."""
        model = self._model.clone()
        return _with_bytes(model) if kind == np.uint8 else model


def _sizes(feeds: Feeds) -> Any:
    return feeds["picture"].dtype, *sorted((name, value.shape) for name, value in feeds.items())


def _with_bytes(model: Any) -> Any:
    """The model with a picture of uint8, (1, h, w, 3), for that of floats, (1, 3, h, w), going in and coming out."""
    ov = quiet.openvino()
    Layout, Type, ops = ov.Layout, ov.Type, ov.opset13

    def rounded(painted: Any) -> Any:
        scaled = ops.multiply(painted, ops.constant(np.float32(255)))
        return ops.add(scaled, ops.constant(np.float32(0.5))).output(0)  # what follows cuts off

    around = ov.preprocess.PrePostProcessor(model)
    picture, painted = around.input("picture"), around.output(0)
    picture.tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    picture.preprocess().convert_element_type(Type.f32).scale(255.0)
    picture.model().set_layout(Layout("NCHW"))
    painted.model().set_layout(Layout("NCHW"))
    painted.postprocess().custom(rounded)
    painted.tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    return around.build()


class _OnnxRuntime:
    """ONNX Runtime on the CPU, in float32."""

    def __init__(self, path: Path, threads: int | None, precision: str, streams: int) -> None:
        if precision != "f32":
            raise NetworkError(f"the precision {precision} needs OpenVINO; take the runtime openvino, or f32")
        onnxruntime = quiet.onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.meta = dict(self._session.get_modelmeta().custom_metadata_map)
        self._letting_go = onnxruntime.RunOptions()
        self._letting_go.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        quiet.has_threads(self)

    def run(self, feeds: Feeds) -> npt.NDArray[Any]:
        picture = feeds["picture"]
        options = self._letting_go if picture.size // 3 > IDLE else None
        if picture.dtype == np.uint8:
            planes = np.ascontiguousarray(picture.transpose(0, 3, 1, 2), np.float32) / np.float32(255)
            painted = self._session.run(None, {**feeds, "picture": planes}, options)[0] * np.float32(255) + np.float32(
                0.5
            )
            return np.ascontiguousarray(painted.astype(np.uint8).transpose(0, 2, 3, 1))
        result: Floats = self._session.run(None, feeds, options)[0]
        return result

    def prepare(self, feeds: Feeds) -> None:
        """It is as ready as it can be."""

    def let_go(self) -> None:
        """It keeps an arena, which goes back with the next large picture."""

    def afresh(self) -> None:
        """It knows no sizes."""

    def halt(self, on: bool) -> None:
        """It paints to the end."""
