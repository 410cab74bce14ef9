"""A study whose every name that a user chooses would mean something else to a shell."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from clones import Clone
from tiny_family import SIZES, write_family
from tiny_suite import all_kinds, build_tokenizer, write_suite

ODD = """it's a "study" & $HOME; (ü) #1"""
GROUP = "MC 9 & more/$HOME"


@pytest.fixture
def odd(tmp_path: Path) -> Clone:
    """A clone in such a folder, with a study whose results, suite, experts and configuration are called so too."""
    clone = Clone.make(tmp_path / ODD)
    given = Path("given", ODD)
    kinds = all_kinds()
    folder = write_suite(clone.folder / given / "suite", {name: kinds[name] for name in ("single", "stops")})
    (folder / "index.json").write_text((folder / "index.json").read_text().replace('"MC9"', f'"{GROUP}"'))
    tokenizer = build_tokenizer("words")
    write_family(clone.folder / given, ["null"], SIZES | {"vocab_size": len(tokenizer)}, tokenizer, shard="10KB")
    content: dict[str, Any] = {
        "family": "odd",
        "results": f"my results {ODD}",
        "experts": {name: {"source": "folder", "path": str(given / name)} for name in ("public", "null")},
        "ranks": [2, "full"],
        "joint": {"active": [2], "selections": []},
        "suite": {"source": "folder", "path": str(given / "suite")},
        "evaluate": {"jobs": "mixture-group", "limit": 3},
        "analysis": {"reasoning": ["BBH"], "knowledge": [GROUP]},
    }
    (clone.folder / f"{ODD}.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return Clone(clone.folder, f"{ODD}.yaml", "odd")


def test_every_name_reaches_its_job_as_it_is(odd: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", str(tmp_path / f"a node's {ODD}"))
    before = {path.name for path in odd.folder.iterdir()}
    folder = f"my results {ODD}/odd/scores/null"
    assert "evaluate sweep null from its parts" in odd.planned(folder)
    stage = ("--set-resources", "evaluate_part:stage=$STAGE/of mine")
    odd.run("snakemake", folder, "--cores", "1", "--configfile", odd.config, *stage)
    assert {path.name for path in odd.folder.iterdir()} - before == {f"my results {ODD}", ".snakemake"}
    results = odd.folder / f"my results {ODD}" / "odd"
    scores = json.loads((results / "scores" / "null" / "null-r2.json").read_text())
    assert [task["group"] for task in scores["tasks"].values()] == [GROUP, "BBH"]
    assert (results / "experts" / "null" / "config.json").is_file()
    parts = sorted(path.name for path in (results / "logs" / "evaluate" / "null").iterdir())
    assert parts == [
        f"null-{rank}.{group}.log" for rank in ("full", "r2") for group in ("BBH", "MC%209%20%26%20more%2F%24HOME")
    ]
    said = [path.read_text() for path in (results / "logs" / "evaluate" / "null").iterdir()]
    assert sum(len(re.findall(r"^.*a node's .*/of mine/.*/experts/null: staged, ", text, re.M)) for text in said) == 1


@pytest.mark.parametrize("results", ["my {results}", "a\nb", "tab\there"])
def test_what_snakemake_would_read_as_more_than_a_name_is_refused(odd: Clone, results: str) -> None:
    odd.configure(lambda study: study.update(results=results))
    done = odd.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    assert "since Snakemake would read it as more than a name" in done.stdout
    assert "Traceback" not in done.stdout
