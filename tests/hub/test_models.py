"""Experts from the hub: the true client against a local hub that has the faults of the real one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from huggingface_hub import constants
from local_hub import REFUSALS, Hub
from safetensors.torch import load_file, save_file

from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.folder import needed_files
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.experts.acquire import acquire
from flexmore.files import sha256_of, write_json
from flexmore.hub import models as repositories
from flexmore.hub.models import ModelHub

REPOS = {"public": "made/Public-1T", "math": "made/Math-2x1T", "news": "made/News-2x1T"}
CUT = "model-00002-of-00004.safetensors"
Fresh = Callable[..., Study]


@pytest.fixture
def hub(server: Hub, family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The tiny family on the hub, with what is not needed beside it."""
    for name, repo in REPOS.items():
        shutil.copytree(family / name, tmp_path / "made" / name)
        for beside in ("pytorch_model.bin", "README.md", "consolidated.safetensors", "training_args.bin"):
            (tmp_path / "made" / name / beside).write_bytes(b"not needed")
        server.publish(repo, tmp_path / "made" / name)
    sleep = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: sleep(min(seconds, 0.01)))  # the client's waits between attempts
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)  # of less than one nothing is kept where it breaks
    monkeypatch.setattr(repositories, "_WATCH", 0.02)
    return server


@pytest.fixture
def study(tmp_path: Path) -> Fresh:
    def make(revision: str = "main", **changes: Any) -> Study:
        experts = {name: {"source": "hub", "repo": repo, "revision": revision} for name, repo in REPOS.items()}
        content = {
            "family": "made",
            "results": str(tmp_path / "results"),
            "experts": experts,
            "ranks": [4],
            "joint": {"active": [2], "selections": []},
        }
        return load_study(content | changes)

    return make


def edited(hub: Hub, tmp_path: Path, name: str, change: Callable[[Path], None]) -> str:
    """Commit a change of an expert's repository; the commit."""
    change(tmp_path / "made" / name)
    return hub.publish(REPOS[name], tmp_path / "made" / name)


def test_what_is_needed_comes_whole_and_is_recorded(hub: Hub, study: Fresh, family: Path) -> None:
    made = study()
    for name in made.experts:
        acquire(made, name, ModelHub(hub.url))
    folder, source = made.paths.expert("math"), read_source(made.paths, "math")
    there = {path.name for path in folder.iterdir()}
    assert there == {path.name for path in (family / "math").iterdir()} | {"source.json", "revision.json"}
    assert source["commit"] == hub.models[REPOS["math"]].branches["main"]
    assert source["files"].keys() == there - {"source.json", "revision.json"}
    for name, entry in source["files"].items():
        assert entry == {"size": (family / "math" / name).stat().st_size, "sha256": sha256_of(family / "math" / name)}
        assert (folder / name).read_bytes() == (family / "math" / name).read_bytes()
    assert not any(path.endswith((".bin", "README.md", "consolidated.safetensors")) for path in hub.asked)


def test_the_same_checkpoint_from_a_folder_has_the_same_fingerprint(hub: Hub, study: Fresh, study_of: Any) -> None:
    made, linked = study(), study_of()
    acquire(made, "math", ModelHub(hub.url))
    acquire(linked, "math")
    ours, theirs = read_source(made.paths, "math"), read_source(linked.paths, "math")
    assert {key: ours[key] for key in ("fingerprint", "files", "public_tensors", "sizes")} == {
        key: theirs[key] for key in ("fingerprint", "files", "public_tensors", "sizes")
    }


def test_again_fetches_nothing_and_mends_what_was_spoilt(hub: Hub, study: Fresh) -> None:
    made = study()
    acquire(made, "math", ModelHub(hub.url))
    before, path = read_source(made.paths, "math"), made.paths.expert("math") / CUT
    hub.sent.clear()
    acquire(made, "math", ModelHub(hub.url))
    assert not hub.sent
    path.write_bytes(b"spoilt")
    acquire(made, "math", ModelHub(hub.url))
    assert set(hub.sent) == {CUT}
    assert read_source(made.paths, "math") == before


def test_a_connection_that_is_cut_again_and_again_brings_every_byte_once(hub: Hub, study: Fresh, family: Path) -> None:
    hub.faults[CUT] = "cut"
    acquire(study(), "math", ModelHub(hub.url))
    size = (family / "math" / CUT).stat().st_size
    assert size > 2 * hub.step
    assert hub.sent[CUT] == size


def test_a_connection_that_dies_is_said_and_the_next_run_goes_on(hub: Hub, study: Fresh, family: Path) -> None:
    made = study()
    hub.faults[CUT] = "dead"
    with pytest.raises(FlexmoreError, match=rf"{CUT}: 2000 of \d+ bytes came, then the connection broke .*continues"):
        acquire(made, "math", ModelHub(hub.url))
    assert not (made.paths.expert("math") / "source.json").exists()
    assert not (made.paths.expert("math") / CUT).exists()
    hub.faults.clear()
    hub.sent.clear()
    acquire(made, "math", ModelHub(hub.url))
    assert hub.sent[CUT] == (family / "math" / CUT).stat().st_size - 2000


