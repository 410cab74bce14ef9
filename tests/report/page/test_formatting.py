"""Numbers, lists and tables as people read them."""

import numpy as np
import pandas as pd

from flexmore.report.page.formatting import gain, listing, markdown, number, points, span


def test_numbers_as_people_read_them() -> None:
    assert [points(x) for x in (0.394, -0.0001, -0.25)] == ["+39.4", "+0.0", "\N{MINUS SIGN}25.0"]
    assert [number(x) for x in (1.25, float("inf"), float("-inf"))] == ["1.2", "beyond all", "below all"]
    assert [span("8", "16"), span("8", "8")] == ["8 to 16", "8"]
    assert [listing("abc"), listing("ab"), listing("a"), listing("")] == ["a, b and c", "a and b", "a", ""]
    assert markdown(["a"], []) == ""
    assert markdown(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"
    assert gain(pd.Series({"gain": 0.1, "low": np.nan, "high": np.nan})) == "+10.0 (no interval)"
