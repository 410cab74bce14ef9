"""Repositories of models: the true client against a local hub that has the faults of the real one."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
import yaml
from hub_fixtures import CUT, REPOS, Fresh, edited
from local_hub import REFUSALS, Hub

from flexmore.checkpoints.family import read_source
from flexmore.errors import FlexmoreError
from flexmore.experts.acquire import acquire
from flexmore.files import sha256_of
from flexmore.hub.models import ModelHub


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


def test_pickles_alone_are_refused(hub: Hub, study: Fresh, tmp_path: Path) -> None:
    edited(hub, tmp_path, "math", lambda folder: [path.unlink() for path in folder.glob("model*")])  # type: ignore[func-returns-value, arg-type]
    with pytest.raises(FlexmoreError, match=r"no model\*\.safetensors; only safetensors are read, never pickles"):
        acquire(study(), "math", ModelHub(hub.url))


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
