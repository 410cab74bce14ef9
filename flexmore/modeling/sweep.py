"""The model of a sweep: one loaded backbone whose experts take the ranks of one mixture after another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.flex_olmo.modeling_flex_olmo import FlexOlmoRotaryEmbedding

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.mixtures import Rank
from flexmore.config.paths import StudyPaths
from flexmore.device import torch_device
from flexmore.errors import FlexmoreError
from flexmore.factors.store import FactorStore
from flexmore.mixtures.dense_or_factors import dense_experts
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import available_rank
from flexmore.mixtures.weight_bytes import weigh_sweep
from flexmore.modeling.configuration_flexmore import FlexMoREConfig
from flexmore.modeling.dense_cache import DenseCache, Weights
from flexmore.modeling.layer.experts import FlexMoREExpert
from flexmore.modeling.modeling_flexmore import FlexMoREForCausalLM
from flexmore.modeling.placement import DeviceMap, connect, device_map, to_empty
from flexmore.modeling.weights import ExpertWeights


class SweepModel:
    """Hold a transformers model whose experts take a mixture's ranks in place.

    Below break-even a rank is a prefix of factors that are loaded once. Full-size experts, controls and adapters past
    break-even are dense weights, made once and kept within a limit.

    Attributes:
        model: Olmo2 for the baseline, FlexMoRE otherwise, in eval mode.
        tokenizer: the public model's.
        dtype: of weights and computation, such as `float32`.
        device: where the model is.
        dense_cache: dense weights by layer and projection, under keys (expert, rank, control).
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        experts: Sequence[ExpertWeights] = (),
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.experts = {expert.name: expert for expert in experts}
        self.device: torch.device = model.device
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.dense_cache = DenseCache()
        self._loaded: dict[str, int] = {}
        self._shown: dict[str, tuple[Rank, str | None, bool]] = {}

    @classmethod
    def load(
        cls,
        paths: StudyPaths,
        mixtures: Sequence[Mixture],
        *,
        dtype: str = "checkpoint",
        device: str = "auto",
        seed: int = 0,
    ) -> "SweepModel":
        """Load the backbone that mixtures of the same experts share, and the factors that they need.

        Args:
            mixtures: of one sweep; those without experts need the public model alone.
            dtype: a name such as `bfloat16`; `checkpoint` keeps the checkpoint's.
            device: `auto` is cuda where there is one, and all GPUs where one cannot hold the sweep.
            seed: of the controls' random deltas.
        """
        tokenizer = AutoTokenizer.from_pretrained(paths.expert("public"))
        experts = mixtures[0].experts
        if not experts:
            wanted = resolved_dtype(Checkpoint(paths.expert("public")), dtype)
            model = AutoModelForCausalLM.from_pretrained(paths.expert("public"), dtype=wanted)
            return cls(model.to(torch_device(device)), tokenizer)
        weights = [
            ExpertWeights(name, Checkpoint(paths.expert(name)), FactorStore(paths.factors(name)), seed)
            for name in experts
        ]
        wanted = resolved_dtype(weights[0].checkpoint, dtype)
        named = {expert.name: expert for expert in weights}
        available = [replace(mixture, ranks=_available_ranks(mixture, named)) for mixture in mixtures]
        where = device_map(device, weigh_sweep(weights[0].checkpoint.sizes, available, wanted.itemsize))
        sweep = cls(_assemble(weights, wanted, where), tokenizer, weights)
        for name in experts:
            sweep._load_factors(name, max((sweep._factored(mixture).get(name, 0) for mixture in mixtures), default=0))
        return sweep

    @torch.no_grad()
    def set_mixture(self, mixture: Mixture) -> None:
        """Give the loaded experts a mixture's ranks and number of active experts; leave unchanged experts alone.

        Raises:
            FlexmoreError: the mixture's experts are not the sweep's.
        """
        if mixture.experts != tuple(self.experts):
            raise FlexmoreError(
                f"{mixture.name}: found experts {mixture.experts}, expected those that this sweep loaded, "
                f"{tuple(self.experts)}; load a sweep of the mixture's experts"
            )
        if not mixture.experts:
            return
        factored = self._factored(mixture)
        control = mixture.rank if mixture.kind == "control" else None
        for slot, (name, rank) in enumerate(zip(mixture.experts, self._ranks(mixture), strict=True), start=1):
            low_rank = name in factored and factored[name] <= self._loaded[name]
            wanted = (rank, control, low_rank)
            if self._shown.get(name) == wanted:
                continue
            self._hide(name, slot)
            dense = {} if low_rank else self._dense_weights(name, rank, control)
            for layer, projection, expert in self._slots(slot):
                if low_rank:
                    expert.set_rank(projection, factored[name])
                else:
                    expert.set_weight(projection, dense[layer, projection])
            self._shown[name] = wanted
            self.model.config.expert_ranks[slot] = factored[name] if low_rank else None
        self.model.set_active(mixture.active)
        self.dense_cache.make_room()

    def _ranks(self, mixture: Mixture) -> tuple[Rank, ...]:
        return _available_ranks(mixture, self.experts)

    def _factored(self, mixture: Mixture) -> dict[str, int]:
        """Return the experts of a mixture that are cheaper as adapters than dense, and their ranks."""
        if mixture.kind == "control":
            return {}
        config = self.model.config
        ranks = tuple(None if rank == "full" else rank for rank in self._ranks(mixture))
        dense = dense_experts((None, *ranks), mixture.active, config.hidden_size, config.intermediate_size)
        return {
            name: rank
            for slot, (name, rank) in enumerate(zip(mixture.experts, ranks, strict=True), start=1)
            if rank is not None and slot not in dense
        }

    def _load_factors(self, name: str, rank: int) -> None:
        """Load the leading components of an expert's factors."""
        slot = list(self.experts).index(name) + 1
        self._loaded[name] = rank
        for layer, projection, expert in self._slots(slot):
            a, b = (
                part.to(self._device(layer), self.model.dtype)
                for part in self.experts[name].factors(layer, projection, rank)
            )
            expert.keep(projection, a, b.T)

    def _device(self, layer: int) -> torch.device:
        device: torch.device = self.model.blocks[layer].gate.weight.device
        return device

    def _slots(self, slot: int) -> Iterable[tuple[int, str, FlexMoREExpert]]:
        for layer, block in enumerate(self.model.blocks):
            for projection in PROJECTIONS:
                yield layer, projection, block.experts[slot]

    def _dense_weights(self, name: str, rank: Rank, control: str | None) -> Weights:
        """Return an expert's dense weights by layer and projection, from the cache where it has them."""
        key, expert = (name, rank, control), self.experts[name]
        found = self.dense_cache.use(key)
        if found is None:
            self.dense_cache.make_room(expert.checkpoint.sizes.full_expert * self.model.dtype.itemsize)
            found = {
                (layer, projection): expert.weight(layer, projection, rank, control).to(
                    self._device(layer), self.model.dtype
                )
                for layer in range(len(self.model.model.layers))
                for projection in PROJECTIONS
            }
            self.dense_cache.add(key, found)
        return found

    def _hide(self, name: str, slot: int) -> None:
        """Show an expert at rank 0, so that its dense weights can be dropped before others are made.

        The weights of all experts of a mixture would not fit twice.
        """
        rank, control, _ = self._shown.pop(name, (0, None, False))
        self.dense_cache.release((name, rank, control))
        for _, projection, expert in self._slots(slot):
            expert.set_rank(projection, 0)


