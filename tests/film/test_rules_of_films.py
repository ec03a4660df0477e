"""What films of all kinds have in them: sound of several channels, streams of data, keys, times that jump."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from impasto.film import coding
from impasto.film.facts import Part
from impasto.film.reading import opened
from impasto.film.render import Settings
from impasto.painting.painter import Painter
from tests.conftest import run
from tests.film.drawn import Drawing, film, frames_of, noise, packets_of, picture, times_of
from tests.film.test_bad_input import refused
from tests.film.test_render import EXACT, painted, painter

__all__ = ["painter"]


def heard(path: Path, streams: list[tuple[str, str, dict[str, str]]], default: int = 0) -> Path:
    """A film with such streams of sound: their codecs, layouts and words."""
    plain = film(path.with_name("plain.mp4"), Drawing(sounds=()))
    with av.open(str(plain)) as pictures, av.open(str(path), "w") as out:
        shown = out.add_stream_from_template(pictures.streams.video[0])
        sounds = []
        for number, (codec, layout, words) in enumerate(streams):
            sounds.append(out.add_stream(codec, rate=48_000))
            sounds[-1].layout = layout
            sounds[-1].metadata.update(words)
            sounds[-1].disposition = av.stream.Disposition.default if number == default else 0
        for packet in pictures.demux(video=0):
            if packet.dts is not None:
                packet.stream = shown
                out.mux(packet)
        for sound in sounds:
            values = noise(0, 0.5, sound.format.name)
            resampler = av.AudioResampler(format=sound.format, layout=sound.layout, rate=48_000)
            fifo = av.AudioFifo()
            for each in resampler.resample(values):
                fifo.write(each)
            while (part := fifo.read(sound.codec_context.frame_size or 1024)) is not None:
                out.mux(sound.encode(part))
            out.mux(sound.encode(None))
    return path


def test_a_phone_clip_with_one_command(network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rotated, HDR, of variable rate and with stereo sound: upright, in step, in BT.709, and still where it was."""
    times = list(np.cumsum([Fraction(n, 1000) for n in (0, 33, 34, 50, 17, 33, 100, 33, 8, 33, 33, 41)]))

    def shown(number: int, width: int, height: int) -> Any:
        frame = av.VideoFrame.from_ndarray(picture(0, width, height))
        return frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1)

    tags = (9, 9, 18, 1)
    turn = (270, False, False)
    drawing = Drawing(codec="libx265", pixels="yuv420p10le", tags=tags, turn=turn, shown=shown, times=times)
    source, target = film(tmp_path / "in.mov", drawing), tmp_path / "out.mp4"
    code, _, err = run("video", source, "-s", "red", "-o", target, "--network", network_file, capsys=capsys)
    assert code == 0 and "HDR (HLG)" in err and err.count("\n") == 2
    assert np.allclose(np.array(times_of(target), float), np.array(times_of(source), float), atol=0.001)
    assert [data for _, data in packets_of(target)[0]] == [data for _, data in packets_of(source)[0]]
    with av.open(str(target)) as made:
        context = made.streams.video[0].codec_context
        assert (context.width, context.height) == (48, 64)
        assert (context.colorspace, context.color_trc, context.color_range) == (1, 1, 1)
    first, *others = frames_of(target)
    assert max(np.abs(each.astype(int) - first).mean() for each in others) < 2  # the scene stands still


def test_words_of_sounds(painter: Painter, tmp_path: Path) -> None:
    """Each stream of sound keeps its language and title, and which one is played first."""
    words = [{"language": "eng", "title": "Sea"}, {"language": "deu", "title": "Meer"}]
    source = heard(tmp_path / "in.mkv", [("aac", "stereo", each) for each in words], default=1)
    painted(painter, source, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as made:
        found = [({key: each.metadata[key] for key in words[0]}, each.disposition) for each in made.streams.audio]
    assert [each for each, _ in found] == words
    assert [bool(each & av.stream.Disposition.default) for _, each in found] == [False, True]


@pytest.mark.parametrize(
    ("codec", "layout", "name", "channels"),
    [
        ("aac", "5.1", "out.mp4", 6),
        ("ac3", "5.1(side)", "out.mp4", 6),
        ("ac3", "5.1(side)", "out.webm", 6),
        ("pcm_s16le", "5.1", "out.mp4", 6),
        ("pcm_s16le", "mono", "out.webm", 1),
        ("flac", "2.1", "out.webm", 3),
    ],
)
def test_channels(painter: Painter, tmp_path: Path, codec: str, layout: str, name: str, channels: int) -> None:
    """Sound of any number of channels keeps them, copied or recoded."""
    source = heard(tmp_path / "in.mkv", [(codec, layout, {})])
    painted(painter, source, tmp_path / name)
    with av.open(str(tmp_path / name)) as made:
        frames = list(made.decode(audio=0))
    assert frames and {frame.layout.nb_channels for frame in frames} == {channels}
    assert abs(sum(frame.samples for frame in frames) / 48_000 - 0.5) < 0.1


def test_streams_of_data(painter: Painter, tmp_path: Path) -> None:
    """A time code, as cameras write it, stays behind, and that is said."""
    with av.open(str(tmp_path / "in.mov"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "01:00:00:00"
        for number in range(12):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number))))
        out.mux(stream.encode(None))
    with av.open(str(tmp_path / "in.mov")) as made:
        assert [each.type for each in made.streams] == ["video", "data"]
    notes = painted(painter, tmp_path / "in.mov", tmp_path / "out.mov")
    assert len(notes) == 1 and "a stream of data" in notes[0] and "cannot go along" in notes[0]
    assert len(frames_of(tmp_path / "out.mov")) == 12


