"""The paper's reading: statsmodels' answer equals normal equations solved by hand."""

import numpy as np
import pandas as pd
import pytest
from made_tables import Made
from scipy import stats

from flexmore.analysis.findings.regression import CONTRAST, POOLED, READING, fieller, regress, responses
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.scopes import averages
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings()


def test_normal_equations_give_the_same(study: Inputs) -> None:
    coefficients, fits = regress(study.scores, SETTINGS)
    frame = responses(study.scores, SETTINGS)
    x = np.log2(np.tile([1, 2, 4, 8, 16, 32, 64], 3))
    design = np.column_stack([np.kron(np.eye(3), np.ones((7, 1))), x, x**2])
    clusters = np.repeat(range(3), 7)
    for response in ("BBH", "MMLU", "reasoning", CONTRAST):
        y = frame[response].to_numpy()
        inverse = np.linalg.inv(design.T @ design)
        beta = inverse @ design.T @ y
        residual = y - design @ beta
        scores = np.stack([design[clusters == i].T @ residual[clusters == i] for i in range(3)])
        few = 3 / 2 * (len(y) - 1) / (len(y) - 5)  # Stata's correction for few clusters
        error = np.sqrt(few * np.diag(inverse @ scores.T @ scores @ inverse))
        p = 2 * stats.t.sf(np.abs(beta / error), 2)
        found = coefficients[coefficients["response"] == response]
        assert list(found["term"]) == [
            "expert[math]", "expert[news]", "expert[pes2o]", "log2_rank", "log2_rank^2",
        ]  # fmt: skip
        assert found["coefficient"].to_numpy() == pytest.approx(beta)
        assert found["stderr"].to_numpy() == pytest.approx(error)
        assert found["p"].to_numpy() == pytest.approx(p)
        fit = fits.set_index("response").loc[response]
        assert fit["vertex_log2"] == pytest.approx(-beta[3] / 2 / beta[4])
        assert fit["n"] == 21
    assert set(coefficients["reading"]) == set(fits["reading"]) == {READING}


def test_saturated_ranks_full_and_extras_stay_out(study: Inputs) -> None:
    frame = responses(study.scores, SETTINGS)
    assert len(frame) == 3 * 7
    assert sorted(frame["log2_rank"].unique()) == list(range(7))


def test_reasoning_and_knowledge_are_means_of_group_means(study: Inputs) -> None:
    frame = responses(study.scores, SETTINGS)
    means = averages(study.scores).set_index("mixture").loc["news-r8"]
    row = frame[(frame["expert"] == "news") & (frame["log2_rank"] == 3)].iloc[0]
    assert row["reasoning"] == pytest.approx(means[["BBH", "AGIEval", "MMLU-Pro"]].astype(float).mean())
    assert row["knowledge"] == pytest.approx(means[["MMLU", "MC9", "Gen5"]].astype(float).mean())
    other = responses(study.scores, AnalysisSettings(reasoning=["BBH"], knowledge=["Nowhere"]))
    assert other["reasoning"].equals(other["BBH"])
    assert "knowledge" not in other


def test_a_planted_parabola_turns_where_it_was_planted(study: Inputs) -> None:
    scores = study.scores.copy()
    pairs = scores["kind"] == "pair"
    x = np.log2(scores.loc[pairs, "effective_rank"].replace("full", "64").astype(float))
    scores.loc[pairs, "score"] = 0.9 - 0.02 * (x - 2.5) ** 2
    _, fits = regress(scores, SETTINGS)
    fit = fits.set_index("response").loc["MMLU"]
    assert fit["vertex_log2"] == pytest.approx(2.5)
    assert fit["vertex_rank"] == pytest.approx(2**2.5)
    assert fit["note"] == ""


def test_no_maximum_is_said(study: Inputs) -> None:
    scores = study.scores.copy()
    pairs = scores["kind"] == "pair"
    x = np.log2(scores.loc[pairs, "effective_rank"].replace("full", "64").astype(float))
    for curve, note in ((0.5 + 0.01 * (x - 3) ** 2, "no maximum"), (0.9 - 0.005 * (x - 9) ** 2, "outside")):
        scores.loc[pairs, "score"] = curve
        fit = regress(scores, SETTINGS)[1].set_index("response").loc["MC9"]
        assert note in fit["note"]
        assert np.isnan(fit["vertex_rank"])


def test_too_few_ranks_are_said(study_of: object) -> None:
    few = study_of(Made(ladder=(1, 64, 128), extras=()))  # type: ignore[operator]
    coefficients, fits = regress(few.scores, SETTINGS)
    assert coefficients.empty
    assert fits["note"].str.contains("too few distinct ranks").all()


def test_a_response_that_does_not_vary_is_said(study: Inputs) -> None:
    coefficients, fits = regress(study.scores.assign(score=0.5), SETTINGS)
    assert coefficients.empty
    assert set(fits["note"]) == {"the response does not vary"}


def test_expert_effects_that_leave_no_residual(study: Inputs) -> None:
    levels = study.scores["experts"].map({"math": 0.25, "news": 0.5, "pes2o": 0.75}).fillna(0.5)
    coefficients, _ = regress(study.scores.assign(score=levels), SETTINGS)
    found = coefficients[coefficients["response"] == "BBH"].set_index("term")["coefficient"]
    assert found["expert[pes2o]"] == pytest.approx(0.75)
    assert found["log2_rank^2"] == pytest.approx(0, abs=1e-12)


def test_fiellers_interval_covers_and_has_infinite_ends() -> None:
    """Against a simulation: the interval of a ratio of two normal coefficients covers it as often as it says."""
    truth, covariance = (0.3, -0.05), np.array([[1e-3, -1e-4], [-1e-4, 4e-5]])
    draws = np.random.default_rng(0).multivariate_normal(truth, covariance, 4000)
    found = np.array([fieller(b, c, covariance, 10**6, 0.95) for b, c in draws])
    inside = (found[:, 0] <= 3) & (found[:, 1] >= 3)
    assert inside.mean() == pytest.approx(0.95, abs=0.012)
    low, high = fieller(*truth, covariance / 1e6, 10**6, 0.95)
    assert (low, high) == pytest.approx((3, 3), abs=0.01)
    assert fieller(0.3, -0.001, covariance, 5, 0.95) == (-np.inf, np.inf)
    assert all(np.isnan(fieller(0.3, -0.05, covariance, 0, 0.95)))


def test_pooled_is_the_mean_over_groups(study: Inputs) -> None:
    """Balanced groups: the slopes of the stacked regression are the means of the groups' slopes."""
    coefficients, _ = regress(study.scores, SETTINGS)
    for term in ("log2_rank", "log2_rank^2"):
        rows = coefficients[coefficients["term"] == term].set_index("response")["coefficient"]
        assert rows[POOLED] == pytest.approx(rows[list(study.scores["group"].unique())].mean())


def test_one_expert_has_no_clustered_error(study_of: object) -> None:
    alone = study_of(Made(midpoints={"math": 4.0}))  # type: ignore[operator]
    coefficients, fits = regress(alone.scores, SETTINGS)
    assert coefficients["stderr"].isna().all()
    assert coefficients["coefficient"].notna().all()
    assert fits["vertex_low"].isna().all()


def test_no_pairs_no_rows(study: Inputs) -> None:
    coefficients, fits = regress(study.scores[study.scores["kind"] == "baseline"], SETTINGS)
    assert isinstance(coefficients, pd.DataFrame)
    assert coefficients.empty
    assert fits["n"].eq(0).all()
