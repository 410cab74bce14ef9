"""Factorization into a store: against SVDs, resumed by layer, cut to a rank."""

from pathlib import Path
from typing import Any

import pytest
import torch
from deltas import expert_delta

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import recipe_from_disk
from flexmore.errors import FlexmoreError
from flexmore.factors import factorize as factors
from flexmore.factors.factorize import factorize_expert
from flexmore.factors.store import FactorStore
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe


def test_the_store_holds_the_truncated_svd_of_every_delta(composed: Any) -> None:
    store = FactorStore(composed.paths.factors("math"))
    for layer in range(2):
        for projection in PROJECTIONS:
            delta = expert_delta(composed.paths.expert("math"), layer, projection)
            u, s, vt = torch.linalg.svd(delta, full_matrices=False)
            for rank in (0, 1, 5, 16):
                a, b = store.prefix(layer, projection, rank)
                best = (u[:, :rank] * s[:rank]) @ vt[:rank]
                torch.testing.assert_close((b.T @ a).double(), best, atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(store.singular_values(layer, projection).double(), s, rtol=1e-5, atol=1e-6)


def test_a_killed_factorization_goes_on_at_the_next_layer(
    composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, out = Checkpoint(composed.paths.expert("math")), tmp_path / "store"
    done: list[int] = []
    real = factors._factorize_layer

    def counted(checkpoint: Checkpoint, layer: int, *rest: Any) -> Any:
        if layer == 1 and not done[1:]:
            done.append(-1)
            raise KeyboardInterrupt
        done.append(layer)
        return real(checkpoint, layer, *rest)

    monkeypatch.setattr(factors, "_factorize_layer", counted)
    with pytest.raises(KeyboardInterrupt):
        factorize_expert(checkpoint, "source", out, composed.factors, "math")
    assert [path.name for path in out.iterdir()] == ["layer-00.safetensors"]
    factorize_expert(checkpoint, "source", out, composed.factors, "math")
    assert done == [0, -1, 1]
    same = composed.paths.factors("math")
    assert (out / "layer-01.safetensors").stat().st_size == (same / "layer-01.safetensors").stat().st_size
    factorize_expert(checkpoint, "another source", out, composed.factors, "math")
    assert done == [0, -1, 1, 0, 1], "layers made from another checkpoint are not believed"


def test_an_index_never_vouches_for_layers_that_are_being_replaced(
    composed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, out = Checkpoint(composed.paths.expert("math")), composed.paths.factors("math")

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    assert FactorStore(out).fingerprint
    monkeypatch.setattr(factors, "_factorize_layer", fail)
    with pytest.raises(KeyboardInterrupt):
        factorize_expert(checkpoint, "another source", out, composed.factors, "math")
    with pytest.raises(FlexmoreError, match=r"index\.json: not found"):
        FactorStore(out)


def test_a_store_may_be_cut_and_saturated_ranks_are_then_the_experts_own(composed: Any, tmp_path: Path) -> None:
    paths = composed.paths
    checkpoint, source = Checkpoint(paths.expert("math")), read_source(paths, "math")["fingerprint"]
    whole = FactorStore(paths.factors("math"))
    full, part = whole.prefix(1, "up_proj", 4), whole.folder / "layer-01.safetensors"
    size = part.stat().st_size
    settings = composed.factors.model_copy(update={"max_rank": 4})
    factorize_expert(checkpoint, source, paths.factors("math"), settings, "math")
    assert part.stat().st_size == size, "a store that holds more serves as it is"
    for path in paths.factors("math").iterdir():
        path.unlink()
    factorize_expert(checkpoint, source, paths.factors("math"), settings, "math")
    cut = FactorStore(paths.factors("math"))
    assert (cut.rank, cut.fingerprint) == (4, whole.fingerprint)
    assert part.stat().st_size < size / 2
    assert all(torch.equal(a, b) for a, b in zip(cut.prefix(1, "up_proj", 4), full, strict=True))
    assert len(cut.singular_values(1, "up_proj")) == 16, "the spectrum is whole"
    pair = {name: Recipe.read(paths.recipe(name)).mixture for name in ("math-r4", "math-r16", "math-r32", "math-full")}
    cooked = {name: recipe_from_disk(paths, mixture, None) for name, mixture in pair.items()}
    assert cooked["math-r4"].fingerprint == Recipe.read(paths.recipe("math-r4")).fingerprint
    assert cooked["math-r16"].effective_ranks == cooked["math-r32"].effective_ranks == ("full",)
    assert cooked["math-r16"].fingerprint == cooked["math-full"].fingerprint
    middle = Mixture("math-r8", "pair", ("math",), (8,), 2, "8")
    with pytest.raises(FlexmoreError, match=r"rank 8 of math, whose store holds 4.*raise factors\.max_rank"):
        recipe_from_disk(paths, middle, None)
    factorize_expert(checkpoint, source, paths.factors("math"), composed.factors, "math")
    assert part.stat().st_size == size, "one that holds less is made again"


def test_factors_that_do_not_fit_are_refused(composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(composed.paths.expert("math"))
    real = checkpoint.expert_weight
    monkeypatch.setattr(checkpoint, "expert_weight", lambda *place: real(*place) * (1e12 if place[1] else 0))
    half = composed.factors.model_copy(update={"dtype": "float16"})
    with pytest.raises(FlexmoreError, match=r"found factors beyond the range of torch\.float16; set factors\.dtype"):
        factorize_expert(checkpoint, "source", tmp_path / "store", half, "math")


def test_a_nan_is_named_with_file_and_tensor(composed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint(composed.paths.expert("math"))
    real = checkpoint.expert_weight
    monkeypatch.setattr(checkpoint, "expert_weight", lambda *place: real(*place) * (float("nan") if place[0] else 1))
    said = r"safetensors: tensor model\.layers\.1\.mlp\.experts\.1\.gate_proj\.weight minus the public.*holds NaN"
    with pytest.raises(FlexmoreError, match=said):
        factorize_expert(checkpoint, "source", tmp_path / "store", composed.factors, "math")
