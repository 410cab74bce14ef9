"""A sweep's model that is loaded only when a mixture is set: until then it has a configuration and no weights."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from flexmore.checkpoints.reader import Checkpoint
from flexmore.cluster.staging import stage_weights
from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.paths import StudyPaths
from flexmore.device import torch_device
from flexmore.mixtures.grid import Mixture
from flexmore.modeling import SweepModel
from flexmore.modeling.sweep import resolved_dtype


class LazyModel:
    """Load a sweep's model when its first mixture is set; until then it has a configuration but no weights.

    Args:
        mixtures: of one sweep.
        seed: of the controls' random deltas.
        stage: folder on this node's disk, to which weights are copied before they are loaded; None: read in place.

    Attributes:
        model: on the meta device until a mixture is set.
    """

    def __init__(
        self,
        paths: StudyPaths,
        mixtures: list[Mixture],
        settings: EvaluateSettings,
        seed: int,
        stage: Path | None = None,
    ) -> None:
        first = paths.expert(next(iter(mixtures[0].experts), "public"))
        dtype = resolved_dtype(Checkpoint(first), settings.dtype)
        self.tokenizer = AutoTokenizer.from_pretrained(paths.expert("public"))
        self.dtype = str(dtype).removeprefix("torch.")
        self.device = torch_device(settings.device)
        with torch.device("meta"):
            self.model: Any = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(first))
        if not mixtures[0].experts and (first / "generation_config.json").is_file():  # as transformers does
            self.model.generation_config = GenerationConfig.from_pretrained(first)
        self._sweep: SweepModel | None = None

        def load() -> SweepModel:
            weights = paths if stage is None else stage_weights(paths, ("public", *mixtures[0].experts), stage)
            return SweepModel.load(weights, mixtures, dtype=settings.dtype, device=settings.device, seed=seed)

        self._load = load

    def set_mixture(self, mixture: Mixture) -> None:
        """Load the sweep's model if it is not loaded yet, and give it the mixture's ranks."""
        if self._sweep is None:
            self._sweep = self._load()
            self.model, self.device = self._sweep.model, self._sweep.device
        self._sweep.set_mixture(mixture)
