# One process for each sweep: the backbone is loaded once, and ranks are changed in memory. Every finished task is in
# cache/. A sweep that `evaluate.jobs` cuts is evaluated in parts, which fill the cache; then its scores are written from
# there without loading a model. They are the same bytes.


rule evaluate_part:
    input:
        lambda wildcards: JOBS.evaluate_inputs(wildcards.sweep),
    output:
        touch(f"{ROOT}/cache/parts/{{sweep}}/{{part}}"),
    log:
        f"{ROOT}/logs/evaluate/{{sweep}}/{{part}}.log",
    benchmark:
        f"{ROOT}/benchmarks/evaluate/{{sweep}}/{{part}}.tsv"
    priority: lambda wildcards: JOBS.priority(wildcards.sweep)
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb(
            "evaluate", attempt, wildcards.sweep
        ),
        runtime=lambda wildcards, attempt: REQUESTS.minutes(
            "evaluate", attempt, wildcards.sweep
        ),
        gpu=lambda wildcards: REQUESTS.gpus("evaluate", wildcards.sweep),
        stage="",
    params:
        config=JOBS.config,
        part=lambda wildcards: JOBS.parts[wildcards.sweep][wildcards.part].options,
        depends_on=DEPENDS.evaluate(),
    message:
        "evaluate {wildcards.part} of sweep {wildcards.sweep}"
    shell:
        "exec python -m flexmore evaluate {wildcards.sweep:q} {params.part} --config {params.config:q}"
        " --threads {threads} --stage={resources.stage:q} &> {log:q}"


rule evaluate:
    input:
        lambda wildcards: JOBS.evaluate_inputs(wildcards.sweep),
    output:
        directory(JOBS.scores("{sweep}")),
    log:
        f"{ROOT}/logs/evaluate/{{sweep}}.log",
    benchmark:
        f"{ROOT}/benchmarks/evaluate/{{sweep}}.tsv"
    wildcard_constraints:
        sweep=one_of(JOBS.whole),
    priority: lambda wildcards: JOBS.priority(wildcards.sweep)
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb(
            "evaluate", attempt, wildcards.sweep
        ),
        runtime=lambda wildcards, attempt: REQUESTS.minutes(
            "evaluate", attempt, wildcards.sweep
        ),
        gpu=lambda wildcards: REQUESTS.gpus("evaluate", wildcards.sweep),
        stage="",
    params:
        config=JOBS.config,
        depends_on=DEPENDS.evaluate(),
    message:
        "evaluate sweep {wildcards.sweep}"
    shell:
        "exec python -m flexmore evaluate {wildcards.sweep:q} --config {params.config:q} --threads {threads} --stage={resources.stage:q} &> {log:q}"


rule evaluate_from_parts:
    input:
        lambda wildcards: JOBS.evaluate_inputs(wildcards.sweep),
        lambda wildcards: JOBS.evaluated_parts(wildcards.sweep),
    output:
        directory(JOBS.scores("{sweep}")),
    log:
        f"{ROOT}/logs/evaluate/{{sweep}}.log",
    benchmark:
        f"{ROOT}/benchmarks/evaluate/{{sweep}}.tsv"
    wildcard_constraints:
        sweep=one_of(JOBS.cut),
    localrule: True
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    params:
        config=JOBS.config,
        depends_on=DEPENDS.evaluate(),
    message:
        "evaluate sweep {wildcards.sweep} from its parts"
    shell:
        "exec python -m flexmore evaluate {wildcards.sweep:q} --config {params.config:q} --threads {threads} &> {log:q}"


rule calibrate:
    input:
        JOBS.calibrate_inputs(),
    output:
        f"{ROOT}/calibration/passed.json",
    log:
        f"{ROOT}/logs/calibrate.log",
    benchmark:
        f"{ROOT}/benchmarks/calibrate.tsv"
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("calibrate", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("calibrate", attempt),
        gpu=lambda wildcards: REQUESTS.gpus("calibrate"),
        stage="",
    params:
        config=JOBS.config,
        depends_on=DEPENDS.calibrate(),
    message:
        "calibrate: the public model alone against published scores"
    shell:
        "exec python -m flexmore calibrate --config {params.config:q} --threads {threads} --stage={resources.stage:q} &> {log:q}"
