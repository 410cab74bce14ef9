# One factorization of an expert serves every rank; what each rank keeps and costs follows from the spectrum.


rule factorize:
    input:
        JOBS.acquired("{expert}"),
    output:
        JOBS.factorized("{expert}"),
        JOBS.spectra("{expert}"),
    log:
        f"{ROOT}/logs/factorize/{{expert}}.log",
    benchmark:
        f"{ROOT}/benchmarks/factorize/{{expert}}.tsv"
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("factorize", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("factorize", attempt),
        gpu=lambda wildcards: REQUESTS.gpus("factorize"),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.factorize(),
    message:
        "factorize {wildcards.expert}"
    shell:
        "exec python -m flexmore factorize {wildcards.expert:q} --config {params.config:q} --threads {threads} &> {log:q}"


rule measure:
    input:
        JOBS.factorized("{expert}"),
        JOBS.spectra("{expert}"),
    output:
        JOBS.measured("{expert}"),
    log:
        f"{ROOT}/logs/measure/{{expert}}.log",
    benchmark:
        f"{ROOT}/benchmarks/measure/{{expert}}.tsv"
    localrule: True
    conda:
        "../../envs/flexmore.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("measure", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("measure", attempt),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.measure(),
    message:
        "measure the adapters of {wildcards.expert}"
    shell:
        "exec python -m flexmore measure {wildcards.expert:q} --config {params.config:q} &> {log:q}"
