"""The only way by which impasto loads a runtime: it reports nothing to anyone, writes only into a cache, and forks.

OpenVINO's package reports its import to Google Analytics, from a child process, under an identifier that it keeps in
``~/intel``; ONNX Runtime reports what it opens to Microsoft and keeps a data base in ``~/.cache/Microsoft``.

A forked child has none of its parent's threads. What waits for them there, even only to end them, never comes back: so
the parent lets go of idle threads before it forks, and the child keeps for ever what its parent had open.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib
import os
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from impasto.errors import brief, foreign

SHAPES = 200  # what OpenVINO remembers of sizes, in entries, of which a size takes dozens; left alone it grows for ever
_REPORTER, _CONVERTER = "openvino_telemetry", "openvino.tools.ovc"
_core: Any = None
_loading = threading.RLock()
_with_threads: weakref.WeakSet[Any] = weakref.WeakSet()


def openvino() -> Any:
    """OpenVINO's module, loaded without its reporter; ImportError, whatever else a broken library raises.

    Its converter of other formats, which takes a third of the import, is loaded when somebody asks for it. A program
    that uses ``openvino_telemetry`` itself, before or after, finds it as it left it.
    """
    with _loading:
        if "openvino" in sys.modules:
            return sys.modules["openvino"]
        with _without(_REPORTER, _CONVERTER), foreign(_broken):
            found = importlib.import_module("openvino")
        if not hasattr(found, "convert_model"):
            found.convert_model = _convert_model  # type: ignore[attr-defined]
        return found


def _convert_model(*inputs: Any, **options: Any) -> Any:
    """OpenVINO's own ``convert_model``, for a program that uses it beside us; still without its reporter."""
    with _without(_REPORTER):
        converter = importlib.import_module(_CONVERTER)
    return converter.convert_model(*inputs, **options)


@contextlib.contextmanager
def _without(*names: str) -> Iterator[None]:
    """Modules of these names are "not installed" inside, for which OpenVINO is prepared; then they are as before."""
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def _broken(error: Exception) -> Exception | None:
    return None if isinstance(error, ImportError) else ImportError(brief(error))


def core() -> Any:
    """OpenVINO's ``Core``, the same for all and never ended; ImportError as ``openvino``.

    On processors with AMX every Core gives signals a stack of its own and puts back the one before when it ends. Of
    several that end in another order one puts back a stack that is gone, and the next signal ends the process.
    """
    global _core
    with _loading:
        found = openvino()
        if _core is None:
            _core = found.Core()
            with contextlib.suppress(RuntimeError, AttributeError):  # a property that is not documented, and may go
                _core.get_versions("CPU")  # with the plugin loaded it is refused here, not when a network is compiled
                _core.set_property("CPU", {"CPU_RUNTIME_CACHE_CAPACITY": SHAPES})
        return _core


def onnxruntime() -> Any:
    """ONNX Runtime's module, with its reports off; ImportError, whatever else a broken library raises."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library starts
    with foreign(_broken):
        found = importlib.import_module("onnxruntime")
    if hasattr(found, "disable_telemetry_events"):  # for where it had started before, and for Windows' own reports
        found.disable_telemetry_events()
    return found


def cache_folder() -> Path | None:
    """The folder for what saves time when it is kept: ``$XDG_CACHE_HOME/impasto``, ``~/.cache/impasto`` without it.

    None with IMPASTO_CACHE=off, and where the folder cannot be made or written to.
    """
    if os.environ.get("IMPASTO_CACHE") == "off":
        return None
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "impasto"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # a home that nobody knows is a RuntimeError
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def place_compiled() -> None:
    """Let torch keep what it compiles in our cache folder, not for good in the system's temporary one.

    Without a cache folder it goes into one that is removed at the end. What the user has set stays.
    """
    os.environ.setdefault("TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS", "0")  # they cannot be placed
    names = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}
    unset = [name for name in names if name not in os.environ]
    if not unset:
        return
    folder = cache_folder()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="impasto-"))
        atexit.register(_remove, folder, os.getpid())
    os.environ.update({name: str(folder / names[name]) for name in unset})


def _remove(folder: Path, maker: int) -> None:
    if os.getpid() == maker:  # a forked child ends before its parent
        shutil.rmtree(folder, ignore_errors=True)


def has_threads(holder: object) -> None:
    """Say that ``holder`` holds something of a runtime's that must not be ended in a forked child."""
    _with_threads.add(holder)


def _before_fork() -> None:
    """Let OpenVINO end the threads that nobody uses: a child would be given them for its own work."""
    if _core is not None and "openvino" in sys.modules:
        with contextlib.suppress(RuntimeError, AttributeError):  # a fork must not fail because of us
            sys.modules["openvino"].Core().get_property("CPU", "FULL_DEVICE_NAME")  # it lets go when this Core ends


def _in_child() -> None:
    global _core, _loading
    _loading = threading.RLock()
    for holder in (*_with_threads, _core):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(holder))
    _with_threads.clear()
    _core = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
