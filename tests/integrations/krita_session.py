"""Krita, started under Xvfb with the plug-in and a script that drives it from inside. Needs krita and xvfb-run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PLUG_IN = Path(__file__).parents[2] / "integrations" / "krita"
MISSING = [name for name in ("krita", "xvfb-run") if shutil.which(name) is None]
START = """\
import os, runpy, traceback
from krita import Extension, Krita
from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QApplication
class Driver(Extension):
    def setup(self):
        pass
    def createActions(self, window):
        QTimer.singleShot(2000, self.go)
    def go(self):
        try:
            runpy.run_path(os.environ["DRIVER"])
        except BaseException:
            open(os.environ["DRIVER_OUT"] + "/error", "w").write(traceback.format_exc())
        QApplication.instance().quit()
Krita.instance().addExtension(Driver(Krita.instance()))
"""


def session(driver: str, folder: Path, *, screen: str = "1280x900x24", seconds: float = 300, **env: str) -> Path:
    """Run ``driver`` inside Krita, and give the folder DRIVER_OUT into which it writes; AssertionError if it fails."""
    home, out, script = folder / "home", folder / "out", folder / "driver.py"
    plug_ins = home / "data" / "krita" / "pykrita"
    shutil.copytree(PLUG_IN, plug_ins)
    (plug_ins / "driver").mkdir()
    (plug_ins / "driver" / "__init__.py").write_text(START)
    entry = (plug_ins / "impasto_paint.desktop").read_text()
    (plug_ins / "driver.desktop").write_text(entry.replace("=impasto_paint", "=driver"))
    (home / "config").mkdir()
    (home / "config" / "kritarc").write_text("[python]\nenable_impasto_paint=true\nenable_driver=true\n")
    out.mkdir()
    script.write_text(driver)
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR")}
    homes = {"HOME": home, "XDG_DATA_HOME": home / "data", "XDG_CONFIG_HOME": home / "config"}
    homes |= {"XDG_CACHE_HOME": home / "cache", "DRIVER": script, "DRIVER_OUT": out}
    env = kept | {name: str(path) for name, path in homes.items()} | {"PATH": "/usr/bin:/bin"} | env
    display = 1000 + os.getpid() % 30_000  # xvfb-run's own search for a free one fails where two search at once
    command = ["xvfb-run", "-n", str(display), "-s", f"-screen 0 {screen}", "krita", "--nosplash"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds, cwd=folder)
    error = out / "error"
    assert not error.exists(), error.read_text()
    assert list(out.iterdir()), done.stderr[-2000:]  # Krita may crash when it ends, long after it has done its work
    return out