def _available_ranks(mixture: Mixture, experts: Mapping[str, ExpertWeights]) -> tuple[Rank, ...]:
    """Return the effective ranks of a mixture that its experts' stores can give."""
    ranks = []
    for name, rank in zip(mixture.experts, mixture.ranks, strict=True):
        sizes, store = experts[name].checkpoint.sizes, experts[name].store
        held = sizes.saturation if store is None else store.rank
        ranks.append(available_rank(mixture, name, rank, held, sizes))
    return tuple(ranks)


def resolved_dtype(checkpoint: Checkpoint, wanted: str) -> torch.dtype:
    """Return a dtype by name; `checkpoint` is that of the tensors on disk, whatever config.json says."""
    return checkpoint.tensor(checkpoint.backbone_names[0]).dtype if wanted == "checkpoint" else getattr(torch, wanted)


def _assemble(weights: Sequence[ExpertWeights], dtype: torch.dtype, where: DeviceMap) -> FlexMoREForCausalLM:
    """Build FlexMoRE without initialising it, its experts at rank 0; fill in backbone, public expert and routers."""
    first = weights[0].checkpoint
    content = {key: value for key, value in first.config.items() if key not in ("model_type", "architectures")}
    ranks = [None, *[0] * len(weights)]
    active = min(2, len(ranks))
    config = FlexMoREConfig(
        **content | {"num_experts": len(ranks), "num_experts_per_tok": active, "expert_ranks": ranks}
    )
    with torch.device("meta"):
        model = FlexMoREForCausalLM(config)
    to_empty(model.to(dtype), where)
    model.tie_weights()
    rotary = FlexOlmoRotaryEmbedding(config)  # its buffers are computed, not stored
    model.model.rotary_emb = rotary.to(model.model.embed_tokens.weight.device)
    with torch.no_grad():
        parameters = dict(model.named_parameters())
        for name in first.backbone_names:
            parameters[name].copy_(first.tensor(name))
        for layer, block in enumerate(model.blocks):
            rows = [first.router(layer)[0], *(expert.router_row(layer) for expert in weights)]
            block.gate.weight.copy_(torch.stack(rows))
            for projection in PROJECTIONS:
                block.experts[0].get_parameter(f"{projection}.weight").copy_(first.expert_weight(layer, 0, projection))
    connect(model, where)
    return model
