"""A sweep's model that responds for one mixture after another, by our engine or by vLLM."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.engine.prepared_requests import Response
from flexmore.evaluation.engine.vllm import DenseModel, VllmLM
from flexmore.evaluation.results.versions import installed_version, provenance
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.mixtures.grid import Mixture


class SwitchableModel(Protocol):
    """Take one mixture after another, as `flexmore.modeling.SweepModel` does.

    Before the first mixture it may have no weights (`flexmore.evaluation.lazy_model`): what names results is read from
    it even so, and if everything is in the cache nothing is loaded.
    """

    model: Any
    tokenizer: PreTrainedTokenizerBase
    dtype: str
    device: torch.device

    def set_mixture(self, mixture: Mixture) -> None:
        """Give the model the mixture's ranks and number of active experts."""


class Engine(Protocol):
    """Respond to requests, as `flexmore.evaluation.engine.lm` and `flexmore.evaluation.engine.vllm` do."""

    model: Any

    @property
    def identity(self) -> dict[str, Any]:
        """Return what decides responses, besides weights, dtype and requests."""

    def prepare(self, kind: str, requests: Sequence[Any]) -> Any:
        """Return requests of one kind ready for any weights.

        `tokens` says how many tokens are read for them, `cut` the numbers of those whose prompt was cut.
        """

    def respond(self, prepared: Any) -> Sequence[Response]:
        """Return the responses in the order of the requests."""


class SwitchingEngine:
    """Respond to tasks for one mixture after another; requests are prepared once.

    Args:
        batch_tokens: the most tokens in one batch.

    Attributes:
        versions: what computes the responses, known once there is a mixture.
        switches: how many mixtures there have been.
    """

    def __init__(self, model: SwitchableModel, batch_tokens: int) -> None:
        self.versions: dict[str, str] = {}
        self.switches = 0
        self._model = model
        self._batch_tokens = batch_tokens
        self._engine = self._engine_of_model()
        self._current = ""
        self._requests: dict[str, Any] = {}

    @property
    def dtype(self) -> str:
        """Return the dtype in which the model computes."""
        return self._model.dtype

    @property
    def identity(self) -> dict[str, Any]:
        """Return what decides responses, besides weights, dtype and requests."""
        return self._engine.identity

    def switch_to(self, mixture: Mixture) -> None:
        """Let the model be that mixture.

        Raises:
            FlexmoreError: the loaded model decides responses in another way than it did without weights.
        """
        if self._current == mixture.name:
            return
        self._model.set_mixture(mixture)
        if not self.versions:
            self.versions = provenance(self.dtype, str(self._model.device), self._batch_tokens)
            if isinstance(self._model, DenseModel):
                self.versions["vllm"] = installed_version("vllm")
        if self._engine.model is not self._model.model:  # it had no weights before
            known, self._engine = self._engine.identity, self._engine_of_model()
            if self._engine.identity != known:
                raise FlexmoreError(f"{mixture.name}: found {self._engine.identity} once loaded, expected {known}")
        self._current = mixture.name
        self.switches += 1

    def respond(self, task: PreparedTask) -> Sequence[Response]:
        """Return the current mixture's responses to a task's requests."""
        name = task.info.task
        if name not in self._requests:
            self._requests[name] = self._engine.prepare(task.kind, task.requests)
        return self._engine.respond(self._requests[name])

    def tokens(self, task: PreparedTask) -> int:
        """Return how many tokens the model has read for a task."""
        return int(self._requests[task.info.task].tokens)

    def cut_items(self, task: PreparedTask) -> int:
        """Return how many of a task's items had a prompt that did not fit the model's context and was cut."""
        return task.count_items(self._requests[task.info.task].cut)

    def _engine_of_model(self) -> Engine:
        if isinstance(self._model, DenseModel):
            return VllmLM(self._model)
        return MixtureLM(self._model.model, self._model.tokenizer, self._batch_tokens)
