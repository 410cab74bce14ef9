"""Write what one expert's adapters keep and cost at each rank: `adapters/<expert>/r<rank>.json`."""

from flexmore.config.study import Study
from flexmore.factors.measure import write_measurements


def measure(study: Study, expert: str) -> None:
    """Write what the adapters of one expert, which has been factorized, keep and cost at each rank."""
    write_measurements(study, expert)
