"""The whole configuration of a study, and what its sections must agree on."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictInt, ValidationInfo, field_validator, model_validator

from flexmore.config.analysis import AnalysisSettings
from flexmore.config.base import Settings, is_elsewhere
from flexmore.config.calibration import CalibrationSettings
from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.experts import SizeSettings, Source
from flexmore.config.factors import FactorSettings
from flexmore.config.messages import suggest
from flexmore.config.mixtures import ConfigRank, JointSettings, PairSettings, on_ladder
from flexmore.config.names import EXPERT, FAMILY, POCKET_EXPERTS, SELECTION_RULES
from flexmore.config.paths import StudyPaths
from flexmore.config.pocket import PocketSettings
from flexmore.config.suite import SuiteSettings

ExpertName = Annotated[str, Field(pattern=EXPERT)]


class Study(Settings):
    """Hold the configuration of a study: one family, its mixtures, its suite."""

    family: Annotated[str, Field(pattern=FAMILY)] = Field(description="name of the results' folder")
    results: str = Field(
        "results",
        description="artefacts go to <results>/<family>/, which belongs to one run at a time; any letters but { and }",
    )
    seed: StrictInt = Field(0, ge=0, description="seed of the pocket's data and training, and of the controls")
    experts: dict[ExpertName, Source] = Field(
        description="`public` and the experts, in the order they have in the joint mixture"
    )
    sizes: SizeSettings | None = Field(
        None, description="sizes of a public model that has not been acquired yet; checked when it is"
    )
    pocket: PocketSettings = Field(
        default_factory=PocketSettings, description="sizes and training of the embedded family"
    )
    factors: FactorSettings = Field(default_factory=FactorSettings, description="how deltas are factorized")
    ranks: list[ConfigRank] = Field(
        description="ranks of the adapters; powers of two and `full` make the ladder, any other rank is studied in "
        "pairs only"
    )
    pairs: PairSettings = Field(default_factory=PairSettings, description="mixtures of public and one expert")
    joint: JointSettings = Field(default_factory=JointSettings, description="mixtures of public and all experts")
    controls: list[Literal["random"]] = Field(
        default_factory=list,
        description="random: each expert with its delta replaced by a random one that has the same singular values",
    )
    suite: SuiteSettings = Field(default_factory=SuiteSettings, description="which tasks are evaluated")
    evaluate: EvaluateSettings = Field(default_factory=EvaluateSettings, description="how mixtures are evaluated")
    calibration: CalibrationSettings = Field(
        default_factory=CalibrationSettings,
        description="published scores that the public model is compared with before anything expensive is computed",
    )
    analysis: AnalysisSettings = Field(default_factory=AnalysisSettings, description="how scores are analysed")

    @field_validator("results")
    @classmethod
    def _is_file_name(cls, results: str) -> str:
        if wrong := sorted({sign for sign in results if sign in "{}" or not sign.isprintable()}):
            raise ValueError(f"{wrong[0]!r} cannot be in it, since Snakemake would read it as more than a name")
        return results

    @model_validator(mode="after")
    def _check_experts(self) -> "Study":
        if "public" not in self.experts:
            raise ValueError("experts: `public` is missing; add the model that every expert was branched from")
        if not self.names:
            raise ValueError("experts: found only `public`; expected at least one expert too")
        if "joint" in self.experts:
            raise ValueError("experts: `joint` is the name of the mixture of all experts; choose another")
        for name in self.names:
            if self.experts[name].source == "pocket" and name not in POCKET_EXPERTS:
                raise ValueError(f"experts: found {name!r} with source pocket; {suggest(name, POCKET_EXPERTS)}")
        return self

    @model_validator(mode="after")
    def _check_mixtures(self) -> "Study":
        for key, values in (("ranks", self.ranks), ("joint.active", self.joint.active)):
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{key}: found {values}; expected at least one value and none twice")
        total = len(self.experts)
        if wrong := [active for active in self.joint.active if not 1 <= active <= total]:
            default = "" if "joint" in self.model_fields_set else " (the default; write a `joint:` of your own)"
            raise ValueError(
                f"joint.active: found {wrong[0]}{default}; allowed are 1 to {total}: public and {total - 1} experts"
            )
        if self.joint.selections and not self.ladder:
            raise ValueError("joint.selections: found rules, but `ranks` has no powers of two to choose from; add some")
        for rule in self.joint.selections:
            if rule not in SELECTION_RULES:
                raise ValueError(f"joint.selections: found {rule!r}; {suggest(rule, sorted(SELECTION_RULES))}")
        return self

    @model_validator(mode="after")
    def _check_groups(self, info: ValidationInfo) -> "Study":
        if is_elsewhere(info) and self.suite.source == "folder":
            return self
        groups = self.suite.groups
        for key, named in (("reference", self.calibration.reference), ("metrics", self.calibration.metrics)):
            for name in named:
                if name not in groups:
                    raise ValueError(f"calibration.{key}: found {name!r}; {suggest(name, groups)}")
        for key, chosen in (("reasoning", self.analysis.reasoning), ("knowledge", self.analysis.knowledge)):
            for name in chosen:
                if name not in groups and "analysis" in self.model_fields_set:
                    raise ValueError(f"analysis.{key}: found {name!r}; {suggest(name, groups)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the domain experts, in the order that they have in the joint mixture."""
        return tuple(name for name in self.experts if name != "public")

    @property
    def ladder(self) -> tuple[int, ...]:
        """Return the powers of two among `ranks`, in ascending order."""
        return tuple(sorted(rank for rank in self.ranks if rank != "full" and on_ladder(rank)))

    @property
    def extra_ranks(self) -> tuple[int, ...]:
        """Return the ranks that are not on the ladder, in ascending order."""
        return tuple(sorted(rank for rank in self.ranks if rank != "full" and not on_ladder(rank)))

    @property
    def paths(self) -> StudyPaths:
        """Return where this study's artefacts are."""
        return StudyPaths(Path(self.results) / self.family)
