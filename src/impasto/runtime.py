"""An open network: picture and row in, painted picture out. Knows runtimes and ONNX files, no style names or losses."""

from __future__ import annotations

import contextlib
import operator
import os
import platform
import threading
import time
import warnings
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from impasto import quiet
from impasto.errors import ImpastoError, MismatchError, NetworkError
from impasto.precision import Timed, instructions, processor, quicker
from impasto.stages import Graph

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
RuntimeName: TypeAlias = Literal["auto", "openvino", "onnxruntime"]
Precision: TypeAlias = Literal["auto", "f32", "bf16"]
Feeds: TypeAlias = dict[str, npt.NDArray[Any]]

FLOATS = 60.0  # bytes a pixel: the photo and the painting as floats, and in the orders that they need
IN_BYTES = 30.0  # and as bytes
REGIONS = "-regions"  # ends the name of the file that paints regions, beside the network's own
BYTES = 1050.0  # memory of a painting a pixel, where the graph cannot be asked: ONNX Runtime's for ``full``
FIXED = 2  # sizes of pictures that OpenVINO keeps a network of their own for: landscape and portrait
REMEMBERED = 16  # pictures whose sizes count as having come before
IDLE = 2**21  # pixels: for a picture beyond this size no memory is kept once it is painted
STREAMED = 2**20  # pixels: pictures up to this size may be painted side by side
TRIAL = 256  # pixels a side of the picture with which precisions are compared
SMALLEST = 16  # pixels a side: below this the padding of the inner layers has nothing left to mirror; we mirror before
HAVE_OPENVINO = ("x86_64", "amd64", "arm64", "aarch64")  # machines on which pip installs it along


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


