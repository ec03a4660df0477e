"""A network open in OpenVINO or ONNX Runtime, on the processor or a graphics chip, behind one interface."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from impasto import quiet
from impasto.errors import attempt
from impasto.painting.precision import remembered
from impasto.painting.tiles import compile_cache, narrow
from impasto.painting.tiles.narrow import widened

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Feeds: TypeAlias = dict[str, npt.NDArray[Any]]
FIXED = 2  # sizes of pictures that OpenVINO keeps a network of their own for: landscape and portrait
REMEMBERED = 16  # pictures whose sizes count as having come before
IDLE = 2**21  # pixels: for a picture beyond this size no memory is kept once it is painted
CPU_PROVIDER = "CPUExecutionProvider"
# Of ONNX Runtime's, what computes on a graphics chip, with what keeps it from rounding more than float32 does.
PROVIDERS: dict[str, dict[str, str]] = {
    "CUDAExecutionProvider": {"use_tf32": "0"},
    "DmlExecutionProvider": {},
    "CoreMLExecutionProvider": {},
}
STREAMED = 2**20  # pixels: pictures up to this size may be painted side by side


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


@dataclass(frozen=True)
class _Ready:
    """A compiled network, and its requests that nobody uses just now."""

    compiled: Any
    idle: list[Any]

    @cached_property
    def request(self) -> Any:
        """The one that paints alone."""
        return self.compiled.create_infer_request()


class _File:
    """A network's file, read once. OpenVINO makes a model of it only where there is something to compile.

    Of a file that has been opened here before the metadata are known by its digest.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._held = path, path.read_bytes()  # should another file come in its place
        self._reading = threading.Lock()
        self._model: Any = None
        # What is in it, and in this file, which makes a model of it.
        self.digest = compile_cache.digest_of(self._held, __file__, narrow.__file__)
        words = remembered("network", self.digest, _Objects(), self._words) if self.digest else self._words()
        self.meta: dict[str, str] = json.loads(words)

    def model(self) -> Any:
        with self._reading:
            if self._model is None:
                self._model = widened(quiet.core().read_model(self._held, b""))
            self._held = b""
            return self._model

    def _words(self) -> str:
        """The metadata, from the model: by the file's path, for what is no network OpenVINO says so best."""
        self._model = widened(quiet.core().read_model(self._path))
        info = self._model.rt_info["framework"] if self._model.has_rt_info(["framework"]) else {}
        return json.dumps({str(key): str(value.value) for key, value in info.items()})


class _Objects:
    """Words that are JSON objects of texts."""

    def __contains__(self, word: object) -> bool:
        found = attempt(lambda: json.loads(str(word)), None)
        return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())


class OpenVino:
    """OpenVINO. The precision is always set: with bfloat16 units it would take them by itself.

    A network compiled for one size of picture is a tenth to a third faster than one for any size, and takes 0.1 s to
    compile. The first size gets one and the next that comes again, later any that comes twice in a row, and every one
    beyond two megapixels, which makes up for it with one painting; other sizes share one for all.
    """

    def __init__(
        self,
        path: Path,
        threads: int | None,
        precision: str = "f32",
        streams: int = 1,
        *,
        device: str = "CPU",
        file: _File | None = None,
    ) -> None:
        quiet.core()  # where OpenVINO does not run that is found out now
        self._file = _File(path) if file is None else file
        self.meta = self._file.meta
        self._path, self._threads, self._device, self._streams = path, threads, device, streams
        self._options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None and device == "CPU":
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._fixed: OrderedDict[Any, _Ready] = OrderedDict()  # for pictures of one size
        self._any: dict[Any, _Ready] = {}  # for all sizes, by the type of the picture and the streams
        self._seen: deque[Any] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()  # a request keeps one set of buffers and refuses a second thread
        self._halting = threading.Lock()
        self._halted = False
        self._running: Any = None  # the request that is painting alone
        quiet.has_threads(self)

    def another(self, precision: str, streams: int = 1) -> OpenVino:
        """The same network on the CPU in this precision, without reading it again."""
        return OpenVino(self._path, self._threads, precision, streams, file=self._file)

    def run(self, feeds: Feeds) -> npt.NDArray[Any]:
        if self._streams_for(feeds) > 1:
            return self._run_beside(feeds)
        with self._lock:
            ready = self._ready(feeds)
            try:
                painted: npt.NDArray[Any] = self._painted(ready.request, feeds)
            except BaseException:
                self._forget(ready)
                raise
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
        except BaseException:
            with self._lock:
                self._forget(ready)
            raise
        ready.idle.append(request)
        return painted

    def _forget(self, ready: _Ready) -> None:
        """What paints any size and was broken off: its nodes would keep that picture's shapes, and fail with others."""
        self._any = {key: each for key, each in self._any.items() if each is not ready}

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
                self._any[key] = self._compile(feeds, {})
            return self._any[key]
        if len(self._fixed) == FIXED:
            self._fixed.popitem(last=False)
        self._fixed[sizes] = self._compile(feeds, {name: list(value.shape) for name, value in feeds.items()})
        return self._fixed[sizes]

    def _compile(self, feeds: Feeds, shapes: dict[str, list[int]]) -> _Ready:
        """The network for pictures of this type and these ``shapes``, or of any: what it takes is in the key."""
        kind, streams = feeds["picture"].dtype, self._streams_for(feeds)

        def model() -> Any:
            model = self._file.model().clone()
            model = with_bytes(model) if kind == np.uint8 else model
            if shapes:
                model.reshape(shapes)
            return model

        options = self._options | ({"NUM_STREAMS": streams} if streams > 1 else {})
        key = self._file.digest, str(kind), str(sorted(shapes.items()))
        return _Ready(compile_cache.compiled(model, options, *key, device=self._device), [])


def _sizes(feeds: Feeds) -> Any:
    return feeds["picture"].dtype, *sorted((name, value.shape) for name, value in feeds.items())


def with_bytes(model: Any) -> Any:
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


class OnnxRuntime:
    """ONNX Runtime, in float32, by one of its providers."""

    def __init__(self, path: Path, threads: int | None, provider: str = CPU_PROVIDER) -> None:
        onnxruntime = quiet.onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        providers = [(provider, PROVIDERS.get(provider, {})), *([] if provider == CPU_PROVIDER else [CPU_PROVIDER])]
        self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
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
