"""Experts that were not branched from the same public model are refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from edited_checkpoints import copied, edit

from flexmore.checkpoints.family import check_family, check_shared
from flexmore.errors import CheckpointError
from flexmore.experts.acquire import acquire
from flexmore.experts.describe import describe
from flexmore.files import read_json, write_json


@pytest.mark.parametrize("part", ["self_attn.q_proj", "experts.0.down_proj", "mlp.gate.weight", "embed_tokens"])
def test_an_expert_of_another_public_model_is_refused_with_the_tensors_name(
    study_of: Any, family: Path, tmp_path: Path, part: str
) -> None:
    def nudge(weight: torch.Tensor) -> torch.Tensor:
        weight.view(-1)[0] += 1e-6  # row 0 of a router, one element elsewhere
        return weight

    study = study_of()
    other = copied(family / "code", tmp_path / "code")
    name = edit(other, part, nudge)
    shared = {n: describe(family / n, n)["public_tensors"] for n in ("public", "math")}
    shared["code"] = describe(other, "code")["public_tensors"]
    with pytest.raises(CheckpointError, match="math and code were not branched") as caught:
        check_shared(shared)
    assert name.replace("experts.0.", "").removesuffix(".weight") in str(caught.value)
    assert study.names == ("math", "news", "code")


def test_what_an_earlier_version_acquired_is_to_be_acquired_again(study_of: Any) -> None:
    study = study_of()
    for name in study.experts:
        acquire(study, name)
    path = study.paths.expert("news") / "source.json"
    write_json(path, {key: value for key, value in read_json(path).items() if key != "mixing_config"})
    with pytest.raises(CheckpointError, match=r"news/source\.json: no mixing_config, .*run `flexmore acquire news`"):
        check_family(study.paths, study.experts)


@pytest.mark.parametrize(("key", "value"), [("rope_theta", 10000.0), ("rms_norm_eps", 1e-5), ("tokenizer", "other")])
def test_an_expert_that_reads_its_weights_otherwise_is_refused(study_of: Any, key: str, value: object) -> None:
    study = study_of()
    for name in study.experts:
        acquire(study, name)
    path = study.paths.expert("news") / "source.json"
    content = read_json(path)
    write_json(path, content | {"public_config": content["public_config"] | {key: value}})
    with pytest.raises(CheckpointError, match=f"news: {key} is {value}, that of public is"):
        check_family(study.paths, study.experts)
