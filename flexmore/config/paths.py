"""Where the artefacts of a study lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StudyPaths:
    """The artefacts of one family under `root` (docs/sizes.md says what each holds)."""

    root: Path

    def expert(self, name: str) -> Path:
        """Checkpoint folder of an expert (or of `public`)."""
        return self.root / "experts" / name

    def factors(self, expert: str) -> Path:
        """Factor store of an expert."""
        return self.root / "factors" / expert

    def adapters(self, expert: str) -> Path:
        """Folder of the measurements at each rank."""
        return self.root / "adapters" / expert

    def recipe(self, mixture: str) -> Path:
        """Recipe of a mixture."""
        return self.root / "mixtures" / f"{mixture}.json"

    def scores(self, sweep: str) -> Path:
        """Folder of the scores of a sweep's mixtures."""
        return self.root / "scores" / sweep

    @property
    def suite(self) -> Path:
        """The tasks' YAMLs and data."""
        return self.root / "suite"

    @property
    def datasets(self) -> Path:
        """The data sets of the paper's tasks."""
        return self.root / "datasets"

    @property
    def calibration(self) -> Path:
        """What `calibrate` measured."""
        return self.root / "calibration"

    @property
    def tables(self) -> Path:
        """Tables."""
        return self.root / "tables"

    @property
    def figures(self) -> Path:
        """Figures."""
        return self.root / "figures"

    @property
    def cache(self) -> Path:
        """What a killed job goes on from."""
        return self.root / "cache"
