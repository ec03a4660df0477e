"""The page that shows a film on its way."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest

from impasto.film.preview import Page


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    yield made
    made.close()


def code(address: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_page(page: Page) -> None:
    """The page has two pictures, and each comes as JPEG whenever there is a new one."""
    with urllib.request.urlopen(page.address, timeout=60) as answer:
        text = answer.read().decode()
    assert 'src="before"' in text and 'src="after"' in text
    page.show(np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8))
    with urllib.request.urlopen(page.address + "after", timeout=60) as answer:
        assert answer.readline() == b"--frame\r\n" and answer.readline() == b"Content-Type: image/jpeg\r\n"


def test_secret(page: Page) -> None:
    """Without its secret, or by another name that leads here, there is nothing."""
    assert code(page.address) == 200
    assert code(page.address, Host="evil.example") == 404
    assert code(page.address.rsplit("/", 2)[0] + "/other/") == 404
    assert code(page.address + "x") == 404
