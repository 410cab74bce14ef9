"""Run batches; one that does not fit the device's memory is halved, and its size is remembered.

How a batch is cut is told by the batch (`batches`).
"""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.batches import AnyBatch

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class HalvingRunner:
    """Run batches; one too large for the device is halved, and later ones of its size are halved before they are tried.

    The sequences of a halved batch go through the model in other batches than before, which may change last bits: only
    with a budget that fits are results always the same bytes.

    Attributes:
        largest: the number of tokens above which batches are halved at once.
    """

    def __init__(self) -> None:
        self.largest: float = float("inf")

    def run(self, batch: AnyBatch, work: Callable[[AnyBatch], Result]) -> Iterator[tuple[AnyBatch, Result]]:
        """Yield a batch, or the parts that it was halved into, each with the result of `work`.

        Raises:
            FlexmoreError: a single sequence does not fit the device.
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
                        f"a single sequence of {part.size} tokens does not fit the device: {error}; use a device with "
                        "more memory, or `dtype: bfloat16`"
                    ) from None
                self.largest = min(self.largest, part.size - 1)
                _log.warning("a batch of %d tokens does not fit the device; it and others are halved", part.size)
            else:
                yield part, result
                continue
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            waiting.extend(reversed(halves))
