"""Where photos and paintings are: paths of this machine, or addresses of stores such as s3://bucket/photos.

Paths are left to the file system; behind an address is pyarrow.fs, which is imported when one is met.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

from impasto import files
from impasto.errors import ClusterError, MissingExtraError, PictureError, TargetError, brief, foreign
from impasto.files import printable

AT_ONCE = 16  # questions to a store at the same time
PATIENCE = 20.0  # seconds in which a store has to answer for the first time
WHOLE = ("s3", "gcs", "abfs")  # stores that show a file only once it is whole
_ADDRESS = re.compile(r"(?P<scheme>\w[\w+.-]*)://(?P<host>[^/?]*)(?P<path>.*?)(?P<options>\?\w+=.*)?", re.DOTALL)


def is_address(place: str) -> bool:
    """Whether this is an address in a store, and no path."""
    return "://" in place


def absolute(place: str) -> str:
    """The same place for processes in other folders."""
    return place if is_address(place) else os.path.abspath(place)


def path_in(address: str) -> str:
    """The path in an address, from the bucket or host on: what its files are called by."""
    scheme, host, path, _ = _parts(address)
    return f"{host}{path}" if host else path


def below(folder: str, relative: str) -> str:
    """A place below a folder; options of an address, behind a question mark, stay behind all of it."""
    if not is_address(folder):
        return os.path.join(folder, relative)
    scheme, host, path, options = _parts(folder)
    return f"{scheme}://{host}{path.rstrip('/')}/{relative}{options}"


def resolved(output: str, target: str) -> str:
    """Where a painting goes: places stay, and names are below the output."""
    return target if is_address(target) or os.path.isabs(target) else below(output, target)


def _parts(address: str) -> tuple[str, str, str, str]:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise PictureError(f"{printable(address)} is no address; write one like s3://bucket/photos")
    return found["scheme"], found["host"], found["path"], found["options"] or ""


def reach(address: str) -> None:
    """Ask a store for the first time: ClusterError where it refuses to answer, or does not within some seconds.

    The thread that asked is left behind then: some stores are asked again and again for a quarter of an hour.
    """

    def ask() -> None:
        store, path = opened(address)
        store.get_file_info(path)

    def meaning(error: Exception) -> Exception:
        why = f"no answer in {PATIENCE:g} s" if isinstance(error, multiprocessing.TimeoutError) else brief(error)
        return ClusterError(
            f"{printable(address)} cannot be reached ({why}); check the address, the network and the keys"
        )

    pool = ThreadPool(1)  # whose threads nothing waits for
    with foreign(meaning):
        asked = pool.apply_async(ask)
        pool.close()
        asked.get(PATIENCE)


def read(place: str) -> bytes:
    """What is in a file; PictureError where it cannot be read."""

    def meaning(error: Exception) -> Exception:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else brief(error)
        return PictureError(f"{printable(place)} cannot be read ({why})")

    with foreign(meaning):
        if not is_address(place):
            return Path(place).read_bytes()
        store, path = opened(place)
        with store.open_input_stream(path) as file:
            data: bytes = file.read()
        return data


def write(place: str, data: bytes) -> None:
    """Put ``data`` there, whole or not at all, in folders that are made; TargetError where that cannot be."""
    with foreign(lambda error: TargetError(f"{printable(place)} cannot be written ({brief(error)})")):
        if not is_address(place):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(place, data)
            return
        store, path = opened(place)
        if store.type_name in WHOLE:
            _send(store, path, data)
            return
        folder, _, name = path.rpartition("/")
        store.create_dir(folder, recursive=True)
        _send(store, beside := f"{folder}/.{secrets.token_hex(8)}-{name}", data)
        store.move(beside, path)


def _send(store: Any, path: str, data: bytes) -> None:
    with store.open_output_stream(path) as file:
        file.write(data)


def there(places: Sequence[str]) -> list[bool]:
    """Which of these files are there; ClusterError where a store does not say."""
    if not any(map(is_address, places)):
        return list(map(os.path.lexists, places))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(_is_there, places))


def _is_there(place: str) -> bool:
    if not is_address(place):
        return os.path.lexists(place)
    with foreign(lambda error: ClusterError(f"{printable(place)} cannot be looked for ({brief(error)})")):
        store, path = opened(place)
        return bool(store.get_file_info(path).is_file)


def listed(folder: str) -> Iterator[str]:
    """Paths of all files below an address, relative to it and sorted; PictureError where it cannot be listed."""
    from pyarrow import fs

    with foreign(lambda error: PictureError(f"{printable(folder)} cannot be listed ({brief(error)})")):
        store, path = opened(folder)
        found = store.get_file_info(fs.FileSelector(path, recursive=True))
    yield from sorted(each.path.removeprefix(f"{path}/") for each in found if each.is_file)


def opened(address: str) -> tuple[Any, str]:
    """The store behind an address, and the path in it. What pyarrow raises for an address is not translated here."""
    scheme, host, path, options = _parts(address)
    store, top = _store(scheme, host, options)
    return store, (f"{top.rstrip('/')}{path}" if top else path.lstrip("/")).rstrip("/")


@cache
def _store(scheme: str, host: str, options: str) -> tuple[Any, str]:
    """A store, and where in it an address without a path leads: to a bucket, a container, the root, or (empty) all."""
    try:
        from pyarrow import fs
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow is not installed: pip install 'impasto[cluster]'") from error
    store, top = fs.FileSystem.from_uri(f"{scheme}://{host}/{options}")
    return store, str(top)
