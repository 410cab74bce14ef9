"""The names of tables and figures."""

import subprocess
import sys
from pathlib import Path

from flexmore.report.figures.catalogue import FIGURES

REPORT = Path(__file__).parents[3] / "workflow" / "report"


def test_each_figure_has_a_caption() -> None:
    for name in FIGURES:
        assert len((REPORT / f"{name}.rst").read_text()) > 100, name


def test_the_names_of_tables_and_figures_cost_nothing_to_import() -> None:
    code = (
        "import sys, flexmore.analysis.tables.catalogue, flexmore.report.figures.catalogue\n"
        "assert not {'pandas', 'matplotlib', 'scipy', 'statsmodels'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
