"""Dense weights within a limit: what is dropped, and when."""

import torch

from flexmore.modeling.dense_cache import DenseCache


def weights(value: float = 0.0) -> dict[str, torch.Tensor]:
    """40 bytes."""
    return {"gate_proj": torch.full((2, 5), value)}


def test_the_weights_that_are_longest_out_of_use_are_dropped_first() -> None:
    cache = DenseCache(limit=120)
    for key in "abc":
        cache.add(key, weights())
    cache.release("b")
    cache.release("a", "unknown")
    assert cache.make_room(0)
    assert cache.keys() == ["b", "a", "c"]
    assert cache.make_room(40)
    assert cache.keys() == ["a", "c"]
    assert cache.use("b") is None


def test_weights_in_use_are_never_dropped() -> None:
    cache = DenseCache(limit=80)
    for key in "abc":
        cache.add(key, weights())
    assert cache.used == 120
    assert not cache.make_room(0)
    cache.release()
    assert cache.use("a") is not None
    assert cache.make_room(40)
    assert cache.keys() == ["a"]
    assert not cache.make_room(41)
    cache.clear()
    assert (cache.used, cache.keys()) == (0, [])


def test_weights_made_from_other_tensors_or_from_changed_ones_are_dropped() -> None:
    cache, source = DenseCache(), torch.zeros(3)
    cache.add("a", weights(1.0), [source])
    assert cache.use("a", [source]) is not None
    source.add_(1)
    assert cache.use("a", [source]) is None
    assert cache.used == 0
    cache.add("a", weights(2.0), [source])
    cache.release("a")
    assert cache.use("a", [source.clone()]) is None
    assert (cache.used, cache.keys()) == (0, [])
