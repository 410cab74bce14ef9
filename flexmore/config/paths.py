"""Where the artefacts of a study are."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StudyPaths:
    """Say where the artefacts of one family are under `root` (docs/sizes.md says what each holds)."""

    root: Path

    def expert(self, name: str) -> Path:
        """Return the checkpoint folder of an expert, or of `public`."""
        return self.root / "experts" / name

    def factors(self, expert: str) -> Path:
        """Return the factor store of an expert."""
        return self.root / "factors" / expert

    def adapters(self, expert: str) -> Path:
        """Return the folder of what an expert's adapters keep and cost, a file for each rank."""
        return self.root / "adapters" / expert

    def recipe(self, mixture: str) -> Path:
        """Return the recipe of a mixture."""
        return self.root / "mixtures" / f"{mixture}.json"

    def scores(self, sweep: str) -> Path:
        """Return the folder of the scores of a sweep's mixtures."""
        return self.root / "scores" / sweep

    @property
    def suite(self) -> Path:
        """Return the folder of the tasks' YAMLs and data."""
        return self.root / "suite"

    @property
    def datasets(self) -> Path:
        """Return the folder of the data sets of the paper's tasks."""
        return self.root / "datasets"

    @property
    def calibration(self) -> Path:
        """Return the folder of the calibration's scores and table."""
        return self.root / "calibration"

    @property
    def tables(self) -> Path:
        """Return the folder of the tables."""
        return self.root / "tables"

    @property
    def figures(self) -> Path:
        """Return the folder of the figures."""
        return self.root / "figures"

    @property
    def partial(self) -> Path:
        """Return the folder of tables and pages of an unfinished study."""
        return self.root / "partial"

    @property
    def cache(self) -> Path:
        """Return the folder of what a killed job continues from."""
        return self.root / "cache"

    @property
    def failures(self) -> Path:
        """Return the folder of what could not be evaluated in the last run."""
        return self.cache / "failures"

    @property
    def config(self) -> Path:
        """Return the configuration that the jobs read."""
        return self.root / "config.yaml"
