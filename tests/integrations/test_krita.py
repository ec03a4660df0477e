"""The plug-in for Krita 5, run in Krita itself under Xvfb; impasto is a stand-in that inverts pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.krita_session import MISSING, PLUG_IN, session
from tests.integrations.test_called import FAIL, INVERT, SLOW, stand_in

WITH_KRITA = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


def test_it_lies_as_krita_wants_it() -> None:
    """Krita finds a plug-in by an entry beside a folder of the same name."""
    (entry,) = PLUG_IN.glob("*.desktop")
    assert f"X-KDE-Library={entry.stem}\n" in entry.read_text()
    assert (PLUG_IN / entry.stem / "__init__.py").exists()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came out of one run of Krita."""
    folder = tmp_path_factory.mktemp("krita")
    programs = {
        "IMPASTO": stand_in(folder / "quick", INVERT),
        "IMPASTO_FAILING": stand_in(folder / "failing", FAIL),
        "IMPASTO_OLD": stand_in(folder / "old", INVERT, version="impasto 0.0.9"),
        "IMPASTO_SLOW": stand_in(folder / "slow", SLOW),
        "IMPASTO_NONE": folder / "none",
    }
    driver = (Path(__file__).parent / "krita_driver.py").read_text(encoding="utf-8")
    out = session(driver, folder, **{name: str(path) for name, path in programs.items()})
    shutil.rmtree(folder / "home")
    read: dict[str, Any] = json.loads((out / "found.json").read_text())
    return read


@pytest.mark.process
@WITH_KRITA
class TestInKrita:
    def test_a_layer_is_painted_into_a_new_one(self, found: dict[str, Any]) -> None:
        """The painting is a layer above the layer, which is as it was."""
        before, after = found["plain"]["before"], found["plain"]["after"]
        assert after == [*before, ["cat (wave)", bytes([225, 235, 245, 255]).hex() * 48]]
        assert found["plain"]["bounds"] == [0, 0, 8, 6]

    def test_sixteen_bits_floats_and_grey(self, found: dict[str, Any]) -> None:
        """A painting comes in the colour space of its image: 16 bits, floats, and grey alone."""
        assert found["U16"] == ["U16", [225 * 257, 235 * 257, 245 * 257, 65535]]
        assert found["F32"][0] == "F32"
        assert found["F32"][1] == pytest.approx([245 / 255, 235 / 255, 225 / 255, 1], abs=1e-3)
        assert found["GRAYA"][0] == "GRAYA" and found["GRAYA"][1][1] == 255

    def test_a_group_is_painted_as_it_looks(self, found: dict[str, Any]) -> None:
        """Of a group the picture is painted that it shows, into a layer above it."""
        assert found["group"] == [["cat", "group", "group (wave)"], [225, 235, 245, 255]]

    def test_only_what_is_selected_is_painted(self, found: dict[str, Any]) -> None:
        """With a selection, the new layer is transparent elsewhere, half so at soft edges; the selection stays."""
        assert found["selected"]["bounds"] == [2, 1, 4, 3]
        assert found["selected"]["alpha"] == [0, 0, 128, 255, 255, 255, 0, 0]
        assert found["selected"]["still"]

    @pytest.mark.parametrize(
        ("case", "said"),
        [
            ("transparent", "choose a layer with pixels"),
            ("filter", "haze has no pixels to be painted; choose a paint layer"),
            ("nothing", "open an image and choose a layer first"),
            ("failing", "the bank has no style 'x'; did you mean 'wave'?"),
            ("old", "is impasto 0.0.9, and 0.1.0 is needed"),
            ("none", "which is no program"),
        ],
    )
    def test_what_is_wrong_is_a_sentence(self, found: dict[str, Any], case: str, said: str) -> None:
        """What cannot be painted is one sentence, and the image is as it was."""
        message, same = found[case]
        assert said in message and "\n" not in message and same

    def test_cancel_leaves_the_image_as_it_was(self, found: dict[str, Any]) -> None:
        """A painting that is cancelled is no layer."""
        assert found["cancelled"] == [True, True]

    def test_the_menu_leads_there(self, found: dict[str, Any]) -> None:
        """The entry of the menu opens a dialog with the installed styles, and paints; one undo takes that back."""
        assert found["dialog"] == ["wave"]
        assert found["menu"] == ["cat", "cat (wave)"] and found["undone"] == ["cat"]

    def test_the_menu_says_what_is_wrong(self, found: dict[str, Any]) -> None:
        """What is wrong is a message, and the image is as it was."""
        assert found["menu again"] == ["cat"]
        assert "which is no program" in found["message"]
