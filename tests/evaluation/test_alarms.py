"""When an answer counts as unread, and how many of them make a score doubtful."""

import pytest

from flexmore.evaluation.alarms import is_unread, unread_alarm


@pytest.mark.parametrize(
    ("text", "parsed", "unread"),
    [("", "", True), (" \n", " ", True), ("so seven", "seven", False), ("hm", "[invalid]", True), ("hm", "", True)],
)
def test_empty_and_not_parsed_answers_are_unread_and_wrong_ones_not(text: str, parsed: str, unread: bool) -> None:
    assert is_unread(text, parsed) == unread


def test_more_than_a_fifth_is_an_alarm() -> None:
    assert unread_alarm(20, 100) is None
    assert unread_alarm(21, 100) == "21 of 100 answers are empty or not parsed"
