"""What a cluster does on each machine, without Ray: lists, names, places, records, and who is under suspicion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.cluster.ledger import Ledger
from impasto.cluster.settings import Crew, Tools
from impasto.errors import ClusterError, OptionError, PictureError, StyleNameError, TargetError
from impasto.painting import folder
from impasto.painting.batch import Batch
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from tests.conftest import pixels

pytest.importorskip("pyarrow")

from impasto.cluster import manifest, places, run  # noqa: E402
from impasto.cluster.actor import Actor, Job  # noqa: E402
from impasto.cluster.records import Parts, Record, records_in, table  # noqa: E402


class Dying(Ledger):
    """A ledger in a process that ends when a certain picture is painted alone."""

    def __init__(self, deadly: str) -> None:
        super().__init__()
        self.deadly, self.deaths = deadly, 0

    def begin(self, picture: str) -> None:
        super().begin(picture)
        if self.deadly in picture:
            self.deaths += 1
            raise SystemError("the process ends here")


@pytest.fixture
def job(network_file: Path, tmp_path: Path) -> Job:
    """Paintings in red, below the folder out."""
    return Job(Look("red"), str(tmp_path / "out"), Tools(network_file, precision="f32"))


def rows_of(photos: Path, job: Job) -> list[tuple[str, str]]:
    work = manifest.find([str(photos)], job.output, "red")
    return [(row["source"], places.resolved(job.output, row["target"])) for row in work.table.to_pylist()]


# ---- the ledger


def test_three_deaths_on_one_picture_are_counted() -> None:
    """Of a batch in which an actor dies three times, only the picture that was painted alone is at three."""
    ledger = Ledger()
    assert ledger.enter(["a", "b"]) == [0, 0]
    for count in (1, 2):  # it died, and the next one enters
        assert ledger.enter(["a", "b"]) == [count, 1]
        ledger.begin("a")
    assert ledger.enter(["a", "b"]) == [3, 1]


def test_who_left_is_not_under_suspicion() -> None:
    """What was done with is forgotten: the ledger holds what is under way, and no more."""
    ledger = Ledger()
    ledger.enter(["a", "b"])
    ledger.leave(["a", "b"])
    assert ledger.enter(["a"]) == [0] and ledger._counts == {"a": 1}


# ---- an actor


def test_the_same_pixels_as_a_batch(job: Job, photos: Path, network_file: Path, tmp_path: Path) -> None:
    """An actor paints what the library paints into files, up to rounding, and records the sizes."""
    rows = rows_of(photos, job)
    records = list(Actor(job, Ledger()).records(rows))
    assert [each.status for each in records] == ["painted"] * 5
    other = [(source, tmp_path / Path(target).name) for source, target in rows]
    list(Batch(Painter(network_file, precision="f32"), Look("red")).paint(other))
    for record, (_, expected) in zip(records, other, strict=True):
        assert np.abs(pixels(Path(record.target)).astype(int) - pixels(expected)).max() <= 1  # compiled for other sizes
        assert (record.height, record.width) == pixels(expected).shape[:2]


def test_what_is_there_is_left_alone(job: Job, photos: Path) -> None:
    """A painting that is there is a record, and its file is not touched."""
    rows = rows_of(photos, job)
    Path(job.output).mkdir()
    Path(rows[2][1]).write_bytes(b"finished")
    records = {each.target: each.status for each in Actor(job, Ledger()).records(rows)}
    assert records.pop(rows[2][1]) == "there" and set(records.values()) == {"painted"}
    assert Path(rows[2][1]).read_bytes() == b"finished"


def test_a_bad_picture_is_a_record(job: Job, photos: Path, tmp_path: Path) -> None:
    """What cannot be read, or written, is a record with its sentence; the others are painted."""
    (broken := tmp_path / "broken.png").write_bytes(b"no picture")
    rows = [(str(broken), f"{job.output}/a.png"), (str(tmp_path / "missing.png"), f"{job.output}/b.png")]
    rows += [(source, f"{job.output}/c.gif") for source, _ in rows_of(photos, job)[:1]] + rows_of(photos, job)[1:]
    records = list(Actor(job, Ledger()).records(rows))
    assert [each.status for each in records] == ["failed"] * 3 + ["painted"] * 4
    assert all(name in each.error for name, each in zip(("broken.png", "missing.png", "c.gif"), records, strict=False))


def test_after_three_deaths_a_picture_is_given_up(job: Job, photos: Path) -> None:
    """The picture of which processes end is recorded as killed, after three; the other pictures are painted."""
    rows = rows_of(photos, job)
    actor = Actor(job, ledger := Dying("photo2"))
    ledger.enter([target for _, target in rows])  # a first actor died somewhere in this batch
    records: list[Record] = []
    while not records:
        try:
            records = list(actor.records(rows))
        except SystemError:
            continue
    assert ledger.deaths == 2  # and the first is the third
    found = {Path(each.source).name: each.status for each in records}
    assert found["photo2.png"] == "killed" and found["photo4.png"] == "painted"
    assert "3 processes" in next(each.error for each in records if each.error)
    assert len(list(Path(job.output).glob("*.png"))) == 4


def test_an_actor_takes_its_share_of_the_memory(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several actors on one machine share what it has free, by their threads; a limit that is given stays."""
    monkeypatch.setattr("impasto.cluster.actor.cores", lambda: 8)
    monkeypatch.setattr("impasto.painting.memory.available", lambda: 16 * 10**9)
    assert job.painter().max_memory == 2 * 10**9
    given = Job(job.look, job.output, Tools(job.tools.network, max_memory=5e9))
    assert given.painter().max_memory == 5e9


