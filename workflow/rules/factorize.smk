# One factorization of an expert serves every rank; what each rank keeps and costs follows from the spectrum.


rule factorize:
    input:
        f"{ROOT}/experts/{{expert}}/source.json",
    output:
        index=f"{ROOT}/factors/{{expert}}/index.json",
        spectrum=f"{ROOT}/factors/{{expert}}/spectrum.parquet",
    log:
        f"{ROOT}/logs/factorize/{{expert}}.log",
    benchmark:
        f"{ROOT}/benchmarks/factorize/{{expert}}.tsv"
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: for_attempt(
            request_factorize(STUDY), attempt
        ).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            request_factorize(STUDY), attempt
        ).minutes,
        gpu=lambda wildcards: int(uses_gpus(STUDY.factors.device)),
    params:
        config=RESOLVED,
        factors=STUDY.factors.model_dump(exclude={"device"}),
        revision=FACTORS_REVISION,
    message:
        "factorize {wildcards.expert}"
    shell:
        "exec python -m flexmore factorize {wildcards.expert} --config {params.config} --threads {threads} &> {log}"


rule measure:
    input:
        index=f"{ROOT}/factors/{{expert}}/index.json",
        spectrum=f"{ROOT}/factors/{{expert}}/spectrum.parquet",
    output:
        expand(
            "{root}/adapters/{{expert}}/r{rank}.json",
            root=ROOT,
            rank=[*STUDY.ladder, *STUDY.extra_ranks],
        ),
    log:
        f"{ROOT}/logs/measure/{{expert}}.log",
    benchmark:
        f"{ROOT}/benchmarks/measure/{{expert}}.tsv"
    localrule: True
    conda:
        "../../envs/flexmore.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        config=RESOLVED,
        source=digest("factors/measure.py"),
    message:
        "measure the adapters of {wildcards.expert}"
    shell:
        "exec python -m flexmore measure {wildcards.expert} --config {params.config} &> {log}"
