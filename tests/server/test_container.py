"""The steps of the container file, in a bare root of Debian: no registry of images is asked for anything."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from system import BARE, needs_linux

from benchmarks.serve import STYLE, TOKEN, picture
from tests.conftest import until

HERE = Path(__file__).parents[2]
STEPS = [line.split(maxsplit=1) for line in (HERE / "Containerfile").read_text().splitlines() if line[:1].isupper()]
# What a container engine does: a read-only root, a tmpfs, another user.
RUN = f"""{BARE}exec env -i PATH=/usr/bin:/bin PORT="$PORT" IMPASTO_TOKEN="$TOKEN" \\
  "$chroot" --userspec="$USER" --groups= "$ROOT" "$START"
"""


def step(name: str) -> str:
    """What the container file says of one thing."""
    (found,) = [words for keyword, words in STEPS if keyword == name]
    return found


def test_the_container_file() -> None:
    """It starts from a plain Python, names no host, does all its work in one script, and runs as user 1000."""
    assert step("FROM") == "python:3.13-slim"
    assert step("RUN").startswith("/source/container/install.sh /source")
    assert step("USER") == "1000:1000"
    assert "PORT=7860" in step("ENV") and step("EXPOSE") == "7860" and step("STOPSIGNAL") == "SIGTERM"
    assert json.loads(step("ENTRYPOINT")) == ["/opt/impasto/bin/start"]
    assert step("HEALTHCHECK").endswith('CMD ["/opt/impasto/bin/healthy"]')
    assert all(os.access(HERE / "container" / name, os.X_OK) for name in ("install.sh", "start.sh", "healthy.py"))
    ignored = (HERE / ".dockerignore").read_text().splitlines()
    for keyword, words in STEPS:
        if keyword == "COPY":
            assert all((HERE / name).exists() and f"!{name}" in ignored for name in words.split()[:-1])


def copy(words: str, work: Path) -> None:
    """What COPY does: files go into a folder, a folder becomes another."""
    *names, target = words.split()
    for path in (HERE / name for name in names):
        if path.is_dir():
            shutil.copytree(path, work / target.strip("/"), ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (work / target.strip("/")).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, work / target.strip("/"))


def shell(*command: str | Path, **more: object) -> str:
    """What a command prints; its errors are the test's."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return str(done.stdout)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bare Debian in which the container file's script has run."""
    needs_linux("mmdebstrap", "unshare")
    if os.geteuid() != 0:
        pytest.skip("only root makes another root")
    work = tmp_path_factory.mktemp("container")
    root, source, wheels = work / "root", work / "source", work / "wheels"
    work.chmod(0o755)
    for keyword, words in STEPS:
        if keyword == "COPY":
            copy(words, work)
    shell(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, source)

    lists = [
        path for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")) if path.is_file()
    ]
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    shell("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv", suite, root, *lists)
    version = shell("chroot", root, "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    (wheel,) = wheels.glob("impasto-*.whl")
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--python-version", version]
    shell(*download, "--dest", wheels, f"{wheel}[studio]")
    shutil.move(wheels, root / "wheels")
    shutil.copytree(source / "container", root / "container")
    offline = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
    shell("chroot", root, "/container/install.sh", f"/wheels/{wheel.name}", env=offline)
    yield root
    shutil.rmtree(root)


@pytest.mark.process
def test_what_is_inside(root: Path) -> None:
    """Inside is no torch, no pip, and no Python package under the GPL."""
    code = "import importlib.metadata as m, importlib.util as u, json; print(json.dumps([[d.metadata['Name'], "
    code += (
        "str(d.metadata['License']) + str(d.metadata['License-Expression']) + str(d.metadata.get_all('Classifier'))] "
    )
    code += "for d in m.distributions()])); assert not u.find_spec('torch') and not u.find_spec('pip')"
    inside = dict(json.loads(shell("chroot", root, "/opt/impasto/bin/python", "-c", code)))
    assert {"impasto", "fastapi", "uvicorn", "openvino"} <= inside.keys()
    assert [name for name, words in inside.items() if "GPL" in words] == []


@pytest.mark.process
def test_a_container(root: Path) -> None:
    """As user 1000 and with a read-only root it paints, says that it is well, and ends after its last painting."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (start,) = json.loads(step("ENTRYPOINT"))
    words = {"ROOT": str(root), "PORT": str(port), "TOKEN": TOKEN, "USER": step("USER"), "START": start}
    server = subprocess.Popen(["unshare", "--mount", "sh", "-c", RUN], env=os.environ | words)
    try:
        until(lambda: server.poll() is not None or healthy(root, port))
        assert server.poll() is None
        assert (
            f"\t{step('USER').split(':')[0]}\t"
            in Path(f"/proc/{server.pid}/status").read_text().partition("Uid:")[2][:9]
        )
        address = f"http://127.0.0.1:{port}/api/v1/paint?style={STYLE}&network="
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "image/jpeg"}

        def paint(network: str, side: int) -> int:
            request = urllib.request.Request(address + network, picture(side), headers)
            with urllib.request.urlopen(request, timeout=120) as answer:
                return int(answer.status) * bool(answer.read())

        assert paint("fast", 256) == 200
        assert paint("full", 64) == 200
        statuses: list[int] = []
        last = threading.Thread(target=lambda: statuses.append(paint("full", 800)))
        last.start()
        time.sleep(0.7)
        server.send_signal(signal.SIGTERM)
        assert server.wait(35) == 0
        last.join()
        assert statuses == [200] and not healthy(root, port)
    finally:
        server.kill()
        server.wait()


def healthy(root: Path, port: int) -> bool:
    """What the container file's check of health says."""
    check = ["chroot", str(root), "/opt/impasto/bin/healthy"]
    words = {"PORT": str(port), "PATH": "/usr/sbin:/usr/bin:/bin"}
    return subprocess.run(check, env=words, capture_output=True).returncode == 0
