"""What a person and a script see: encodings, tables, JSON of failures, exit codes, and Ctrl-C of real processes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.cli import terminal
from impasto.styles.bank import Bank, Card
from tests.conftest import run, until

LONG = "a-name-that-is-much-longer-than-the-others-and-has-to-be-typed"
CARD = Card("Katsushika Hokusai (1760-1849)", "Tōkaidō [colour woodblock] " * 3, "c. 1831", "public domain", "")


@pytest.fixture
def bank(network_file: Path, tmp_path: Path) -> Path:
    """The tiny bank with a long name, and a card with a long title and letters beyond Latin-1."""
    path = tmp_path / "bank.safetensors"
    old = Bank.load(network_file.with_suffix(".safetensors"))
    old.add(LONG, old["red"], CARD).save(path)
    return path


def called(*words: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """``python -m impasto`` as a real process, in an environment with these changes."""
    command = [sys.executable, "-m", "impasto", *map(str, words)]
    return subprocess.run(command, capture_output=True, env=os.environ | environment, timeout=120)


def one_sentence(err: bytes | str) -> bool:
    text = err.decode() if isinstance(err, bytes) else err
    return text.count("\n") == 1 and text.startswith("impasto: ") and "Traceback" not in text


# Tables


def on_a_terminal(columns: int, *words: object) -> str:
    """What a terminal of so many columns shows, without its colours."""
    pid, file = pty.fork()
    if pid == 0:
        os.environ |= {"COLUMNS": str(columns), "TERM": "xterm"}
        os.execv(sys.executable, [sys.executable, "-m", "impasto", *map(str, words)])
    shown = b""
    while True:
        try:
            more = os.read(file, 65536)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        shown += more
    os.waitpid(pid, 0)
    os.close(file)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_names_are_whole_on_a_terminal(columns: int, bank: Path) -> None:
    """However narrow the terminal is, every name is there to be copied, and nothing is cut with an ellipsis."""
    shown = on_a_terminal(columns, "styles", "--bank", bank)
    assert LONG in shown and "…" not in shown
    assert all(re.search(rf"^ {name} ", shown, re.MULTILINE) for name in ("red", "green", "blue", "photo"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_wide_titles_wrap_on_a_terminal(bank: Path) -> None:
    """Where names leave room, the wide columns give way: no line is wider than the terminal."""
    shown = on_a_terminal(120, "styles", "--bank", bank)
    assert max(map(len, shown.splitlines())) <= 120
    assert shown.count("Tōkaidō") == 3 and shown.count("[colour") == 3


def test_elsewhere_every_row_is_one_line(bank: Path) -> None:
    """Piped into grep or a file, a row is a line with all that it has, square brackets too."""
    shown = called("styles", "--bank", bank, COLUMNS="40", PYTHONIOENCODING="utf-8").stdout.decode()
    assert len(shown.splitlines()) == 1 + 5
    (line,) = [line for line in shown.splitlines() if LONG in line]
    assert CARD.title.strip() in line and CARD.artist in line and "public domain" in line


def test_a_title_of_two_lines_stays_one_row(capsys: Any) -> None:
    """What stands in a card cannot break the table."""
    terminal.table(["name", "title"], [{"name": "a", "title": "two\nlines\tand [/bold] more"}])
    assert capsys.readouterr().out.splitlines()[1].split() == ["a", "two", "lines", "and", "[/bold]", "more"]


def test_the_plan_shows_whole_paths(network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """plan prints the whole path of every photo, and whole numbers."""
    photo = tmp_path / ("x" * 150) / "photo.png"
    photo.parent.mkdir()
    Image.new("RGB", (20, 20)).save(photo)
    _, shown, _ = run("plan", photo, "--network", network_file, capsys=capsys)
    assert str(photo) in shown and "20 x 20" in shown and len(shown.splitlines()) == 2


# Encodings


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["cp1252", "ascii", "posix"],
)
def test_what_an_encoding_lacks_is_replaced(environment: dict[str, str], bank: Path) -> None:
    """The list is printed in any encoding; what it has no letter for is replaced."""
    done = called("styles", "--bank", bank, **environment)
    assert done.returncode == 0 and not done.stderr
    assert LONG.encode() in done.stdout and b"kaid" in done.stdout
    json.loads(called("styles", "--json", "--bank", bank, **environment).stdout.decode("ascii"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names that are no text")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_file_name_that_is_no_text_is_told(encoding: str, tmp_path: Path) -> None:
    """A sentence about a file whose name is no text is a sentence, and its record is JSON."""
    name = os.fsdecode(bytes(tmp_path) + b"/\xff\xe4.safetensors")
    done = called("styles", "--bank", name, "--json", PYTHONIOENCODING=encoding)
    assert done.returncode == 2 and one_sentence(done.stderr)
    assert "safetensors" in json.loads(done.stdout.decode("ascii"))["error"]


def test_progress_in_another_encoding(photo_file: Path, network_file: Path) -> None:
    """Where a bar is drawn, its characters are those that the encoding has."""
    words = ["sheet", photo_file, "-o", photo_file.with_name("out.png"), "--network", network_file]
    done = called(*words, PYTHONIOENCODING="ascii", FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert done.returncode == 0 and photo_file.with_name("out.png").exists(), done.stderr


# Failures


def test_a_bad_photo_is_a_record(photo_file: Path, network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """paint --json prints a record for every photo: what was painted, or the error."""
    bad = tmp_path / "bad.HEIC"
    bad.write_bytes(b"\0\0\0\x18ftypheic")
    words = ["paint", photo_file, bad, "-s", "red", "-o", tmp_path / "out", "--network", network_file, "--json"]
    code, out, _ = run(*words, capsys=capsys)
    good, failed = map(json.loads, out.splitlines())
    assert code == 2
    assert good["photo"] == str(photo_file) and "error" not in good
    assert failed["photo"] == str(bad) and "bad.HEIC" in failed["error"]


def test_one_bad_photo_alone_is_one_record(tmp_path: Path, network_file: Path, capsys: Any) -> None:
    """With one photo there is one record too, and the sentence."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    code, out, err = run("paint", bad, "-s", "red", "--network", network_file, "--json", capsys=capsys)
    assert code == 2 and one_sentence(err)
    assert json.loads(out)["photo"] == str(bad)


