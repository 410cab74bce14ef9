"""Bytes to download, as a hub states them."""

from pathlib import Path
from typing import Any

from local_hub import Hub

from flexmore.config.loading import load_study
from flexmore.experts.study_sizes import sizes_of
from flexmore.hub.models import ModelHub
from flexmore.planning.downloads import ask_hub
from flexmore.planning.plan import plan
from flexmore.suites.study_suite import tasks_of


def test_the_hub_is_asked_for_sizes_and_sends_nothing(server: Hub, family: Path, tmp_path: Path) -> None:
    experts = {name: {"source": "hub", "repo": f"made/{name}"} for name in ("public", "math")}
    for name in experts:
        server.publish(f"made/{name}", family / name)
    sizes = {"hidden": 16, "ffn": 24, "layers": 2, "vocabulary": 48, "heads": 2, "key_value_heads": 2}
    joint: dict[str, Any] = {"active": [2], "selections": []}
    given: dict[str, Any] = {"family": "made", "results": str(tmp_path), "experts": experts, "ranks": [4]}
    study = load_study(given | {"joint": joint, "sizes": sizes})
    found = ask_hub(study, ModelHub(server.url))
    assert found == {name: sum(path.stat().st_size for path in (family / name).iterdir()) for name in experts}
    assert not server.sent
    content = plan(study, sizes_of(study), tasks_of(study), found)
    assert [entry["to_fetch"] for entry in content["acquire"]] == list(found.values())
