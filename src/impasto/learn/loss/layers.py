"""The layers of VGG by name, shallow to deep. No torch in here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from impasto.errors import OptionError

# Convolutions per block (Simonyan and Zisserman 2014, table 1: D is VGG-16, E is VGG-19) and channels of each block.
CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)


def layer_names(depth: int = 19) -> list[str]:
    """Names of the activations of VGG-``depth``, shallow to deep: conv1_1, relu1_1, ..., pool1, conv2_1, ..."""
    names = []
    for block, count in enumerate(CONVOLUTIONS[depth], 1):
        for conv in range(1, count + 1):
            names += [f"conv{block}_{conv}", f"relu{block}_{conv}"]
        names.append(f"pool{block}")
    return names


def convolutions(depth: int = 19) -> list[tuple[str, int, int]]:
    """Names of the convolutions of VGG-``depth``, with the channels that go in and come out."""
    names = [name for name in layer_names(depth) if name.startswith("conv")]
    outputs = [CHANNELS[block_of(name) - 1] for name in names]
    return list(zip(names, [3, *outputs], outputs, strict=False))


def block_of(layer: str) -> int:
    """The number of the block that a layer stands in, from 1; a pooling ends its block."""
    return int(layer.removeprefix("conv").removeprefix("relu").removeprefix("pool")[0])


def check_layers(layers: Iterable[str], *, depth: int = 19) -> None:
    """Raise OptionError for a layer that VGG-``depth`` does not have; the message names the nearest one."""
    known = layer_names(depth)
    for layer in layers:
        if layer not in known:
            raise OptionError(f"VGG-{depth} has no layer {layer!r}; did you mean {most_like(layer, known)!r}?")


def most_like(word: object, words: Iterable[str]) -> str:
    """The one of ``words`` that is most like ``word``, however little that is."""
    return difflib.get_close_matches(str(word), list(words), 1, 0.0)[0]
