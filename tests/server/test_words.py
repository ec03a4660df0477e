"""What the server says when it refuses: one vocabulary of codes, and sentences of one form in our own words."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import impasto.server
from impasto.server.api import PROBLEMS, problem_of
from impasto.server.app import CODES
from tests.server.conftest import PNG, TestClient, drawn, problem, sent

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def codes() -> set[tuple[int, str]]:
    """All statuses with their codes that the server's source names."""
    found = {(status, code) for _, status, code in PROBLEMS} | set(CODES.items())
    for path in Path(impasto.server.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in (
                "Problem",
                "RequestError",
                "problem_of",
            ):
                words = [each.value for each in call.args[:2] if isinstance(each, ast.Constant)]
                found |= {(words[0], words[1])} if len(words) == 2 else set()
    return found


def test_every_code_is_on_the_page() -> None:
    """Every code that the server answers with is in docs/api.md, so there is one word for one thing."""
    rows = (line.split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| "))
    known = {(int(row[0].strip("| ")), row[1].strip("`")) for row in rows if row[0].strip("| ").isdigit()}
    assert codes() - known == set()


# What nobody at the page meets: the page sends no such thing, or takes it for no error, or says more in other words.
UNSEEN = {"overtaken", "cancelled", "wrong-method", "not-http", "local", "unknown", "bad-bank", "bad-style"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_code_has_words(language: str) -> None:
    """Every code that people at the page may meet has a sentence there, in each language."""
    strings = (Path(impasto.server.__file__).parent / "page" / "strings.js").read_text("utf-8")
    words = strings.partition(f"const {language} = {{")[2].partition("\n};")[0]
    known = set(re.findall(r'"?\berror_([a-z-]+)"?: "', words))
    assert {code for _, code in codes()} - known <= UNSEEN


def test_every_form_is_the_same_problem(client: TestClient) -> None:
    """A form has the same code, whoever refuses it."""
    for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain"):
        answer = client.post("/api/v1/photos", content=b"--x", headers={"content-type": kind})
        assert problem(answer) == (415, "unsupported-type")


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"styles": {}}, "recipe.styles: at least 1 is needed"),
        ({"styles": {"red": "much"}}, "recipe.styles.red: this is a number"),
        ({"styles": {"red": 1}, "size": 1.5}, "recipe.size: this is a whole number"),
        ({"styles": {"red": 1}, "regions": [{"mask": 8, "styles": {"red": 1}}]}, "recipe.regions.0.mask: this is less"),
        ({"styles": {"red": 1}, "path": 1}, "recipe.path: there is no such field"),
        ({}, "recipe.styles: this field is needed"),
        (3, "recipe: this is an object"),
    ],
)
def test_fields(client: TestClient, recipe: Any, says: str) -> None:
    """A field that cannot be is named, and what it may be."""
    answer = client.post(f"/api/v1/photos/{sent(client)['id']}/plan", json={"recipe": recipe})
    assert problem(answer) == (422, "bad-request")
    assert answer.json()["detail"].startswith(says)


def test_a_body_that_is_no_json(client: TestClient) -> None:
    """A body that is no JSON is called that."""
    address = f"/api/v1/photos/{sent(client)['id']}/plan"
    answer = client.post(address, content=b"hello", headers={"content-type": "application/json"})
    assert answer.json()["detail"] == "the body is not valid JSON; send an object, with its recipe"


def test_a_mask_that_cannot_be(client: TestClient) -> None:
    """The number of a mask that cannot be is answered with those that can."""
    answer = client.put(f"/api/v1/photos/{sent(client)['id']}/masks/99", content=drawn(), headers=PNG)
    assert problem(answer) == (404, "unknown")
    assert answer.json()["detail"] == "the masks of a photo have the numbers 0 to 7"


def test_a_damaged_photo(client: TestClient) -> None:
    """A photo that is cut short is refused in one sentence without Python's words, a capital or a full stop."""
    data = drawn(300, 200, "JPEG")
    answer = client.post("/api/v1/photos", content=data[: len(data) // 2], headers={"content-type": "image/jpeg"})
    assert problem(answer) == (422, "bad-picture")
    detail = answer.json()["detail"]
    assert "Error" not in detail and detail[0].islower() and not detail.endswith(".")


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("The photo cannot be read (OSError: 3 bytes (of 5) left); export it.", "the photo cannot be read; export it"),
        ("JPEG is none.", "JPEG is none"),
        ("a fault of impasto, please report it (KeyError)", "a fault of impasto, please report it (KeyError)"),
    ],
)
def test_the_form_of_sentences(sentence: str, said: str) -> None:
    """Sentences begin small, have no full stop, and none of Python's errors in brackets but for reports."""
    assert problem_of(422, "bad-picture", sentence).detail == said
