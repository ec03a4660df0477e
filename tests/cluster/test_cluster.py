"""Ray on this machine: the same pixels, deaths of actors and of a node, jobs that are stopped, stores; and silence."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.painting.painter import Painter
from tests.conftest import pixels, run
from tests.system import needs_linux

ray = pytest.importorskip("ray")

from impasto.cluster import Crew, Tools, paint_many, places, run as running  # noqa: E402
from impasto.cluster.actor import Actor  # noqa: E402
from impasto.cluster.records import Record  # noqa: E402

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("default")]  # Ray has warnings of its own
PICTURES, BAD = 40, 3
CREW = Crew(actors=2, threads=1, batch_size=4)


class Marked(Actor):
    """An actor that leaves its number in the folder of the paintings, and takes its time, so that it can be stopped."""

    def _painted(self, rows: Any) -> Iterator[Record]:
        Path(self._job.output, f"actor-{os.getpid()}").touch()
        for record in super()._painted(rows):
            time.sleep(0.3)
            yield record


class Mortal(Actor):
    """An actor whose process ends at pictures that are called so: "once", or each time."""

    def _painted(self, rows: Any) -> Iterator[Record]:
        for source, _ in rows:
            mark = Path(source).parent / f"deaths-{Path(source).stem}"
            if "always" in source or ("once" in source and not mark.exists()):
                with open(mark, "a") as file:
                    file.write("x")
                os._exit(1)
        yield from super()._painted(rows)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 pictures of noise, in two folders; all of one size, for which the network is compiled."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "more").mkdir()
    rng = np.random.default_rng(5)
    for i in range(PICTURES):
        noise = Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8))
        noise.save(folder / ("more" if i % 2 else ".") / f"picture{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def local() -> Iterator[None]:
    """Ray on this machine, for two actors and what reads; its processes know the key of the store in place of S3."""
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    os.environ.update(keys, AWS_EC2_METADATA_DISABLED="true", RAY_USAGE_STATS_ENABLED="0")
    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=2**28, _node_ip_address="127.0.0.1")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    ray.shutdown()


def painted(photos: Path | str, out: Path | str, network: Path, **options: Any) -> list[Record]:
    return list(paint_many(photos, out, "red", crew=CREW, tools=exact(network), **options))


def exact(network: Path) -> Tools:
    """Float32: which precision is quicker is tried by each process, and processes may find otherwise."""
    return Tools(network, precision="f32")


def became(records: list[Record]) -> dict[str, int]:
    return dict(Counter(each.status for each in records))


def files(out: Path) -> dict[str, tuple[int, int]]:
    """What would change if a painting were written again."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.rglob("*.png")}


