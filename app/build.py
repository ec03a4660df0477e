"""Builds the app: build/app/impasto-studio-SYSTEM-PROCESSOR.tar.gz (.zip on Windows). Needs PyPI.

It works in a venv of its own, so that nothing goes in that only developers have. An app that is newer than all that it
is made of stays.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
import venv
from pathlib import Path

APP = Path(__file__).parent
ROOT, OUT, NAME = APP.parent, APP.parent / "build" / "app", "impasto-studio"
WINDOWS, MAC = sys.platform == "win32", sys.platform == "darwin"
TARGET = OUT / f"{NAME}-{platform.system()}-{platform.machine()}".lower()
ARCHIVE = Path(f"{TARGET}.zip" if WINDOWS else f"{TARGET}.tar.gz")


def main() -> None:
    if not is_new():
        began = time.time()
        python = OUT / "venv" / ("Scripts/python.exe" if WINDOWS else "bin/python")
        if not python.exists():
            venv.create(OUT / "venv", with_pip=True)
        run(python, "-m", "pip", "install", "--quiet", "--upgrade", f"{ROOT}[app]")
        spec = [str(APP / f"{NAME}.spec"), "--distpath", str(OUT / "dist"), "--workpath", str(OUT / "work")]
        run(python, "-m", "PyInstaller", *spec, "--noconfirm", "--log-level", "WARN")
        pack()
        os.utime(ARCHIVE, (began, began))  # what is changed meanwhile is not in it
    print(f"{ARCHIVE.relative_to(ROOT)}: {ARCHIVE.stat().st_size / 1e6:.0f} MB")


def is_new() -> bool:
    """Whether the app is newer than all that it is made of."""
    sources = [path for folder in (APP, ROOT / "src") for path in folder.rglob("*") if "__pycache__" not in path.parts]
    newest = max(path.stat().st_mtime for path in [*sources, ROOT / "pyproject.toml"] if path.is_file())
    return ARCHIVE.exists() and ARCHIVE.stat().st_mtime > newest


def run(*command: str | Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(list(map(str, command)), check=True, env=clean)


def pack() -> None:
    """The app's folder as one file, with what a desktop needs beside the program."""
    folder = OUT / "dist" / (f"{NAME}.app" if MAC else NAME)
    if sys.platform == "linux":
        for name in (f"{NAME}.desktop", "icon.png"):
            shutil.copy(APP / name, folder)
        (folder / f"{NAME}.desktop").chmod(0o755)
    if WINDOWS:
        shutil.make_archive(str(TARGET), "zip", folder.parent, folder.name)
        return
    with tarfile.open(f"{ARCHIVE}.part", "w:gz", compresslevel=6) as archive:
        archive.add(folder, folder.name)
    os.replace(f"{ARCHIVE}.part", ARCHIVE)


if __name__ == "__main__":
    main()