def test_times_that_go_back(painter: Painter, tmp_path: Path) -> None:
    """Where two files were joined times go back: those frames are left out, and counted in a note."""
    one, other = (film(tmp_path / f"{n}.ts", Drawing(frames=n, sounds=())) for n in (10, 14))
    (tmp_path / "in.ts").write_bytes(one.read_bytes() + other.read_bytes())
    notes = painted(painter, tmp_path / "in.ts", tmp_path / "out.mp4")
    assert any("frames whose time went back" in note for note in notes)
    times = times_of(tmp_path / "out.mp4")
    assert len(times) >= 10 and all(later > sooner for sooner, later in zip(times, times[1:], strict=False))


def test_very_large(tmp_path: Path) -> None:
    """A film of 8K is read at the size that is asked for."""

    def shown(number: int, width: int, height: int) -> Any:
        return np.full((height, width, 3), 90, np.uint8)

    source = film(
        tmp_path / "in.mp4",
        Drawing(frames=2, size=(7680, 4320), codec="mpeg4", base=Fraction(1, 25), shown=shown, sounds=()),
    )
    found = [frame.pixels for frame in opened(source, Part(size=64)).frames()]
    assert [each.shape for each in found] == [(36, 64, 3)] * 2 and abs(int(found[0][5, 5, 0]) - 90) < 4


KEY = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0f" * 16, "encryption_kid": "f0" * 16}


@pytest.mark.parametrize("what", ["unknown codec", "encrypted"])
def test_what_cannot_be_decoded(
    network_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """A film whose codec nobody here knows, and one that is encrypted, are one sentence, and nothing is written."""
    source = film(tmp_path / "in.mp4", Drawing(sounds=()), options=KEY if what == "encrypted" else {})
    if what == "unknown codec":
        source.write_bytes(source.read_bytes().replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))
    err = refused(capsys, source, "-s", "red", "-o", tmp_path / "out.mp4", "--network", network_file)
    assert "in.mp4" in err and ("is encrypted" in err) == (what == "encrypted")
    assert [each.name for each in tmp_path.iterdir()] == ["in.mp4"]


def test_encoders_that_are_missing(
    painter: Painter,
    network_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without libx264 the next encoder is taken; where it was asked for by name, one sentence says why not."""
    monkeypatch.setitem(coding.ENCODERS, "h264", "libnothing")
    source = film(tmp_path / "in.mp4", Drawing(frames=2, sounds=()))
    painted(painter, source, tmp_path / "out.mp4", settings=Settings(steady=0))
    with av.open(str(tmp_path / "out.mp4")) as made:
        assert made.streams.video[0].codec_context.name in ("vp9", "libvpx-vp9")
    words = ("-s", "red", "-o", tmp_path / "other.mp4", "--network", network_file, "--codec", "h264")
    err = refused(capsys, source, *words)
    assert "cannot be coded with h264" in err and "choose another --codec" in err


def test_a_part_begins_with_its_sound(painter: Painter, tmp_path: Path) -> None:
    """A part keeps the packet of sound in which it begins, so the sound may begin a little before the picture."""
    source = film(tmp_path / "in.mp4", Drawing(frames=50))
    start = Fraction(101, 100)
    settings = Settings(part=Part(start=start), coding=EXACT.coding, steady=0)
    painted(painter, source, tmp_path / "out.mp4", settings=settings)
    (sound,) = packets_of(tmp_path / "out.mp4")
    assert -0.03 < float(sound[0][0]) <= 0


def test_x264_has_one_thread() -> None:
    """With more of them its bytes depend on how busy the machine is, and a film that goes on would end otherwise."""
    context = av.CodecContext.create("libx264", "w")
    coder = coding.Encoder("h264", "libx264", "yuv420p", {})
    coder.set(context, 64, 48, Fraction(1, 25), None)
    assert context.thread_count == 1
