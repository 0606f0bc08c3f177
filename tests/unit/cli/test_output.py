"""How lists are printed for a person: what is copied stays whole, and descriptions have room."""

import io

import pytest
from rich.console import Console

from aloft.cli import output
from aloft.cli.output import entries, rows

IMAGE = "0123456789abcdef0123456789abcdef"
KEY = "apiKeys/0123456789abcdef0123"


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Give what is printed in a window of 80 columns."""
    printed = io.StringIO()
    monkeypatch.setattr(output, "out", Console(file=printed, width=80, highlight=False))
    return printed


def test_what_people_copy_stays_on_one_row_and_the_rest_folds(window: io.StringIO) -> None:
    why = "it is far from everything that was labelled before " * 3
    rows("Chosen", ("image", "score", "why"), [{"image": IMAGE, "score": 0.123456, "why": why}], False)
    keys = {"key": KEY, "principal": "operators/ann-of-the-harbour", "created": "2026-01-02T03:00:00.123456Z"}
    rows("Keys", ("key", "principal", "created"), [keys], False)
    lines = window.getvalue().splitlines()
    assert any(IMAGE in line for line in lines)
    assert any(KEY in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_what_people_copy_stays_whole_although_the_window_is_too_narrow(window: io.StringIO) -> None:
    long = {"key": KEY * 2, "event": IMAGE, "error": "it breaks a rule"}
    rows("Stuck", ("key", "event", "error"), [long], False)
    (line,) = [each for each in window.getvalue().splitlines() if IMAGE in each]
    assert KEY * 2 in line
    assert "it" in line


def test_a_description_has_a_line_of_its_own(window: io.StringIO) -> None:
    item = {"setting": "ALOFT_X", "value": "7 [of] 9", "source": "env", "text": "What it is for, in short."}
    other = {"setting": "ALOFT_Y", "value": "", "source": "default", "text": "Of no use."}
    entries("Settings", "setting", ("value", "source"), "text", [item, other], False)
    assert window.getvalue().splitlines() == [
        "Settings",
        "ALOFT_X  value: 7 [of] 9  source: env",
        "    What it is for, in short.",
        "ALOFT_Y  source: default",
        "    Of no use.",
    ]