def test_the_same_pixels_as_paint(
    local: None, drawn: Path, network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 40 pictures and 3 bad ones each has its record, kept in a file, and the paintings are those of paint."""
    from pyarrow import dataset

    photos = tmp_path / "photos"
    photos.mkdir()
    for path in drawn.rglob("*.png"):
        (photos / path.name).symlink_to(path)
    for i in range(BAD):
        (photos / f"bad{i}.png").write_bytes(b"no picture")
    records = painted(photos, tmp_path / "out", network_file)
    assert became(records) == {"painted": PICTURES, "failed": BAD}
    assert all(Path(each.source).name in each.error for each in records if each.status == "failed")
    kept = dataset.dataset(tmp_path / "out" / "impasto-records", exclude_invalid_files=True).to_table()
    assert sorted(kept["source"].to_pylist()) == sorted(each.source for each in records)
    words = ["-o", tmp_path / "paint", "--network", network_file, "--precision", "f32"]
    code, _, _ = run("paint", photos, "-s", "red", *words, capsys=capsys)
    assert code == 2
    names = sorted(path.name for path in (tmp_path / "paint").iterdir())
    assert len(names) == PICTURES and names == sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    for name in names:
        assert np.array_equal(pixels(tmp_path / "paint" / name), pixels(tmp_path / "out" / name))


def test_a_job_that_is_stopped_goes_on(
    local: None, drawn: Path, network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is stopped half way paints only the rest when it is begun again; both actors work on it."""
    monkeypatch.setattr(running, "Actor", Marked)
    out = tmp_path / "out"
    with closing(paint_many(drawn, out, "red", crew=CREW, tools=exact(network_file))) as records:
        first = [next(records) for _ in range(10)]
    before = files(out)
    assert len(first) == 10 and 10 <= len(before) < PICTURES
    records = painted(drawn, out, network_file)
    again, after = {each.target for each in records if each.status == "painted"}, files(out)
    assert again and again <= after.keys() - before.keys()  # what an actor had in hand at its end may have come since
    assert len(after) == PICTURES and {name: after[name] for name in before} == before
    assert len(list(out.glob("actor-*"))) > 2  # of both runs together


def test_actors_that_die(
    local: None, drawn: Path, network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An actor that dies once loses nothing, and a picture of which three die is a record; nothing is painted twice."""
    monkeypatch.setattr(running, "Actor", Mortal)
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in (paths := sorted(drawn.rglob("*.png")))[:10]:
        (photos / path.name).symlink_to(path)
    (photos / "once.png").symlink_to(paths[10])
    (photos / "always.png").symlink_to(paths[11])
    records = painted(photos, tmp_path / "out", network_file)
    found = {Path(each.source).stem: each.status for each in records}
    assert found.pop("always") == "killed" and not (tmp_path / "out" / "always-red.png").exists()
    assert len(found) == 11 and set(found.values()) <= {"painted", "there"}
    assert (photos / "deaths-always").read_text() == "xxx" and (photos / "deaths-once").read_text() == "x"
    assert len(files(tmp_path / "out")) == 11


def test_a_list_in_parquet(local: None, drawn: Path, network_file: Path, tmp_path: Path) -> None:
    """A Parquet file of sources and targets is streamed; targets are below the output, and paths go from here."""
    import pyarrow as pa
    from pyarrow import parquet

    sources = [os.path.relpath(each) for each in sorted(drawn.rglob("*.png"))[:6]]
    targets = [f"deep/{number}.png" for number in range(6)]
    parquet.write_table(pa.table({"id": range(6), "source": sources, "target": targets}), tmp_path / "list.parquet")
    records = painted(tmp_path / "list.parquet", tmp_path / "out", network_file)
    assert became(records) == {"painted": 6}
    assert sorted(files(tmp_path / "out")) == [str(tmp_path / "out" / target) for target in targets]


@pytest.fixture
def store() -> Iterator[str]:
    """A store like S3, on this machine: what stands behind the addresses in it."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1&allow_bucket_creation=true"
    server.stop()


def test_photos_and_paintings_in_a_store(
    local: None, store: str, drawn: Path, network_file: Path, tmp_path: Path
) -> None:
    """From a store into a store: the same pixels, records there too, and what is finished stays as it is."""
    paths = sorted((drawn / "more").iterdir())[:6]
    opened, _ = places.opened(f"s3://photos{store}")
    for bucket in ("photos", "paintings"):
        opened.create_dir(bucket)
    for path in paths:
        places.write(f"s3://photos/in/{path.name}{store}", path.read_bytes())
    places.write(f"s3://photos/in/bad#1.png{store}", b"no picture")
    out = f"s3://paintings/out{store}"
    records = painted(f"s3://photos/in{store}", out, network_file)
    assert became(records) == {"painted": 6, "failed": 1}
    names = list(places.listed(out))
    assert sum(name.startswith("impasto-records/") for name in names) == 2
    painter = Painter(network_file, precision="f32", threads=1)
    for path in paths:
        here = np.asarray(painter.paint(path, "red"))
        data = places.read(f"s3://paintings/out/{path.stem}-red.png{store}")
        assert np.array_equal(pixels(io.BytesIO(data)), here)
    assert became(painted(f"s3://photos/in{store}", out, network_file)) == {"failed": 1}


def test_a_node_that_goes_away(drawn: Path, network_file: Path, tmp_path: Path) -> None:
    """Of two nodes one is removed in the middle: every picture is painted, and no finished painting again."""
    from ray.cluster_utils import Cluster

    ray.shutdown()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address)
    try:
        records, before = [], {}
        for each in paint_many(drawn, tmp_path / "out", "red", crew=CREW, tools=exact(network_file)):
            records.append(each)
            if len(records) == 8:
                cluster.remove_node(second, allow_graceful=False)
                before = files(tmp_path / "out")
        assert before and became(records).keys() <= {"painted", "there"}
        assert len({each.target for each in records}) == PICTURES == len(files(tmp_path / "out"))
        after = files(tmp_path / "out")
        assert {name: after[name] for name in before} == before
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_no_socket_leaves_the_machine(drawn: Path, network_file: Path, tmp_path: Path) -> None:
    """The command, which starts Ray itself, connects to this machine alone, and says what it painted in one line."""
    needs_linux("strace")
    words = ["cluster", drawn / "more", "-o", tmp_path / "out", "-s", "red", "--network", network_file]
    words += ["--actors", "1", "--threads", "1"]
    done = subprocess.run(
        ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg", "-o", tmp_path / "log"]
        + [sys.executable, "-m", "impasto", *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == f"impasto: {tmp_path / 'out'}: 20 of 20 photos painted\n".removeprefix("impasto: ")
    log = (tmp_path / "log").read_text()
    ipv4, ipv6 = re.findall(r'inet_addr\("([^"]+)"\)', log), re.findall(r'inet_pton\(AF_INET6, "([^"]+)"', log)
    assert ipv4 and not [each for each in ipv4 if not each.startswith(("127.", "0.0.0.0"))]
    assert not [each for each in ipv6 if each not in ("::1", "::", "::ffff:127.0.0.1")]
