# One tidy table, and everything that is computed from it. Nothing here loads a model.
from flexmore.analysis.tables.catalogue import COLLECTED, TABLES


rule collect:
    input:
        JOBS.collect_inputs(),
    output:
        [f"{ROOT}/tables/{table}" for table in COLLECTED],
    log:
        f"{ROOT}/logs/collect.log",
    benchmark:
        f"{ROOT}/benchmarks/collect.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("collect", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("collect", attempt),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.collect(),
    message:
        "collect the tables"
    shell:
        "exec python -m flexmore collect --config {params.config:q} &> {log:q}"


rule analyze:
    input:
        rules.collect.output,
    output:
        report(
            [f"{ROOT}/tables/{table}.csv" for table in TABLES],
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
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("analyze", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("analyze", attempt),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.analyze(),
    message:
        "analyze"
    shell:
        "exec python -m flexmore analyze --config {params.config:q} &> {log:q}"
