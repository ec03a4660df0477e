"""Odd films are painted too: of any size, rate and time, damaged ones, animations, folders; and looks over time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from impasto.film.coding import Coding
from impasto.film.facts import Part
from impasto.film.keys import Keys
from impasto.film.reading import opened
from impasto.film.render import Settings
from impasto.painting.look import Look
from impasto.painting.painter import Painter
from tests.film.drawn import Drawing, film, frames_of, packets_of, picture, times_of
from tests.film.test_render import AS_IT_IS, EXACT, painted, painter

__all__ = ["painter"]


def settings(**part: Any) -> Settings:
    return Settings(part=Part(**part), coding=EXACT.coding, steady=0.0)


def durations(image: Any) -> list[int]:
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        found.append(image.info["duration"])
    return found


@pytest.mark.parametrize(("size", "shown"), [((65, 33), (64, 32)), ((17, 16), (16, 16)), ((64, 49), (64, 48))])
def test_odd_sizes(painter: Painter, tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    """A size that H.264 cannot halve loses its last row or column, and no more."""
    source = film(tmp_path / "in.mkv", Drawing(frames=2, size=size, codec="ffv1", pixels="yuv444p", sounds=()))
    notes = painted(painter, source, tmp_path / "out.mp4", settings=Settings(coding=Coding(quality=1), steady=0))
    assert notes == [f"note: h264 takes even sizes: {size[0]} x {size[1]} become {shown[0]} x {shown[1]} pixels"]
    found = frames_of(tmp_path / "out.mp4")[0]
    assert found.shape[1::-1] == shown
    assert np.abs(found.astype(int) - picture(0, *size)[: shown[1], : shown[0]]).mean() < 4


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(240)])
def test_rates(painter: Painter, tmp_path: Path, rate: Fraction) -> None:
    """A frame in ten seconds and 240 in one keep their times."""
    source = film(tmp_path / "in.mp4", Drawing(times=[n / rate for n in range(6)], sounds=()))
    painted(painter, source, tmp_path / "out.mp4")
    assert np.allclose(np.array(times_of(tmp_path / "out.mp4"), float), [float(n / rate) for n in range(6)], atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2])
def test_few_frames(painter: Painter, tmp_path: Path, frames: int) -> None:
    """A film of one frame is one."""
    painted(painter, film(tmp_path / "in.mp4", Drawing(frames=frames, sounds=())), tmp_path / "out.mp4")
    assert len(frames_of(tmp_path / "out.mp4")) == frames


def test_no_times(painter: Painter, tmp_path: Path) -> None:
    """Frames without times, as of a raw stream, are counted at the rate that the stream says, or 25."""
    source = film(tmp_path / "in.h264", Drawing(sounds=()), format="h264")
    painted(painter, source, tmp_path / "out.mp4")
    assert times_of(tmp_path / "out.mp4") == [Fraction(n, 25) for n in range(12)]


def test_times_that_stand_still(tmp_path: Path) -> None:
    """Of frames with one time the first is taken, and that is said."""
    times = [Fraction(n, 25) for n in (0, 1, 2, 3)]
    film(tmp_path / "in.mkv", Drawing(frames=4, times=times, codec="ffv1", pixels="yuv420p", sounds=()))
    found = opened(tmp_path / "in.mkv")
    raw = found._decoded  # type: ignore[attr-defined]

    def again(*arguments: Any) -> Any:
        for frame in raw(*arguments):
            yield frame
            yield frame

    found._decoded = again  # type: ignore[attr-defined]
    assert [frame.time for frame in found.frames()] == times
    assert any("4 frames whose time" in note for note in found.notes)


def test_late_start(painter: Painter, tmp_path: Path) -> None:
    """Where the times of a file begin late, one start is taken off of all streams: sound and picture stay together."""
    source = film(tmp_path / "in.ts", Drawing(frames=20), options={"output_ts_offset": "1.5"})
    first = times_of(source)[0]
    assert first > 1
    painted(painter, source, tmp_path / "out.mp4")
    found = times_of(tmp_path / "out.mp4")
    sound = packets_of(tmp_path / "out.mp4")[0][0][0] - packets_of(source)[0][0][0]
    assert found[0] < Fraction(1, 10)
    assert abs(float((found[0] - first) - sound)) < 0.001


@pytest.mark.parametrize("sounds", [(), ("aac",)], ids=["silent", "with sound"])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_torn(painter: Painter, tmp_path: Path, suffix: str, sounds: tuple[str, ...]) -> None:
    """Of a film that is torn off in the middle what there is is painted, and a note says how much that is."""
    front = {"options": {"movflags": "+faststart"}} if suffix == ".mp4" else {}
    drawing = Drawing(frames=60, sounds=sounds)
    whole, source = film(tmp_path / f"whole{suffix}", drawing, **front), tmp_path / f"in{suffix}"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    notes = painted(painter, source, tmp_path / "out.mp4")
    there = times_of(tmp_path / "out.mp4")
    assert 5 < len(there) < 45
    assert any(f"is cut off: {float(there[-1]) + 0.04:.1f} of its 2.4 seconds are there" in note for note in notes), (
        notes
    )
    assert not any("cut off" in note for note in painted(painter, whole, tmp_path / "whole-out.mp4"))


def test_a_part_of_a_torn_film(painter: Painter, tmp_path: Path) -> None:
    """Of a film that is cut off behind the part that is wanted nothing is missing."""
    whole, source = film(tmp_path / "whole.mkv", Drawing(frames=60, sounds=())), tmp_path / "in.mkv"
    source.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert painted(painter, source, tmp_path / "out.mp4", settings=settings(end=Fraction(1, 5))) == []


def test_sound_that_goes_on(painter: Painter, tmp_path: Path) -> None:
    """A film whose sound is longer than its picture, and one whose last picture stays for long, are whole."""
    times = [Fraction(n, 25) for n in range(10)]
    source = film(tmp_path / "in.mkv", Drawing(times=[*times, times[-1] + 4]))
    assert painted(painter, source, tmp_path / "out.mp4") == []
    short, long = film(tmp_path / "short.mp4", Drawing(sounds=())), film(tmp_path / "long.mp4", Drawing(frames=100))
    with av.open(str(short)) as seen, av.open(str(long)) as heard, av.open(str(tmp_path / "both.mkv"), "w") as out:
        streams = [out.add_stream_from_template(each) for each in (seen.streams.video[0], heard.streams.audio[0])]
        for container, stream, kind in ((seen, streams[0], "video"), (heard, streams[1], "audio")):
            for packet in container.demux(**{kind: 0}):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
    assert painted(painter, tmp_path / "both.mkv", tmp_path / "out.mp4") == []


def test_size_changes(painter: Painter, tmp_path: Path) -> None:
    """Frames of another size are brought to that of the first."""
    one = film(tmp_path / "a.h264", Drawing(frames=3, sounds=()), format="h264")
    other = film(tmp_path / "b.h264", Drawing(frames=3, size=(32, 24), sounds=()), format="h264")
    (tmp_path / "in.h264").write_bytes(one.read_bytes() + other.read_bytes())
    painted(painter, tmp_path / "in.h264", tmp_path / "out.mp4")
    assert {each.shape for each in frames_of(tmp_path / "out.mp4")} == {(48, 64, 3)}


def test_interlaced(tmp_path: Path) -> None:
    """Two half frames are made a whole one, at their time."""

    def combed(number: int, width: int, height: int) -> np.ndarray:
        pixels = picture(2 * number, width, height)
        pixels[1::2] = picture(2 * number + 10, width, height)[1::2]
        return pixels

    def shown(number: int, width: int, height: int) -> Any:
        graph = av.filter.Graph()
        nodes = (
            graph.add_buffer(width=width, height=height, format="rgb24", time_base=Fraction(1, 25)),
            graph.add("setfield", "tff"),
        )
        nodes[0].link_to(nodes[1])
        nodes[1].link_to(graph.add("buffersink"))
        graph.configure()
        graph.push(av.VideoFrame.from_ndarray(combed(number, width, height)))
        return graph.pull()

    options = (("x264-params", "crf=1"), ("flags", "+ildct+ilme"))
    found = list(opened(film(tmp_path / "in.mp4", Drawing(shown=shown, sounds=(), options=options))).frames())

    def steps(pixels: np.ndarray) -> float:
        return float(np.abs(np.diff(pixels[12:36].astype(int), axis=0)).mean())

    assert steps(found[5].pixels) < steps(combed(5, 64, 48)) / 2
    assert [frame.time for frame in found] == [Fraction(n, 25) for n in range(12)]


@pytest.mark.parametrize(("codec", "suffix", "name"), [("pcm_mulaw", ".mp4", "aac"), ("aac", ".webm", "opus")])
def test_sound_refused(painter: Painter, tmp_path: Path, codec: str, suffix: str, name: str) -> None:
    """Sound that a container refuses is recoded, and that is said."""
    source = film(tmp_path / "in.mov", Drawing(frames=25, sounds=(codec,)))
    notes = painted(painter, source, tmp_path / f"out{suffix}")
    assert any("recoded" in note for note in notes)
    with av.open(str(tmp_path / f"out{suffix}")) as made:
        sound = made.streams.audio[0]
        assert sound.codec_context.name in (name, f"lib{name}")
        samples = sum(frame.samples for frame in made.decode(audio=0))
    assert abs(samples / 48_000 - 1) < 0.1


def test_cut(painter: Painter, tmp_path: Path) -> None:
    """Of a part of a film the sound is that part's, and stays with the picture."""
    source = film(tmp_path / "in.mp4", Drawing(frames=100))
    part = settings(start=Fraction(1), end=Fraction(3))
    painted(painter, source, tmp_path / "out.mp4", settings=part)
    assert times_of(tmp_path / "out.mp4") == [Fraction(n, 25) for n in range(50)]
    before = {data: time for time, data in packets_of(source)[0]}
    after = packets_of(tmp_path / "out.mp4")[0]
    assert 90 < len(after) < 100
    assert all(abs(float(before[data] - 1 - time)) < 0.001 for time, data in after)


