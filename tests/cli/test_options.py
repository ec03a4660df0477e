"""Every option of every command: what it refuses, in one sentence, before anything is read."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import pytest
import typer

from impasto import cli, limits
from impasto.limits import Choice, Number
from tests.conftest import run


def _commands(group: Any, *words: str) -> list[tuple[tuple[str, ...], Any]]:
    found = [(words, group)] if words else []
    for name, command in getattr(group, "commands", {}).items():
        found += _commands(command, *words, name)
    return found


COMMANDS = _commands(typer.main.get_command(cli.app))
OPTIONS = [(words, command, param) for words, command in COMMANDS for param in command.params if param.name != "help"]
OPTIONS = [each for each in OPTIONS if each[2].param_type_name == "option"]
NONSENSE = ("nan", "inf", "-inf", "-1", "abc", "")
EXTREME = ("0", "1e308", "99999999999999999999", "0.5", "1")


def kind(command: Any, name: str) -> Any:
    """The type of an option's value, without None."""
    hint = typing.get_type_hints(inspect.unwrap(command.callback))[name]
    return next(iter([each for each in typing.get_args(hint) if each is not type(None)] or [hint]))


def called(words: tuple[str, ...], param: Any) -> str:
    return f"{'-'.join(words)}{max(param.opts, key=len)}"


NUMERIC = [each for each in OPTIONS if kind(each[1], each[2].name) in (int, float)]
LIMITED = [each for each in OPTIONS if each[2].name in each[1].limits]
VALUED = [each for each in OPTIONS if not each[2].is_flag]


def ids(options: list[Any]) -> list[str]:
    return [called(words, param) for words, _, param in options]


def test_sees_all_commands() -> None:
    """The tests below walk over all commands and many options (so that they are not green for nothing)."""
    names = {" ".join(words) for words, _ in COMMANDS}
    assert {"paint", "sheet", "map", "train", "optimize", "grid", "eval", "styles export"} <= names
    assert len(NUMERIC) > 50 and len(VALUED) > 150


@pytest.mark.parametrize(("words", "command", "param"), NUMERIC, ids=ids(NUMERIC))
def test_no_number_is_without_a_limit(words: tuple[str, ...], command: Any, param: Any, capsys: Any) -> None:
    """Nonsense is refused in one sentence that names the option; other numbers are refused so, or are within range."""
    limit, name = command.limits[param.name], max(param.opts, key=len)
    assert isinstance(limit, Number)
    assert limit.short in param.help  # --help says the range
    for text in (*NONSENSE, *EXTREME):
        try:
            fits = limit.allows(limit.parse(text))
        except ValueError:
            fits = False
        assert not (fits and text in NONSENSE)
        code, out, err = run(*words, name, text, "--no-such-option-here", capsys=capsys)
        assert "no such option" in err  # what is not known comes first
        if not fits:
            code, out, err = run(*words, name, text, capsys=capsys)
            assert (code, out) == (2, "") and err.count("\n") == 1
            assert err.startswith(f"impasto: {name} must be ") and str(limit) in err


@pytest.mark.parametrize(("words", "command", "param"), LIMITED, ids=ids(LIMITED))
def test_what_fits_a_limit_fits_typer(words: tuple[str, ...], command: Any, param: Any, capsys: Any) -> None:
    """A value within the limit is never refused afterwards for its type: what is missing is told instead."""
    limit, name = command.limits[param.name], max(param.opts, key=len)
    texts = [limit.words[-1]] if isinstance(limit, Choice) else ["1", "64", "0.5", "64,128", "1,0.5", "a:0.5,b"]
    fitting = []
    for text in texts:
        try:
            limit.read(name, text)
        except limits.OptionError:
            continue
        fitting.append(text)
        _, _, err = run(*words, name, text, name, text, capsys=capsys)
        assert "twice" in err
        if any(each.required for each in command.params):
            code, _, err = run(*words, name, text, capsys=capsys)
            assert code == 2 and "missing" in err, err
    assert fitting


CHOICES = [each for each in LIMITED if isinstance(each[1].limits[each[2].name], Choice)]


@pytest.mark.parametrize(("words", "command", "param"), CHOICES, ids=ids(CHOICES))
def test_an_unknown_word_is_told_the_choices(words: tuple[str, ...], command: Any, param: Any, capsys: Any) -> None:
    """The sentence names the option and all that it takes."""
    name = max(param.opts, key=len)
    for text in ("x", "", "AUTO"):
        code, out, err = run(*words, name, text, capsys=capsys)
        assert code == 2 and err.count("\n") == 1 and err.startswith(f"impasto: {name} must be ")
        assert all(word in err for word in command.limits[param.name].words)


def test_the_choices_are_the_librarys() -> None:
    """What the command line takes without asking torch is what the library takes."""
    pytest.importorskip("torch")
    from impasto.learn.loss.settings import Borders, Unit
    from impasto.learn.optimize import recipes

    found = {called(words, param): command.limits[param.name].words for words, command, param in CHOICES}
    assert found["train--unit"] == found["eval--unit"] == typing.get_args(Unit)
    assert found["train--loss-borders"] == typing.get_args(Borders)
    assert found["optimize--recipe"] == found["grid--recipe"] == tuple(recipes.RECIPES)
    for name in ("units", "statistic", "pooling", "optimizer", "color", "precision"):
        assert found[f"optimize--{name}"] == typing.get_args(getattr(recipes, name.capitalize()))


