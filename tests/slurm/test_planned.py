"""Jobs on a cluster compute with the configuration that they were planned with."""

import json
import subprocess

import pytest
from clones import Clone
from slurm_cluster import NO_ACCOUNTING, SOON, STUDY, Cluster

from flexmore.cluster.owner import RECORD

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

OPTIONS = (*STUDY, *SOON, *NO_ACCOUNTING)
PUBLIC = "results/smoke/experts/public/source.json"


def test_an_edit_of_the_configuration_does_not_reach_jobs_in_the_queue(clone: Clone, plain: Cluster) -> None:
    before = (clone.folder / "smoke.yaml").read_text()
    subprocess.run(["scontrol", "update", "PartitionName=cpu", "State=DOWN"], check=True)
    try:
        with clone.started("snakemake", *OPTIONS, "--", PUBLIC) as until:
            until(lambda: bool(plain.jobs(clone.folder, "acquire")))
            owner = json.loads((clone.results / RECORD).read_text())
            assert not owner["ended"]
            clone.configure(lambda study: study.update(seed=5, family="other", ranks=[2]))
            subprocess.run(["scontrol", "update", "PartitionName=cpu", "State=UP"], check=True)
            until(lambda: (clone.folder / PUBLIC).is_file())
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=cpu", "State=UP"], check=True)
    assert "seed: 0" in (clone.results / "config.yaml").read_text()
    (clone.folder / "smoke.yaml").write_text(before)


def test_a_job_whose_configuration_was_changed_underneath_computes_nothing(clone: Clone, plain: Cluster) -> None:
    subprocess.run(["scontrol", "update", "PartitionName=cpu", "State=DOWN"], check=True)
    try:
        with clone.started("snakemake", *OPTIONS, "--retries", "0", "--", PUBLIC) as until:
            until(lambda: bool(plain.jobs(clone.folder, "acquire")))
            config = clone.results / "config.yaml"
            config.write_text(config.read_text().replace("seed: 0\n", "seed: 5\n", 1))
            subprocess.run(["scontrol", "update", "PartitionName=cpu", "State=UP"], check=True)
            until(lambda: plain.jobs(clone.folder, "acquire")[0]["JobState"] == "FAILED")
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=cpu", "State=UP"], check=True)
    said = "\n".join(path.read_text() for path in (clone.folder / "logs" / "slurm").rglob("*.log"))
    assert "changed since this job was planned" in said
    assert not (clone.folder / PUBLIC).exists()
