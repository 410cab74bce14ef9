"""Evaluate the public model on few items and compare it with published scores, into `calibration/`."""

from pathlib import Path

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.calibration import CalibrationFailed, check_groups, render_table
from flexmore.files import read_json, write_json, write_text
from flexmore.mixtures.grid import find_sweep
from flexmore.steps.evaluation_job import EvaluationJob
from flexmore.steps.process import go_offline, use_torch


def calibrate(study: Study, *, stage: Path | None = None, threads: int = 1) -> str:
    """Evaluate the public model on few items and compare it with the scores that the configuration gives for it.

    Args:
        stage: folder on this node's disk, to which weights are copied before they are loaded; None: read in place.

    Returns:
        The table, which is also written to `calibration/table.txt`. `passed.json` in the same folder says that every
        group agreed.

    Raises:
        CalibrationFailed: a group did not agree; the message is the table.
        FlexmoreError: the configuration gives no scores.
    """
    settings, folder = study.calibration, study.paths.calibration
    if not settings.reference:
        raise FlexmoreError("calibration.reference: empty; give the points that each group should have")
    go_offline()
    use_torch(threads)
    few = study.evaluate.model_copy(update={"limit": settings.limit})
    cache = study.paths.cache / "calibration"
    EvaluationJob(find_sweep(study, "public"), few, cache, folder, stage=stage).run(study)
    checks = check_groups(read_json(folder / "public.json")["tasks"], settings)
    table = render_table(checks, settings)
    write_text(folder / "table.txt", table + "\n")
    if off := [found.group for found in checks if not found.passed]:
        raise CalibrationFailed(f"the public model is off its reference in {', '.join(off)}:\n{table}")
    write_json(folder / "passed.json", {found.group: vars(found) for found in checks})
    return table
