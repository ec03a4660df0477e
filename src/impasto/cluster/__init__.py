"""Very many photos painted on several machines, on Ray Data: addresses in, records out.

``paint_many`` is what others need. Ray and pyarrow are imported when it is called, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.cluster.settings import Crew as Crew, Tools as Tools

if TYPE_CHECKING:
    from impasto.cluster.records import Record as Record
    from impasto.cluster.run import paint_many as paint_many

__all__ = ["Crew", "Record", "Tools", "paint_many"]


def __getattr__(name: str) -> Any:
    """What needs numpy is imported when it is first asked for, as in ``impasto`` itself."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from impasto.cluster import records, run

    globals().update(Record=records.Record, paint_many=run.paint_many)
    return globals()[name]
