"""vLLM in the place of our own engine, through lm-eval's own backend: each mixture as a dense checkpoint on this disk.

vLLM is not installed with this package. Tasks, cache and tables are the same; its responses are cached under keys of
their own, since they differ from our engine's in the last digits. lm-eval lets vLLM write special tokens into its
texts: so it stops at a stop string that is one; the others are taken out of the texts, as HFLM and our engine do.
"""

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.utils import handle_stop_sequences, postprocess_generated_text, resolve_max_length

from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError, NotFinite
from flexmore.evaluation.engine.encoding import Encoder
from flexmore.evaluation.engine.prepared_requests import Response, new_tokens
from flexmore.evaluation.lazy_model import LazyModel
from flexmore.files import remove
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe


class DenseModel(LazyModel):
    """Serve one mixture at a time by vLLM from a dense checkpoint, which is removed when the next one is written.

    Args:
        recipes: of one sweep.
        scratch: the folder of the dense checkpoints; the caller removes it.
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
                f"evaluate.engine: found vllm, which is not installed ({error}); install it, or write `engine: own`"
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
        """Release the model and remove its checkpoint."""
        self.model = None
        gc.collect()
        for folder in self._scratch.iterdir():
            remove(folder, inside=self._scratch)


@dataclass(frozen=True)
class UnbatchedRequests:
    """Hold requests of one kind as lm-eval has them.

    Attributes:
        tokens: how many their distinct first texts have.
        cut: the numbers of those whose first text does not fit the context and is cut.
    """

    kind: str
    requests: Sequence[Instance]
    tokens: int
    cut: frozenset[int]


class VllmLM:
    """Answer lm-eval's requests by lm-eval's vLLM backend, with the interface of `MixtureLM`.

    Args:
        source: its current model responds.
    """

    def __init__(self, source: DenseModel) -> None:
        self.model = source.model
        self.encoder = source.encoder
        tokens = source.tokenizer.added_tokens_decoder.values()
        self._special = sorted((str(token) for token in tokens if token.special), key=len, reverse=True)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return what of tokenizer and engine decides responses, besides weights, dtype and requests."""
        return {"engine": "vllm", "texts": "without special tokens", **self.encoder.identity}

    def prepare(self, kind: str, requests: Sequence[Instance]) -> UnbatchedRequests:
        """Return the requests as they are, since vLLM makes its own batches."""
        tokens = self.encoder.encode({str(request.args[0]) for request in requests})
        cut: frozenset[int] = frozenset()
        match kind:
            case "loglikelihood":  # vLLM generates a token after what it scores
                continuations = self.encoder.continuations([request.args for request in requests])
                cut = self.encoder.cut(continuations, self.encoder.max_length - 1)
            case "generate_until":
                cut = frozenset(
                    number
                    for number, (context, settings) in enumerate(request.args for request in requests)
                    if len(tokens[context]) > self.encoder.max_length - new_tokens(settings)
                )
        return UnbatchedRequests(kind, requests, sum(map(len, tokens.values())), cut)

    def respond(self, prepared: UnbatchedRequests) -> Sequence[Response]:
        """Return the model's responses, in the order of the requests.

        Raises:
            NotFinite: a loglikelihood is NaN or infinite.
        """
        responses: Sequence[Response] = getattr(self.model, prepared.kind)(list(prepared.requests), disable_tqdm=True)
        values = [response[0] if isinstance(response, tuple) else response for response in responses]
        if not all(isinstance(value, str) or math.isfinite(value) for value in values):
            raise NotFinite("vLLM's loglikelihoods are NaN or infinite")
        if prepared.kind != "generate_until":
            return responses
        return [
            self._without_special(str(text), request.args[1]["until"])
            for request, text in zip(prepared.requests, responses, strict=True)
        ]

    def _without_special(self, text: str, until: str | list[str] | None) -> str:
        """Return a text without special tokens, up to a stop string that comes about where one was."""
        for token in self._special:
            text = text.replace(token, "")
        return str(postprocess_generated_text(text, handle_stop_sequences(until, None), None))
