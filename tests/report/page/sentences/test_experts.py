"""Sentences on single experts: every number is a table's, and strong words need a test."""

import pandas as pd
from table_fixtures import FACTS, SETTINGS

from flexmore.analysis.findings.seeds import HALF
from flexmore.report.page.formatting import span
from flexmore.report.page.sentences import experts


def test_sentences_say_what_the_tables_hold(tables: dict[str, pd.DataFrame]) -> None:
    row = tables["gains"].query("mixture == 'math-full' and scope == 'domain' and name == 'math'").iloc[0]
    text = " ".join(experts.say_gains(tables))
    assert f"math {100 * row['gain']:+.1f} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})" in text
    assert "3 of 3 full experts help on their own domain's tasks" in text
    assert "none of them helps" in text
    r95 = tables["r95"].query("expert == 'news' and scope == 'domain'").iloc[0]
    assert f"news {r95['r95']} ({span(r95['r95_low'], r95['r95_high'])})" in experts.say_recovery(tables)[0]


def test_a_changed_table_changes_the_sentence(tables: dict[str, pd.DataFrame]) -> None:
    worse = tables["gains"].copy()
    mine = (worse["mixture"] == "math-full") & (worse["scope"] == "domain")
    worse.loc[mine, ["gain", "low", "high", "verdict"]] = [-0.1, -0.2, -0.05, "harms"]
    changed = dict(tables, gains=worse)
    assert "2 of 3 full experts help" in experts.say_gains(changed)[0]
    assert "\N{MINUS SIGN}10.0" in experts.say_gains(changed)[0]


def test_random_deltas_that_gain_or_harm_are_named(tables: dict[str, pd.DataFrame]) -> None:
    gains = tables["gains"]
    for name, value, verdict in (("math", 0.01, "helps"), ("news", -0.05, "harms"), ("pes2o", -0.05, "harms")):
        own = (gains["kind"] == "control") & (gains["experts"] == name)
        gains = gains.assign(gain=gains["gain"].mask(own, value), verdict=gains["verdict"].mask(own, verdict))
    text = experts.say_gains(dict(tables, gains=gains))[-1]
    assert text.endswith("math's random delta gains a little, the random deltas of news and pes2o harm.")


def test_facts_that_need_more_rank_are_found_again(tables: dict[str, pd.DataFrame]) -> None:
    [text] = experts.say_facts(tables, FACTS)
    assert "it rises with the number of facts, and neighbouring intervals do not overlap" in text
    [other] = experts.say_facts(tables, {"math": 800, "news": 400, "pes2o": 200})
    assert "on this seed it does not rise with the number of facts" in other
    assert experts.say_facts(tables, {}) == []


def test_seeds_on_which_facts_do_otherwise_are_named(seed_tables: dict[str, pd.DataFrame]) -> None:
    rows = seed_tables["seeds"]
    one = (rows["quantity"] == HALF) & (rows["subject"] == "math") & (rows["seed"] == "2")
    mixed = dict(seed_tables, seeds=rows.assign(value=rows["value"].mask(one, 99.0)))
    [text] = experts.say_facts(mixed, FACTS)
    assert "on this seed it rises with the number of facts" in text
    assert text.endswith("; on seed 2 it does not.")


def test_significant_needs_a_test(tables: dict[str, pd.DataFrame]) -> None:
    skills = tables["skills"].assign(n_experts=6.0, difference=1.0, low=0.5, high=1.5)
    for p, word in ((0.2, "is not significant"), (0.01, "is significant")):
        assert word in experts.say_skills(dict(tables, skills=skills.assign(p=p)), SETTINGS)[1]
    for low, said in ((-1.0, True), (0.5, False)):
        told = experts.say_skills(dict(tables, skills=skills.assign(p=0.2, tasks_low=low, tasks_high=1.5)), SETTINGS)[0]
        assert ("other tasks of the same kind could reverse it" in told) is said
    alone = experts.say_skills(dict(tables, skills=skills.assign(n_experts=1.0)), SETTINGS)
    assert len(alone) == 1
    assert alone[0].endswith("One expert allows no test over experts.")
