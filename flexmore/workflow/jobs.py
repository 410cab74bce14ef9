"""The jobs of a study: which sweeps and parts there are, what each job leaves and what it waits for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flexmore.config.experts import FolderSource
from flexmore.config.study import Study
from flexmore.evaluation.parts import SweepPart
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.grid import Sweep, sweeps
from flexmore.planning.sweep_cutting import cut_sweep
from flexmore.steps.collected_files import adapter_files
from flexmore.suites.study_suite import tasks_of


@dataclass(frozen=True)
class StudyJobs:
    """Hold the jobs of a study for the workflow's rules; paths are text, relative where the configuration's are."""

    study: Study

    @cached_property
    def sweeps(self) -> Mapping[str, Sweep]:
        """Return the sweeps by name."""
        return {sweep.name: sweep for sweep in sweeps(self.study)}

    @cached_property
    def tasks(self) -> Sequence[TaskInfo]:
        """Return the tasks of the suite."""
        return tasks_of(self.study)

    @cached_property
    def parts(self) -> Mapping[str, Mapping[str, SweepPart]]:
        """Return the parts of each sweep that several jobs evaluate, by name; none for a sweep of one job."""
        return {name: cut_sweep(self.study, sweep, self.tasks) for name, sweep in self.sweeps.items()}

    @property
    def cut(self) -> list[str]:
        """Return the sweeps that several jobs evaluate."""
        return [name for name, parts in self.parts.items() if parts]

    @property
    def whole(self) -> list[str]:
        """Return the sweeps that one job evaluates."""
        return [name for name, parts in self.parts.items() if not parts]

    @property
    def pairs(self) -> list[str]:
        """Return the sweeps whose scores selections choose from."""
        return [name for name, sweep in self.sweeps.items() if not sweep.joint]

    @property
    def root(self) -> str:
        """Return the folder of the study's artefacts."""
        return str(self.study.paths.root)

    @property
    def config(self) -> str:
        """Return the configuration with every default written out, which all jobs read."""
        return f"{self.root}/config.yaml"

    def acquired(self, *experts: str) -> list[str]:
        """Return the files that say that experts have been acquired."""
        return [str(self.study.paths.expert(expert) / "source.json") for expert in experts]

    def factorized(self, *experts: str) -> list[str]:
        """Return the files that say that experts have been factorized."""
        return [str(self.study.paths.factors(expert) / "index.json") for expert in experts]

    def spectra(self, *experts: str) -> list[str]:
        """Return the spectra of experts."""
        return [str(self.study.paths.factors(expert) / "spectrum.parquet") for expert in experts]

    def measured(self, *experts: str) -> list[str]:
        """Return the files that say what each expert keeps and costs at each rank."""
        return [str(path) for path in adapter_files(self.study, experts)]

    def recipes(self, *sweeps: str) -> list[str]:
        """Return the recipes of the mixtures of sweeps."""
        names = [mixture.name for sweep in sweeps for mixture in self.sweeps[sweep].mixtures]
        return [str(self.study.paths.recipe(name)) for name in names]

    def evaluated_parts(self, sweep: str) -> list[str]:
        """Return the files that say that the parts of a cut sweep are in the cache."""
        return [f"{self.root}/cache/parts/{sweep}/{part}" for part in self.parts[sweep]]

    def scores(self, *sweeps: str) -> list[str]:
        """Return the folders of the scores of sweeps."""
        return [str(self.study.paths.scores(sweep)) for sweep in sweeps]

    def priority(self, sweep: str) -> int:
        """Return the priority of evaluating a sweep: pairs first, since selections wait for them."""
        return int(sweep in self.pairs)

    def acquire_inputs(self, expert: str) -> list[str]:
        """Return the files of a checkpoint in a folder, and the public model, which every other expert needs."""
        source, public = self.study.experts[expert], [] if expert == "public" else self.acquired("public")
        if not isinstance(source, FolderSource):
            return public
        patterns = ("config.json", "tokenizer.json", "*.safetensors")
        return [*sorted(path for pattern in patterns for path in _files(source.path, pattern)), *public]

    def suite_inputs(self) -> list[str]:
        """Return the files of a suite in a folder, or the data sets of the paper's; the pocket's needs nothing."""
        suite = self.study.suite
        if suite.source == "folder":
            return sorted(_files(str(suite.path), "**/*"))
        return [f"{self.study.paths.datasets}/source.json"] if suite.source == "paper" else []

    def weights(self, sweep: str) -> list[str]:
        """Return the files that say that the checkpoints and factors of a sweep's experts are complete."""
        experts = self.sweeps[sweep].experts
        return [*self.acquired("public", *experts), *self.factorized(*experts)]

    def compose_inputs(self, sweep: str) -> list[str]:
        """Return the weights of a sweep, and the recipes and scores of the pairs where a selection reads them."""
        chosen = any(mixture.selected for mixture in self.sweeps[sweep].mixtures)
        return [*self.weights(sweep), *([*self.recipes(*self.pairs), *self.scores(*self.pairs)] if chosen else [])]

    def calibrate_inputs(self) -> list[str]:
        """Return the recipe and weights of the public model, and the suite."""
        return [*self.recipes("public"), *self.weights("public"), f"{self.study.paths.suite}/source.json"]

    def evaluate_inputs(self, sweep: str) -> list[str]:
        """Return the recipes and weights of a sweep, the suite, and the calibration where it has to pass first."""
        required = self.study.calibration.required
        calibration = [f"{self.study.paths.calibration}/passed.json"] if required else []
        return [*self.recipes(sweep), *self.weights(sweep), f"{self.study.paths.suite}/source.json", *calibration]

    def collect_inputs(self) -> list[str]:
        """Return the scores of every sweep, and the spectra and measurements of every expert."""
        return [*self.scores(*self.sweeps), *self.spectra(*self.study.names), *self.measured(*self.study.names)]


def one_of(names: Sequence[str]) -> str:
    """Return the pattern of a wildcard that is one of these names, which may be none."""
    return "|".join(sorted(names)) or "(?!)"


def _files(folder: str, pattern: str) -> list[str]:
    return [str(path) for path in Path(folder).glob(pattern) if path.is_file()]
