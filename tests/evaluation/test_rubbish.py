"""A mixture that answers rubbish: its scores are in every table."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny_suite import CHOICE, GENERATION, Loaded, write_suite

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import read_inputs
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.config.analysis import AnalysisSettings
from flexmore.config.evaluation import EvaluateSettings
from flexmore.evaluation.runner import SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.files import read_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe

RANKS = ("1", "2", "4", "8", "full")
HUGE = 1e6
RUBBISH = ("math-r4", "joint-a2-r4")


class Scaled(Loaded):
    """A model whose experts differ the more the higher the rank; of rubbish mixtures by a huge factor."""

    def set_mixture(self, mixture: Mixture) -> None:
        self.switched.append(mixture.name)
        scale = HUGE if mixture.name in RUBBISH else {"full": 1.2, "0": 0.0}.get(mixture.rank)
        scale = float(mixture.rank) / 8 if scale is None else scale
        with torch.no_grad():
            for layer, down in zip(self.model.model.layers, self._down, strict=True):
                layer.mlp.experts.down_proj[1] = down[1] * scale


def recipes() -> list[Recipe]:
    """The public model, pairs of two experts and their joint mixtures."""
    found = [Recipe(Mixture("public", "baseline", (), (), 1, "0"), (), {"total": 1000}, "public")]
    for prefix, experts in (("math", ("math",)), ("news", ("news",)), ("joint-a2", ("math", "news"))):
        for rank in RANKS:
            name = f"{prefix}-{rank}" if rank == "full" else f"{prefix}-r{rank}"
            kind = "joint" if len(experts) > 1 else "pair"
            ranks = (rank if rank == "full" else int(rank),) * len(experts)
            size = 1000 + sum(500 if rank == "full" else 10 * rank for rank in ranks)
            mixture = Mixture(name, kind, experts, ranks, 2, rank)
            found.append(Recipe(mixture, ranks, {"total": size}, name))
    return found


@pytest.fixture(scope="module")
def tables(words: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, pd.DataFrame]]:
    """The study, evaluated, collected and analysed: the collected tables' folder, and the others."""
    folder = tmp_path_factory.mktemp("rubbish")
    questions = [
        f"question the {a} {b}" for a in ("cat", "dog", "mat", "red") for b in ("sat", "red", "blue", "no", "on")
    ]
    choose = [{"q": q, "choices": ["yes", "no", "the cat"], "gold": i % 3} for i, q in enumerate(questions)]
    found = {
        "name": "found",
        "filter": [{"function": "regex", "regex_pattern": "^(cat.*)"}, {"function": "take_first"}],
    }
    generated = GENERATION | {"generation_kwargs": {"until": ["."], "max_gen_toks": 6}, "filter_list": [found]}
    answer = [{"q": q, "gold": "cat"} for q in questions]
    tasks = {"choose": (CHOICE, "acc", choose), "answer": (generated, "exact_match", answer)}
    suite = Suite.read(write_suite(folder / "suite", tasks))
    run = SweepRun(
        recipes(), Scaled(words), suite, folder / "cache", folder / "scores", EvaluateSettings(batch_tokens=500)
    )
    evaluate_sweep(run)
    files = {recipe.mixture.name: folder / "scores" / f"{recipe.mixture.name}.json" for recipe in recipes()}
    collect_scores(files, recipes(), folder / "tables")
    inputs = read_inputs(folder / "tables")
    return folder, analyze(inputs, AnalysisSettings(bootstrap_samples=200), {})


@pytest.mark.parametrize("name", RUBBISH)
def test_its_logits_are_finite_and_nearly_all_of_its_answers_unread(
    tables: tuple[Path, Mapping[str, pd.DataFrame]], name: str
) -> None:
    record = read_json(tables[0] / "scores" / f"{name}.json")["tasks"]["answer"]
    assert record["unread"] >= 0.9 * record["n"]
    assert record["score"] == pytest.approx(sum(record["items"]) / record["n"])
    unread = tables[1]["unread"].set_index(["mixture", "task"])
    assert unread.loc[(name, "answer"), "share"] >= 0.9
    assert record["score"] < 0.1
    others = unread.loc[[index for index in unread.index if index[0] not in RUBBISH]]
    assert others["share"].max() < 0.8


@pytest.mark.parametrize("name", RUBBISH)
def test_it_is_in_every_table_with_what_it_scored(tables: tuple[Path, Mapping[str, pd.DataFrame]], name: str) -> None:
    folder, made = tables
    record = read_json(folder / "scores" / f"{name}.json")["tasks"]
    inputs = read_inputs(folder / "tables")
    own = inputs.scores[inputs.scores["mixture"] == name].set_index("task")
    assert own["score"].to_dict() == {task: entry["score"] for task, entry in record.items()}
    assert inputs.items is not None
    items = inputs.items[inputs.items["mixture"] == name].set_index("task")["items"]
    assert {task: list(values) for task, values in items.items()} == {t: entry["items"] for t, entry in record.items()}
    mean = sum(entry["score"] for entry in record.values()) / len(record)  # a task a group
    for table, column in (("averages", "average"), ("parameters", "average")):
        rows = made[table].set_index("mixture")
        assert rows.loc[name, column] == pytest.approx(mean), table
    for table in ("gains", "gains_by_task"):
        rows = made[table][made[table]["mixture"] == name]
        assert len(rows) == len(made[table][made[table]["mixture"] == "news-r1"]) > 0, table
        assert rows["score"].notna().all()


def test_what_is_concluded_about_an_expert_rests_on_it_too(tables: tuple[Path, Mapping[str, pd.DataFrame]]) -> None:
    _, made = tables
    assert made["gaps"].empty
    assert "math" in set(made["r95"]["expert"])
    chosen = made["heldout"]
    assert {"math", "news"} <= set(chosen["expert"])
    assert set(made["joint"]["mixture"]) == {
        f"joint-a2-{rank}" if rank == "full" else f"joint-a2-r{rank}" for rank in RANKS
    }
    compared = made["comparisons"]
    assert len(compared[(compared["mixture"] == "joint-a2-r4") | (compared["other"] == "joint-a2-r4")]) >= 4
