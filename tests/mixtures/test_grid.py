"""Which mixtures there are, what they weigh, and when two of them are the same."""

from pathlib import Path

import pytest

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.loading import load_study
from flexmore.errors import FlexmoreError
from flexmore.mixtures.grid import Mixture, counts, grid, sweeps
from flexmore.mixtures.parameters import count_parameters
from flexmore.mixtures.recipe import Recipe, make_recipe

PAPER = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)
SIX = ("code", "creative", "math", "news", "pes2o", "reddit")
POCKET = ModelSizes(hidden=64, ffn=256, layers=3, vocabulary=320, heads=4, key_value_heads=4)


def test_the_study_has_150_mixtures_with_the_names_of_the_words() -> None:
    mixtures = grid(load_study(Path("config/config.yaml")))
    found = counts(mixtures)
    assert (found["baseline"], found["pair"], found["joint"]) == (1, 96, 54)
    names = [mixture.name for mixture in mixtures]
    assert len(set(names)) == len(names)
    assert {"math-r16", "math-full", "joint-a4-r16", "joint-a4-full", "joint-a4-best", "joint-a7-best2"} <= set(names)
    assert {m.rank for m in mixtures if m.kind == "extra"} == {"3", "6", "12", "24", "48"}
    assert all(len(m.experts) == 1 for m in mixtures if m.kind in ("extra", "control"))


def test_a_sweep_loads_one_backbone() -> None:
    found = sweeps(load_study(Path("config/config.yaml")))
    for sweep in found:
        assert {mixture.experts for mixture in sweep.mixtures} == {sweep.experts}
    assert [sweep.name for sweep in found if any(m.selected for m in sweep.mixtures)] == [
        "joint-a2-selected",
        "joint-a4-selected",
        "joint-a7-selected",
    ]


def test_parameters_of_the_published_models() -> None:
    """Computed from the published configuration (FlexOlmo, arXiv 2507.07024): 7.30B public, 33.27B all full."""
    assert count_parameters(PAPER, {}, 1)["total"] == 7_298_617_344
    assert PAPER.full_expert == 4_328_521_728
    assert PAPER.per_rank == 1_449_984
    full = count_parameters(PAPER, dict.fromkeys(SIX, "full"), 7)
    assert full["total"] == full["active"] == 33_270_665_216
    assert full["total"] == full["backbone"] + full["public"] + full["routers"] + sum(full["experts"].values())


def test_parameters_are_those_of_transformers_model() -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    config = transformers.FlexOlmoConfig(
        vocab_size=320, hidden_size=64, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        num_experts=7, pad_token_id=0,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.FlexOlmoForCausalLM(config)
    assert count_parameters(POCKET, dict.fromkeys(SIX, "full"), 7)["total"] == model.num_parameters()


def test_a_saturated_rank_weighs_and_is_what_the_largest_is() -> None:
    assert count_parameters(POCKET, {"math": 16384}, 2) == count_parameters(POCKET, {"math": 64}, 2)


def _cooked(rank: object, *, active: int = 2, expert: str = "e", factors: str = "f", kind: str = "pair") -> Recipe:
    mixture = Mixture("m", kind, ("math",), (rank,), active, "random" if kind == "control" else str(rank))  # type: ignore[arg-type]
    return make_recipe(mixture, POCKET, {"public": "p", "math": expert}, {"math": factors})


def test_recipes_share_a_fingerprint_only_where_the_weights_are_the_same() -> None:
    reference = _cooked(64)
    assert _cooked(128).fingerprint == _cooked(16384).fingerprint == reference.fingerprint
    others = [
        _cooked(32),
        _cooked("full"),
        _cooked(64, active=1),
        _cooked(64, expert="other"),
        _cooked(64, factors="other"),
        _cooked(64, kind="control"),
    ]
    prints = [recipe.fingerprint for recipe in (reference, *others)]
    assert len(set(prints)) == len(prints)
    assert _cooked("full", factors="other").fingerprint == _cooked("full").fingerprint


def test_a_recipe_survives_the_disk(tmp_path: Path) -> None:
    from flexmore.files import write_json

    recipe = _cooked(16)
    write_json(tmp_path / "m.json", recipe.to_json("pocket"))
    assert Recipe.read(tmp_path / "m.json") == recipe
    (tmp_path / "m.json").write_text('{"name": "m"}')
    with pytest.raises(FlexmoreError, match="not a recipe"):
        Recipe.read(tmp_path / "m.json")
