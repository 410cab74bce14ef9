"""vLLM in the place of our own engine, through lm-eval's own backend: each mixture as a dense checkpoint on this disk.

vLLM is not installed with this package. Behind it stand the same tasks, cache and tables; what it answers is cached
under a key of its own, since its numbers are not ours to the last digit.
"""

import gc
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.utils import resolve_max_length

from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError, NotFinite
from flexmore.evaluation.engine.encoding import Encoder
from flexmore.evaluation.engine.lm import Answer
from flexmore.evaluation.lazy_model import LazyModel
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe


class DenseModel(LazyModel):
    """A mixture at a time, written out dense and served by vLLM; its folder goes when the next one comes.

    Args:
        recipes: of one sweep.
        scratch: where the dense checkpoints lie meanwhile; the caller removes it.
        write: writes a recipe's mixture as a dense checkpoint into a folder that does not exist yet.
    """

    def __init__(
        self,
        paths: StudyPaths,
        recipes: Sequence[Recipe],
        settings: EvaluateSettings,
        seed: int,
        scratch: Path,
        write: Callable[[Recipe, Path], None],
    ) -> None:
        super().__init__(paths, [recipe.mixture for recipe in recipes], settings, seed)
        self.encoder = Encoder(self.tokenizer, resolve_max_length(self.model.config, self.tokenizer))
        self._recipes: Mapping[str, Recipe] = {recipe.mixture.name: recipe for recipe in recipes}
        self._scratch = scratch
        self._write = write

    def set_mixture(self, mixture: Mixture) -> None:
        """Write the mixture's weights and start vLLM on them.

        Raises:
            FlexmoreError: vLLM is not installed.
        """
        try:
            from lm_eval.models.vllm_causallms import VLLM
        except ModuleNotFoundError as error:
            raise FlexmoreError(
                f"evaluate.engine: found vllm, which is not here ({error}); install it, or write `engine: own`"
            ) from None
        self.close()
        self._write(self._recipes[mixture.name], self._scratch / mixture.name)
        self.model = VLLM(
            pretrained=str(self._scratch / mixture.name),
            dtype=self.dtype,
            max_model_len=self.encoder.max_length,
            batch_size="auto",
            enable_prefix_caching=True,
        )

    def close(self) -> None:
        """Let go of the model and its folder."""
        self.model = None
        gc.collect()
        for folder in self._scratch.iterdir():
            shutil.rmtree(folder)


@dataclass(frozen=True)
class UnbatchedRequests:
    """Requests of one kind, as lm-eval has them, and the tokens of their texts."""

    kind: str
    requests: Sequence[Instance]
    tokens: int


class VllmLM:
    """lm-eval's vLLM backend with the interface of `MixtureLM`.

    Args:
        source: whose present model answers.
    """

    def __init__(self, source: DenseModel) -> None:
        self.model = source.model
        self.encoder = source.encoder

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What of tokenizer and engine decides the answers beside weights, dtype and requests."""
        return {"engine": "vllm", **self.encoder.identity}

    def prepare(self, kind: str, requests: Sequence[Instance]) -> UnbatchedRequests:
        """The requests as they are: vLLM batches for itself. Tokens are counted of distinct first texts."""
        texts = {str(request.args[0]) for request in requests}
        return UnbatchedRequests(kind, requests, sum(map(len, self.encoder.encode(texts).values())))

    def answer(self, requests: UnbatchedRequests) -> Sequence[Answer]:
        """The model's answers, in the order of the requests.

        Raises:
            NotFinite: a loglikelihood is NaN or infinite.
        """
        answers: Sequence[Answer] = getattr(self.model, requests.kind)(list(requests.requests), disable_tqdm=True)
        values = [answer[0] if isinstance(answer, tuple) else answer for answer in answers]
        if not all(isinstance(value, str) or math.isfinite(value) for value in values):
            raise NotFinite("vLLM's loglikelihoods are NaN or infinite")
        return answers
