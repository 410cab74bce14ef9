"""What the result of each job depends on besides its inputs: a change of it runs the job again."""

from dataclasses import asdict, dataclass
from typing import Any

from flexmore.config.names import SELECTION_RULES
from flexmore.config.study import Study
from flexmore.mixtures.grid import find_sweep, sweeps
from flexmore.revisions import (
    ENGINE_REVISION,
    FACTORS_REVISION,
    POCKET_REVISION,
    RECIPES_REVISION,
    RESULTS_REVISION,
)
from flexmore.steps.about_study import read_reference
from flexmore.steps.captions import CAPTIONS
from flexmore.workflow.step_code import PAPER_FILES, digest_step


@dataclass(frozen=True)
class Dependencies:
    """Hold the dependencies of a study's jobs: parts of the configuration, revisions and code, by step."""

    study: Study

    def by_job(self) -> dict[tuple[str, str], Any]:
        """Return the dependencies of every job, by step and by the expert or sweep that it is for."""
        study = self.study
        steps = (self.datasets, self.suite, self.factorize, self.evaluate, self.calibrate, self.measure, self.collect)
        return {
            **{("acquire", expert): self.acquire(expert) for expert in study.experts},
            **{(step.__name__, ""): step() for step in (*steps, self.analyze, self.draw)},
            **{("compose", sweep.name): self.compose(sweep.name) for sweep in sweeps(study)},
        }

    def acquire(self, expert: str) -> dict[str, Any]:
        """Return all of the configuration that an expert's weights depend on."""
        source = self.study.experts[expert].model_dump()
        if source["source"] == "pocket":
            source["pocket"] = self.study.pocket.model_dump(exclude={"items", "checkpoint_every"})
            source |= {"seed": self.study.seed, "revision": POCKET_REVISION}
        return source

    def datasets(self) -> dict[str, Any]:
        """Return what the data sets depend on."""
        suite = self.study.suite.model_dump(include={"tasks", "shots", "lock"})
        return {**suite, "code": digest_step("datasets")}

    def suite(self) -> dict[str, Any]:
        """Return what the files of the suite depend on; it is written whole, whichever tasks a study has."""
        suite = self.study.suite.model_dump(exclude={"tasks"})
        if suite["source"] == "pocket":
            suite["pocket"] = self.study.pocket.model_dump(include={"subjects", "items"})
            suite |= {"seed": self.study.seed, "revision": POCKET_REVISION}
        return {**suite, "code": digest_step("suite", *([PAPER_FILES] if suite["source"] == "paper" else []))}

    def factorize(self) -> dict[str, Any]:
        """Return what factors depend on."""
        return {**self.study.factors.model_dump(exclude={"device"}), "revision": FACTORS_REVISION}

    def compose(self, sweep: str) -> dict[str, Any]:
        """Return what the recipes of a sweep depend on: its mixtures, the seed of controls, settings of selections."""
        mixtures = find_sweep(self.study, sweep).mixtures
        rules = [mixture.rank for mixture in mixtures if mixture.selected]
        keys = {key for rule in rules for key in SELECTION_RULES[rule]}
        return {
            "mixtures": [asdict(mixture) for mixture in mixtures],
            "seed": self.study.seed if self.study.controls else None,
            "selections": self.study.analysis.model_dump(include=keys),
            "revision": RECIPES_REVISION,
        }

    def evaluate(self) -> dict[str, Any]:
        """Return what scores depend on: settings that change numbers, the tasks, revisions of our code."""
        revisions = {"revision": ENGINE_REVISION, "results": RESULTS_REVISION}
        return {**self.study.evaluate.result_settings, "tasks": self.study.suite.tasks, **revisions}

    def calibrate(self) -> dict[str, Any]:
        """Return what the calibration depends on."""
        return {**self.evaluate(), "calibration": self.study.calibration.model_dump(exclude={"required"})}

    def measure(self) -> dict[str, Any]:
        """Return what the measurements of adapters depend on."""
        return {"code": digest_step("measure")}

    def collect(self) -> dict[str, Any]:
        """Return what the measured tables depend on."""
        return {"code": digest_step("collect")}

    def analyze(self) -> dict[str, Any]:
        """Return what the analysed tables depend on."""
        return {"settings": self.study.analysis.model_dump(), "code": digest_step("analyze")}

    def draw(self) -> dict[str, Any]:
        """Return what figures and pages depend on: settings, code, captions, values that others reported."""
        captions = [path.read_text(encoding="utf-8") for path in sorted(CAPTIONS.glob("*.rst"))]
        return {
            "settings": self.study.analysis.model_dump(),
            "code": digest_step("draw"),
            "captions": captions,
            "reference": read_reference(self.study.family),
        }
