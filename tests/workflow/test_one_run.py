"""A results folder belongs to one run at a time, whichever folder the runs are started in."""

import json
from pathlib import Path

from clones import Clone

from flexmore.cluster.owner import RECORD

SUITE = "smoke/suite/source.json"


def shared(clone: Clone, results: Path) -> str:
    """Let a clone's results be in a folder of that absolute path; return one output of a run."""
    clone.configure(lambda study: study.update(results=str(results)))
    return str(results / SUITE)


def test_a_run_from_another_folder_waits_its_turn_and_mixes_nothing(tmp_path: Path) -> None:
    first, second = Clone.make(tmp_path / "first"), Clone.make(tmp_path / "second")
    results = tmp_path / "results"
    target = shared(first, results)
    shared(second, results)
    second.configure(lambda study: study["evaluate"].update(limit=2))
    first.before("flexmore.suites.study_suite:write_suite", "__import__('time').sleep(600)")
    record, config = results / "smoke" / RECORD, results / "smoke" / "config.yaml"
    with first.started("snakemake", target, "--cores", "1", "--configfile", "smoke.yaml") as until:
        until(config.is_file)
        before = record.read_bytes(), config.read_bytes()
        refused = second.snakemake(target, check=False)
        assert refused.returncode != 0
        assert f"{results}/smoke belongs to a run that is alive (process " in refused.stdout
        assert "Traceback" not in refused.stdout
        step = second.run("flexmore", "suite", "--config", "smoke.yaml", check=False)
        assert step.returncode == 1
        assert "a run that is alive and has another configuration than smoke.yaml" in step.stdout
        assert (record.read_bytes(), config.read_bytes()) == before
    assert json.loads(before[0])["folder"] == str(first.folder)
    # the first was killed; nothing was made, so that another configuration may take over
    second.snakemake(target)
    assert json.loads(record.read_text())["folder"] == str(second.folder)
    assert json.loads(record.read_text())["ended"]
    assert "limit: 2" in config.read_text()


def test_finished_results_are_not_taken_for_those_of_another_configuration(copy: Clone, tmp_path: Path) -> None:
    other = Clone.make(tmp_path / "other")
    for clone in (copy, other):
        clone.configure(lambda study: study.update(results=str(copy.folder / "results")))
    scores = {path: path.read_bytes() for path in copy.results.rglob("*.json")}
    assert not other.planned()  # the same configuration finds everything made
    other.configure(lambda study: study["evaluate"].update(limit=2))
    for words in ([], ["--dry-run"]):
        refused = other.snakemake(*words, check=False)
        assert refused.returncode != 0
        assert "results of another configuration (evaluate), made in" in refused.stdout
    assert {path: path.read_bytes() for path in copy.results.rglob("*.json")} == scores
    refused = other.run("flexmore", "collect", "--config", "smoke.yaml", check=False)
    assert refused.returncode == 1
    assert "evaluated with limit null, this study has 2" in refused.stdout


def test_a_job_whose_configuration_was_changed_underneath_computes_nothing(clone: Clone) -> None:
    target = "results/" + SUITE
    clone.before("flexmore.suites.study_suite:write_suite", "raise AssertionError('it computed')")
    rules = clone.folder / "workflow" / "rules" / "acquire.smk"
    rules.write_text(
        rules.read_text().replace(
            "exec python -m flexmore suite",
            "sed -i 's/limit: null/limit: 2/' {params.config:q}; exec python -m flexmore suite",
        )
    )
    failed = clone.snakemake(target, check=False)
    assert failed.returncode != 0
    assert "config.yaml: changed since this job was planned" in failed.stdout
    assert "Traceback" not in failed.stdout
    assert not (clone.folder / target).exists()
