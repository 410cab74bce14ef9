"""The code that the result of each cheap step depends on: an edit of it runs the step again.

The other steps (acquire, factorize, compose, evaluate, calibrate) depend on a revision number instead, since they are
expensive (`flexmore.revisions`).
"""

from flexmore.revisions import digest_code

STEP_CODE = {
    "datasets": (
        "steps/study/datasets.py",
        "suites",
        "evaluation/suite.py",
        "evaluation/olmes",
        "evaluation/paper",
        "hub/client.py",
        "hub/datasets.py",
        "config/paths.py",
        "config/suite.py",
    ),
    "suite": (
        "steps/study/suite.py",
        "suites/study_suite.py",
        "evaluation/suite.py",
        "config/paths.py",
        "config/suite.py",
    ),
    "measure": ("steps/study/measure.py", "factors/measure.py", "architectures", "config/paths.py"),
    "collect": (
        "steps/study/collect.py",
        "steps/collected_files.py",
        "evaluation/suite.py",
        "suites/study_suite.py",
        "analysis",
        "mixtures",
        "architectures",
        "config/paths.py",
    ),
    "analyze": (
        "steps/study/analyze.py",
        "steps/analysis_tables.py",
        "steps/about_study.py",
        "analysis",
        "report/page/about.py",
        "planning/rank_sets.py",
        "experts/study_sizes.py",
        "checkpoints/folder.py",
        "mixtures",
        "architectures",
        "pocket/vocabulary.py",
        "config/paths.py",
    ),
    "draw": (
        "steps/study/draw.py",
        "steps/captions.py",
        "steps/about_study.py",
        "analysis",
        "report",
        "planning/rank_sets.py",
        "experts/study_sizes.py",
        "checkpoints/folder.py",
        "mixtures",
        "architectures",
        "pocket/vocabulary.py",
        "config/paths.py",
    ),
}
"""Modules and folders of the package, by step."""

PAPER_FILES = "evaluation/paper"
"""The paper's tasks, which the step `suite` copies where a study has them."""


def digest_step(step: str, *more: str) -> str:
    """Return a hash of the code that the result of a cheap step depends on, and of `more` modules or folders."""
    return digest_code(*STEP_CODE[step], *more)
