# Experts into experts/<name>/, the suite into suite/. Weights are not declared as output: Snakemake would delete what a
# killed job has finished. source.json is written last and says that all of it is there. What comes from the hub comes to
# the node that has a network.


rule acquire:
    input:
        made_from,
    output:
        f"{ROOT}/experts/{{expert}}/source.json",
    log:
        f"{ROOT}/logs/acquire/{{expert}}.log",
    benchmark:
        f"{ROOT}/benchmarks/acquire/{{expert}}.tsv"
    priority: 10
    localrule: from_hub() and needs_network("acquire")
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: for_attempt(
            request_acquire(STUDY), attempt
        ).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            request_acquire(STUDY), attempt
        ).minutes,
    params:
        config=RESOLVED,
        source=source_of,
    message:
        "acquire {wildcards.expert} ({params.source[source]})"
    shell:
        "exec python -m flexmore acquire {wildcards.expert} --config {params.config} --threads {threads} &> {log}"


# The data sets of the paper's tasks, on the node that has a network; everything after it is offline.
rule datasets:
    output:
        f"{ROOT}/datasets/source.json",
    log:
        f"{ROOT}/logs/datasets.log",
    benchmark:
        f"{ROOT}/benchmarks/datasets.tsv"
    localrule: needs_network("datasets")
    conda:
        "../../envs/flexmore.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        config=RESOLVED,
        suite=STUDY.suite.model_dump(include={"tasks", "shots", "lock"}),
        source=digest("evaluation/paper", "evaluation/olmes", "suites/datasets.py", "hub"),
    message:
        "acquire the data sets of the tasks"
    shell:
        "exec python -m flexmore datasets --config {params.config} &> {log}"


rule suite:
    input:
        suite_files(),
    output:
        f"{ROOT}/suite/source.json",
    log:
        f"{ROOT}/logs/suite.log",
    benchmark:
        f"{ROOT}/benchmarks/suite.tsv"
    localrule: True
    conda:
        "../../envs/flexmore.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        config=RESOLVED,
        source=suite_source(),
    message:
        "write the suite ({params.source[source]})"
    shell:
        "exec python -m flexmore suite --config {params.config} &> {log}"
