"""Put the results of another evaluator into a tidy table."""

from pathlib import Path

from flexmore.config.study import Study
from flexmore.exchange.results import import_results as read_results


def import_results(study: Study, folder: Path, mixture: str, out: Path) -> str:
    """Put what OLMES or lm-eval wrote for one mixture into `out`/tables/ and return a line that says what was read."""
    return read_results(study, folder, mixture, out)
