"""The paper's shapes on random weights: a layer of 4096 by 11008, seven experts, bf16, to the forward within 8 GB."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import true_shapes

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]
ROOT = Path(__file__).parents[2]


def run(*words: str) -> dict[str, Any]:
    """Run a step in a process of its own, print its peak memory and return what it prints."""
    done = subprocess.run(
        [sys.executable, true_shapes.__file__, *words], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"peak {found['peak'] / 2**30:.2f} GiB")
    return found


def planned(root: Path, names: list[str]) -> int:
    """Bytes that `flexmore plan` expects of that process: a batch of 64 tokens, mapped files included."""
    from flexmore.config.loading import load_study
    from flexmore.experts.study_sizes import sizes_of
    from flexmore.mixtures.grid import find_sweep
    from flexmore.planning.memory import evaluate_memory

    experts = {name: {"source": "folder", "path": str(root / name)} for name in ("public", *names)}
    study = load_study({
        "family": "random", "results": str(root / "results"), "ranks": [16, 256, "full"], "experts": experts,
        "joint": {"active": [2], "selections": []}, "evaluate": {"batch_tokens": 64},
    })  # fmt: skip
    return evaluate_memory(study, sizes_of(study), find_sweep(study, "joint-a2"), [], on_gpu=False).resident


def test_seven_experts_from_folder_to_forward_within_8_gb(tmp_path: Path) -> None:
    from flexmore.architectures.tensor_names import PROJECTIONS
    from flexmore.checkpoints.reader import Checkpoint

    names = ["code", "creative", "math", "news", "pes2o", "reddit"]
    assert run("study", str(tmp_path), *names)["peak"] < 8e9
    forward = run("forward", str(tmp_path))
    assert forward["peak"] < 8e9
    assert forward["finite"]
    assert forward["differ"]
    assert forward["dtypes"] == ["torch.bfloat16"]
    assert forward["peak"] == pytest.approx(planned(tmp_path, names), rel=0.25)
    dense, factored = Checkpoint(tmp_path / "flexolmo"), Checkpoint(tmp_path / "flexmore")
    saturated, math = Checkpoint(tmp_path / "saturated"), Checkpoint(tmp_path / "math")
    for projection in PROJECTIONS:
        assert dense.expert_weight(0, 3, projection).equal(factored.expert_weight(0, 3, projection))
        assert saturated.expert_weight(0, 3, projection).equal(math.expert_weight(0, 1, projection))
    size = sum(path.stat().st_size for path in (tmp_path / "flexmore").glob("*.safetensors"))
    assert size < 0.35 * sum(path.stat().st_size for path in (tmp_path / "flexolmo").glob("*.safetensors"))


def test_a_whole_expert_on_a_gpu(tmp_path: Path) -> None:
    """32 layers through factorize; prints its time."""
    import time

    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    from benchmarks.made import write_model
    from flexmore.checkpoints.reader import Checkpoint
    from flexmore.config.factors import FactorSettings
    from flexmore.factors.factorize import factorize_expert
    from flexmore.factors.store import FactorStore

    pair = write_model(tmp_path / "pair", "math", hidden=4096, ffn=11008, layers=32, dtype=torch.bfloat16)
    start = time.perf_counter()
    factorize_expert(Checkpoint(pair), "random", tmp_path / "factors", FactorSettings(device="cuda"), "math")
    seconds, memory = time.perf_counter() - start, torch.cuda.max_memory_allocated() / 2**30
    print(f"{torch.cuda.get_device_name()}: {seconds:.0f} s, {memory:.1f} GiB of its memory")
    assert FactorStore(tmp_path / "factors").rank == 4096