def test_no_sound(painter: Painter, tmp_path: Path) -> None:
    """Sound stays behind where it is not wanted."""
    quiet = Settings(coding=EXACT.coding, steady=0, sound=False)
    painted(painter, film(tmp_path / "in.mp4"), tmp_path / "out.mp4", settings=quiet)
    assert packets_of(tmp_path / "out.mp4") == []


def test_words(painter: Painter, tmp_path: Path) -> None:
    """Title, author and chapters go along; where it was filmed does not."""
    words = (("title", "Sea"), ("artist", "Ada"), ("location", "+48.2+016.3/"))
    source = film(tmp_path / "plain.mp4", Drawing(frames=50, metadata=words))
    chapters = [
        {"id": n, "start": 1000 * n, "end": 1000 * n + 1000, "time_base": Fraction(1, 1000), "metadata": {"title": t}}
        for n, t in enumerate(("one", "two"))
    ]
    with av.open(str(source)) as read, av.open(str(tmp_path / "in.mp4"), "w") as out:
        stream = out.add_stream_from_template(read.streams.video[0])
        out.metadata.update(dict(words))
        out.set_chapters(chapters)
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    painted(painter, tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as made:
        assert made.metadata["title"] == "Sea" and made.metadata["artist"] == "Ada"
        assert not any("location" in key for key in made.metadata)
        assert "painted by impasto" in made.metadata["comment"]
        assert [chapter["metadata"]["title"] for chapter in made.chapters()] == ["one", "two"]


@pytest.mark.parametrize("name", ["-x.mp4", "with spaces.mp4", "für.mp4"])
def test_names(painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Any name of a file does."""
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "a.mp4", Drawing(frames=2)).rename(tmp_path / name)
    painted(painter, Path(name), Path(f"out{name}"))
    assert len(frames_of(tmp_path / f"out{name}")) == 2


# Codecs


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("vp9", "out.mp4"),
        ("vp9", "out.webm"),
        ("vp9", "out.mkv"),
        ("mpeg4", "out.mp4"),
        ("prores", "out.mov"),
        ("ffv1", "out.mkv"),
        ("hevc", "out.mp4"),
        ("av1", "out.webm"),
    ],
)
def test_codecs(painter: Painter, tmp_path: Path, codec: str, name: str) -> None:
    """Every codec keeps times and colours, in each container that takes it."""
    times = list(np.cumsum([Fraction(n, 1000) for n in (0, 33, 34, 50, 17, 33)]))
    source = film(tmp_path / "in.mkv", Drawing(frames=6, size=(128, 96), times=times, sounds=()))
    painted(painter, source, tmp_path / name, settings=Settings(coding=Coding(codec, 4), steady=0))
    assert np.allclose(np.array(times_of(tmp_path / name), float), np.array(times, float), atol=0.001)
    frame = next(opened(tmp_path / name).frames())
    assert np.abs(frame.pixels.astype(int) - picture(0, 128, 96)).mean() < 3
    with av.open(str(tmp_path / name)) as made:
        assert codec != "hevc" or made.streams.video[0].codec_tag == "hvc1"  # as Apple's players want it


# Animations and pictures


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_animations(painter: Painter, tmp_path: Path, kind: str) -> None:
    """GIF, WebP and APNG are read with the times of their frames, and GIF and WebP written with them."""
    images = [Image.fromarray(picture(7 * n)) for n in range(4)]
    lasts = [40, 120, 80, 200]
    images[0].save(tmp_path / f"in.{kind}", save_all=True, append_images=images[1:], duration=lasts, lossless=True)
    found = list(opened(tmp_path / f"in.{kind}").frames())
    assert [int(1000 * frame.lasts) for frame in found] == lasts
    for name in ("out.gif", "out.webp", "out.mp4"):
        painted(painter, tmp_path / f"in.{kind}", tmp_path / name)
    for name in ("out.gif", "out.webp"):
        with Image.open(tmp_path / name) as image:
            assert durations(image) == lasts
    assert [int(1000 * time) for time in times_of(tmp_path / "out.mp4")] == [0, 40, 160, 240]


def test_disposal(tmp_path: Path) -> None:
    """What a GIF clears is black, and what it leaves stays."""
    clear = Image.new("RGBA", (20, 20))
    parts = [clear.copy() for _ in range(2)]
    parts[0].paste((255, 0, 0, 255), (0, 0, 10, 20))
    parts[1].paste((0, 0, 255, 255), (10, 0, 20, 20))
    parts[0].save(tmp_path / "in.gif", save_all=True, append_images=parts[1:], duration=100, disposal=2)
    one, other = (frame.pixels for frame in opened(tmp_path / "in.gif").frames())
    assert one[5, 5].tolist() == [255, 0, 0] and one[5, 15].tolist() == [0, 0, 0]
    assert other[5, 5].tolist() == [0, 0, 0] and other[5, 15].tolist() == [0, 0, 255]


def test_quick_gif(painter: Painter, tmp_path: Path) -> None:
    """A GIF shows 50 frames a second at most: of a quicker film some are left out, and it lasts as long."""
    source = film(tmp_path / "in.mp4", Drawing(times=[Fraction(n, 100) for n in range(12)], sounds=()))
    notes = painted(painter, source, tmp_path / "out.gif")
    assert any("6 frames were left out" in note for note in notes)
    with Image.open(tmp_path / "out.gif") as image:
        assert 110 <= sum(durations(image)) <= 160


def test_pictures(painter: Painter, tmp_path: Path) -> None:
    """A folder is a film in the order in which people count, gaps and all; all are brought to the first's size."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (8, 9, 10, 12):
        Image.fromarray(picture(number, 64 + 2 * (number == 9))).save(folder / f"p{number}.png")
    found = opened(folder, Part(fps=Fraction(10)))
    frames = list(found.frames())
    assert [frame.time for frame in frames] == [Fraction(n, 10) for n in range(4)]
    assert all(np.array_equal(frames[n].pixels, picture(number)) for n, number in ((0, 8), (2, 10), (3, 12)))
    assert frames[1].pixels.shape == (48, 64, 3)
    assert any("1 of the numbers" in note for note in found.notes)
    painted(painter, folder / "p%d.png", tmp_path / "out-%02d.webp")
    assert sorted(each.name for each in tmp_path.glob("out*")) == [f"out-0{n}.webp" for n in (1, 2, 3, 4)]


def test_longer_before(painter: Painter, tmp_path: Path) -> None:
    """Frames of a longer film that impasto painted into a folder before are gone afterwards."""
    for frames in (5, 3):
        source = film(tmp_path / "in.mp4", Drawing(frames=frames, sounds=()))
        painted(painter, source, tmp_path / "out")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [f"frame-000{n}.png" for n in (1, 2, 3)]


# Looks


def test_keys() -> None:
    """Between two keys a row walks in a straight line, and beyond them it stands still."""
    keys = Keys(Look("a"), styles=((2.0, "a"), (4.0, "b:1,c:1")), strengths=((0.0, 0.0), (10.0, 1.0)))
    assert keys.at(0).style == keys.at(2).style == "a" and keys.at(9).style == "b:1,c:1"
    assert keys.at(3).style == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert keys.at(5).strength == 0.5 and keys.at(12).strength == 1


def test_walk(painter: Painter, tmp_path: Path) -> None:
    """A film with keys begins in one style, and ends in the other."""
    source = film(tmp_path / "in.mp4", Drawing(frames=6, sounds=(), shown=lambda n, w, h: picture(0, w, h)))
    painted(painter, source, tmp_path / "out", look=Keys(Look("red"), styles=((0.0, "red"), (0.2, "blue"))))
    first = next(opened(source).frames()).pixels
    paintings = [np.asarray(Image.open(file).convert("RGB")) for file in sorted((tmp_path / "out").iterdir())]
    assert np.array_equal(paintings[0], painter.paint_array(first, "red"))
    assert np.array_equal(paintings[5], painter.paint_array(next(iter(opened(source).frames(5))).pixels, "blue"))
    between = painter.paint_array(next(iter(opened(source).frames(2))).pixels, {"red": 0.6, "blue": 0.4})
    assert np.abs(paintings[2].astype(int) - between).max() <= 1  # 0.08 of 0.2 seconds are 0.6 but for the last bits


def test_film_as_mask(painter: Painter, tmp_path: Path) -> None:
    """A mask may be a film, which is white where a style goes at each moment; or a picture, which stays."""

    def half(number: int, width: int, height: int) -> np.ndarray:
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[:, : width // 2 if number < 3 else width] = 255
        return pixels

    source = film(tmp_path / "in.mp4", Drawing(frames=6, sounds=()))
    mask = film(tmp_path / "mask.mkv", Drawing(frames=6, codec="ffv1", sounds=(), shown=half))
    Image.fromarray(half(0, 64, 48)).save(tmp_path / "mask.png")
    frames = [frame.pixels for frame in opened(source).frames()]
    halves = [Image.fromarray(half(number, 64, 48)) for number in (0, 5)]
    halves[0].save(tmp_path / "mask.gif", save_all=True, append_images=halves[1:], duration=120)
    for folder, file, late in (
        ("film", mask, 5),
        ("still", tmp_path / "mask.png", 0),
        ("gif", tmp_path / "mask.gif", 5),
    ):
        painted(painter, source, tmp_path / folder, look=Look("red", masks={"blue": file}))
        for number, white in ((0, 0), (5, late)):
            expected = painter.paint_array(frames[number], Look("red", masks={"blue": half(white, 64, 48)[..., 0]}))
            with Image.open(tmp_path / folder / f"frame-{number + 1:04}.png") as image:
                assert np.abs(np.asarray(image.convert("RGB")).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("option", ["size", "paint_size"])
def test_sizes(painter: Painter, tmp_path: Path, option: str) -> None:
    """--size gives a smaller film, --paint-size one of the same size."""
    source = film(tmp_path / "in.mp4", Drawing(frames=2, size=(128, 96), sounds=()))
    look = Look("red", size=64) if option == "size" else Look("red")
    chosen = Settings(steady=0, paint_size=64 if option == "paint_size" else None)
    painted(painter, source, tmp_path / "out.mp4", look=look, settings=chosen)
    assert frames_of(tmp_path / "out.mp4")[0].shape == ((48, 64, 3) if option == "size" else (96, 128, 3))


def test_not_the_film_again(painter: Painter, tmp_path: Path) -> None:
    """Painted at strength 0 a film is itself."""
    source = film(tmp_path / "in.mp4", Drawing(frames=4))
    painted(painter, source, tmp_path / "out.mp4", AS_IT_IS)
    for one, other in zip(frames_of(source), frames_of(tmp_path / "out.mp4"), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 2
