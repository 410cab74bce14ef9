"""Progress: every item passes through, and what is printed says how far it is."""

import re
import sys

import pytest

from flexmore import progress
from flexmore.progress import track


def test_items_pass_and_the_last_line_always_appears(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), 3, "letters")) == ["a", "b", "c"]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"letters: 3/3, [\d.]+/s, 0 s to go\n", printed.err)


def test_lines_come_from_time_to_time_and_what_was_done_before_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 10))  # ten seconds an item
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert len(list(track(range(6), 10, "steps", done=4))) == 6
    assert capsys.readouterr().err.splitlines() == [
        "steps: 7/10, 0.1/s, 30 s to go",
        "steps: 10/10, 0.1/s, 0 s to go",
    ]


def test_a_status_stands_behind_the_count(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    for letter in track("abc", 3, "letters", status=lambda: f"at {seen[-1]}"):
        seen.append(letter)
    assert re.fullmatch(r"letters: 3/3, at c, [\d.]+/s, 0 s to go\n", capsys.readouterr().err)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for letter in track("abc", 3, "letters", status=lambda: f"at {seen[-1]}"):
        seen.append(letter)
    assert "at c" in capsys.readouterr().err


def test_nothing_to_do_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track([], 5, "steps", done=5)) == []
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(track(range(3), 3, "steps")) == [0, 1, 2]
    printed = capsys.readouterr().err
    assert "3/3" in printed
    assert "to go" not in printed


def test_an_error_inside_the_loop_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda found=terminal: found)
        with pytest.raises(ZeroDivisionError):
            [1 // item for item in track([1, 0], 2, "steps")]
