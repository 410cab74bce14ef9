"""Factorization of an expert's deltas into a factor store, resumed by layer."""

from pathlib import Path

import torch
from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.factors import FactorSettings
from flexmore.device import torch_device
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.factors.store import layer_rank, read_fingerprint, write_index, write_layer
from flexmore.files import fingerprint, remove
from flexmore.lowrank.basis import SMALL_SIDE
from flexmore.lowrank.svd import factorize
from flexmore.progress import track
from flexmore.revisions import FACTORS_REVISION


def factorize_expert(checkpoint: Checkpoint, source: str, out: Path, settings: FactorSettings, expert: str) -> None:
    """Factorize every projection of a 2-expert checkpoint into a store, resuming by layer.

    Args:
        source: fingerprint of the checkpoint.
        out: `factors/<expert>/`.

    Raises:
        CheckpointError: a delta holds NaN or infinity, or a tensor is missing or has a wrong shape.
        FlexmoreError: the factors exceed the range of `settings.dtype`.
    """
    key = fingerprint({"source": source, **settings.result_settings, "revision": FACTORS_REVISION})
    sizes = checkpoint.sizes
    rank = min(sizes.saturation, settings.max_rank or sizes.saturation)
    done = [layer for layer in range(sizes.layers) if layer_rank(out, layer, key) >= rank]
    if read_fingerprint(out) not in (None, key):  # the layers are about to be replaced
        remove(out / "index.json", inside=out)
    todo = [layer for layer in range(sizes.layers) if layer not in done]
    for layer in track(todo, sizes.layers, f"factorize {expert}, layers", done=len(done)):
        write_layer(out, layer, _factorize_layer(checkpoint, layer, settings, rank), key)
    held = min(layer_rank(out, layer, key) for layer in range(sizes.layers))
    write_index(out, expert, sizes, held, {"fingerprint": key, "source": source, **settings.result_settings})


def _factorize_layer(checkpoint: Checkpoint, layer: int, settings: FactorSettings, rank: int) -> dict[str, Tensor]:
    """Return the tensors of a layer's file."""
    tensors: dict[str, Tensor] = {}
    device = torch_device(settings.device)
    for projection in PROJECTIONS:
        delta, dtype = _delta(checkpoint, layer, projection, device)
        if settings.dtype != "checkpoint":
            dtype = getattr(torch, settings.dtype)
        try:
            found = factorize(delta, settings.method)
        except ValueError as error:
            where = checkpoint.where(checkpoint.expert_name(layer, 1, projection))
            raise CheckpointError(f"{where} minus the public expert's: {error}; expected finite weights") from None
        del delta
        for side, values in (("a", found.a), ("b", found.b)):
            stored = values[:rank].to(dtype).cpu().contiguous()
            if not all(torch.isfinite(bound) for bound in stored.aminmax()):
                where = f"layer {layer}, {projection}"
                raise FlexmoreError(f"{where}: found factors beyond the range of {dtype}; set factors.dtype: float32")
            tensors[f"{projection}.{side}"] = stored
        tensors[f"{projection}.s"] = found.s.float().cpu()
    return tensors


def _delta(checkpoint: Checkpoint, layer: int, projection: str, device: torch.device) -> tuple[Tensor, torch.dtype]:
    """Return expert minus public [out, in] in the dtype to compute in, and the dtype of the expert's weights."""
    own = checkpoint.expert_weight(layer, 1, projection).to(device)
    wide = torch.float64 if min(own.shape) < SMALL_SIDE else torch.promote_types(own.dtype, torch.float32)
    public = checkpoint.expert_weight(layer, 0, projection).to(device)
    return own.to(wide, copy=True).sub_(public.to(wide)), own.dtype
