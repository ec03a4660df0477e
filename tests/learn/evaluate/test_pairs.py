"""Names and tables say which picture was painted of which photo in which style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.errors import LearnError, OptionError
from impasto.learn.evaluate.pairs import Pairs, by_name, by_table, grouped, names, pictures_of, to_paint


def put(folder: Path, *names: str) -> Path:
    """A folder with pictures of these names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / name)
    return folder


@pytest.fixture
def places(tmp_path: Path) -> tuple[list[Path], list[Path]]:
    """Photos and paintings with hyphens and numbers in their names."""
    photos = put(tmp_path / "photos", "cat.jpg", "cat-2.jpg")
    paintings = put(tmp_path / "paintings", "monet.png", "van-gogh-1889.png")
    return pictures_of(photos, "photos"), pictures_of(paintings, "paintings")


def listed(pairs: Pairs) -> list[tuple[str, str, float | None]]:
    return [(pair.photo.stem, pair.style, pair.strength) for pair in pairs.found]


def test_names_with_hyphens(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """A name is read as the photo and style that there are; what is missing or belongs to nothing is listed."""
    painted = put(tmp_path / "painted", "cat-2-monet.png", "cat-van-gogh-1889.jpg", "cat-monet.png", "dog-monet.png")
    found = by_name(places[0], painted, places[1])
    assert listed(found) == [("cat-2", "monet", None), ("cat", "monet", None), ("cat", "van-gogh-1889", None)]
    assert found.missing == ("cat-2-van-gogh-1889",) and [path.name for path in found.unknown] == ["dog-monet.png"]


def test_strengths_in_names(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """A number in the place of {strength} is the strength, whatever other numbers there are."""
    painted = put(tmp_path / "painted", "cat-2_0.5_van-gogh-1889.png", "cat_1_monet.png", "cat_0.25_monet.png")
    found = by_name(places[0], painted, places[1], "{photo}_{strength}_{style}")
    assert listed(found) == [("cat-2", "van-gogh-1889", 0.5), ("cat", "monet", 0.25), ("cat", "monet", 1.0)]
    assert found.missing == ("cat-2_N_monet", "cat_N_van-gogh-1889")


def test_folders_of_styles(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """A pattern with a slash reads folders."""
    painted = put(tmp_path / "painted", "monet/cat.png", "van-gogh-1889/cat.png")
    assert len(by_name(places[0], painted, places[1], "{style}/{photo}").found) == 2


def test_names_of_another_tool(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """What stands between the two may be anything."""
    painted = put(tmp_path / "painted", "cat_stylized_monet.png")
    assert listed(by_name(places[0], painted, places[1], "{photo}_stylized_{style}")) == [("cat", "monet", None)]


def test_two_pictures_of_one_pair(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """The same picture in two kinds of files would count twice."""
    with pytest.raises(LearnError, match=r"cat-monet\.png and cat-monet\.jpg are one pair"):
        by_name(places[0], put(tmp_path / "painted", "cat-monet.jpg", "cat-monet.png"), places[1])


@pytest.mark.parametrize(
    "pattern", ["{photo}", "{style}-{strength}", "{photo}-{style", "{photo}-{styl}", "{}", "a", "{photo:9}-{style}"]
)
def test_patterns_that_say_too_little(places: tuple[list[Path], list[Path]], tmp_path: Path, pattern: str) -> None:
    """A pattern without both names, or with others, is refused."""
    with pytest.raises(OptionError, match="--pattern must name"):
        by_name(places[0], put(tmp_path / "painted", "cat-monet.png"), places[1], pattern)


def test_names_that_fit_nothing(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """If no name follows the pattern, one that would is named."""
    with pytest.raises(LearnError, match=r"none of the 1 pictures .* such as cat-2-monet\.png"):
        by_name(places[0], put(tmp_path / "painted", "a.png"), places[1])


def test_an_empty_folder(places: tuple[list[Path], list[Path]], tmp_path: Path) -> None:
    """A folder without pictures is said to be one."""
    (tmp_path / "painted").mkdir()
    with pytest.raises(LearnError, match="painted holds no pictures"):
        by_name(places[0], tmp_path / "painted", places[1])


def test_a_name_with_two_meanings(tmp_path: Path) -> None:
    """Photos a and a-b with styles b-c and c would share the name a-b-c."""
    photos = pictures_of(put(tmp_path / "p", "a.png", "a-b.png"), "photos")
    paintings = pictures_of(put(tmp_path / "s", "b-c.png", "c.png"), "paintings")
    with pytest.raises(LearnError, match="a-b-c could mean two pairs"):
        by_name(photos, put(tmp_path / "painted", "a-b-c.png"), paintings)


def test_which_pictures(tmp_path: Path) -> None:
    """A folder's pictures, those that are named, or the last; one file is one picture."""
    folder = put(tmp_path / "p", "a.png", "b.png", "c.png")
    assert [path.stem for path in pictures_of(folder, "photos", last=2)] == ["b", "c"]
    assert [path.stem for path in pictures_of(folder, "photos", names=["c", "a"])] == ["c", "a"]
    assert pictures_of(folder / "a.png", "photos") == [folder / "a.png"]


def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    """No such place, an empty folder, a name that is missing, two of one name: a sentence each."""
    folder = put(tmp_path / "p", "a.png", "a.jpg")
    (tmp_path / "empty").mkdir()
    for place, wanted, message in (
        (tmp_path / "no", None, "there is no file or folder"),
        (tmp_path / "empty", None, "holds no pictures"),
        (folder, None, "have one name"),
        (put(tmp_path / "q", "b.png"), ["z"], "holds no picture called z"),
    ):
        with pytest.raises(LearnError, match=message):
            pictures_of(place, "photos", names=wanted)


def test_a_table(tmp_path: Path) -> None:
    """A row is a pair; names are below the folders; rows of one photo come together.

    Commas, semicolons or tabs are between the columns, and spaces and capitals do not matter.
    """
    rows = "painted,photo,painting,strength\nx.png,a.jpg,m.png,0.5\nz.png,b.jpg,m.png,\ny.png,a.jpg,n.png,1\n"
    for separator in (",", ";", "\t", ", "):
        name = "t.csv"
        (tmp_path / name).write_text("\ufeff" + rows.replace(",", separator).replace("painted", "Painted"))
        found = by_table(tmp_path / name, Path("p"), Path("d"), Path("s"))
        assert listed(found) == [("a", "m", 0.5), ("a", "n", 1.0), ("b", "m", None)]
        assert found.found[0].painted == Path("d/x.png")
        assert [photo.stem for photo, _ in grouped(found.found)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have rows"),
        ("painted,photo\na,b\n", "must have rows, and the columns"),
        ("painted,photo,painting\na,,c\n", "lacks a name on line 2"),
        ("painted,photo,painting,strength\na,b,c,much\n", "strength on line 2"),
        ("\npainted,photo,painting,strength\n\na,b,c,-1\n", "strength on line 4"),
        ("painted,photo,painting\na,b,c\nd,b,c\na,b,c\n", "has line 2 again on line 4"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    """What a table lacks is said with its line."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises((LearnError, OptionError), match=message):
        by_table(tmp_path / "t.csv", Path("p"), Path("d"), Path("s"))


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, and bytes that are no text."""
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00\x01" * 9)
    for name, message in (("no.csv", "cannot be read as a table"), ("t.csv", "save it as CSV in UTF-8")):
        with pytest.raises(LearnError, match=message):
            by_table(tmp_path / name, Path("p"), Path("d"), Path("s"))


def test_what_a_painter_makes(places: tuple[list[Path], list[Path]]) -> None:
    """Every photo in every style at every strength, once; names give each style its painting."""
    pairs = to_paint(*places, [0.5, 1.0, 0.5])
    assert len(pairs.found) == 8 and {pair.painted for pair in pairs.found} == {None}
    assert list(names(pairs.found)) == ["monet", "van-gogh-1889"]
