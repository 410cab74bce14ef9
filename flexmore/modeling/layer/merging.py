"""Adapters merged into the public expert: dense weights of one layer's expert, kept in the model's cache."""

from collections.abc import Mapping

from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.lowrank.svd import merge_adapter
from flexmore.modeling.dense_cache import DenseCache
from flexmore.modeling.layer.experts import FlexMoREExpert


def merged_weights(
    cache: DenseCache, layer: int, expert: FlexMoREExpert, public: FlexMoREExpert
) -> Mapping[str, Tensor] | None:
    """Return the dense weights [out, in] of an adapter by projection, made again where its factors have changed.

    Args:
        layer: where the experts are; with the expert's index it is the key in the cache.

    Returns:
        None where the weights do not fit into the cache, and where the factors are offloaded: only the call of a
        module loads those.
    """
    key, made_from = (layer, expert.index), (*expert.shown(), *public.shown())
    if any(tensor.is_meta for tensor in made_from):
        return None
    found = cache.use(key, made_from)
    if found is None and cache.make_room(sum(tensor.nbytes for tensor in public.shown())):
        found = {projection: _merged(expert, public, projection) for projection in PROJECTIONS}
        cache.add(key, found, made_from)
    return found


def _merged(expert: FlexMoREExpert, public: FlexMoREExpert, projection: str) -> Tensor:
    own, factors, shared = expert.full(projection), expert.factors(projection), public.full(projection)
    if own is not None or shared is None:
        return own.weight  # type: ignore[union-attr]
    return shared.weight if factors is None else merge_adapter(shared.weight, factors[0].weight, factors[1].weight.T)
