"""The recommendation, and how far to believe it."""

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.recommend import as_dict, describe, recommend_ranks
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=200)


def test_the_answer_says_how_far_to_believe_it(study: Inputs) -> None:
    found = recommend_ranks(study, 120_000, SETTINGS)
    assert found.parameters <= 120_000
    assert found.low <= found.gain <= found.high
    assert found.held_out is not None
    assert found.front["parameters"].max() == found.parameters
    text = describe(found, "made")
    assert "that gains add up over experts is an assumption" in text
    assert f"{found.parameters:,} parameters" in text
    assert as_dict(found)["recommended"] in ("uniform", "ranks")
    untested = Inputs(study.scores[~study.scores["rank"].isin(["best", "best2"])])
    answer = recommend_ranks(untested, 120_000, SETTINGS)
    assert answer.errors is None
    assert answer.held_out is None
    assert "no joint mixture of unequal ranks was measured to test it" in describe(answer, "made")
    assert not answer.prefers_uniform


def test_uniform_ranks_are_recommended_where_sums_mislead(study: Inputs) -> None:
    from dataclasses import replace

    found = replace(recommend_ranks(study, 120_000, SETTINGS), errors=(0.02, 0.01))
    assert found.prefers_uniform
    text = describe(found, "made")
    assert "recommended: rank" in text
    assert "worse than or as badly as" in text
