"""What became of each picture, and the files that keep it."""

from __future__ import annotations

import io
import secrets
import time
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from impasto.cluster import places

AT_MOST = 10_000  # records in one file
SECONDS = 60.0  # after which a file is written with less

Status = Literal["painted", "there", "failed", "killed"]


@dataclass(frozen=True)
class Record:
    """What became of one picture.

    ``status`` is "painted"; "there" for a painting that was finished before an actor came to it; "failed" with the
    sentence in ``error``; or "killed" for a picture of which three actors died. ``seconds`` are those of painting,
    without reading and writing. ``notes`` are sentences for people.
    """

    source: str
    target: str
    status: Status
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: str = ""


def table(records: list[Record]) -> Any:
    """Records as a table of pyarrow."""
    import pyarrow as pa

    kinds = {"width": pa.int32(), "height": pa.int32(), "seconds": pa.float32(), "notes": pa.list_(pa.string())}
    schema = pa.schema([(each.name, kinds.get(each.name, pa.string())) for each in fields(Record)])
    return pa.Table.from_pylist([asdict(each) for each in records], schema=schema)


def records_in(batch: Any) -> list[Record]:
    """The records in such a table."""
    return [Record(**{**each, "notes": tuple(each["notes"])}) for each in batch.to_pylist()]


class Parts:
    """Records, kept in Parquet files of a folder: each file is written whole, and none is ever changed."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._name = f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"
        self._number = 0
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[Record] = []
        self._since = time.monotonic()

    def add(self, records: list[Record]) -> None:
        """Keep these; TargetError where they cannot be written."""
        self._waiting += records
        if len(self._waiting) >= AT_MOST or time.monotonic() - self._since >= SECONDS:
            self.write()

    def write(self) -> None:
        """Write what waits."""
        if self._waiting:
            from pyarrow import parquet

            parquet.write_table(table(self._waiting), buffer := io.BytesIO())
            self._number += 1
            name = f"part-{self._name}-{self._number:05}.parquet"
            places.write(places.below(self._folder, name), buffer.getvalue())
        self._begin()
