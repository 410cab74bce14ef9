"""The mixtures of a study: which there are, what they are called, and which sweep evaluates each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.mixtures.naming import joint_name, joint_sweep, pair_name
from flexmore.mixtures.parameters import effective_rank

Kind = Literal["baseline", "pair", "joint", "extra", "control"]
"""The public model alone; public and one expert, at a rank of the ladder; public and all experts; a pair at a rank that
is not on the ladder; a pair whose expert's delta is replaced by a random one."""


@dataclass(frozen=True)
class Mixture:
    """Hold a mixture: public and experts, each at a rank, with a number of active experts per token.

    Attributes:
        experts: without public.
        ranks: one for each of `experts`; empty where a selection will choose them.
        active: experts per token.
        rank: the label of the condition: a rank, `full`, the name of a selection or control, or `0` for the baseline.
    """

    name: str
    kind: Kind
    experts: tuple[str, ...]
    ranks: tuple[Rank, ...]
    active: int
    rank: str

    @property
    def selected(self) -> bool:
        """Tell whether a selection chooses its ranks, after the pairs have been evaluated."""
        return self.kind == "joint" and self.rank != "full" and not self.rank.isdigit()


@dataclass(frozen=True)
class Sweep:
    """Hold the mixtures that share one loaded backbone and are evaluated by one job."""

    name: str
    experts: tuple[str, ...]
    mixtures: tuple[Mixture, ...]

    @property
    def joint(self) -> bool:
        """Tell whether its mixtures are joint ones; selections choose from the others."""
        return any(mixture.kind == "joint" for mixture in self.mixtures)


def sweeps(study: Study) -> tuple[Sweep, ...]:
    """Return the sweeps of a study, in the order in which tables list their mixtures.

    They are the baseline; for each expert its pairs, extras and controls; for each number of active experts the joint
    mixtures of one rank, and in a sweep of their own the selected ones, since they wait for the pairs' scores.
    """
    found = [Sweep("public", (), (Mixture("public", "baseline", (), (), 1, "0"),))]
    full: tuple[Rank, ...] = ("full",) if "full" in study.ranks else ()
    ladder: tuple[Rank, ...] = (*study.ladder, *full)
    for expert in study.names:
        active = study.pairs.active
        pairs = [Mixture(pair_name(expert, str(r)), "pair", (expert,), (r,), active, str(r)) for r in ladder]
        extra = [
            Mixture(pair_name(expert, str(r)), "extra", (expert,), (r,), active, str(r)) for r in study.extra_ranks
        ]
        control = [
            Mixture(pair_name(expert, kind), "control", (expert,), (study.ladder[-1],), active, kind)
            for kind in study.controls
            if study.ladder
        ]
        found.append(Sweep(expert, (expert,), (*pairs, *extra, *control)))
    names = study.names
    for active in study.joint.active:
        prefix = joint_sweep(active)
        uniform = tuple(
            Mixture(joint_name(active, str(r)), "joint", names, (r,) * len(names), active, str(r)) for r in ladder
        )
        found.append(Sweep(prefix, names, uniform))
        chosen = tuple(Mixture(joint_name(active, s), "joint", names, (), active, s) for s in study.joint.selections)
        if chosen:
            found.append(Sweep(f"{prefix}-selected", names, chosen))
    return tuple(found)


def find_sweep(study: Study, name: str) -> Sweep:
    """Return the sweep of that name.

    Raises:
        FlexmoreError: the study has none.
    """
    known = {sweep.name: sweep for sweep in sweeps(study)}
    if name not in known:
        raise FlexmoreError(f"no sweep {name!r}; this study has {', '.join(known)}")
    return known[name]


def find_mixture(study: Study, name: str) -> Mixture:
    """Return the mixture of that name.

    Raises:
        FlexmoreError: the study has none.
    """
    found = next((mixture for mixture in grid(study) if mixture.name == name), None)
    if found is None:
        raise FlexmoreError(f"no mixture {name!r} in this study; `flexmore grid` lists them")
    return found


def grid(study: Study) -> tuple[Mixture, ...]:
    """Return every mixture of a study."""
    return tuple(mixture for sweep in sweeps(study) for mixture in sweep.mixtures)


def count_kinds(mixtures: Sequence[Mixture]) -> dict[str, int]:
    """Return how many mixtures there are of each kind."""
    found: dict[str, int] = {}
    for mixture in mixtures:
        found[mixture.kind] = found.get(mixture.kind, 0) + 1
    return found


def distinct_mixtures(mixtures: Sequence[Mixture], sizes: ModelSizes) -> list[Mixture]:
    """Return one mixture, the first, of all that have the same weights and active experts.

    Two selections whose ranks have not been chosen yet count as different.
    """
    found: dict[tuple[object, ...], Mixture] = {}
    for mixture in mixtures:
        ranks = tuple(effective_rank(rank, sizes) for rank in mixture.ranks)
        special = mixture.rank if mixture.selected or mixture.kind == "control" else ""
        found.setdefault((mixture.experts, ranks, mixture.active, special), mixture)
    return list(found.values())
