"""What OpenVINO compiles, kept in files of the cache folder: the next process imports it in a quarter of the time.

A file is imported only if it is whole, byte by byte, and was written under the very same key: of what is damaged
OpenVINO makes no error, but the end of the process.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from impasto import quiet
from impasto.errors import attempt
from impasto.files import keep_newest, write_atomically

FILE = "compiled-{}.bin"
MOST_BYTES, MOST_FILES = 200_000_000, 400  # of all files; beyond it those go that nobody has used for longest
DIGEST = hashlib.sha256().digest_size


def compiled(make: Callable[[], Any], options: Mapping[str, Any], *key: str, device: str = "CPU") -> Any:
    """The model that ``make`` gives, compiled for the device with ``options``; imported where it was compiled before.

    ``key`` says all that the model depends on; the processor, OpenVINO's version and the options are known here.
    Without a cache folder, where files in it cannot be read or written, and where a word of the key is "", which
    nobody knows then, it is compiled every time.
    """
    core, options, folder = quiet.core(), dict(options), quiet.cache_folder()
    if folder is None or "" in key:
        return core.compile_model(make(), device, options)
    given = sorted((name, str(value)) for name, value in options.items())
    name = json.dumps([*machine(), device, given, *key]).encode()
    file = folder / FILE.format(hashlib.sha256(name).hexdigest()[:32])
    kept = _read(file, name)
    found = attempt(lambda: core.import_model(kept, device, options), None) if kept else None
    if found is None:
        found = core.compile_model(make(), device, options)
        attempt(lambda: _write(file, name, _exported(found)), None)  # it is only slower without
    return found


def _exported(found: Any) -> bytes:
    stream = io.BytesIO()
    found.export_model(stream)
    return stream.getvalue()


def digest_of(*files: str | os.PathLike[str] | bytes) -> str:
    """What files, or what is held already, hold in a word: "" where one cannot be read."""

    def found() -> str:
        held = (file if isinstance(file, bytes) else Path(file).read_bytes() for file in files)
        return hashlib.sha256(b"".join(held)).hexdigest()

    return attempt(found, "")


@cache
def machine() -> tuple[str, ...]:
    """What decides here how a network is compiled: processor, cores, OpenVINO."""
    flags = hashlib.sha256(_processor("flags", "Features").encode()).hexdigest()[:16]
    return processor(), flags, str(os.cpu_count()), str(quiet.openvino().__version__), instructions()


@cache
def processor() -> str:
    """The processor's model, in the words of the system."""
    return _processor("model name") or platform.processor() or platform.machine()


def instructions() -> str:
    """The cap on oneDNN's instructions that the user has set, "" for none."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA", "")


def _processor(*names: str) -> str:
    """What Linux says of the first core under one of these names; "" elsewhere."""
    with suppress(OSError), Path("/proc/cpuinfo").open() as lines:
        for line in lines:
            if line.startswith(names):
                return line.partition(":")[2].strip()
            if not line.strip():
                break
    return ""


def _read(file: Path, name: bytes) -> bytes | None:
    """What was kept under this name; None if it is missing, damaged or something else's."""
    with suppress(OSError):
        held = file.read_bytes()
        head = DIGEST + len(name)
        if held[DIGEST:head] == name and hashlib.sha256(held[DIGEST:]).digest() == held[:DIGEST]:
            with suppress(OSError):
                os.utime(file)  # it was used
            return held[head:]
    return None


def _write(file: Path, name: bytes, blob: bytes) -> None:
    """Keep ``blob``, and remove what is too much; OSError, and then nothing is kept."""
    held = name + blob
    if len(held) > MOST_BYTES // 4:
        return
    write_atomically(file, hashlib.sha256(held).digest() + held, lasting=False)
    keep_newest(file.parent, FILE.format("*"), count=MOST_FILES, size=MOST_BYTES)
