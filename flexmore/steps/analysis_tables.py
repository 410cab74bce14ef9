"""The tables of the analysis, from measured tables."""

from pathlib import Path

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import read_inputs
from flexmore.analysis.tables.storage import write_tables
from flexmore.report.page.about import About


def write_analysis(folder: Path, out: Path, about: About) -> None:
    """Write every table of the analysis to `out`, from the measured tables in `folder` and those of further seeds."""
    inputs = read_inputs(folder, about.seed, about.experts)
    write_tables(analyze(inputs, about.settings, about.facts), out)
