"""The app as people get it: built once, looked through, and started in a bare Debian without Python."""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from system import BARE, needs_linux

from impasto import assets
from tests.conftest import until

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[1]
MOST = 250_000_000  # bytes
# What a user has: a home, a browser, and no more.
START = f"""{BARE}exec env -i PATH=/usr/bin:/bin \\
  HOME="$HOME_THERE" BROWSER="$BROWSER" "$chroot" --userspec=1000:1000 --groups= "$ROOT" "$APP"
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's folder, unpacked from the one file that is built."""
    needs_linux("gio")
    built = subprocess.run([sys.executable, ROOT / "app" / "build.py"], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-4000:]
    archive = ROOT / built.stdout.partition(":")[0]
    assert archive.stat().st_size < MOST / 2
    folder = tmp_path_factory.mktemp("app")
    folder.chmod(0o755)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="tar")
    return folder / "impasto-studio"


def test_what_is_inside(app: Path) -> None:
    """It is small; inside are the networks and notices, and no GPL, no torch, no PyAV, no readline, no reporter."""
    paths = [path for path in app.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in paths) < MOST
    names = {path.name for path in paths}
    assert {"full.onnx", "fast.safetensors", "page.js", "THIRD-PARTY.txt", "LICENSE"} <= names
    unwanted = re.compile(r"torch|(^|/)av/|avcodec|x26[45]|readline|gdbm|telemetry.*/|heif", re.IGNORECASE)
    inside = [path for path in paths if unwanted.search(str(path.relative_to(app)))]
    assert [path for path in inside if "opentelemetry" not in str(path)] == []
    notices = (app / "_internal" / "THIRD-PARTY.txt").read_text("utf-8")
    licences = dict(re.findall(r"^=+\n([^:\n]+): (.+)$", notices, re.MULTILINE))
    assert {name.split()[0] for name in licences} >= {"openvino", "numpy", "pillow", "fastapi", "Python"}
    assert [name for name, words in licences.items() if "GPL" in words or words == "not named"] == []
    assert "Apache License" in notices and "GCC RUNTIME LIBRARY EXCEPTION" in notices.upper()


def told(path: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Address and token that the browser was opened with."""
    until(lambda: process.poll() is not None or path.exists() and path.read_text().strip(), 90)
    assert process.poll() is None
    base, _, token = path.read_text().split()[-1].partition("/?token=")
    return base, token


def call(base: str, token: str, path: str, body: bytes | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/jpeg"}
    with urllib.request.urlopen(urllib.request.Request(f"{base}/api/v1/{path}", body, headers), timeout=180) as answer:
        return bytes(answer.read())


def test_a_double_click_on_its_desktop_file(app: Path, tmp_path: Path) -> None:
    """In the menu, as docs/app.md puts it there, it starts from any folder; a second click opens the same page."""
    moved = tmp_path / "Bilder & more" / "impasto studio"
    shutil.copytree(app, moved, symlinks=True)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1 $LD_LIBRARY_PATH" >> "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    words = {"PATH": os.defpath, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "BROWSER": str(browser)}
    page = (ROOT / "docs" / "app.md").read_text("utf-8").partition("run in its folder:\n")[2]
    recipe = page.partition("\n\n## ")[0]
    for folder in ("icons", "applications"):
        (tmp_path / ".local" / "share" / folder).mkdir(parents=True)
    subprocess.run(["sh", "-e"], input=recipe, text=True, cwd=moved, env=words, check=True)
    assert (tmp_path / ".local" / "share" / "icons" / "impasto-studio.png").exists()
    entry = tmp_path / ".local" / "share" / "applications" / "impasto-studio.desktop"
    opened = tmp_path / "opened"
    for click in (1, 2):
        subprocess.run(["gio", "launch", entry], env=words, check=True)
        until(lambda click=click: opened.exists() and len(opened.read_text().splitlines()) == click, 90)
    first, second = opened.read_text().splitlines()
    assert first == second and first.strip().count(" ") == 0  # and no libraries of ours for the browser
    base, _, token = first.strip().partition("/?token=")
    call(base, token, "end", b"")


@pytest.fixture(scope="module")
def bare(app: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bare Debian without Python, with the app in it."""
    needs_linux("mmdebstrap", "unshare")
    if os.geteuid() != 0:
        pytest.skip("only root makes another root")
    root = tmp_path_factory.mktemp("bare") / "root"
    root.parent.chmod(0o755)
    lists = [
        each for each in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")) if each.is_file()
    ]
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", suite, root, *lists], check=True, capture_output=True)
    assert not list(root.glob("usr/bin/python*"))
    shutil.copytree(app, root / "opt" / "app", symlinks=True)
    browser = root / "usr" / "bin" / "browser"
    browser.write_text('#!/bin/sh\necho "$1" >> /tmp/opened\n')
    browser.chmod(0o755)
    yield root
    shutil.rmtree(root)


def clicked(root: Path, browser: str, home: str = "/root") -> subprocess.Popen[bytes]:
    words = {"ROOT": str(root), "APP": "/opt/app/impasto-studio", "BROWSER": browser, "HOME_THERE": home}
    return subprocess.Popen(["unshare", "--mount", "sh", "-c", START], env=os.environ | words, stdout=-1, stderr=-1)


@pytest.mark.parametrize("home", ["/root", "/tmp"])
def test_a_bare_debian(bare: Path, home: str) -> None:
    """Without Python, in a home that cannot be written or can, it paints with both networks, and ends when told."""
    with clicked(bare, "browser", home) as process:
        try:
            base, token = told(Path(f"/proc/{process.pid}/root/tmp/opened"), process)
            for network in ("fast", "full"):
                painted = call(
                    base, token, f"paint?style=hokusai-great-wave&network={network}", assets.DEMO.read_bytes()
                )
                with Image.open(io.BytesIO(painted)) as picture, Image.open(assets.DEMO) as photo:
                    assert picture.size == photo.size
            assert b'"teach":false' in call(base, token, "session")
            call(base, token, "end", b"")
            _, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, b"")
        finally:
            process.send_signal(signal.SIGKILL)


def test_without_a_display(bare: Path) -> None:
    """Where there is no display it says so in one sentence."""
    with clicked(bare, "") as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count(b"\n")) == (2, 1)
    assert err.startswith(b"impasto: there is no display")
