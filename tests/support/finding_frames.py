"""Tables of findings made by hand, as an analysis would find them under a known truth."""

import pandas as pd

EXPERTS = ("math", "news", "pes2o")
SKILLS = ("reasoning", "knowledge")


def interval(key: str, value: float, half: float = 0.01) -> dict[str, float]:
    """A value with its interval."""
    return {key: value, f"{key}_low": value - half, f"{key}_high": value + half}


def chosen_row(expert: str, scope: str, name: str, rank: int, public: float, full: float) -> dict[str, object]:
    """A row of `chosen.csv`: the gains over public and over full of a rank chosen on other items."""
    beats, above = public > 0.01, full > 0.01
    verdict = "beats public and full" if beats and above else "beats public" if beats else "no rank beats public"
    return {
        "expert": expert, "scope": scope, "name": name, "rank": str(rank),
        "held_out_ranks": f"{rank} (18), {2 * rank} (2)",
        **interval("over_public", public), "p_public": 0.001 if beats else 0.6, "p_public_holm": 0.01 if beats else 1.0,
        **interval("over_full", full), "p_full": 0.001 if above else 0.6, "p_full_holm": 0.01 if above else 1.0,
        **interval("tasks_public", public, 0.02), **interval("tasks_full", full, 0.02), "r95": "", "verdict": verdict,
    }  # fmt: skip


def skill_row(expert: str, reasoning: int, knowledge: int, call: str) -> dict[str, object]:
    """A row of `skill_ranks.csv`."""
    term = 0.02 if call == "higher" else 0.001
    return {
        "expert": expert, "reasoning_rank": str(reasoning), "knowledge_rank": str(knowledge),
        "reasoning_term": term, "reasoning_low": term - 0.01, "reasoning_high": term + 0.01, "reasoning_p": 0.001,
        "knowledge_term": term, "knowledge_low": term - 0.01, "knowledge_high": term + 0.01,
        "knowledge_p": 0.002, "detectable": 0.012, "tasks_call": "not told apart", "plateau": "", "call": call,
    }  # fmt: skip


def optimum_row(expert: str, scope: str, name: str, rank: int, reason: str = "") -> dict[str, object]:
    """A row of `optima.csv`; with a reason there is no optimum."""
    return {
        "expert": expert, "scope": scope, "name": name, "rank": str(rank), "rank_low": str(rank // 2),
        "rank_high": str(2 * rank), "rise": 0.03, "rise_low": 0.02, "fall": 0.02, "fall_low": 0.01, "gain": 0.024,
        "gain_low": 0.015, "p": 0.001, "p_corrected": 0.02, "optimum": "no" if reason else "yes", "reason": reason,
    }  # fmt: skip


def contrast_rows(public: float, full: float) -> list[dict[str, object]]:
    """The rows of `contrasts.csv`: what joint mixtures of chosen ranks gain over public and over full."""
    rows: list[dict[str, object]] = []
    for active in (2, 4):
        for rule in ("best", "best2"):
            for other, value in (("public", public), (f"joint-a{active}-full", full)):
                verdict = "higher" if value > 0.01 else "lower" if value < -0.01 else "cannot tell"
                rows.append(
                    {
                        "mixture": f"joint-a{active}-{rule}", "active": active,
                        "against": "public" if other == "public" else "full", "other": other, "difference": value,
                        "low": value - 0.01, "high": value + 0.01, "p": 0.001, "p_holm": 0.01, "detectable": 0.014,
                        "flattered": 0.002, "verdict": verdict,
                    }
                )  # fmt: skip
    return rows


def optimum_below_full() -> dict[str, pd.DataFrame]:
    """What is found where reasoning's optimum is 64 and knowledge's 8: best 2.4 points above public, full 1.5 below."""
    ranks = {"average": 32, "reasoning": 64, "knowledge": 8}
    chosen, optima = [], []
    for expert in (*EXPERTS, "all"):
        for scope, names in (("average", ["average"]), ("skill", SKILLS)):
            for name in names:
                chosen.append(chosen_row(expert, scope, name, ranks[name], 0.024, 0.039))
                optima.append(optimum_row(expert, scope, name, ranks[name]))
        for name, rank in (("chosen", 8), ("written", 32)):
            chosen.append(chosen_row(expert, "answer", name, rank, 0.024, 0.039))
    skills = [skill_row(expert, 64, 8, "higher") for expert in (*EXPERTS, "all")]
    return _frames(chosen, skills, optima, contrast_rows(0.021, 0.035))


def damage_only() -> dict[str, pd.DataFrame]:
    """What is found where every rank is below public, low ranks the least."""
    chosen, optima = [], []
    for expert in (*EXPERTS, "all"):
        for scope, names in (("average", ["average"]), ("skill", SKILLS)):
            for name in names:
                chosen.append(chosen_row(expert, scope, name, 1, -0.012, 0.06))
                optima.append(optimum_row(expert, scope, name, 1, "no rank is above public"))
    skills = [skill_row(expert, 1, 1, "not told apart") for expert in (*EXPERTS, "all")]
    return _frames(chosen, skills, optima, contrast_rows(-0.03, 0.05))


def _frames(chosen: list, skills: list, optima: list, contrasts: list) -> dict[str, pd.DataFrame]:  # type: ignore[type-arg]
    found = {"chosen": chosen, "skill_ranks": skills, "optima": optima, "contrasts": contrasts}
    return {name: pd.DataFrame(rows) for name, rows in found.items()}
