"""The sizes of a study's models, before anything is acquired."""

from typing import Any

import pytest

from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.reader import Checkpoint
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.experts.study_sizes import sizes_of

HUB = {name: {"source": "hub", "repo": f"made/{name}"} for name in ("public", "math", "news", "code")}
STATED = {"hidden": 8, "ffn": 16, "layers": 2, "vocabulary": 50, "heads": 2, "key_value_heads": 1}


def test_of_a_folder_they_are_its_checkpoints(study_of: Any, family: Any) -> None:
    assert sizes_of(study_of()) == Checkpoint(family / "public").sizes


def test_of_a_hub_they_must_be_stated(study_of: Any) -> None:
    assert sizes_of(study_of(experts=HUB, sizes=STATED)) == ModelSizes(**STATED)
    with pytest.raises(FlexmoreError, match=r"made/public are not known here; run `flexmore acquire public`"):
        sizes_of(study_of(experts=HUB))


def test_a_stated_architecture_that_is_not_known_is_refused(study_of: Any) -> None:
    with pytest.raises(FlexmoreError, match=r"sizes.architecture gpt2; expected olmo2"):
        sizes_of(study_of(experts=HUB, sizes=STATED | {"architecture": "gpt2"}))


def test_of_the_pocket_they_are_the_configurations(study_of: Any) -> None:
    pocket = {name: {"source": "pocket"} for name in ("public", "math")}
    found = sizes_of(study_of(experts=pocket, joint={"active": [2], "selections": []}, pocket={"hidden": 24}))
    assert found.hidden == 24
    assert found.vocabulary > 0


def test_another_architecture_is_refused_with_the_file(study_of: Any, tmp_path: Any) -> None:
    (tmp_path / "llama").mkdir()
    (tmp_path / "llama" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    experts = {"public": {"source": "folder", "path": str(tmp_path / "llama")}, "math": HUB["math"]}
    study = study_of(experts=experts, joint={"active": [2], "selections": []})
    with pytest.raises(CheckpointError, match=r"llama/config\.json: architecture LlamaForCausalLM; expected Olmo2"):
        sizes_of(study)
