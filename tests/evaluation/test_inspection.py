"""Which items are shown."""

import pytest

from flexmore.errors import FlexmoreError
from flexmore.evaluation.inspection import parse_items


def test_numbers_and_ranges() -> None:
    assert parse_items("0-2,7, 5", 8) == [0, 1, 2, 7, 5]


@pytest.mark.parametrize(("text", "said"), [("a", "numbers and ranges"), ("3-1", "ranges"), ("1,8", "items 0 to 7")])
def test_wrong_ones_are_named(text: str, said: str) -> None:
    with pytest.raises(FlexmoreError, match=f"--items: found .*{said}"):
        parse_items(text, 8)
