"""The smoke study, from nothing to its report."""

import base64
import json
import re

import pandas as pd
import yaml
from clones import RESULTS, Clone
from without_torch import WITHOUT_TORCH

from flexmore.analysis.tables.catalogue import TABLES
from flexmore.config.loading import load_study
from flexmore.files import sha256_of
from flexmore.mixtures.grid import grid
from flexmore.report.figures.catalogue import FIGURES

COLUMNS = "mixture kind experts rank active group task metric score stderr n parameters".split()
SAID = re.compile(r"^\d+ figures in results/smoke/(\S+)/, tables in .*?: (from .*)$", flags=re.MULTILINE)
RAN = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", flags=re.MULTILINE)


def test_every_job_ran_and_scores_are_complete(finished: Clone) -> None:
    scores = pd.read_csv(finished.results / "tables" / "scores.csv", keep_default_na=False)
    study = load_study(finished.folder / "smoke.yaml")
    mixtures = [mixture for mixture in grid(study) if mixture.kind != "control"]
    assert len(scores) == len(mixtures) * 12 == (1 + 2 * (3 + 1) + 2 * (4 + 2) + 2) * 12
    assert set(COLUMNS) <= set(scores.columns)
    assert set(scores["mixture"]) == {mixture.name for mixture in mixtures}
    assert scores.groupby("kind")["mixture"].nunique().to_dict() == {"baseline": 1, "pair": 8, "extra": 2, "joint": 12}
    assert scores["score"].between(0, 1).all()
    assert (scores["n"] >= 10).all()
    assert scores.groupby("mixture")["task"].nunique().eq(12).all()
    parquet = pd.read_parquet(finished.results / "tables" / "scores.parquet")
    assert parquet["score"].tolist() == scores["score"].tolist()


def test_a_rule_that_reads_spectra_chooses_ranks(finished: Clone) -> None:
    """What compose chose before the joint mixtures were evaluated is what the analysis says that the rule chooses."""
    recipe = json.loads((finished.results / "mixtures" / "joint-a2-energy.json").read_text())
    table = pd.read_csv(finished.results / "tables" / "selections.csv")
    rows = table[table["rule"] == "energy"].set_index("expert")["rank"]
    assert dict(zip(recipe["experts"], recipe["ranks"], strict=True)) == {
        name: int(rank) for name, rank in rows.items()
    }


def test_controls_have_a_table_of_their_own(finished: Clone) -> None:
    controls = pd.read_csv(finished.results / "tables" / "controls.csv")
    assert set(controls["mixture"]) == {"math-random", "news-random"}
    assert set(controls["kind"]) == {"control"}
    assert len(controls) == 2 * 12


def test_items_average_to_scores(finished: Clone) -> None:
    tables = finished.results / "tables"
    items = pd.read_parquet(tables / "items.parquet").set_index(["mixture", "task"])["items"]
    scores = pd.read_csv(tables / "scores.csv").set_index(["mixture", "task"])["score"]
    assert len(items) == len(scores) + 2 * 12
    assert max(abs(items[key].mean() - score) for key, score in scores.items()) < 1e-6


def test_items_can_be_looked_at(finished: Clone) -> None:
    """What is printed is what the suite asks and what the scores say."""

    def look(task: str, *items: str) -> str:
        return finished.run("flexmore", "inspect", "math-r8", task, *items, "--config", "smoke.yaml").stdout

    scores = json.loads((finished.results / "scores" / "math" / "math-r8.json").read_text())["tasks"]
    chosen, worked = "pocket_mmlu_news_party_1", "pocket_bbh_math_2_digits"
    said = look(chosen, "--items", "0-9")
    data = (finished.results / "suite" / "data" / f"{chosen}.jsonl").read_text().splitlines()
    items = [json.loads(line) for line in data][:10]
    verdicts = re.findall(r"^item \d+: (\w+)$", said, flags=re.MULTILINE)
    assert verdicts == [{0.0: "wrong", 1.0: "right"}[value] for value in scores[chosen]["items"][:10]]
    right = re.findall(r"^  [> ]= +-[\d.]+  '(.*)'$", said, flags=re.MULTILINE)
    assert [text.strip() for text in right] == [item["choices"][item["answer"]] for item in items]
    assert [verdict == "right" for verdict in verdicts] == [
        ">=" in block for block in re.split(r"^item ", said, flags=re.MULTILINE)[1:]
    ]
    for item in items:
        assert f"  | {item['question']}" in said
    said = look(worked)
    assert said.count("  generated '") == said.count("  parsed    '") == 3
    refused = finished.run("flexmore", "inspect", "math-r7", worked, "--config", "smoke.yaml", check=False)
    assert refused.stdout == "error: no mixture 'math-r7' in this study; `flexmore grid` lists them\n"


