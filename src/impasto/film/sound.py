"""What goes along with a film: sound, subtitles, chapters and words, copied packet by packet where that goes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

from impasto.files import printable
from impasto.film.facts import Facts, Part
from impasto.film.ffmpeg import av, exact, failing, to_read
from impasto.film.reading import codec_of

# Of a film's words those that hold for the painting too; place and camera, which phones write down, stay behind.
WORDS = (
    "title",
    "artist",
    "author",
    "album_artist",
    "album",
    "copyright",
    "date",
    "creation_time",
    "genre",
    "language",
)
SPOKEN = {"webm": "libopus"}  # what sound becomes where a container refuses it; AAC elsewhere
RATE_OF_OPUS = 48_000
LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")  # that all encoders take, by their channels
FEW = 1_000  # packets in which the first ones of all sound are looked for


@dataclass
class Along:
    """What of ``source`` goes into the file ``out``; ``part`` and ``facts`` are those of the film.

    Packets are cut at the ends of the part, and nothing in them is changed but the stream's zero. ``notes`` are
    sentences about what could not go along.
    """

    source: Path
    out: Any
    kind: str  # the container's format, as FFmpeg calls it
    facts: Facts
    part: Part
    notes: list[str] = field(default_factory=list)

    def packets(self, *, sound: bool = True) -> Iterator[Any]:
        """Add the streams, at once, and give an iterator of their packets, with ``out``'s streams, in their order."""
        name = printable(self.source)
        with failing(self.source, "read"):
            container = to_read(self.source)
        copied: dict[int, Any] = {}
        recoded: dict[int, Recoder] = {}
        firsts = self._firsts() if sound else {}
        for stream in container.streams:
            if stream.type == "video" or (stream.type == "audio" and not sound):
                continue
            if stream.type in ("audio", "subtitle") and takes(stream, self.kind, firsts.get(stream.index)):
                copied[stream.index] = self._added(stream, self.out.add_stream_from_template(stream))
            elif stream.type == "audio" and stream.codec_context is not None and stream.rate and stream.channels:
                recoded[stream.index] = recoder = Recoder(stream, self.out, SPOKEN.get(self.kind, "aac"))
                self._added(stream, recoder.out)
                self.notes.append(
                    f"note: the sound of {name} ({codec_of(stream)}) is recoded, as the file cannot hold it"
                )
            else:
                what = {"audio": "sound", "subtitle": "subtitles"}.get(stream.type, f"a stream of {stream.type}")
                self.notes.append(f"note: {what} of {name} ({codec_of(stream)}) cannot go along")
        self._words(container)
        return self._packets(container, copied, recoded)

    def _firsts(self) -> dict[int, Any]:
        """The first packet of each stream of sound, by its number."""
        found: dict[int, Any] = {}
        with failing(self.source, "read"), to_read(self.source) as container:
            streams = list(container.streams.audio)
            for packet in islice(self._read(container, streams), FEW) if streams else ():
                if packet.dts is not None:
                    found.setdefault(packet.stream.index, packet)
                if len(found) == len(streams):
                    break
        return found

    def _added(self, stream: Any, made: Any) -> Any:
        made.disposition = stream.disposition
        made.metadata.update({key: text for key, text in stream.metadata.items() if key in ("language", "title")})
        return made

    def _words(self, container: Any) -> None:
        found = {key.lower(): text for key, text in container.metadata.items()}
        self.out.metadata.update({key: found[key] for key in WORDS if key in found})
        chapters = []
        for chapter in container.chapters():
            base = exact(chapter["time_base"]) or Fraction(1)
            start, end = (self._moment(chapter[key] * base) for key in ("start", "end"))
            if end > 0 and (self.part.end is None or start < self.part.end - self.part.start):
                chapters.append(chapter | {"start": int(max(start, Fraction(0)) / base), "end": int(end / base)})
        if chapters:
            self.out.set_chapters(chapters)

    def _moment(self, time: Fraction) -> Fraction:
        """A time in the file as one of the painting."""
        return time - self.facts.origin - self.part.start

    def _packets(self, container: Any, copied: dict[int, Any], recoded: dict[int, Recoder]) -> Iterator[Any]:
        streams = [container.streams[index] for index in (*copied, *recoded)]
        shift = self.facts.origin + self.part.start
        with container:
            if not streams:
                return
            if self.part.start:
                container.seek(int(shift * av().time_base))
            for packet in self._read(container, streams):
                index = packet.stream.index
                if packet.dts is None:
                    yield from recoded[index].last() if index in recoded else ()
                    continue
                base = exact(packet.time_base) or Fraction(1)
                begin = packet.dts if packet.pts is None else packet.pts
                if self.part.start and (begin + (packet.duration or 0)) * base <= shift:
                    continue
                if self.part.end is not None and self._moment(begin * base) >= self.part.end - self.part.start:
                    continue
                back = round(shift / base)
                packet.dts -= back
                packet.pts = None if packet.pts is None else packet.pts - back
                if index in recoded:
                    yield from recoded[index].packets(packet)
                else:
                    packet.stream = copied[index]
                    yield packet

    def _read(self, container: Any, streams: list[Any]) -> Iterator[Any]:
        """Packets until a damaged file ends."""
        packets = container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except av().error.FFmpegError:
                return
            if packet is None:
                return
            yield packet


def takes(stream: Any, kind: str, packet: Any = None) -> bool:
    """Whether a container of this kind takes a stream as it is: tried with one of its packets, if there is one.

    Some refuse a stream only at their end.
    """
    try:
        with av().open(io.BytesIO(), "w", format=kind) as trial:
            made = trial.add_stream_from_template(stream)
            trial.start_encoding()
            if packet is not None:
                packet.stream = made
                trial.mux(packet)
    except (av().error.FFmpegError, ValueError, TypeError, RuntimeError):
        return False
    return True


def layout_for(codec: str, rate: int, layout: Any) -> str:
    """The layout in which an encoder takes sound: its own, the usual one of so many channels, or stereo."""
    count = layout.nb_channels
    for name in (layout.name, *LAYOUTS[count - 1 : count]):
        context = av().CodecContext.create(codec, "w")
        context.rate, context.format = rate, context.codec.audio_formats[0]
        try:
            context.layout = name
            context.open()
        except (av().error.FFmpegError, ValueError):
            continue
        return str(name)
    return "stereo"


class Recoder:
    """Sound that is decoded and coded again."""

    def __init__(self, stream: Any, out: Any, codec: str) -> None:
        rate = RATE_OF_OPUS if codec == "libopus" else stream.rate
        self._stream = stream
        self.out = out.add_stream(codec, rate=rate)
        self.out.layout = layout_for(codec, rate, stream.layout)
        self._resampler = av().AudioResampler(format=self.out.format, layout=self.out.layout, rate=rate)

    def packets(self, packet: Any) -> Iterator[Any]:
        try:
            frames = packet.decode()
        except av().error.FFmpegError:
            return
        for frame in frames:
            for each in self._resampler.resample(frame):
                yield from self.out.encode(each)

    def last(self) -> Iterator[Any]:
        """What is still held back."""
        for each in self._resampler.resample(None):
            yield from self.out.encode(each)
        yield from self.out.encode(None)
