"""What a number, a list or a word may be that somebody gives: limits that the library and the command line share.

``check`` takes a value and the name it goes by, ``read`` a text. Both raise one sentence, and know no command line.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from impasto.errors import OptionError, attempt

Value = TypeVar("Value")


class Limit:
    """What a value may be; ``str`` of it ends the sentence "it must be ..."."""

    @property
    def short(self) -> str:
        """The same for --help, in a few characters; "" where the help says what it may be."""
        return ""

    def allows(self, value: object) -> bool:
        """Whether ``value`` is within the limit."""
        raise NotImplementedError

    def parse(self, text: str) -> Any:
        """The value that ``text`` means; ValueError if it means none."""
        raise NotImplementedError

    def check(self, name: str, value: Value) -> Value:
        """``value`` itself; OptionError names ``name`` and the limit where it is out of it."""
        if not self.allows(value):
            raise OptionError(f"{name} must be {self}, not {shown(value)}")
        return value

    def read(self, name: str, text: str) -> Any:
        """The value that ``text`` means, checked; OptionError as in ``check``, and for a text that means none."""
        try:
            value = self.parse(text)
        except ValueError as error:
            raise OptionError(f"{name} must be {self}, not {shown(text)}") from error
        if not self.allows(value):
            raise OptionError(f"{name} must be {self}, not {_short(text) if isinstance(self, Number) else shown(text)}")
        return value


@dataclass(frozen=True)
class Number(Limit):
    """A finite number from ``low`` to ``high``; ``above`` and ``below`` leave that end itself out."""

    low: float
    high: float = math.inf
    whole: bool = False
    above: bool = False
    below: bool = False
    multiple: int = 1  # of which whole numbers are multiples

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        kind = f"a multiple of {self.multiple}" if self.multiple > 1 else kind
        if self.above:
            return f"{kind} of more than {self.low:,}" + f" and at most {self.high:,}" * (self.high < math.inf)
        if self.high == math.inf:
            return f"{kind} of {self.low:,} or more"
        return f"{kind} from {self.low:,} to {'below ' * self.below}{self.high:,}"

    @property
    def short(self) -> str:
        if self.above:
            return f"more than {self.low:,}" + f", at most {self.high:,}" * (self.high < math.inf)
        if self.high == math.inf:
            return f"{self.low:,} or more"
        return f"{self.low:,} to {'below ' * self.below}{self.high:,}"

    def allows(self, value: object) -> bool:
        kind = numbers.Integral if self.whole else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        number: Any = value
        least = self.low < number if self.above else self.low <= number
        most = number < self.high if self.below else number <= self.high
        finite = number < math.inf  # as the other two it is False for NaN
        return bool(least and most and finite and (self.multiple == 1 or number % self.multiple == 0))

    def parse(self, text: str) -> float:
        if not text.isascii():  # Python knows the digits of all scripts, and Typer does not
            raise ValueError(text)
        return int(text) if self.whole else float(text)


@dataclass(frozen=True)
class Numbers(Limit):
    """Numbers with commas between them: ``least`` of them or more, each within ``each``."""

    each: Number
    least: int = 1

    def __str__(self) -> str:
        return f"{'one' if self.least == 1 else 'two'} or more numbers with commas between them, each {self.each}"

    @property
    def short(self) -> str:
        return f"each {self.each.short}"

    def allows(self, value: object) -> bool:
        return isinstance(value, (tuple, list)) and len(value) >= self.least and all(map(self.each.allows, value))

    def parse(self, text: str) -> tuple[Any, ...]:
        return tuple(self.each.parse(part) for part in text.split(","))


@dataclass(frozen=True)
class Layers(Limit):
    """LAYER,LAYER,... or LAYER:WEIGHT,...: one layer or more, and weights of 0 or more."""

    def __str__(self) -> str:
        return "layers with commas between them, such as relu1_1,relu2_1 or relu1_1:0.5,relu2_1:1"

    def allows(self, value: object) -> bool:
        if not isinstance(value, (tuple, list)):
            return False
        pairs = [(each, 1.0) if isinstance(each, str) else each for each in value]
        return all(isinstance(pair, tuple) and len(pair) == 2 and pair[0] and WEIGHT.allows(pair[1]) for pair in pairs)

    def parse(self, text: str) -> list[tuple[str, float]]:
        parts = [part.partition(":") for part in text.split(",")]
        return [(name.strip(), float(weight) if colon else 1.0) for name, colon, weight in parts]


@dataclass(frozen=True)
class Names(Limit):
    """One word or more with commas between them."""

    def __str__(self) -> str:
        return "one or more names with commas between them"

    def allows(self, value: object) -> bool:
        return isinstance(value, list) and all(value)

    def parse(self, text: str) -> list[str]:
        return [part.strip() for part in text.split(",")]


@dataclass(frozen=True)
class Choice(Limit):
    """One of a few words; ``old`` has what some of them were called before, which is understood for ever."""

    words: tuple[str, ...]
    old: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " or ".join(filter(None, [", ".join(self.words[:-1]), self.words[-1]]))

    def allows(self, value: object) -> bool:
        return value in self.words

    def parse(self, text: str) -> str:
        return next((new for before, new in self.old if before == text), text)


@dataclass(frozen=True)
class Flag(Limit):
    """True or False."""

    def __str__(self) -> str:
        return "True or False"

    def allows(self, value: object) -> bool:
        kind = getattr(getattr(value, "dtype", None), "kind", "")  # numpy has a type of its own for them
        return isinstance(value, bool) or (kind == "b" and getattr(value, "ndim", 1) == 0)

    def parse(self, text: str) -> Any:
        return text


@dataclass(frozen=True)
class NumberOr(Limit):
    """A number, or one of a few words."""

    words: tuple[str, ...]
    number: Number

    def __str__(self) -> str:
        return f"{', '.join(self.words)} or {self.number}"

    def allows(self, value: object) -> bool:
        return value in self.words if isinstance(value, str) else self.number.allows(value)

    def parse(self, text: str) -> Any:
        return text if text in self.words else self.number.parse(text)


def field(default: Any, help: str, limit: Limit | None = None) -> Any:
    """A field of a record: its default, the help of its option, and what it may be."""
    return dataclasses.field(default=default, metadata={"help": help, "limit": limit})


def settle(record: Any) -> None:
    """Make the fields of a frozen record that have a limit plain, and check them; a default needs no check.

    Numbers of numpy become Python's, lists tuples, and words that were called otherwise what they are called now.
    """
    for each in dataclasses.fields(record):
        limit = each.metadata.get("limit")
        if limit is None:
            continue
        value = _plain(getattr(record, each.name))
        if isinstance(limit, Choice):
            value = limit.parse(value)
        object.__setattr__(record, each.name, value)
        if type(value) is not type(each.default) or value != each.default:
            limit.check(each.name, value)


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def shown(value: object) -> str:
    """A value for a sentence: on one line, short, and never an error of its own."""
    if isinstance(value, int) and value.bit_length() > 1000:  # Python itself refuses to print the longest
        return "a number of more than 300 digits"
    text = attempt(lambda: str(value) if isinstance(value, (int, float)) else repr(value), "")
    return _short(" ".join(text.split())) or f"a {type(value).__name__}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


Precision = Literal["auto", "f32", "bf16"]
RuntimeName = Literal["auto", "openvino", "onnxruntime"]
Device = Literal["auto", "cpu", "gpu"]
PRECISION = Choice(get_args(Precision), old=(("float32", "f32"), ("bfloat16", "bf16")))
RUNTIME = Choice(get_args(RuntimeName))
DEVICE = Choice(get_args(Device))
FLAG = Flag()

# Pictures, in pixels
DEFAULT_MAX_PIXELS = 200_000_000  # of a photo that is read; the largest phone cameras make so many
SIDE = Number(1, 1_000_000, whole=True)
PIXELS = Number(1, whole=True)
BRUSH = NumberOr(("small", "medium", "large"), Number(16, 1_000_000, whole=True))  # of the first pass's longer side
DPI = Number(1, 65_535)  # JFIF holds no more
MAP_WIDTH = Number(1, 30_000, whole=True)
GAP = Number(0, 10_000, whole=True)
QUALITY = Number(1, 100, whole=True)
STROKE_SIZE = Number(0, 1_000_000, above=True)
STROKE_SIZES = Numbers(Number(64, 1_000_000, whole=True), 2)
CROP = Number(16, 65_536, whole=True, multiple=4)
MARGIN = Number(0, 1_024, whole=True, multiple=8)

# Styles
STRENGTH = Number(0, 1.5)  # beyond it pictures fall apart
STEADY = Number(0, 1)
FRAME_RATE = Number(0, above=True)
COLUMNS = Number(1, whole=True)
SQUARE = Number(2, 100, whole=True)
FRAMES = Number(2, 100_000, whole=True)
FPS = Number(0.1, 50)  # browsers slow GIFs down beyond 50
NEIGHBOURS = Number(1, whole=True)
MASKS = Number(0, 1_000, whole=True)
SEVERAL = Number(1, 10_000, whole=True)

# Films
MOST_BROKEN = 1_000  # packets of a film that cannot be decoded, before it is given up
MOMENT = Number(0, 1_000_000)  # seconds
RATE = Number(0.01, 1_000)  # frames a second
CRF = Number(0, 51, whole=True)

# The machine
PORT = Number(0, 65_535, whole=True)
WORKERS = Number(1, 64, whole=True)
ACTORS = Number(1, 100_000, whole=True)
THREADS = Number(1, 1_024, whole=True)
BATCH = Number(1, 10_000, whole=True)
MEMORY = Number(0, 1e15, above=True)  # bytes
GIGABYTES = Number(0, 1_000_000, above=True)
SECONDS = Number(0, 1_000_000_000, above=True)
MINUTES = Number(0, 10_000_000)

# Learning
STEPS = Number(1, 1_000_000_000, whole=True)
COUNT = Number(0, 1_000_000_000, whole=True)
SEED = Number(0, 2**32 - 1, whole=True)
WEIGHT = Number(0, 1_000_000_000)
WEIGHTS = Numbers(WEIGHT)
RATIOS = Numbers(Number(0, 1_000_000_000, above=True))
LEARNING_RATE = Number(0, 1_000, above=True)
ALPHA = Number(0, 16, above=True)
SHARE = Number(0, 1)
DECAY = Number(0, 1, below=True)  # of a mean: what it keeps
LAYERS = Layers()
NAMES = Names()
