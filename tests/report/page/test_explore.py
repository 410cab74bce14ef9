"""The page to explore, as data and in a browser that has no network."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.gains import gains
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.page.explore import explore, page_data

SETTINGS = AnalysisSettings()


@pytest.fixture(scope="module")
def tables(study: Inputs) -> Any:
    """Gains on means and on tasks, as an analysis makes them."""
    found = gains(study.scores, study.items, skills=SETTINGS.skills)
    return {"gains": found[found["scope"] != "task"], "gains_by_task": found[found["scope"] == "task"]}


def test_its_numbers_are_the_tables(study: Inputs, tables: Any) -> None:
    found = page_data(tables, study.scores)
    family = next(f for f in found["families"] if f["name"] == "math")  # type: ignore[attr-defined]
    assert family["ranks"] == ["1", "2", "3", "4", "6", "8", "12", "16", "32", "64", "full"]
    mixture = family["mixtures"][family["ranks"].index("8")]
    scope = found["scopes"].index("mmlu_math")  # type: ignore[attr-defined]
    row = tables["gains_by_task"].query("mixture == 'math-r8' and name == 'mmlu_math'").iloc[0]
    for name in ("score", "gain", "low", "high"):
        assert found[name][mixture][scope] == pytest.approx(row[name], abs=1e-4)  # type: ignore[index]
    names = [f["name"] for f in found["families"]]  # type: ignore[attr-defined]
    assert names == ["math", "news", "pes2o", "joint, 2 active", "joint, 4 active"]
    assert [b["name"] for b in found["blocks"]][:2] == ["means over tasks", "tasks of MC9"]  # type: ignore[attr-defined]


def test_it_needs_nothing_from_elsewhere(study: Inputs, tables: Any) -> None:
    page = explore(tables, study.scores, "a </script> family", SETTINGS)
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert "a &lt;/script&gt; family" in page
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    assert data
    assert json.loads(data[1])["mixtures"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window and without a network; the test is skipped where there is none."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromedriver on this machine: the page was not opened")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1200,1300",
    ):
        options.add_argument(word)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


def test_a_person_can_look_around(browser: Any, study: Inputs, tables: Any, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import Select

    path = tmp_path / "explore.html"
    path.write_text(explore(tables, study.scores, "made", SETTINGS))
    browser.get(path.as_uri())
    assert browser.execute_script("return document.body.dataset.ready") == "yes"

    def drawn() -> Any:
        return browser.execute_script("return document.getElementById('map').data[0]")

    def title(of: str) -> str:
        return str(browser.find_element("id", f"{of}-title").text)

    assert title("map").startswith("math: gain over public")
    Select(browser.find_element("id", "family")).select_by_visible_text("news")
    Select(browser.find_element("id", "rows")).select_by_visible_text("tasks of MMLU")
    Select(browser.find_element("id", "quantity")).select_by_value("score")
    assert title("map") == "news: score (points), tasks of MMLU"
    found = drawn()
    row = tables["gains_by_task"].query("mixture == 'news-r8' and name == 'mmlu_news'").iloc[0]
    cell = found["z"][found["y"].index("mmlu_news")][found["x"].index("8")]
    assert cell == pytest.approx(100 * row["score"], abs=0.01)
    # a click on a cell shows its row for all mixtures
    scope = found["customdata"][found["y"].index("mmlu_news")][0]
    browser.execute_script(
        "document.getElementById('map').emit('plotly_click', {points: [{customdata: arguments[0]}]})", scope
    )
    assert title("line") == "mmlu_news: score (points)"
    lines = browser.execute_script("return document.getElementById('line').data.map((t) => t.name)")
    assert lines == ["math", "news", "pes2o", "joint, 2 active", "joint, 4 active"]
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    width, height = browser.execute_script(
        "const box = document.querySelector('#map .heatmaplayer image').getBoundingClientRect();"
        "return [box.width, box.height]"
    )
    assert width > 300
    assert height > 40
