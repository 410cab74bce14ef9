"""A study made up from a known truth: gains that are logistic in log2 rank, the same items for every mixture."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe

CAPACITY = 64
LADDER = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WRITTEN = ("Gen5", "BBH")
"""Groups whose answers are written; in the others one of five choices is right."""
CHANCE = 0.2
GROUPS = ("MC9", "Gen5", "MMLU", "MMLU-Pro", "AGIEval", "BBH")


@dataclass(frozen=True)
class Made:
    """How a study is made up; `midpoints`: the rank at which an expert has half of its gain."""

    midpoints: Mapping[str, float] = field(default_factory=lambda: {"math": 4.0, "news": 8.0, "pes2o": 16.0})
    ladder: tuple[int, ...] = LADDER
    extras: tuple[int, ...] = (3, 6, 12)
    full: bool = True
    active: tuple[int, ...] = (2, 4)
    groups: tuple[str, ...] = GROUPS
    domains: bool = True
    controls: bool = True
    gain: float = 0.6
    foreign: float = -0.1
    joint_share: float = 0.8
    control_gain: float = 0.0
    items: int = 50

    def tasks(self) -> list[tuple[str, str, str | None]]:
        """Group, task, domain: each expert has a task in all groups but BBH, which is the first expert's alone."""
        rows: list[tuple[str, str, str | None]] = []
        for group in self.groups:
            owners = list(self.midpoints)[:1] if group == "BBH" else list(self.midpoints)
            rows += [(group, f"{group}_{owner}".lower(), owner if self.domains else None) for owner in owners]
            rows.append((group, f"{group}_public".lower(), None))
        return rows

    def recovered(self, expert: str, rank: int | str) -> float:
        """The share of full's gain at a rank, 1 at saturation."""
        if rank == "full" or int(rank) >= CAPACITY:
            return 1.0
        return float(1 / (1 + np.exp(-3.0 * (np.log2(int(rank)) - np.log2(self.midpoints[expert])))))

    def probability(self, mixture: Mixture, task: str, domain: str | None) -> float:
        """The share of a task's items that a mixture answers."""
        public = 0.2 if domain else 0.7
        owner = task.rsplit("_", 1)[-1]
        if mixture.kind == "baseline":
            return public
        if mixture.kind == "control":
            return public + (self.control_gain if owner == mixture.experts[0] else 0.0)
        share = self.joint_share if mixture.kind == "joint" else 1.0
        ranks = dict(zip(mixture.experts, mixture.ranks, strict=True))
        if owner in ranks:
            return 0.2 + share * self.gain * self.recovered(owner, ranks[owner])
        worst = max(self.recovered(name, rank) for name, rank in ranks.items())
        return public + (self.foreign * worst if mixture.kind != "joint" else 0.0)

    def mixtures(self) -> list[Mixture]:
        """The grid, named as in a real study."""
        names = tuple(self.midpoints)
        ranks = (*self.ladder, "full") if self.full else self.ladder
        found = [Mixture("public", "baseline", (), (), 1, "0")]
        for name in names:
            found += [Mixture(_name(name, rank), "pair", (name,), (rank,), 2, str(rank)) for rank in ranks]
            found += [Mixture(_name(name, rank), "extra", (name,), (rank,), 2, str(rank)) for rank in self.extras]
            if self.controls:
                found.append(Mixture(f"{name}-random", "control", (name,), (self.ladder[-1],), 2, "random"))
        for active in self.active:
            for rank in ranks:
                joint = _name(f"joint-a{active}", rank)
                found.append(Mixture(joint, "joint", names, (rank,) * len(names), active, str(rank)))
            for rule, chosen in (("best", 32), ("best2", 16)):
                ranks_of = (chosen,) * len(names)
                found.append(Mixture(f"joint-a{active}-{rule}", "joint", names, ranks_of, active, rule))
        return found


def _name(prefix: str, rank: int | str) -> str:
    return f"{prefix}-full" if rank == "full" else f"{prefix}-r{rank}"


def make(made: Made, folder: Path) -> tuple[dict[str, Path], list[Recipe]]:
    """Write the score files of a made-up study; returns them by mixture, and the recipes."""
    files, recipes = {}, []
    for mixture in made.mixtures():
        tasks = {}
        for group, task, domain in made.tasks():
            # the same order of difficulty for every mixture, so that differences are paired
            order = np.random.default_rng(sum(task.encode())).permutation(made.items)
            items = (order + 0.5 < made.probability(mixture, task, domain) * made.items).astype(float)
            tasks[task] = {
                "group": group, "domain": domain, "metric": "acc", "score": items.mean(), "n": made.items,
                "stderr": items.std(ddof=1) / made.items**0.5, "items": items.tolist(), "unread": 0, "cut": 0,
                **({"answer": "written"} if group in WRITTEN else {"answer": "chosen", "chance": CHANCE}),
            }  # fmt: skip
        files[mixture.name] = folder / f"{mixture.name}.json"
        content = {"mixture": mixture.name, "fingerprint": "0", "tasks": tasks, "versions": {"lm_eval": "0.4.13"}}
        files[mixture.name].write_text(json.dumps(content))
        effective = tuple(rank if rank == "full" else min(rank, CAPACITY) for rank in mixture.ranks)
        size = 20_000 + sum(50_000 if rank == "full" else 600 * rank for rank in effective)
        recipes.append(Recipe(mixture, effective, {"total": size}, "0"))
    return files, recipes


def factors_of(made: Made) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Adapters and spectra of a made-up study: sigma_i = 1 / i."""
    sigma = 1 / np.arange(1, CAPACITY + 1)
    adapters, spectra = [], []
    for expert in made.midpoints:
        for rank in made.ladder:
            kept = (sigma[: min(rank, CAPACITY)] ** 2).sum() / (sigma**2).sum()
            error = max(1 - kept, 0.0) ** 0.5
            adapters.append([expert, rank, min(rank, CAPACITY), error, kept, 600 * rank, 2400 * rank])
        for layer in range(2):
            for projection in ("gate_proj", "up_proj", "down_proj"):
                value = (sigma * (1 + layer)).astype("float32")
                spectra += [[expert, layer, projection, i, v] for i, v in enumerate(value)]
    columns = ["expert", "rank", "effective_rank", "error", "energy", "parameters", "bytes"]
    return (
        pd.DataFrame(adapters, columns=columns),
        pd.DataFrame(spectra, columns=["expert", "layer", "projection", "index", "value"]),
    )
