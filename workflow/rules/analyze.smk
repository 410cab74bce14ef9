# One tidy table, and everything that is read from it. Nothing here touches a model.
from flexmore.analysis.tables.catalogue import COLLECTED, TABLES
from flexmore.report.figures.catalogue import FIGURES, FIGURE_KINDS


rule collect:
    input:
        scores=expand("{root}/scores/{sweep}", root=ROOT, sweep=SWEEPS),
        spectra=expand(
            "{root}/factors/{expert}/spectrum.parquet", root=ROOT, expert=STUDY.names
        ),
        adapters=expand(
            "{root}/adapters/{expert}/r{rank}.json",
            root=ROOT,
            expert=STUDY.names,
            rank=[*STUDY.ladder, *STUDY.extra_ranks],
        ),
    output:
        expand("{root}/tables/{table}", root=ROOT, table=COLLECTED),
    log:
        f"{ROOT}/logs/collect.log",
    benchmark:
        f"{ROOT}/benchmarks/collect.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: for_attempt(
            request_tables(STUDY, TASKS, "collect"), attempt
        ).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            request_tables(STUDY, TASKS, "collect"), attempt
        ).minutes,
    params:
        config=RESOLVED,
        source=digest("steps/study/collect.py", "mixtures", "analysis"),
    message:
        "collect the tables"
    shell:
        "exec python -m flexmore collect --config {params.config} &> {log}"


rule analyze:
    input:
        rules.collect.output,
    output:
        report(
            expand("{root}/tables/{table}.csv", root=ROOT, table=TABLES),
            category="Tables",
            caption="../report/tables.rst",
        ),
    log:
        f"{ROOT}/logs/analyze.log",
    benchmark:
        f"{ROOT}/benchmarks/analyze.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: for_attempt(
            request_tables(STUDY, TASKS, "analyze"), attempt
        ).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            request_tables(STUDY, TASKS, "analyze"), attempt
        ).minutes,
    params:
        config=RESOLVED,
        settings=STUDY.analysis.model_dump(),
        source=digest("analysis"),
    message:
        "analyze"
    shell:
        "exec python -m flexmore analyze --config {params.config} &> {log}"
