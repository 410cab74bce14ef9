"""The files that `collect` reads: when all of them are there, a study is complete."""

from collections.abc import Iterable
from pathlib import Path

from flexmore.config.study import Study
from flexmore.mixtures.grid import sweeps


def score_files(study: Study) -> dict[str, Path]:
    """Return the file of each mixture's scores, by mixture."""
    folder = study.paths.scores
    return {m.name: folder(sweep.name) / f"{m.name}.json" for sweep in sweeps(study) for m in sweep.mixtures}


def adapter_files(study: Study, experts: Iterable[str]) -> list[Path]:
    """Return the files that say what each of the experts keeps and costs at each rank."""
    ranks = (*study.ladder, *study.extra_ranks)
    return [study.paths.adapters(name) / f"r{rank}.json" for name in experts for rank in ranks]
