"""Captions say the levels of the settings; a figure with nothing to see is not shown."""

import re
from pathlib import Path

from flexmore.config.analysis import AnalysisSettings
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page.pictures import Pictures, read_captions

REPORT = Path(__file__).parents[3] / "workflow" / "report"
RULE = Path(__file__).parents[3] / "workflow" / "rules" / "report.smk"


def test_captions_say_the_levels_of_the_settings() -> None:
    captions = read_captions(REPORT, AnalysisSettings(confidence=0.9, recovery=0.8))
    assert set(captions) == set(FIGURES)
    assert "The smallest rank that keeps 80 % of the full expert's gain" in captions["r95"]
    assert "bootstrap intervals (90 %)" in captions["r95"]
    for name, text in captions.items():
        assert "{{" not in text, name
        assert "95 %" not in text, name


def test_snakemake_fills_the_same_words() -> None:
    asked = {
        key
        for path in REPORT.glob("*.rst")
        for key in re.findall(r"\{\{ snakemake\.params\.(\w+) \}\}", path.read_text())
    }
    assert asked == {"level", "recovery"}
    rule = RULE.read_text().split("rule draw:")[1].split("localrules")[0]
    for key in asked:
        assert re.search(rf"^ +{key}=", rule, flags=re.MULTILINE), key


def test_a_figure_without_anything_to_see_is_not_shown(tmp_path: Path) -> None:
    pictures = Pictures({"r95": "Ranks."}, {"budget": "budget: no uniform joint mixture"})
    assert pictures.show("r95") == "![r95](figures/r95.png)\n\n*Ranks.*"
    assert pictures.show("rules") == "![rules](figures/rules.png)"
    assert pictures.show("budget") == ""
    assert read_captions(tmp_path, AnalysisSettings()) == {}
