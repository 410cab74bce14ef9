"""Experts acquired from a folder or from the hub: checked before the weights, pinned, linked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_checkpoints import copied, edit
from hub_fixtures import CUT, Fresh, edited
from local_hub import Hub
from safetensors.torch import load_file, save_file

from flexmore.checkpoints.family import check_family, read_source
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.experts.acquire import acquire
from flexmore.files import write_json
from flexmore.hub.models import ModelHub


def test_a_family_from_folders_is_linked_and_described(study_of: Any, family: Path) -> None:
    study = study_of()
    for name in study.experts:
        acquire(study, name)
    check_family(study.paths, study.experts)
    folder = study.paths.expert("math")
    assert all(path.is_symlink() for path in folder.iterdir() if path.name != "source.json")
    assert read_source(study.paths, "math")["fingerprint"] != read_source(study.paths, "news")["fingerprint"]
    acquire(study, "math")  # again: links are replaced, the user's files stay
    assert (family / "math" / "config.json").is_file()


def test_the_same_checkpoint_from_a_folder_has_the_same_fingerprint(hub: Hub, study: Fresh, study_of: Any) -> None:
    made, linked = study(), study_of()
    acquire(made, "math", ModelHub(hub.url))
    acquire(linked, "math")
    ours, theirs = read_source(made.paths, "math"), read_source(linked.paths, "math")
    assert {key: ours[key] for key in ("fingerprint", "files", "public_tensors", "sizes")} == {
        key: theirs[key] for key in ("fingerprint", "files", "public_tensors", "sizes")
    }


def test_a_revision_that_moved_is_refused_until_told(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    made = study()
    acquire(made, "math", ModelHub(hub.url))
    first = read_source(made.paths, "math")["commit"]
    (made.paths.expert("math") / "source.json").unlink()  # as Snakemake does
    second = edited(hub, tmp_path, "math", lambda folder: (folder / "generation_config.json").write_text("{}\n"))
    with pytest.raises(FlexmoreError, match=f"main was {first} .* is {second} now; .*`revision: {first}`.*--update"):
        acquire(made, "math", ModelHub(hub.url))
    hub.sent.clear()
    acquire(study(first), "math", ModelHub(hub.url))  # named, it is not lost
    assert read_source(made.paths, "math")["commit"] == first
    assert not hub.sent
    acquire(made, "math", ModelHub(hub.url), update=True)
    assert read_source(made.paths, "math")["commit"] == second
    assert set(hub.sent) == {"generation_config.json"}
    acquire(made, "math", ModelHub(hub.url))


def configured(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", content | changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: configured(f, architectures=["LlamaForCausalLM"]), "LlamaForCausalLM; expected Olmo2"),
        (lambda f: configured(f, num_experts=7), "7 experts; expected 2 for an expert's checkpoint"),
        (
            lambda f: configured(f, hidden_size=32),
            "hidden is 32, the configuration's `sizes` states 16; correct",
        ),
        (lambda f: (f / CUT).unlink(), f"it names {CUT}, which is missing"),
    ],
)
def test_what_the_small_files_tell_comes_before_the_weights(
    hub: Hub, study: Fresh, tmp_path: Path, change: Callable[[Path], None], said: str
) -> None:
    edited(hub, tmp_path, "math", change)
    sizes = {"hidden": 16, "ffn": 24, "layers": 2, "vocabulary": 48, "heads": 2, "key_value_heads": 2}
    with pytest.raises(CheckpointError, match=said):
        acquire(study(sizes=sizes), "math", ModelHub(hub.url))
    assert not any(name.endswith(".safetensors") for name in hub.sent)


def test_a_truncated_file_on_the_hub_is_named(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    edited(hub, tmp_path, "math", lambda f: (f / CUT).write_bytes((f / CUT).read_bytes()[:-100]) and None)
    with pytest.raises(CheckpointError, match=f"{CUT}: not a whole safetensors file"):
        acquire(study(), "math", ModelHub(hub.url))


@pytest.mark.parametrize("source", ["hub", "folder"])
def test_an_expert_of_another_public_model_is_refused_when_it_is_acquired(
    hub: Hub, study: Fresh, tmp_path: Path, source: str
) -> None:
    def nudge(folder: Path) -> None:
        tensors = load_file(folder / CUT)
        name = next(name for name in tensors if ".experts.1." not in name)
        tensors[name] = torch.nextafter(tensors[name], tensors[name] + 1)
        save_file(tensors, folder / CUT, metadata={"format": "pt"})

    edited(hub, tmp_path, "math", nudge)
    made = study()
    acquire(made, "public", ModelHub(hub.url))
    if source == "folder":
        given = {"source": "folder", "path": str(tmp_path / "made" / "math")}
        made = study(experts={"public": made.experts["public"].model_dump(), "math": given})
    with pytest.raises(CheckpointError, match=r"public and math were not branched|math and public were not branched"):
        acquire(made, "math", ModelHub(hub.url))
    assert not (made.paths.expert("math") / "source.json").exists()


def test_a_folder_links_only_what_is_needed(hub: Hub, study: Fresh, tmp_path: Path, family: Path) -> None:
    given = {name: {"source": "folder", "path": str(tmp_path / "made" / name)} for name in ("public", "math")}
    made = study(experts=given)
    acquire(made, "math")
    there = {path.name for path in made.paths.expert("math").iterdir()}
    assert there == {path.name for path in (family / "math").iterdir()} | {"source.json"}


def test_a_checkpoint_in_the_experts_own_folder_is_not_replaced_by_links_to_itself(study_of: Any, family: Path) -> None:
    """An imported expert, say, whose family a study continues in the same results folder."""
    study = study_of()
    own = copied(family / "math", study.paths.expert("math"))
    weights = {path.name: path.read_bytes() for path in own.iterdir()}
    given = {name: source.model_dump() for name, source in study.experts.items()}
    study = study_of(experts=given | {"math": {"source": "folder", "path": str(own)}})
    acquire(study, "math")
    assert {path.name: path.read_bytes() for path in own.iterdir() if path.name != "source.json"} == weights
    inner = copied(family / "math", own / "inner")
    study = study_of(experts=given | {"math": {"source": "folder", "path": str(inner)}})
    with pytest.raises(FlexmoreError, match=r"experts\.math\.path: .*/inner lies in .*math, which is replaced"):
        acquire(study, "math")
    assert (inner / "config.json").is_file()


def test_an_expert_that_is_refused_leaves_the_one_before(study_of: Any, family: Path, tmp_path: Path) -> None:
    study = study_of()
    acquire(study, "math")
    given = {name: source.model_dump() for name, source in study.experts.items()}
    before = read_source(study.paths, "math")
    spoilt = copied(family / "math", tmp_path / "spoilt")
    edit(spoilt, "experts.1.up_proj", lambda weight: weight.fill_(float("nan")))
    with pytest.raises(CheckpointError, match=r"spoilt: tensor .* holds NaN"):
        acquire(study_of(experts=given | {"math": {"source": "folder", "path": str(spoilt)}}), "math")
    assert read_source(study.paths, "math") == before
    assert all(path.resolve().parent == family / "math" for path in study.paths.expert("math").glob("*.safetensors"))


def test_a_link_in_an_experts_place_loses_the_link_alone(
    hub: Hub, study: Fresh, study_of: Any, family: Path, tmp_path: Path
) -> None:
    """Somebody linked a folder of models to where the expert is to be: nothing is removed there."""
    mine = copied(family / "math", tmp_path / "models")
    (mine / "notes.txt").write_text("mine")
    made, linked = study(), study_of(results=str(tmp_path / "linked"))
    for paths in (made.paths, linked.paths):
        paths.expert("math").parent.mkdir(parents=True, exist_ok=True)
        paths.expert("math").symlink_to(mine)
    with pytest.raises(FlexmoreError, match=r"math: a link to .*/models; expected a folder, .*source: folder, path"):
        acquire(made, "math", ModelHub(hub.url))
    acquire(linked, "math")
    assert not linked.paths.expert("math").is_symlink()
    assert (mine / "notes.txt").read_text() == "mine"
    assert len(list(mine.iterdir())) == len(list((family / "math").iterdir())) + 1
