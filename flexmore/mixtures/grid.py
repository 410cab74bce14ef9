"""The study's mixtures: which there are, what they are called, what they weigh, what names their weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.mixtures.parameters import effective_rank

Kind = Literal["baseline", "pair", "joint", "extra", "control"]


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


def _label(rank: Rank) -> str:
    return "full" if rank == "full" else f"r{rank}"


def counts(mixtures: Sequence[Mixture]) -> dict[str, int]:
    """How many mixtures there are of each kind."""
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
