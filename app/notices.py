"""What lies in the app, by whom, under which licence: the text of THIRD-PARTY.txt."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

LICENCES = re.compile(r"(^|/)(licen[cs]e|copying|notice|third|authors)[^/]*$", re.IGNORECASE)
TITLE = """What impasto studio is made of. impasto itself is under the MIT licence (LICENSE).
The program that starts it is PyInstaller's bootloader: GPL 2, with an exception for programs of any licence.
"""


def notices(entries: Iterable[tuple[str, str, str]]) -> str:
    """The text for PyInstaller's entries: (name in the app, path here, kind)."""
    files = {str(Path(source).resolve()) for _, source, _ in entries if source}
    owners = {
        str(Path(str(each.locate_file(file))).resolve()): each for each in distributions() for file in each.files or ()
    }
    found = {owners[file].metadata["Name"]: owners[file] for file in files if file in owners}
    found.pop("impasto", None)
    found.pop("pyinstaller", None)
    parts = [TITLE, *(_of_distribution(found[name]) for name in sorted(found, key=str.lower))]
    parts.append(_part(f"Python {platform.python_version()}", "PSF-2.0", [_python_licence()]))
    system = [
        file
        for file in files - owners.keys()
        if re.search(r"\.so(\.|$)", file) and not file.startswith(sys.base_prefix)
    ]
    packages = sorted({_package(file) for file in system} - {""})
    parts += [_part(f"{each} (Debian)", "see below", [Path("/usr/share/doc", each, "copyright")]) for each in packages]
    return "\n".join(parts)


def _of_distribution(each: Distribution) -> str:
    texts = [
        Path(str(each.locate_file(file)))
        for file in each.files or ()
        if ".dist-info/" in str(file) and LICENCES.search(str(file))
    ]
    return _part(f"{each.metadata['Name']} {each.version}", licence(each), texts)


def licence(each: Distribution) -> str:
    """What a distribution calls its licence, in a line."""
    named = each.metadata["License-Expression"] or each.metadata["License"] or ""
    listed = [
        row.rpartition(" :: ")[2] for row in each.metadata.get_all("Classifier") or [] if row.startswith("License ::")
    ]
    return (named.splitlines() or [""])[0][:100] or ", ".join(listed) or "not named"


def _part(title: str, words: str, texts: Iterable[Path]) -> str:
    line = f"{'=' * 78}\n{title}: {words}\n"
    return line + "".join(f"\n{path.read_text('utf-8', 'replace').strip()}\n" for path in texts if path.is_file())


def _python_licence() -> Path:
    base = Path(sys.base_prefix)
    return next(
        (path for path in (*base.glob("LICENSE*"), *base.glob("lib/python3*/LICENSE.txt")) if path.is_file()), base
    )


def _package(library: str) -> str:
    """The package of Debian's that a library is from; "" where there is none, or no dpkg."""
    for path in (library, library.removeprefix("/usr")):
        asked = (
            subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
            if Path("/usr/bin/dpkg").exists()
            else None
        )
        if asked is not None and asked.returncode == 0:
            return asked.stdout.partition(":")[0]
    return ""