TEXTS = {
    ("grid", "--ratios"): ("a,b", "", "1,", "0", "nan"),
    ("grid", "--layers"): ("", ",", "relu1_1,"),
    ("teach", "--stroke-sizes"): ("nan,100", "", "100", "-1,100", "100,1e308"),
    ("train", "--style-layer-weights"): ("a", "", "1,-1", "1,inf"),
    ("optimize", "--painting-weights"): ("a", "", "nan", "-1"),
    ("optimize", "--style-layers"): ("", "relu1_1:nan", "relu1_1:", ":1"),
    ("optimize", "--content-layers"): ("", "relu1_1:-1"),
}


@pytest.mark.parametrize(("words", "texts"), TEXTS.items(), ids=["-".join(words) for words in TEXTS])
def test_lists_are_checked_at_once(words: tuple[str, str], texts: tuple[str, ...], capsys: Any) -> None:
    """An empty list, and one with nonsense in it, is one sentence that names the option."""
    for text in texts:
        code, out, err = run(*words, text, capsys=capsys)
        assert (code, out) == (2, "") and err.count("\n") == 1 and err.startswith(f"impasto: {words[1]} must be ")


@pytest.mark.parametrize(("words", "command", "param"), VALUED, ids=ids(VALUED))
def test_an_option_is_given_once(words: tuple[str, ...], command: Any, param: Any, capsys: Any) -> None:
    """Every option but those that are lists is refused when it is given twice, under whatever name."""
    first, last = param.opts[0], param.opts[-1]
    ends = ("--host", "0.0.0.0") if words == ("serve",) and param.multiple else ()  # refused, too; else it would serve
    _, _, err = run(*words, first, "1", last, "1", *ends, capsys=capsys)
    told = f"impasto: {max(param.opts, key=len)} is given twice; give it once\n"
    assert (err == told) is not param.multiple


@pytest.mark.parametrize("words", [["--json", "--json"], ["--keep-color", "--keep-color"]])
def test_a_flag_given_twice_is_harmless(words: list[str], photo_file: Any, network_file: Any, capsys: Any) -> None:
    """A flag means the same however often it is given."""
    out = photo_file.with_name("out.png")
    code, _, err = run("paint", photo_file, "-s", "red", "-o", out, *words, "--network", network_file, capsys=capsys)
    assert code == 0 and out.exists(), err


def test_two_styles_are_a_mix(photo_file: Any, network_file: Any, capsys: Any) -> None:
    """paint -s A -s B is paint -s A,B: none of them is lost."""
    painted = []
    for words in (["-s", "red", "-s", "blue:3"], ["-s", "red,blue:3"], ["-s", "blue"]):
        out = photo_file.with_name("out.png")
        code, _, err = run("paint", photo_file, *words, "-o", out, "--network", network_file, capsys=capsys)
        assert code == 0, err
        painted.append(out.read_bytes())
    assert painted[0] == painted[1] != painted[2]


UNUSED = {
    "sheet": ["-s", "red:0.5,blue:0.1"],
    "square": ["-s", "red:0.5,blue,green,red"],
    "path": ["-s", "red:0.5", "-s", "blue:0.1"],
    "paint": ["-s", "red:0.5"],
    "paint with a mask": ["-s", "red", "--mask", "blue:0.5=alpha"],
}


@pytest.mark.parametrize("command", UNUSED)
def test_a_weight_that_counts_for_nothing_is_refused(command: str, photo_file: Any, network_file: Any, capsys) -> None:
    """A number that would not be used is not accepted."""
    out = photo_file.with_name("out.gif" if command == "path" else "out.png")
    words = [command.split()[0], photo_file, *UNUSED[command], "-o", out]
    code, _, err = run(*words, "--network", network_file, capsys=capsys)
    assert code == 2 and err.count("\n") == 1 and "weight" in err
    assert [path.name for path in photo_file.parent.iterdir()] == [photo_file.name]


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["path", "{photo}", "-s", "red,blue", "--frames", "2", "--fps", "3", "-o", "{out}"], "--fps"),
        (["map", "--method", "pca", "--size", "64", "-o", "{out}.png"], "--size"),
        (["map", "--method", "pca", "--k", "2", "-o", "{out}.png"], "--k"),
        (["map", "{photo}", "--method", "pca", "-o", "{out}.json"], "PHOTO"),
    ],
)
def test_an_option_without_an_effect_is_noted(words, option, photo_file: Any, network_file: Any, capsys: Any) -> None:
    """What was given for nothing is one line on standard error, and the work is done."""
    out = photo_file.with_name("out")
    filled = [word.format(photo=photo_file, out=out) for word in words]
    code, _, err = run(*filled, "--network", network_file, capsys=capsys)
    assert code == 0 and err.startswith("note: ") and option in err.splitlines()[0] and "no effect" in err


def test_digits_of_other_scripts_are_no_numbers(capsys: Any) -> None:
    """Python reads them and Typer does not; one sentence in any case."""
    code, _, err = run("paint", "a.png", "-s", "red", "--size", "\uff15", capsys=capsys)
    assert code == 2 and err.startswith("impasto: --size must be a whole number")