def test_tables_and_figures_are_there(finished: Clone) -> None:
    for name in TABLES:
        assert (finished.results / "tables" / f"{name}.csv").read_text().count("\n") >= 1
    for name in FIGURES:
        assert (finished.results / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (finished.results / "figures" / f"{name}.svg").read_text()


def test_saturated_ranks_share_one_evaluation(finished: Clone) -> None:
    """Every fingerprint has one folder in the cache; the twelve tasks of each were computed once."""
    prints = {json.loads(path.read_text())["fingerprint"] for path in (finished.results / "mixtures").iterdir()}
    cached = {path.name: len(list(path.glob("*.json"))) for path in (finished.results / "cache" / "scores").iterdir()}
    assert cached == dict.fromkeys(prints, 12)


def test_jobs_read_the_resolved_configuration(finished: Clone) -> None:
    resolved = yaml.safe_load((finished.results / "config.yaml").read_text())
    assert load_study(resolved) == load_study(finished.folder / "smoke.yaml")


def test_no_temporary_file_stays(finished: Clone) -> None:
    assert [path for path in finished.results.rglob(".*") if path.name != ".snakemake_timestamp"] == []


def test_a_second_run_does_nothing(copy: Clone) -> None:
    before = copy.times("**/*")
    assert "Nothing to be done" in copy.snakemake().stdout
    assert copy.times("**/*") == before


def test_report_is_one_self_contained_page(copy: Clone) -> None:
    copy.snakemake("--report", "report.html")
    page = (copy.folder / "report.html").read_text()
    for name in FIGURES:
        drawn = base64.b64encode((copy.results / "figures" / f"{name}.png").read_bytes()).decode()
        assert f"filename={name}.png;base64,{drawn}" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']https?://", page)


def test_figures_come_from_own_results_and_start_no_other_rule(copy: Clone) -> None:
    before = copy.tables()
    done = copy.snakemake("figures")
    assert SAID.findall(done.stdout) == [("figures", "from this study's own results in results/smoke/")]
    assert RAN.findall(done.stdout) == ["figures"]
    assert copy.tables() == before
    assert copy.planned() == []


def test_figures_come_from_committed_tables_where_nothing_was_run(finished: Clone, clone: Clone) -> None:
    """In an environment without torch and all that brings it."""
    absent = clone.folder / "absent"
    absent.mkdir()
    (absent / "sitecustomize.py").write_text(WITHOUT_TORCH)
    assert "ModuleNotFoundError: torch" in clone.run("torch.utils.collect_env", check=False, path=absent).stdout
    assert clone.snakemake("figures", check=False).returncode != 0  # neither results nor committed tables
    committed = clone.folder / "reports" / "smoke" / "tables"
    committed.mkdir(parents=True)
    for name in (
        "scores.parquet",
        "items.parquet",
        "controls.csv",
        "clusters.parquet",
        "adapters.csv",
        "spectra.parquet",
    ):
        (committed / name).write_bytes((finished.results / "tables" / name).read_bytes())
    done = clone.run("snakemake", "figures", "--cores", "1", "--configfile", "smoke.yaml", path=absent)
    [(where, source)] = SAID.findall(done.stdout)
    assert where == "reported/figures"
    assert source.startswith("from the committed tables in reports/smoke/tables/")
    assert RAN.findall(done.stdout) == ["figures"]
    for name in FIGURES:
        drawn = (clone.results / "reported" / "figures" / f"{name}.png").read_bytes()
        assert drawn == (finished.results / "figures" / f"{name}.png").read_bytes()
    explored = [root / "explore.html" for root in (clone.results / "reported", finished.results)]
    assert sha256_of(explored[0]) == sha256_of(explored[1])
    short = [(path.parent / "README.md").read_text().split("## ")[1:3] for path in explored]
    assert short[0] == short[1]
    assert short[0][0].startswith("In short")
    for name in TABLES:
        made = (clone.results / "reported" / "tables" / f"{name}.csv").read_bytes()
        assert made == (finished.results / "tables" / f"{name}.csv").read_bytes()
    assert not (clone.results / "experts").exists()
    assert "acquire public (pocket)" in clone.planned()  # what was drawn is not mistaken for the study


def test_the_flexmore_beside_the_workflow_is_the_one_that_runs(copy: Clone) -> None:
    """Where another is installed, and where none is: a conda environment has only what flexmore needs."""
    with (copy.folder / "flexmore" / "__init__.py").open("a") as file:
        file.write('\nprint("this one")\n')
    copy.run("snakemake", "--cores", "1", "--configfile", "smoke.yaml", "--forcerun", "draw")
    assert "this one" in (copy.folder / RESULTS / "logs" / "draw.log").read_text()