# ---- what is to be painted


def test_paintings_are_called_as_paint_calls_them(photos: Path, tmp_path: Path) -> None:
    """A folder's paintings have the names, and the folders, that impasto paint gives them."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a.png", "a.jpg", "deep/a.gif", "deep/b.webp"):
        Image.new("RGB", (8, 8)).save(tmp_path / "in" / name)
    out = str(tmp_path / "out")
    work = manifest.find([str(tmp_path / "in")], out, "red:1,blue:2")
    found = folder.search([tmp_path / "in"]).photos
    expected, _ = folder.paintings(found, f"{out}/", "red:1,blue:2")
    assert [f"{out}/{each}" for each in work.table["target"].to_pylist()] == list(map(str, expected))
    assert work.table["source"].to_pylist() == [str(each.path) for each in found]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_list_names_sources_and_targets(tmp_path: Path, suffix: str) -> None:
    """A list is CSV or Parquet; a Parquet file with both columns is not read as a whole."""
    from pyarrow import csv, parquet

    made = table([Record("/a/cat.jpg", "x/cat.png", "there")]).select(["source", "target"])
    path = tmp_path / f"list.{suffix}"
    (csv.write_csv if suffix == "csv" else parquet.write_table)(made, path)
    work = manifest.find([str(path)], "out", "red")
    assert work.count == 1 and (work.file or work.table.to_pylist() == made.to_pylist())
    assert bool(work.file) == (suffix == "parquet")


def test_a_list_may_leave_targets_out(tmp_path: Path) -> None:
    """Without targets paintings are called after their photos, no two alike, also those in stores."""
    (tmp_path / "list.csv").write_text("source\ns3://b/x/cat.jpg\ns3://b/y/cat.jpg\n")
    work = manifest.find([str(tmp_path / "list.csv")], "s3://b/out", "red")
    assert work.table["target"].to_pylist() == ["x/cat-red.jpg", "y/cat-red.jpg"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{tmp}/names.csv"], "no column source, but path"),
        (["{tmp}/torn.parquet"], "cannot be read as a list"),
        (["{tmp}/names.csv", "{tmp}/a.png"], "given alone"),
        (["{tmp}/missing.csv"], "there is no such file"),
        (["{tmp}/missing"], "there is no file or folder .*missing"),
        (["{tmp}/a.png", "{tmp}/empty"], "there is no file or folder .*a.png"),
        (["-"], "standard input"),
        (["{tmp}/empty"], "there is no picture in"),
        (["s3://bucket/cat.jpg"], "is one picture"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, words: list[str], said: str) -> None:
    """What is no list, and no folder of photos, is a PictureError that says why."""
    (tmp_path / "names.csv").write_text("path\na.png\n")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PictureError, match=said):
        manifest.find([word.format(tmp=tmp_path) for word in words], str(tmp_path / "out"), "red")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a.png,x.png\nb.png,x.png\n", "rows 1 and 2 of .* have one target"),
        ("a.png,x.png\nb.png,y.png\nc.png,./x.png\nd.png,y.png\n", "rows 1 and 3 of .* have one target"),
        ("a.png,../x.png\n", r"row 1 of .* has a target with \.\."),
        ("a.png,x.png\n,y.png\n", "row 2 of .* has no source"),
        ("a.png,\n", "row 1 of .* has no target"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_that_make_no_sense(tmp_path: Path, suffix: str, rows: str, said: str) -> None:
    """Nothing begins with a list that would paint one file twice, leave the output, or has holes."""
    from pyarrow import csv, parquet

    (tmp_path / "list.csv").write_text(f"source,target\n{rows}")
    parquet.write_table(csv.read_csv(tmp_path / "list.csv"), tmp_path / "list.parquet", row_group_size=1)
    with pytest.raises(PictureError, match=said):
        manifest.find([str(tmp_path / f"list.{suffix}")], str(tmp_path / "out"), "red")


# ---- places


@pytest.mark.parametrize(
    ("place", "name", "expected"),
    [
        ("/out", "a/b.png", "/out/a/b.png"),
        ("s3://bucket/out/", "a#1?.png", "s3://bucket/out/a#1?.png"),
        ("s3://bucket?region=eu-west-1", "a.png", "s3://bucket/a.png?region=eu-west-1"),
        ("hdfs://host:8020/out", "a.png", "hdfs://host:8020/out/a.png"),
    ],
)
def test_places_below_a_place(place: str, name: str, expected: str) -> None:
    """Names go below paths and addresses, and options of an address stay at its end."""
    assert places.below(place, name) == expected


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("s3://bucket/a/b%20#1.png?region=eu-west-1", "bucket/a/b%20#1.png"),
        ("s3://bucket?region=eu-west-1", "bucket"),
        ("gs://anonymous@bucket/a.png", "bucket/a.png"),
        ("abfs://account.blob.core.windows.net/box/a.png", "box/a.png"),
        ("abfs://box@account.dfs.core.windows.net/a.png", "box/a.png"),
        ("file:///a/b.png", "/a/b.png"),
    ],
)
def test_places_in_stores(address: str, path: str) -> None:
    """Each kind of store has its own way to say bucket and path; no name in it is decoded."""
    try:
        assert places.opened(address)[1] == path
    except NotImplementedError as error:  # a pyarrow without this store
        pytest.skip(str(error))


def test_stores_without_whole_files_get_them_moved(tmp_path: Path) -> None:
    """Where a store shows files that are half written, a painting is written beside its place, and moved there."""
    place = f"file://{tmp_path}/deep/a.png"
    assert places.there([place]) == [False]
    places.write(place, b"painting")
    assert places.read(place) == b"painting" and places.there([place, str(tmp_path / "no")]) == [True, False]
    assert os.listdir(tmp_path / "deep") == ["a.png"]
    assert list(places.listed(f"file://{tmp_path}")) == ["deep/a.png"]


@pytest.mark.parametrize(
    ("store", "why"), [("hanging", "no answer in 0.2 s"), ("closed", "the door is shut"), ("open", "")]
)
def test_stores_are_asked_once_before_the_work(monkeypatch: pytest.MonkeyPatch, store: str, why: str) -> None:
    """A store that does not answer in time, or refuses to, is one sentence; one that answers is none."""
    end = threading.Event()

    class Store:
        def get_file_info(self, path: str) -> None:
            if store == "closed":
                raise OSError("the door is shut")
            if store == "hanging":
                end.wait(30)

    monkeypatch.setattr(places, "opened", lambda address: (Store(), "photos"))
    monkeypatch.setattr(places, "PATIENCE", 0.2)
    if why:
        with pytest.raises(ClusterError, match=rf"gs://bucket/photos cannot be reached \({why}\); check the address"):
            places.reach("gs://bucket/photos")
    else:
        places.reach("gs://bucket/photos")
    end.set()


# ---- records


def test_records_are_kept_in_files(tmp_path: Path) -> None:
    """Records come back from their Parquet files as they were, of which none is written for nothing."""
    from pyarrow import parquet

    records = [Record("a", "b", "painted", 3, 2, 0.5, ("a note",)), Record("c", "d", "failed", error="c is broken")]
    parts = Parts(str(tmp_path))
    for each in records:
        parts.add([each])
    parts.write()
    parts.write()
    (file,) = tmp_path.iterdir()
    assert records_in(parquet.read_table(file)) == records


# ---- before the work


def prepared(photos: Path, output: Path, look: Look, network: Path) -> Any:
    return run.prepared([str(photos)], str(output), run.Order(look, Tools(network)), Crew())


def test_what_cannot_be_painted_is_refused_before_the_cluster(photos: Path, network_file: Path, tmp_path: Path) -> None:
    """Masks, rows of numbers and unknown styles are refused at once, and then nothing was made."""
    pytest.importorskip("ray")
    out = tmp_path / "out"
    with pytest.raises(OptionError, match="masks belong to one photo"):
        prepared(photos, out, Look("red", masks={"blue": "alpha"}), network_file)
    with pytest.raises(OptionError, match="styles that have names"):
        prepared(photos, out, Look(np.zeros(300, np.float32)), network_file)
    with pytest.raises(StyleNameError, match="purple"):
        prepared(photos, out, Look("purple"), network_file)
    assert not out.exists()


@pytest.mark.parametrize("photos", ["missing", "missing.csv", "empty"])
def test_without_photos_nothing_begins(network_file: Path, tmp_path: Path, photos: str) -> None:
    """Where there is nothing to paint no Ray is imported, and nothing is written."""
    pytest.importorskip("ray")
    (tmp_path / "empty").mkdir()
    code = "import sys\nfrom impasto import cli\ntry:\n    cli.main()\nfinally:\n    print('ray' in sys.modules)"
    words = ["cluster", tmp_path / photos, "-s", "red", "-o", tmp_path / "out", "--network", network_file]
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "False\n")
    assert done.stderr.startswith("impasto: ") and done.stderr.count("\n") == 1 and photos in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["empty"]


def test_an_output_is_of_one_look(photos: Path, network_file: Path, tmp_path: Path) -> None:
    """An output that was begun with other dials is refused, since what is there would be taken for finished."""
    pytest.importorskip("ray")
    prepared(photos, tmp_path / "out", Look("red", strength=0.5), network_file)
    prepared(photos, tmp_path / "out", Look({"red": 1}, strength=0.5), network_file)
    with pytest.raises(TargetError, match=r"another strength \(0.5, not 1.0\)"):
        prepared(photos, tmp_path / "out", Look("red"), network_file)
    found = json.loads((tmp_path / "out" / "impasto-records" / "job.json").read_text())
    assert found["style"] == {"red": 1.0} and "masks" not in found


@pytest.mark.parametrize(("name", "value"), [("actors", 0), ("threads", 0), ("batch_size", 1.5)])
def test_crews_have_limits(name: str, value: Any) -> None:
    """A crew of no actors, and the like, is an OptionError that names the number."""
    with pytest.raises(OptionError, match=name):
        Crew(**{name: value})


def test_without_ray(photos: Path, tmp_path: Path) -> None:
    """Without Ray the command says the line that installs it, and nothing was made."""
    code = "import sys; sys.modules['ray'] = None; from impasto import cli; sys.argv[0] = 'impasto'; cli.main()"
    words = ["cluster", str(photos), "-s", "hokusai-great-wave", "-o", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "impasto: ray is not installed: pip install 'impasto[cluster]'\n"
    assert not (tmp_path / "out").exists()


def test_the_recipe_for_spark(
    job: Job, photos: Path, network_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function that docs/cluster.md gives to Spark makes records of batches of rows, with the columns it names."""
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    code = code.replace('"hokusai-great-wave"', '"red"').replace("s3://bucket/paintings", job.output)
    head, call = code.split("spark = ")[0].replace("from pyspark.sql import SparkSession\n", ""), "threads=2)"
    found: dict[str, Any] = {"Tools": Tools}
    exec(head.replace(call, f"tools=Tools({str(network_file)!r}), threads=2)"), found)
    (made,) = found["paint"](manifest.find([str(photos)], job.output, "red").table.to_batches())
    assert found["KINDS"].split()[::2] == [*made.schema.names]
    assert {row["status"] for row in made.to_pylist()} == {"painted"}
