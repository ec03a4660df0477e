"""OptimizeSettings of an optimisation: what makes no sense is refused where it is given, by its name."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from impasto.errors import ImpastoError, OptionError
from impasto.learn.devices import best_dtype
from impasto.learn.optimize.plan import checked_plan
from impasto.learn.optimize.recipes import OptimizeSettings, settings_for
from impasto.learn.optimize.run import optimize
from impasto.learn.teach.settings import LessonSettings

NAMES = [field.name for field in dataclasses.fields(OptimizeSettings)]
ODD: list[Any] = [
    math.nan,
    math.inf,
    -math.inf,
    -1,
    -0.5,
    True,
    "3",
    b"3",
    1 + 2j,
    [1],
    {},
    NotImplemented,
    None,
    10**400,
]


@pytest.mark.parametrize("name", ["size", "steps", "history", "learning_rate", "content_weight", "tv_weight", "finish"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_odd_numbers(name: str, value: Any) -> None:
    """A number that is none, or out of range, is refused in one sentence that names the setting."""
    with pytest.raises(OptionError, match=name) as caught:
        OptimizeSettings(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["size", "steps", "style_size", "coarsest", "history", "seed"])
def test_whole_numbers(name: str) -> None:
    """Pixels, evaluations and seeds are whole numbers."""
    with pytest.raises(OptionError, match=f"{name} must be a whole number .*, not 32.5"):
        OptimizeSettings(**{name: 32.5})


@pytest.mark.parametrize("value", ["relu1_1", [1], ["relu1_1", None], {"relu1_1": 1}, 7])
def test_odd_layers(value: Any) -> None:
    """Layers are a list of names; a single name is none."""
    with pytest.raises(OptionError, match="style_layers"):
        OptimizeSettings(style_layers=value)


def test_numbers_of_numpy_and_lists() -> None:
    """Numbers of numpy and lists become plain numbers and tuples, so that they can be written as JSON."""
    settings = settings_for(size=np.int64(64), style_weight=np.float32(2), style_layers=["relu1_1"])
    assert (settings.size, settings.style_weight, settings.style_layers) == (64, 2.0, ("relu1_1",))
    assert type(settings.size) is int and type(settings.style_weight) is float


def test_what_precisions_were_called() -> None:
    """Settings, plans and commands of before say float32 and bfloat16; they are understood, and not said any more."""
    assert settings_for(precision="bfloat16").precision == "bf16"
    assert checked_plan([[32, 4, "float32"], [32, 1, "bf16"]], largest=32) == [(32, 4, "f32"), (32, 1, "bf16")]
    assert best_dtype("float32") == best_dtype("f32") == torch.float32


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4), JSON)
def test_any_json(changes: dict[str, Any], recipe: Any) -> None:
    """Whatever JSON is given for settings makes settings or an OptionError."""
    for name in (recipe, "default"):
        try:
            settings_for(name, **{key: value for key, value in changes.items() if key != "recipe"})
        except OptionError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("devise", "device"), ("max_second", "max_seconds"), ("photo_mask", "photo_masks"), ("stile_size", "style_size")],
)
def test_wrong_names(wrong: str, right: str) -> None:
    """A name that optimize does not know is told with the nearest of all that it knows, before any file is opened."""
    with pytest.raises(OptionError, match=f"no setting '{wrong}'; did you mean '{right}'"):
        optimize("nowhere.jpg", "nothing.jpg", **{wrong: 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 0), ("batch", 0), ("size", 30), ("size", 8), ("size", math.nan), ("learning_rate", math.nan)]
    + [("learning_rate", -1), ("style_weight", math.inf), ("style_size", 0), ("seed", -1), ("ema", 1.0), ("checks", 0)],
)
def test_odd_lessons(name: str, value: float) -> None:
    """A lesson's settings are checked as those of an optimisation are."""
    with pytest.raises(ImpastoError, match=name):
        LessonSettings(**{name: value})  # type: ignore[arg-type]
