"""Batches that do not fit the device: halved, remembered, gone on with."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.batches import PromptBatch, ScoringBatch

_log = logging.getLogger(__name__)

Kind = TypeVar("Kind", ScoringBatch, PromptBatch)
Result = TypeVar("Result")


class Fitting:
    """Runs batches; one that is too large for the device is halved, and later ones as large are before they are tried.

    Rows of halved batches go through the model in other company, which may change last bits: only a budget that fits
    gives the same bytes always.

    Attributes:
        largest: tokens above which a batch has been seen not to fit.
    """

    def __init__(self) -> None:
        self.largest: float = float("inf")

    def run(self, batch: Kind, work: Callable[[Kind], Result]) -> Iterator[tuple[Kind, Result]]:
        """What `work` makes of a batch, or of its parts.

        Raises:
            FlexmoreError: a single row does not fit.
        """
        waiting = [batch]
        while waiting:
            part = waiting.pop()
            halves = part.halves() if part.size > self.largest else [part]
            if len(halves) > 1:
                waiting.extend(reversed(halves))
                continue
            try:
                result = work(part)
            except torch.OutOfMemoryError as error:
                halves = part.halves()
                if len(halves) == 1:
                    raise FlexmoreError(
                        f"a single row of {part.size} tokens does not fit the device: {error}; use a device with more "
                        "memory, or `dtype: bfloat16`"
                    ) from None
                self.largest = min(self.largest, part.size - 1)
                _log.warning("a batch of %d tokens does not fit the device; halved, and so are others", part.size)
            else:
                yield part, result
                continue
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            waiting.extend(reversed(halves))