FAILING = {
    "paint": ["none.png", "-s", "red", "--network", "none.onnx"],
    "plan": ["none.png"],
    "styles": ["--bank", "none.safetensors"],
    "styles list": ["--bank", "none.safetensors"],
    "teach": ["none.png", "--name", "a", "-o", "none/a.safetensors"],
    "match": ["none.png"],
    "eval": ["--photos", "none", "--styles", "none"],
    "train": ["--photos", "none", "--styles", "none", "-o", "none"],
}


@pytest.mark.parametrize("command", FAILING)
@pytest.mark.parametrize("more", [[], ["--no-such-option"]])
def test_a_failure_is_a_json_object(
    command: str, more: list[str], capsys: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    """With --json a command that fails as a whole prints an object with the error, and the sentence as ever."""
    if command in ("teach", "match", "eval", "train"):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*command.split(), *FAILING[command], "--json", *more, capsys=capsys)
    assert code == 2 and one_sentence(err)
    assert f"impasto: {json.loads(out)['error']}\n" == err
    assert not list(tmp_path.iterdir())


def test_json_is_strict() -> None:
    """NaN and infinity, which JSON has not, become null; all of it is ASCII."""
    value = {"a": float("nan"), "b": [1.5, float("inf"), {"c": -float("inf")}], "d": ("ō", "\udcff")}
    text = terminal.to_json(value)
    assert text.isascii()
    assert json.loads(text) == {"a": None, "b": [1.5, None, {"c": None}], "d": ["ō", "\udcff"]}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["pain"], "no such command 'pain'"),
        (["paint"], "missing argument"),
        (["square", "x.png", "-o", "y.png"], "'--style'"),
        (["paint", "x.png", "-s"], "requires an argument; see impasto paint --help"),
        (["paint", "--colums", "3"], "no such option: --colums"),
        (["styles", "rename", "a", "b", "c", "-o", "x"], "unexpected extra argument"),
    ],
)
def test_a_slip_is_one_sentence_with_a_hint(words: list[str], hint: str, capsys: Any) -> None:
    """What does not fit a command's usage is told as all else is, with the --help that says more."""
    code, out, err = run(*words, capsys=capsys)
    assert code == 2 and one_sentence(err) and hint in err and err.rstrip().endswith("--help") and not out


