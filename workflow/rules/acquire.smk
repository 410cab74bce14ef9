# Experts into experts/<name>/, data sets into datasets/, the suite into suite/. Weights are not declared as outputs:
# Snakemake deletes the outputs of a job that was killed. source.json is written last and says that all of it is there.


rule acquire:
    input:
        lambda wildcards: JOBS.acquire_inputs(wildcards.expert),
    output:
        JOBS.acquired("{expert}"),
    log:
        f"{ROOT}/logs/acquire/{{expert}}.log",
    benchmark:
        f"{ROOT}/benchmarks/acquire/{{expert}}.tsv"
    priority: 10
    localrule: REQUESTS.runs_here("acquire")
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("acquire", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("acquire", attempt),
    params:
        config=JOBS.config,
        depends_on=lambda wildcards: DEPENDS.acquire(wildcards.expert),
    message:
        "acquire {wildcards.expert} ({params.depends_on[source]})"
    shell:
        "exec python -m flexmore acquire {wildcards.expert:q} --config {params.config:q} --threads {threads} &> {log:q}"


# The data sets of the paper's tasks, on a machine that has a network; every step after it is offline.
rule datasets:
    output:
        f"{ROOT}/datasets/source.json",
    log:
        f"{ROOT}/logs/datasets.log",
    benchmark:
        f"{ROOT}/benchmarks/datasets.tsv"
    localrule: REQUESTS.runs_here("datasets")
    conda:
        "../../envs/flexmore.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("datasets", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("datasets", attempt),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.datasets(),
    message:
        "acquire the data sets of the tasks"
    shell:
        "exec python -m flexmore datasets --config {params.config:q} &> {log:q}"


rule suite:
    input:
        lambda wildcards: JOBS.suite_inputs(),
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
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("suite", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("suite", attempt),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.suite(),
    message:
        "write the suite ({params.depends_on[source]})"
    shell:
        "exec python -m flexmore suite --config {params.config:q} &> {log:q}"
