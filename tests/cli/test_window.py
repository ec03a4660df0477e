"""One sentence for people who have no terminal."""

from __future__ import annotations

import urllib.request
import webbrowser

import pytest

from impasto.cli import window


@pytest.fixture(autouse=True)
def no_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "DIALOGS", ())
    monkeypatch.setattr(window, "PATIENCE", 0.1)


def test_a_browser_is_sent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has the sentence as text, whatever is in it."""
    pages = []

    def open(address: str) -> bool:
        pages.append(urllib.request.urlopen(address).read().decode())
        return True

    monkeypatch.setattr(webbrowser, "open", open)
    assert window.show("it is <b>late</b>")
    assert "<p>it is &lt;b&gt;late&lt;/b&gt;</p>" in pages[0]


@pytest.mark.parametrize("answer", [False, True, webbrowser.Error("there is none")])
def test_nobody_sees_it(monkeypatch: pytest.MonkeyPatch, answer: bool | Exception) -> None:
    """Where no browser starts, or none fetches the page, nobody was shown it, and that is no error."""

    def open(address: str) -> bool:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(webbrowser, "open", open)
    assert not window.show("it is late")