def test_without_arguments_there_is_help(capsys: Any) -> None:
    """``impasto`` alone is ``impasto --help``."""
    assert run(capsys=capsys) == run("--help", capsys=capsys)


def test_python_m_impasto_is_impasto() -> None:
    """The package can be run."""
    done = called("--version")
    assert done.returncode == 0 and done.stdout.startswith(b"impasto ")


@pytest.mark.parametrize(
    ("error", "code", "hint"),
    [
        (MemoryError(), 2, "not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
            2,
            "not enough memory",
        ),
        (
            OSError(28, "No space left on device", "x.bin"),
            2,
            "x.bin cannot be read or written (No space left on device)",
        ),
        (RecursionError("too deep"), 1, "fault of impasto"),
        (ZeroDivisionError("division by zero"), 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_happens_is_one_sentence(
    error: Exception, code: int, hint: str, capsys: Any, monkeypatch: Any
) -> None:
    """What a user can do something about ends with 2, a fault of ours with 1; both are one line."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("impasto.cli.options.Banked.styles", fail)
    monkeypatch.delenv(terminal.DEBUG, raising=False)
    found, out, err = run("styles", "--json", capsys=capsys)
    assert found == code and one_sentence(err) and hint in err and hint in json.loads(out)["error"]


def test_a_fault_shows_its_place_if_asked(monkeypatch: Any, capsys: Any) -> None:
    """With IMPASTO_DEBUG a fault of ours is raised as it is; a sentence stays one."""
    monkeypatch.setattr("impasto.cli.options.Banked.styles", lambda *_: 1 / 0)
    monkeypatch.setenv(terminal.DEBUG, "1")
    with pytest.raises(ZeroDivisionError):
        run("styles", capsys=capsys)
    assert run("styles", "--network", capsys=capsys)[0] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_while_printing_is_one_sentence(bank: Path) -> None:
    """Output that cannot be written is a sentence, not an exception while Python ends."""
    with open("/dev/full", "wb") as full:
        words = [sys.executable, "-m", "impasto", "styles", "--bank", str(bank)]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 2 and one_sentence(done.stderr) and b"standard output" in done.stderr


def test_a_reader_that_has_enough_hears_nothing(bank: Path) -> None:
    """A pipe that is closed early, as by head, is no error to tell of."""
    words = [sys.executable, "-m", "impasto", "styles", "--bank", str(bank)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()  # before the first line
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) != 0


# Ctrl-C

SLEEPY = """
import sys, time
from {module} import {owner}
def sleep(*_, **__):
    print("working", flush=True)
    for _ in range(600):  # a signal just before one long sleep would wait for its end
        time.sleep(0.1)
{owner}.{function} = sleep
sys.argv = ["impasto", *sys.argv[1:]]
from impasto.cli import main
main()
"""
SLEEPERS = {
    "sheet": ("impasto.painting.painter", "Painter", "paint_array", ["{photo}", "-o", "{out}.png"]),
    "square": (
        "impasto.painting.painter",
        "Painter",
        "paint_array",
        ["{photo}", "-s", "red,red,blue,blue", "-o", "{out}.png"],
    ),
    "path": ("impasto.painting.painter", "Painter", "paint_array", ["{photo}", "-s", "red,blue", "-o", "{out}.gif"]),
    "map": ("impasto.painting.painter", "Painter", "paint_array", ["{photo}", "--method", "pca", "-o", "{out}.png"]),
    "paint": ("impasto.painting.job", "Job", "steps", ["{photo}", "-s", "red", "-o", "{out}.png"]),
    "plan": ("impasto.painting.painter", "Painter", "seconds", ["{photo}"]),
    "styles": ("impasto.styles.bank", "Bank", "load", []),
    "styles export": ("impasto.styles.bank", "Bank", "save", ["red", "-o", "{out}.safetensors"]),
}


def stopped(process: subprocess.Popen[bytes], kind: int) -> tuple[int, str]:
    """Send a signal to a process; its exit code and what it said."""
    process.send_signal(kind)
    _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", SLEEPERS)
def test_ctrl_c_in_a_real_process(command: str, kind: int, photo_file: Path, network_file: Path) -> None:
    """Ctrl-C and SIGTERM end every command with 130 and one line that says what is done; nothing half is left."""
    module, owner, function, words = SLEEPERS[command]
    code = SLEEPY.format(module=module, owner=owner, function=function)
    filled = [word.format(photo=photo_file, out=photo_file.with_name("out")) for word in words]
    command_line = [sys.executable, "-c", code, *command.split(), *filled, "--network", str(network_file)]
    process = subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"working\n"
    found, err = stopped(process, kind)
    done = "0 of 1 photo is painted" if command == "paint" else "nothing was written"
    assert (found, err) == (130, f"impasto: interrupted: {done}\n")
    assert [path.name for path in photo_file.parent.iterdir()] == [photo_file.name]


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("side", [400, 1500])
def test_ctrl_c_in_a_folder_says_how_many_are_painted(side: int, network_file: Path, tmp_path: Path) -> None:
    """The number that is told is the number of paintings that are there, all of them whole."""
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(source / "00.png", compress_level=0)
    for i in range(1, 40):
        os.link(source / "00.png", source / f"{i:02}.png")
    words = ["paint", source, "-s", "red", "-o", out, "--network", network_file]
    command = [sys.executable, "-m", "impasto", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: list(out.glob("*.png")))
    code, err = stopped(process, signal.SIGINT)
    files = sorted(out.iterdir())
    assert code == 130 and "Traceback" not in err
    last = err.splitlines()[-1]
    assert last == f"impasto: interrupted: {len(files)} of 40 photos are painted"
    for file in files:
        with Image.open(file) as image:
            image.load()


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_while_frames_are_written(photo_file: Path, network_file: Path) -> None:
    """A path that is broken off says how many frames are in the folder, and they are whole."""
    out = photo_file.with_name("frames")
    words = ["path", photo_file, "-s", "red,blue", "--frames", 5000, "-o", out, "--network", network_file]
    command = [sys.executable, "-m", "impasto", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: list(out.glob("*.png")) or process.poll() is not None)
    code, err = stopped(process, signal.SIGINT)
    count = len(list(out.iterdir()))
    assert (code, err) == (130, f"impasto: interrupted: {count} of 5000 frames are in {out}\n")


def uses(pid: int, folder: Path) -> bool:
    """Whether a process has a file open in a folder, by now; such a file may have no name. Some seconds elsewhere."""
    opened = Path(f"/proc/{pid}/fd")
    if sys.platform != "linux":
        time.sleep(5)
        return True
    with contextlib.suppress(OSError):  # it closes others meanwhile
        return any(os.readlink(each).startswith(str(folder)) for each in opened.iterdir())
    return False


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_in_tiles_leaves_no_temporary_file(network_file: Path, tmp_path: Path) -> None:
    """A photo that is painted in tiles and broken off leaves neither a half picture nor a file of what waits."""
    pytest.importorskip("openvino")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (5000, 5000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "big.png", compress_level=0)
    words = ["paint", tmp_path / "big.png", "-s", "red", "-o", tmp_path / "out.png", "--network", network_file]
    command = [sys.executable, "-m", "impasto", *map(str, words), "--max-memory", "0.001"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    until(lambda: process.poll() is not None or uses(process.pid, temporary))
    assert process.poll() is None, process.communicate()
    code, err = stopped(process, signal.SIGTERM)
    assert (code, err) == (130, "impasto: interrupted: 0 of 1 photo is painted\n")
    assert not list(temporary.iterdir()) and not (tmp_path / "out.png").exists()


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_in_training_keeps_a_checkpoint(photos: Path, paintings: Path, tmp_path: Path) -> None:
    """Training ends behind a whole step, says at which, and the same command goes on from there."""
    pytest.importorskip("torch")
    run_dir = tmp_path / "run"
    words = ["train", "--photos", photos, "--styles", paintings, "-o", run_dir, "--size", 32, "--batch", 1]
    words += ["--alpha", 0.1, "--no-compile", "--precision", "float32", "--style-size", 48, "--json"]
    command = [sys.executable, "-m", "impasto", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["step"] == 1
    process.send_signal(signal.SIGINT)
    out, err = (stream.decode() for stream in process.communicate(timeout=60))
    step = json.loads(out.splitlines()[-1])["step"] if out else 1
    assert process.returncode == 130
    assert err.splitlines()[-1] == f"stopped at step {step}; the same command goes on from there"
    assert "Traceback" not in err and any(run_dir.iterdir())


def test_a_plan_goes_on_behind_a_bad_photo(photo_file: Path, network_file: Path, tmp_path: Path, capsys: Any) -> None:
    """plan reports all photos that can be read; with --json what cannot is a record too."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    for more in ([], ["--json"]):
        code, out, err = run("plan", bad, photo_file, "--network", network_file, *more, capsys=capsys)
        assert code == 2 and err.startswith("skipped: ") and "bad.png" in err and str(photo_file) in out
    assert ["error" in json.loads(line) for line in out.splitlines()] == [True, False]


# Streams that are closed or full, and names that are empty


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("close", ["<&-", "2>&-", "<&- >&- 2>&-"])
def test_paints_without_standard_streams(close: str, photo_file: Path, network_file: Path, tmp_path: Path) -> None:
    """A daemon may have none of the standard streams."""
    output = tmp_path / "painted.png"
    words = ["-m", "impasto", "paint", str(photo_file), "-s", "red", "--network", str(network_file), "-o", str(output)]
    command = f'exec "$@" {close}'
    assert subprocess.run(["sh", "-c", command, "sh", sys.executable, *words], timeout=120).returncode == 0
    Image.open(output).verify()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("words", ["styles >&-", "paint - -s red <&-", "paint photo.png -s red -o - >&-"])
def test_a_closed_stream_that_is_needed_is_no_fault(words: str, network_file: Path, tmp_path: Path) -> None:
    """What is to come out of a closed stream, or to go into one, ends in a sentence."""
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    command = f"exec {sys.executable} -m impasto {words.replace(' ', f' --network {network_file} ', 1)}"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 2 and one_sentence(done.stderr)


def test_what_cannot_be_said_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note for a full disk is dropped, and the work goes on."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(terminal.typer, "echo", refuse)
    terminal.say("a note")


@pytest.mark.parametrize(
    "words",
    [
        ["paint", "", "-s", "red", "-o", "a.png"],
        ["paint", "photo.png", "", "-s", "red", "-o", "a"],
        ["paint", "photo.png", "-s", "red", "-o", "a.png", "--bank", ""],
        ["sheet", "photo.png", "-o", ""],
        ["match", "photo.png", "--photos", ""],
        ["optimize", "photo.png", "photo.png", "-o", "a.png", "--photo-mask", ""],
        ["styles", "export", "red", "-o", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(words: list[str], capsys: Any) -> None:
    """Unset shell variables become empty words; nobody means the current folder by them."""
    code, _, err = run(*words, capsys=capsys)
    assert code == 2 and one_sentence(err) and "is empty; name a file or a folder" in err


@pytest.mark.parametrize(
    "words",
    [
        ["styles", "export", "red", "-o", "-"],
        ["sheet", "photo.png", "-o", "-"],
        ["map", "--method", "pca", "-o", "-"],
        ["optimize", "photo.png", "photo.png", "-o", "a.png", "--json-log", "-"],
    ],
)
def test_only_paint_writes_to_standard_output(words: list[str], network_file: Path, capsys: Any) -> None:
    """``-`` is no file's name, and never becomes one."""
    code, _, err = run(*words, "--network", network_file, capsys=capsys)
    assert code == 2 and one_sentence(err) and "standard output (-)" in err
    assert not Path("-").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps current folders")
def test_a_current_folder_that_is_gone(tmp_path: Path) -> None:
    """What is wrong is not called standard output."""
    command = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m impasto paint a.png b.png -s a -o c/"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 2 and one_sentence(done.stderr) and b"standard output" not in done.stderr


@pytest.mark.process
def test_ctrl_c_while_options_are_read(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """It says so as well, and leaves with 130."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal.Group, "parse_args", interrupt)
    code, _, err = run("styles", capsys=capsys)
    assert code == 130 and err == "impasto: interrupted: nothing was written\n"
