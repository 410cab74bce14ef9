"""The study's mixtures: which there are, what they are called, what they weigh, what names their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from flexmore.config import Rank, Study
from flexmore.errors import FlexmoreError
from flexmore.files import fingerprint, read_json
from flexmore.revisions import RECIPES_REVISION

Kind = Literal["baseline", "pair", "joint", "extra", "control"]

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Architecture:
    """The sizes of a family's models, as in `config.json`."""

    hidden: int
    ffn: int
    layers: int
    vocabulary: int
    heads: int
    key_value_heads: int
    tied: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Architecture":
        """Read the sizes from the `config.json` of an Olmo2 or FlexOlmo checkpoint.

        Raises:
            FlexmoreError: it lacks one.
        """
        sizes = ("num_attention_heads", "hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
        missing = [key for key in sizes if key not in config]
        if missing:
            raise FlexmoreError(
                f"config.json: no {', '.join(missing)}; expected that of an Olmo2 or FlexOlmo checkpoint"
            )
        heads = config["num_attention_heads"]
        return cls(
            hidden=config["hidden_size"],
            ffn=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            vocabulary=config["vocab_size"],
            heads=heads,
            key_value_heads=config.get("num_key_value_heads") or heads,
            tied=bool(config.get("tie_word_embeddings")),
        )

    @property
    def saturation(self) -> int:
        """The rank above which an adapter is the same: min(hidden, ffn)."""
        return min(self.hidden, self.ffn)

    @property
    def per_rank(self) -> int:
        """Parameters of an adapter for each unit of rank: A and B of three projections in every layer."""
        return len(PROJECTIONS) * (self.hidden + self.ffn) * self.layers

    @property
    def full_expert(self) -> int:
        """Parameters of an expert's own weights."""
        return len(PROJECTIONS) * self.hidden * self.ffn * self.layers

    @property
    def backbone(self) -> int:
        """Parameters of the public model without its FFN: embeddings, head, attention, norms."""
        kv = self.hidden // self.heads * self.key_value_heads
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * kv + self.hidden + kv
        norms = 2 * self.hidden
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * (attention + norms) + self.hidden


@dataclass(frozen=True)
class Mixture:
    """Public and experts, each at a rank, with a number of active experts per token.

    Attributes:
        rank: the label of the condition: a rank, `full`, a selection's name, or `0` for the baseline.
        ranks: one for each of `experts`; empty where a selection has not been made yet.
    """

    name: str
    kind: Kind
    experts: tuple[str, ...]
    ranks: tuple[Rank, ...]
    active: int
    rank: str

    @property
    def selected(self) -> bool:
        """Whether a selection chooses its ranks, after the pairs have been evaluated."""
        return self.kind == "joint" and self.rank != "full" and not self.rank.isdigit()


@dataclass(frozen=True)
class Sweep:
    """Mixtures that share one loaded backbone: one process, one job."""

    name: str
    experts: tuple[str, ...]
    mixtures: tuple[Mixture, ...]

    @property
    def joint(self) -> bool:
        """Whether its mixtures are joint ones; those of the others are what selections choose from."""
        return any(mixture.kind == "joint" for mixture in self.mixtures)


@dataclass(frozen=True)
class Recipe:
    """A mixture with everything decided: the effective ranks, the parameters, the fingerprint of its weights.

    Attributes:
        seed: of a control's random deltas; None for all others.
    """

    mixture: Mixture
    effective_ranks: tuple[Rank, ...]
    parameters: Mapping[str, Any]
    fingerprint: str
    seed: int | None = None

    def to_json(self, family: str) -> dict[str, Any]:
        """The content of `mixtures/<name>.json`."""
        return {
            "family": family,
            **asdict(self.mixture),
            "effective_ranks": list(self.effective_ranks),
            "parameters": dict(self.parameters),
            "fingerprint": self.fingerprint,
            "seed": self.seed,
        }

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Read `mixtures/<name>.json`.

        Raises:
            FlexmoreError: the file is missing, is not JSON or is not a recipe.
        """
        content = read_json(path)
        try:
            mixture = Mixture(
                name=content["name"],
                kind=content["kind"],
                experts=tuple(content["experts"]),
                ranks=tuple(content["ranks"]),
                active=content["active"],
                rank=content["rank"],
            )
            ranks = tuple(content["effective_ranks"])
            return cls(mixture, ranks, content["parameters"], content["fingerprint"], content["seed"])
        except (KeyError, TypeError) as error:
            raise FlexmoreError(f"{path}: not a recipe ({error!r}); make it again with `flexmore compose`") from None


def effective_rank(rank: Rank, architecture: Architecture) -> Rank:
    """The rank that counts: above min(hidden, ffn) an adapter saturates; `full` stays `full`."""
    return rank if rank == "full" else min(rank, architecture.saturation)


def sweeps(study: Study) -> tuple[Sweep, ...]:
    """Every mixture of a study, in the order in which tables list them.

    The baseline; per expert its pairs, extras and controls; per number of active experts the uniform joint
    mixtures, and apart from them, since they wait for the pairs' scores, the selected ones.
    """
    found = [Sweep("public", (), (Mixture("public", "baseline", (), (), 1, "0"),))]
    full: tuple[Rank, ...] = ("full",) if "full" in study.ranks else ()
    ladder: tuple[Rank, ...] = (*study.ladder, *full)
    for expert in study.names:
        active = study.pairs.active
        pairs = [Mixture(f"{expert}-{_label(r)}", "pair", (expert,), (r,), active, str(r)) for r in ladder]
        extra = [Mixture(f"{expert}-r{r}", "extra", (expert,), (r,), active, str(r)) for r in study.extra_ranks]
        control = [
            Mixture(f"{expert}-{kind}", "control", (expert,), (study.ladder[-1],), active, kind)
            for kind in study.controls
            if study.ladder
        ]
        found.append(Sweep(expert, (expert,), (*pairs, *extra, *control)))
    names = study.names
    for active in study.joint.active:
        prefix = f"joint-a{active}"
        uniform = tuple(
            Mixture(f"{prefix}-{_label(r)}", "joint", names, (r,) * len(names), active, str(r)) for r in ladder
        )
        found.append(Sweep(prefix, names, uniform))
        chosen = tuple(Mixture(f"{prefix}-{s}", "joint", names, (), active, s) for s in study.joint.selections)
        if chosen:
            found.append(Sweep(f"{prefix}-selected", names, chosen))
    return tuple(found)


def find_sweep(study: Study, name: str) -> Sweep:
    """The sweep of that name.

    Raises:
        FlexmoreError: the study has none.
    """
    known = {sweep.name: sweep for sweep in sweeps(study)}
    if name not in known:
        raise FlexmoreError(f"no sweep {name!r}; this study has {', '.join(known)}")
    return known[name]


def find_mixture(study: Study, name: str) -> Mixture:
    """The mixture of that name.

    Raises:
        FlexmoreError: the study has none.
    """
    found = next((mixture for mixture in grid(study) if mixture.name == name), None)
    if found is None:
        raise FlexmoreError(f"no mixture {name!r} in this study; `flexmore grid` lists them")
    return found


def grid(study: Study) -> tuple[Mixture, ...]:
    """Every mixture of a study, the baseline, extras and controls included."""
    return tuple(mixture for sweep in sweeps(study) for mixture in sweep.mixtures)


def count_parameters(architecture: Architecture, ranks: Mapping[str, Rank], active: int) -> dict[str, Any]:
    """Parameters of a mixture by part.

    Args:
        ranks: each expert's rank; empty for the public model alone, which has no router.
        active: experts per token.

    Returns:
        `backbone`, `public` (expert 0's FFN), `routers`, `experts` (a number each), `total`, and `active`: the most
        that one token can use, the public FFN (every adapter is applied on top of it) and the costliest experts.
    """
    experts = {
        name: _expert_parameters(effective_rank(rank, architecture), architecture) for name, rank in ranks.items()
    }
    routers = architecture.layers * architecture.hidden * (len(ranks) + 1) if ranks else 0
    shared = architecture.backbone + architecture.full_expert + routers
    costliest = sorted(experts.values(), reverse=True)[: max(active, 0)]
    return {
        "backbone": architecture.backbone,
        "public": architecture.full_expert,
        "routers": routers,
        "experts": experts,
        "total": shared + sum(experts.values()),
        "active": shared + sum(costliest),
    }


def cook(
    mixture: Mixture,
    architecture: Architecture,
    sources: Mapping[str, str],
    factors: Mapping[str, str],
    seed: int | None = None,
    stored: Mapping[str, int] | None = None,
) -> Recipe:
    """Turn a mixture whose ranks are known into its recipe.

    Args:
        sources: fingerprint of each expert's checkpoint, `public` included.
        factors: fingerprint of each expert's factors.
        seed: of a control's random deltas.
        stored: how many components each expert's store holds, where `factors.max_rank` may have cut it; an adapter that
            saturates is then the expert's own weights.

    Raises:
        FlexmoreError: not one rank for each expert; a rank that a store was cut below.
    """
    if len(mixture.ranks) != len(mixture.experts):
        raise FlexmoreError(
            f"{mixture.name}: {len(mixture.experts)} experts and {len(mixture.ranks)} ranks; expected one each"
        )
    held = dict.fromkeys(mixture.experts, architecture.saturation) | dict(stored or {})
    pairs = zip(mixture.experts, mixture.ranks, strict=True)
    ranks = tuple(available_rank(mixture, name, rank, held[name], architecture) for name, rank in pairs)
    parts: list[Any] = []
    for name, rank in zip(mixture.experts, ranks, strict=True):
        part: dict[str, Any] = {"expert": sources[name], "rank": rank}
        if rank not in ("full", 0):
            part["factors"] = factors[name]
        if mixture.kind == "control":
            part["control"] = [mixture.rank, seed]
        parts.append(part)
    weights = {"public": sources["public"], "experts": parts, "active": mixture.active, "revision": RECIPES_REVISION}
    counted = count_parameters(architecture, dict(zip(mixture.experts, mixture.ranks, strict=True)), mixture.active)
    return Recipe(mixture, ranks, counted, fingerprint(weights), seed)


def available_rank(mixture: Mixture, name: str, rank: Rank, held: int, architecture: Architecture) -> Rank:
    """The effective rank that an expert's store of `held` components can give.

    Raises:
        FlexmoreError: a rank that the store was cut below.
    """
    rank = effective_rank(rank, architecture)
    if rank == "full" or rank <= held:
        return rank
    if rank == architecture.saturation and mixture.kind != "control":
        return "full"
    raise FlexmoreError(
        f"{mixture.name}: rank {rank} of {name}, whose store holds {held}; expected at most that or a rank that "
        f"saturates ({architecture.saturation}); raise factors.max_rank and factorize again"
    )


def _expert_parameters(rank: Rank, architecture: Architecture) -> int:
    return architecture.full_expert if rank == "full" else rank * architecture.per_rank


def _label(rank: Rank) -> str:
    return "full" if rank == "full" else f"r{rank}"


def counts(mixtures: Sequence[Mixture]) -> dict[str, int]:
    """How many mixtures there are of each kind."""
    found: dict[str, int] = {}
    for mixture in mixtures:
        found[mixture.kind] = found.get(mixture.kind, 0) + 1
    return found