@pytest.mark.parametrize("name", [CUT, "config.json"])  # one in large file storage, one in git
def test_bytes_that_are_not_the_hubs_are_refused_and_removed(hub: Hub, study: Fresh, name: str) -> None:
    made = study()
    hub.faults[name] = "flipped"
    with pytest.raises(FlexmoreError, match=rf"{name} at \w+: found \d+ bytes with digest \w+, expected.*run again"):
        acquire(made, "math", ModelHub(hub.url))
    assert not [path for path in made.paths.expert("math").iterdir() if path.name.removeprefix(".").startswith(name)]
    hub.faults.clear()
    acquire(made, "math", ModelHub(hub.url))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("gated", "licence has to be accepted: open https://huggingface.co/made/Math-2x1T, accept it, then `hf auth"),
        ("hidden", "not readable with this token; see https://huggingface.co/made/Math-2x1T, then `hf auth login`"),
        ("absent", "not there, or not readable with this token"),
        ("unknown token", r"does not know this token \(401\); `hf auth login` or set HF_TOKEN again"),
        ("forbidden", r"not readable with this token \(403\); ask for access at https://huggingface.co/made/Math-2x1T"),
        ("busy", r"too many requests \(429\); wait some minutes and run again"),
        ("broken", r"an error \(503\); run again later"),
    ],
)
def test_a_refusal_says_what_to_do(hub: Hub, study: Fresh, state: str, said: str) -> None:
    assert set(REFUSALS) == {"hidden", "absent", "unknown token", "forbidden", "busy", "broken"}
    hub.states[REPOS["math"]] = state
    with pytest.raises(FlexmoreError, match=f"made/Math-2x1T: .*{said}"):
        acquire(study(), "math", ModelHub(hub.url))
    assert not hub.sent


def test_a_revision_that_is_not_there_is_said(hub: Hub, study: Fresh) -> None:
    with pytest.raises(FlexmoreError, match="made/Math-2x1T: revision v9 is not there any more"):
        acquire(study("v9"), "math", ModelHub(hub.url))


@pytest.mark.parametrize(("fault", "said"), [("missing", r"not there \(404\)"), ("busy", r"too many requests \(429\)")])
def test_a_file_that_is_refused_is_named(hub: Hub, study: Fresh, fault: str, said: str) -> None:
    hub.faults[CUT] = fault
    with pytest.raises(FlexmoreError, match=f"made/Math-2x1T/{CUT}: 0 of .*{said}"):
        acquire(study(), "math", ModelHub(hub.url))


def test_no_network_is_said(study: Fresh) -> None:
    with pytest.raises(FlexmoreError, match=r"the hub did not answer .* run this where there is a network"):
        acquire(study(), "math", ModelHub("http://127.0.0.1:1"))


def test_a_disk_that_is_too_small_is_found_before_the_first_byte(
    hub: Hub, study: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6 - 5000, 5000))
    with pytest.raises(FlexmoreError, match=r"[\d,]+ bytes to download, and the disk of .* has 5,000 free; make"):
        acquire(study(), "math", ModelHub(hub.url))
    assert not hub.sent


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


def test_pickles_alone_are_refused(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    edited(hub, tmp_path, "math", lambda folder: [path.unlink() for path in folder.glob("model*")])  # type: ignore[func-returns-value, arg-type]
    with pytest.raises(FlexmoreError, match=r"no model\*\.safetensors; only safetensors are read, never pickles"):
        acquire(study(), "math", ModelHub(hub.url))


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


def test_which_files_are_needed() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = "model.safetensors.index.json"
    assert needed_files(["README.md", "model.safetensors", "config.json"]) == ["config.json", "model.safetensors"]
    assert needed_files(["model.safetensors", index, *shards, "optimizer.pt"]) == [*shards, index]
    assert needed_files(["a/model.safetensors", "pytorch_model.bin", "model.py"]) == []


def test_the_command_line_goes_on_after_a_kill(hub: Hub, study: Fresh, tmp_path: Path, family: Path) -> None:
    """By HF_ENDPOINT and a process of its own, which is killed in the middle of a file."""
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study().model_dump(mode="json"), sort_keys=False))
    hub.faults[CUT], hub.step = "cut", 10  # some ten bytes a second
    start = (
        "import huggingface_hub.constants as c, flexmore.cli.app; c.DOWNLOAD_CHUNK_SIZE = 5; flexmore.cli.app.main()"
    )
    command = [sys.executable, "-c", start, "acquire", "math", "--config", str(tmp_path / "study.yaml")]
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    process = subprocess.Popen(command, env=environment)
    while hub.sent[CUT] < 20:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    folder, size = study().paths.expert("math"), (family / "math" / CUT).stat().st_size
    assert not (folder / "source.json").exists()
    [incomplete] = folder.glob(f".{CUT}.*.incomplete")
    have = incomplete.stat().st_size
    assert 10 <= have < size
    hub.faults.clear()
    hub.sent.clear()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert hub.sent[CUT] == size - have
    assert read_source(study().paths, "math")["files"][CUT]["size"] == size
