"""Tables in a page of the documents, put between their marks by the scripts that make them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def filled(page: Path, script: str, tables: Mapping[str, str]) -> str:
    """The text of ``page`` with each of the ``tables`` of ``benchmarks/SCRIPT`` between the marks of its name."""
    text = page.read_text(encoding="utf-8")
    for mark, lines in tables.items():
        begin, end = f"<!-- {mark}: from benchmarks/results/ by benchmarks/{script} -->\n", f"<!-- end {mark} -->"
        head, found, rest = text.partition(begin)
        _, ends, tail = rest.partition(end)
        assert found and ends, f"the page has no place for the table of {mark}"
        text = head + begin + lines + end + tail
    return text
