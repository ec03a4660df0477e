"""The commands that move pixels, with a loss network of random weights, for several files of tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from impasto import cli
from impasto.learn.loss.features import random_loss_network

TINY = ("--size", 32, "--steps", 3, "--precision", "float32", "--style-layers", "relu1_1:2,relu2_1:1")


def command(
    *words: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command line, with a loss network of random weights."""
    monkeypatch.setattr("sys.argv", ["impasto", *map(str, words)])
    monkeypatch.setattr("impasto.learn.loss.features.load_loss_network", lambda file=None: random_loss_network())
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    return partial(command, capsys=capsys, monkeypatch=monkeypatch)
