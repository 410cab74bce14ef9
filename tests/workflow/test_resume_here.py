"""`flexmore resume`, on a run that is alive and on one that was killed."""

import re

from clones import Clone

SUITE = "results/smoke/suite/source.json"


def test_resume_waits_for_the_living_and_clears_the_lock_of_the_dead(clone: Clone) -> None:
    with clone.started("snakemake", "--cores", "1", "--configfile", "smoke.yaml") as until:
        until(lambda: any(clone.folder.glob(".snakemake/locks/*")) and clone.results.exists())
        refused = clone.run("flexmore", "resume", "--cores", "1", "--configfile", "smoke.yaml", check=False)
        assert refused.returncode == 1
        assert "a run is still alive in this folder" in refused.stdout
        assert re.search(r"^  \d+  .*-m snakemake --cores 1", refused.stdout, flags=re.MULTILINE)
        assert "Traceback" not in refused.stdout
        assert any(clone.folder.glob(".snakemake/locks/*"))
    locked = clone.snakemake(SUITE, check=False)
    assert locked.returncode != 0
    assert "LockException" in locked.stdout or "cannot be locked" in locked.stdout
    (clone.results / "cache").mkdir(exist_ok=True)
    (left := clone.results / "cache" / ".half.json.0a1b2c3d.tmp").write_text("half")
    clone.run("flexmore", "resume", SUITE, "--cores", "1", "--configfile", "smoke.yaml")
    assert (clone.folder / SUITE).is_file()
    assert not left.exists()


def test_another_run_in_the_folder_keeps_its_temporary_files(clone: Clone) -> None:
    """`snakemake figures` holds no lock that would keep it from starting beside a run."""
    with clone.started("snakemake", "--cores", "1", "--configfile", "smoke.yaml") as until:
        until(lambda: any(clone.folder.glob(".snakemake/locks/*")) and clone.results.exists())
        (kept := clone.results / ".kept.json.0a1b2c3d.tmp").write_text("half")
        clone.snakemake("figures", check=False)
        assert kept.exists()
