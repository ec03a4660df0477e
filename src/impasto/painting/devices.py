"""A GPU, where an installed runtime offers one that paints as the processor does: tried once, and remembered.

It paints pictures whole. What it cannot hold, and all that goes in tiles, the processor paints.
"""

from __future__ import annotations

import contextlib
import glob
import importlib.util
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import quiet
from impasto.errors import NetworkError, attempt
from impasto.painting.precision import GAIN, remembered
from impasto.painting.sessions import PROVIDERS, Feeds, OnnxRuntime, OpenVino, Session

CPU, QUICKER, SLOWER, WRONG = "cpu", "quicker", "slower", "wrong"
CLOSE = 3 / 255  # how far a painting may be from the processor's, in 0..1, in any value
SIGNS = ("/dev/dri/render*", "/dev/nvidia[0-9]*", "/etc/OpenCL/vendors/*")  # of GPUs and their drivers, on Linux
HELP = "docs/gpu.md says which runtimes have one"

Test = Callable[["Gpu"], str]  # QUICKER, SLOWER or WRONG


@dataclass(frozen=True)
class Gpu:
    """A GPU as a runtime offers it: ``name`` is that of ONNX Runtime's provider, or of OpenVINO's device."""

    runtime: str
    name: str

    def __str__(self) -> str:
        return f"{self.runtime} {self.name}"

    def open(self, path: Path) -> Session:
        """The network on it, in float32; whatever the runtime raises."""
        if self.runtime == "openvino":
            return OpenVino(path, None, device=self.name)
        return OnnxRuntime(path, None, self.name)


def gpus() -> list[Gpu]:
    """Those that the installed runtimes offer, the one to try first first."""
    providers: Sequence[str] = attempt(lambda: quiet.onnxruntime().get_available_providers(), ())
    devices: Sequence[str] = attempt(lambda: quiet.core().available_devices, ())
    found = [Gpu("onnxruntime", name) for name in PROVIDERS if name in providers]
    return found + [Gpu("openvino", name) for name in devices if name.split(".")[0] == "GPU"][:1]


def signs() -> str:
    """What would be otherwise if a GPU, a driver or a runtime came or went; looks at names and times of files only."""
    found = importlib.util.find_spec("onnxruntime")
    folders = [Path(place) / "capi" for place in (found and found.submodule_search_locations) or ()]
    changed = [str(folder.stat().st_mtime_ns) for folder in folders if folder.is_dir()]
    return " ".join([*changed, *(name for pattern in SIGNS for name in sorted(glob.glob(pattern)))])


def chosen(device: str, key: str, found: Callable[[], Sequence[Gpu]], test: Test) -> Gpu | None:
    """The GPU to paint with; None is the processor.

    ``device`` "auto" takes one that is right and quicker than the processor, "gpu" one that is right. What a ``test``
    says is remembered under ``key``. Where one paints wrong, or not at all, a line says so. NetworkError for "gpu"
    where there is none.
    """
    if device == "cpu" or (device == "auto" and quiet.cache_folder() is None):  # to look for one takes too long
        return None
    if device == "auto":
        names: dict[str, Gpu] = {}

        def search() -> str:
            names.update({str(gpu): gpu for gpu in found()})
            verdicts = {name: _verdict(key, gpu, test) for name, gpu in names.items()}
            for name, verdict in verdicts.items():
                if verdict == WRONG:
                    _warn_of(name)
            return next((name for name, verdict in verdicts.items() if verdict == QUICKER), CPU)

        taken = remembered("device", f"{key}, {signs()}", _Names(), search)
        return None if taken == CPU else Gpu(*taken.split(" ", 1))
    offered = found()
    if not offered:
        raise NetworkError(f"no installed runtime offers a GPU here; {HELP}, or take the device cpu")
    for gpu in offered:
        if _verdict(key, gpu, test) != WRONG:
            return gpu
    _warn_of(str(offered[0]))
    return None


class _Names:
    """What a choice may be called."""

    def __contains__(self, name: object) -> bool:
        return name == CPU or str(name).partition(" ")[0] in ("openvino", "onnxruntime")


def _verdict(key: str, gpu: Gpu, test: Test) -> str:
    words = (QUICKER, SLOWER, WRONG)
    return remembered("device", f"{key}, {signs()}, {gpu}", words, lambda: attempt(lambda: test(gpu), WRONG))


def _warn_of(name: str) -> None:
    _warn(f"the processor paints, since {name} does not paint here as it does")


def _warn(line: str) -> None:
    with contextlib.suppress(RuntimeWarning):  # the picture is painted where warnings are errors, too
        warnings.warn(line, RuntimeWarning, stacklevel=2)


def compared(processor: Callable[[], tuple[Any, float]], gpu: Callable[[], tuple[Any, float]]) -> str:
    """What becomes of a GPU: both give the painting of one picture, 0..255, and the seconds that it took."""
    (right, slow), (painted, quick) = processor(), gpu()
    if painted.shape != right.shape or not np.all(np.abs(np.subtract(painted, right, dtype=float)) <= 255 * CLOSE):
        return WRONG
    return QUICKER if quick < GAIN * slow else SLOWER


class WithGpu:
    """A network on a GPU and, for what that cannot hold, on the processor."""

    def __init__(self, gpu: Session, processor: Session) -> None:
        self._gpu, self._processor, self.meta = gpu, processor, processor.meta
        self._beyond = float("inf")  # bytes of a picture that was too large for it
        self._halted = False

    def run(self, feeds: Feeds) -> npt.NDArray[Any]:
        size = feeds["picture"].nbytes
        if size < self._beyond:
            painted: npt.NDArray[Any] | None = attempt(lambda: self._gpu.run(feeds), None)
            if painted is not None:
                return painted
            if self._halted:
                raise InterruptedError
            self._beyond = size
            attempt(self._gpu.let_go, None)
            _warn("the processor paints what the GPU cannot: this picture, and larger ones")
        return self._processor.run(feeds)

    def prepare(self, feeds: Feeds) -> None:
        self._gpu.prepare(feeds)

    def let_go(self) -> None:
        for session in (self._gpu, self._processor):
            session.let_go()

    def afresh(self) -> None:
        for session in (self._gpu, self._processor):
            session.afresh()

    def halt(self, on: bool) -> None:
        self._halted = on
        for session in (self._gpu, self._processor):
            session.halt(on)