class Network:
    """A pastiche network, open and ready; ``paint`` as often as you like.

    ``path`` is an ONNX file that impasto exported. ``runtime`` is "openvino", "onnxruntime" or "auto" (OpenVINO
    where it runs). ``threads`` limits the cores; None leaves it to the runtime. ``precision`` "bf16" computes in
    bfloat16, which is several times as fast on some processors with units for it and slower on others, and differs by
    less than the eye can see (OpenVINO only); "auto" takes what a short trial with this network finds quicker here,
    which is remembered in the cache folder. ``streams`` is for those who paint many
    pictures from so many threads: those of up to a megapixel go side by side, on a share of the cores each, which
    leaves no core waiting for another (OpenVINO only; others take turns). Raises NetworkError for a file that is
    missing, damaged or not such a network, and for a runtime that is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        runtime: RuntimeName = "auto",
        threads: int | None = None,
        precision: Precision = "f32",
        streams: int = 1,
    ) -> None:
        path = Path(path)
        _check_count("threads", 1 if threads is None else threads)
        _check_count("streams", streams)
        self.runtime, self.precision, session = _open(path, runtime, threads, precision, streams)
        self._path, self._threads, self._streams = path.absolute(), threads, streams
        self._opened: Session | None
        self._forget()
        try:
            self.name = session.meta["impasto.network"]
            self.fingerprint = session.meta["impasto.fingerprint"]
            self.row_size = int(session.meta["impasto.row_size"])
            self._multiple = int(session.meta["impasto.multiple"])
            self.margin = int(session.meta.get("impasto.margin", 0))
        except (KeyError, ValueError) as error:
            raise NetworkError(f"{path} is not a network of impasto's (its metadata lack {error})") from error
        if "impasto.graph" in session.meta:
            raise NetworkError(f"{path} only paints regions; name the network beside it, without {REGIONS}")
        self._opened = session
        _networks.add(self)

    def _forget(self) -> None:
        """Have nothing open any more: a forked child, which has none of the threads, opens its own."""
        self._opening = threading.RLock()  # OpenVINO comes to a halt where two threads read graphs at once
        self._graphs: dict[bool, Graph] = {}
        self._opened = None
        self._regions: Session | None = None

    def _whole(self) -> Session:
        with self._opening:
            if self._opened is None:
                self._opened = _open(self._path, self.runtime, self._threads, self.precision, self._streams)[2]
            return self._opened

    @overload
    def paint(self, picture: Floats, row: npt.ArrayLike) -> Floats: ...
    @overload
    def paint(self, picture: Bytes, row: npt.ArrayLike) -> Bytes: ...

    def paint(self, picture: npt.NDArray[Any], row: npt.ArrayLike) -> npt.NDArray[Any]:
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
        for session in (self._opened, self._regions):
            if session is not None:
                session.let_go()

    def _feeds(self, picture: npt.NDArray[Any], row: npt.ArrayLike) -> Feeds:
        row = np.ascontiguousarray(row, np.float32)
        if row.shape != (self.row_size,):
            raise self._mismatch(row.size)
        scale, shift = np.split(row, 2)
        return {"picture": self._planes(picture), "scale": scale, "shift": shift}

    @overload
    def paint_regions(self, picture: Floats, rows: npt.ArrayLike, masks: Floats) -> Floats: ...
    @overload
    def paint_regions(self, picture: Bytes, rows: npt.ArrayLike, masks: Floats) -> Bytes: ...

    def paint_regions(self, picture: npt.NDArray[Any], rows: npt.ArrayLike, masks: Floats) -> npt.NDArray[Any]:
        """Paint in K styles at once: ``rows`` (K, row_size), mixed per pixel by ``masks`` (K, h, w) of sum 1.

        The picture is as for ``paint``. Scale and shift are mixed inside the network, behind every norm, whose moments
        stay those of the whole picture. Raises NetworkError if the network's file for regions, NAME-regions.onnx
        beside it, is missing or another's.
        """
        rows = np.ascontiguousarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.row_size:
            raise self._mismatch(rows.shape[-1])
        if masks.shape != (len(rows), *picture.shape[:2]):
            raise NetworkError(
                f"{len(rows)} styles need masks of shape {(len(rows), *picture.shape[:2])}, not {masks.shape}"
            )
        scale, shift = (np.ascontiguousarray(half) for half in np.split(rows, 2, axis=1))
        planes = {"picture": self._planes(picture), "masks": self._planes(masks.transpose(1, 2, 0))}
        return _cut(self._open_regions().run({**planes, "scale": scale, "shift": shift}), picture)

    @property
    def smallest(self) -> int:
        """The least pixels a side that the network takes; smaller pictures are mirrored up to it."""
        return max(SMALLEST, self.margin + 1)  # a margin needs so many to mirror

    def pixels(self, height: int, width: int) -> int:
        """About how many pixels are painted for a picture of this size, those of the margin too."""
        tall, wide = (max(side, self.smallest) + 2 * self.margin for side in (height, width))
        return tall * wide

    @property
    def threads(self) -> int:
        """How many cores it uses."""
        return self._threads or cores()

    def bytes_for(self, height: int, width: int, *, regions: bool = False, floats: bool = True) -> int:
        """Memory that painting a picture of this size, of ``floats`` or of bytes, takes beside the network's own."""
        share = 0.85 if self.precision == "bf16" else 1.15  # of what the graph tells, measured
        pixel = share * self.graph(regions).straight.bytes if self.runtime == "openvino" else BYTES
        pixel += FLOATS if floats or self.runtime != "openvino" else IN_BYTES
        return int(pixel * self.pixels(height, width))

    def graph(self, regions: bool = False) -> Graph:
        """The network in stages, for pictures that are painted in tiles; NetworkError without OpenVINO."""
        if self.runtime != "openvino":
            raise NetworkError(
                "a picture that does not fit into memory whole is painted in tiles, which needs OpenVINO: "
                "pip install openvino, and take the runtime auto or openvino"
            )
        with self._opening:
            if regions not in self._graphs:
                path = self._regions_file() if regions else self._path
                options = {"INFERENCE_PRECISION_HINT": self.precision}
                self._graphs[regions] = Graph(path, options, self._multiple, self.margin)
            return self._graphs[regions]

    def _regions_file(self) -> Path:
        """The file for regions, which is there and belongs to this network."""
        self._open_regions()
        return self._path.with_name(f"{self._path.stem}{REGIONS}.onnx")

    def _open_regions(self) -> Session:
        with self._opening:
            if self._regions is None:
                path = self._path.with_name(f"{self._path.stem}{REGIONS}.onnx")
                if not path.is_file():
                    raise NetworkError(
                        f"the network {self.name!r} has no {path.name} to paint regions with; export it again"
                    )
                _, _, session = _open(path, self.runtime, self._threads, self.precision, self._streams)
                found = session.meta.get("impasto.fingerprint"), session.meta.get("impasto.margin", "0")
                if found != (self.fingerprint, str(self.margin)):
                    raise NetworkError(f"{path} belongs to another network than {self._path.name}; export both again")
                self._regions = session
            return self._regions

    def _mismatch(self, size: int) -> MismatchError:
        return MismatchError(
            f"the network {self.name!r} takes rows of {self.row_size} numbers, not {size}; "
            "use a bank that was made for it"
        )

    def _planes(self, picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(h, w, C) -> (1, C, h', w'), or (1, h', w', C) of bytes: mirrored below and at the right."""
        bottom, right = (
            -(-max(size, self.smallest) // self._multiple) * self._multiple - size for size in picture.shape[:2]
        )
        if bottom or right:
            picture = np.pad(picture, ((0, bottom), (0, right), (0, 0)), "reflect")
        planes = picture if picture.dtype == np.uint8 else picture.astype(np.float32, copy=False).transpose(2, 0, 1)
        return np.ascontiguousarray(planes)[None]


def cores() -> int:
    """How many cores this process may use."""
    return len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0))


def _check_count(name: str, value: object) -> None:
    try:
        right = not isinstance(value, bool) and operator.index(value) >= 1  # type: ignore[arg-type]
    except TypeError:
        right = False
    if not right:
        raise NetworkError(f"{name} must be a whole number from 1 on, not {value!r}")


def _cut(painted: npt.NDArray[Any], picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(1, 3, h', w'), or (1, h', w', 3) of bytes -> (h, w, 3), the size of ``picture``."""
    height, width = picture.shape[:2]
    pixels = painted[0] if painted.dtype == np.uint8 else painted[0].transpose(1, 2, 0)
    return np.ascontiguousarray(pixels[:height, :width])


def _open(path: Path, runtime: str, threads: int | None, precision: str, streams: int) -> tuple[str, str, Session]:
    """The runtime and the precision that were taken, and the open network."""
    if not path.is_file():
        raise NetworkError(
            f"{path} does not exist; check the path, or leave it out to use the network that comes along"
        )
    openers: dict[str, Callable[[Path, int | None, str, int], Session]] = {
        "openvino": _OpenVino,
        "onnxruntime": _OnnxRuntime,
    }
    if runtime not in ("auto", *openers):
        raise NetworkError(f"there is no runtime {runtime!r}; choose auto, openvino or onnxruntime")
    if precision not in ("auto", "f32", "bf16"):
        raise NetworkError(f"there is no precision {precision!r}; choose auto, f32 or bf16")
    if runtime == "auto":
        runtime = "openvino" if _has_openvino() else "onnxruntime"
    try:
        if precision == "auto":
            precision = _quicker(path, threads) if runtime == "openvino" and _has_bfloat16() else "f32"
        return runtime, precision, openers[runtime](path, threads, precision, streams)
    except ImpastoError:
        raise
    except ImportError as error:
        raise NetworkError(f"{runtime} is not installed or does not run here: pip install {runtime}") from error
    except Exception as error:  # both runtimes raise a zoo of types for a damaged file
        if lacks_memory(error):
            raise NetworkError(f"there is not enough memory to open {path}; close other programs") from error
        reason = " ".join(str(error).split())[:200]
        raise NetworkError(f"{path} cannot be opened as a network ({reason}); export or install it again") from error


def lacks_memory(error: Exception) -> bool:
    """Whether numpy or a runtime was refused memory; the runtimes have no type of error for that."""
    theirs = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return isinstance(error, MemoryError) or (theirs and "alloc" in str(error).lower())


def _has_bfloat16() -> bool:
    """Whether OpenVINO finds units for bfloat16 in the processor."""
    try:
        return "BF16" in quiet.core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception:  # what is wrong with OpenVINO is told when the network is opened
        return False


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
    except Exception as error:  # a library that breaks on this machine raises more than ImportError
        if not isinstance(error, ModuleNotFoundError) or error.name != "openvino":
            _warn_once(f"importing it failed ({' '.join(f'{type(error).__name__}: {error}'.split())[:200]})")
        elif platform.machine().lower() in HAVE_OPENVINO:
            _warn_once("it is not installed (pip install openvino)")
        return False
    return True


@cache
def _warn_once(reason: str) -> None:
    with contextlib.suppress(RuntimeWarning):  # the picture is painted where warnings are errors, too
        line = f"ONNX Runtime paints, 2 to 12 times slower than OpenVINO: {reason}"
        warnings.warn(line, RuntimeWarning, stacklevel=2)


def _forget_in_child() -> None:
    for network in list(_networks):
        network._forget()


_networks: weakref.WeakSet[Network] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


@dataclass(frozen=True)
class _Ready:
    """A compiled network, and its requests that nobody uses just now."""

    compiled: Any
    idle: list[Any]


class _OpenVino:
    """OpenVINO on the CPU. It is always told the precision: with bfloat16 units it would take them by itself.

    A network compiled for one size of picture is a tenth to a third faster than one for any size, and takes 0.1 s to
    compile. The first size gets one and the next that comes again, later any that comes twice in a row; other sizes
    share one for all.
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
        self._lock = threading.Lock()  # a compiled network keeps one set of buffers and refuses a second thread
        quiet.has_threads(self)

    def run(self, feeds: Feeds) -> npt.NDArray[Any]:
        if self._streams_for(feeds) > 1:
            return self._run_beside(feeds)
        with self._lock:
            compiled = self._ready(feeds).compiled
            try:
                painted: npt.NDArray[Any] = compiled(feeds)[0]
            finally:
                if feeds["picture"].size // 3 > IDLE:
                    compiled.release_memory()
        return painted

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

    def _ready(self, feeds: Feeds) -> _Ready:
        sizes, kind = _sizes(feeds), feeds["picture"].dtype
        again = not self._seen or sizes in self._seen
        at_once = not self._seen or sizes == self._seen[-1]
        self._seen.append(sizes)
        if sizes in self._fixed:
            self._fixed.move_to_end(sizes)
            return self._fixed[sizes]
        if not (at_once if len(self._fixed) == FIXED else again):  # many sizes in turn would drive each other out
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
