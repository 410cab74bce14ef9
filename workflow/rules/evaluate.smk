# One process a sweep: the backbone is loaded once and ranks are switched in place. Every finished task lies in cache/.
# A sweep that `evaluate.jobs` cuts is evaluated in parts instead, which fill the cache; then its scores are published
# from there without loading a model. They are the same bytes.


rule evaluate_part:
    input:
        lambda wildcards: recipes(wildcards.sweep),
        lambda wildcards: weights_of(wildcards.sweep),
        suite=f"{ROOT}/suite/source.json",
        calibration=calibrated(),
    output:
        touch(f"{ROOT}/cache/parts/{{sweep}}/{{part}}"),
    log:
        f"{ROOT}/logs/evaluate/{{sweep}}/{{part}}.log",
    benchmark:
        f"{ROOT}/benchmarks/evaluate/{{sweep}}/{{part}}.tsv"
    priority: lambda wildcards: 1 if wildcards.sweep in PAIR_SWEEPS else 0
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: for_attempt(
            REQUESTS[wildcards.sweep], attempt
        ).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            REQUESTS[wildcards.sweep], attempt
        ).minutes,
        gpu=lambda wildcards: (
            REQUESTS[wildcards.sweep].gpus if uses_gpus(STUDY.evaluate.device) else 0
        ),
        stage="",
    params:
        config=RESOLVED,
        part=lambda wildcards: PARTS[wildcards.sweep][wildcards.part].options,
        settings=STUDY.evaluate.numbers,
        tasks=STUDY.suite.tasks,
        revision=ENGINE_REVISION,
    message:
        "evaluate {wildcards.part} of sweep {wildcards.sweep}"
    shell:
        "exec python -m flexmore evaluate {wildcards.sweep} {params.part} --config {params.config}"
        ' --threads {threads} --stage "{resources.stage}" &> {log}'


rule evaluate:
    input:
        lambda wildcards: recipes(wildcards.sweep),
        lambda wildcards: weights_of(wildcards.sweep),
        suite=f"{ROOT}/suite/source.json",
        calibration=calibrated(),
    output:
        directory(f"{ROOT}/scores/{{sweep}}"),
    log:
        f"{ROOT}/logs/evaluate/{{sweep}}.log",
    benchmark:
        f"{ROOT}/benchmarks/evaluate/{{sweep}}.tsv"
    wildcard_constraints:
        sweep=one_of(set(SWEEPS) - CUT),
    priority: lambda wildcards: 1 if wildcards.sweep in PAIR_SWEEPS else 0
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: for_attempt(
            REQUESTS[wildcards.sweep], attempt
        ).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            REQUESTS[wildcards.sweep], attempt
        ).minutes,
        gpu=lambda wildcards: (
            REQUESTS[wildcards.sweep].gpus if uses_gpus(STUDY.evaluate.device) else 0
        ),
        stage="",
    params:
        config=RESOLVED,
        settings=STUDY.evaluate.numbers,
        tasks=STUDY.suite.tasks,
        revision=ENGINE_REVISION,
    message:
        "evaluate sweep {wildcards.sweep}"
    shell:
        'exec python -m flexmore evaluate {wildcards.sweep} --config {params.config} --threads {threads} --stage "{resources.stage}" &> {log}'


rule publish_parts:
    input:
        lambda wildcards: recipes(wildcards.sweep),
        lambda wildcards: weights_of(wildcards.sweep),
        lambda wildcards: parts(wildcards.sweep),
        suite=f"{ROOT}/suite/source.json",
        calibration=calibrated(),
    output:
        directory(f"{ROOT}/scores/{{sweep}}"),
    log:
        f"{ROOT}/logs/evaluate/{{sweep}}.log",
    benchmark:
        f"{ROOT}/benchmarks/evaluate/{{sweep}}.tsv"
    wildcard_constraints:
        sweep=one_of(CUT),
    localrule: True
    conda:
        "../../envs/flexmore.yaml"
    threads: 1
    params:
        config=RESOLVED,
        settings=STUDY.evaluate.numbers,
        tasks=STUDY.suite.tasks,
        revision=ENGINE_REVISION,
    message:
        "publish sweep {wildcards.sweep}, evaluated in parts"
    shell:
        "exec python -m flexmore evaluate {wildcards.sweep} --config {params.config} --threads {threads} &> {log}"


rule calibrate:
    input:
        recipes("public"),
        weights_of("public"),
        suite=f"{ROOT}/suite/source.json",
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
        mem_mb=lambda wildcards, attempt: for_attempt(REQUESTS["public"], attempt).mb,
        runtime=lambda wildcards, attempt: for_attempt(
            REQUESTS["public"], attempt
        ).minutes,
        gpu=lambda wildcards: int(uses_gpus(STUDY.evaluate.device)),
        stage="",
    params:
        config=RESOLVED,
        settings=STUDY.evaluate.numbers,
        calibration=STUDY.calibration.model_dump(exclude={"required"}),
        tasks=STUDY.suite.tasks,
        revision=ENGINE_REVISION,
    message:
        "calibrate: the public model alone against published scores"
    shell:
        'exec python -m flexmore calibrate --config {params.config} --threads {threads} --stage "{resources.stage}" &> {log}'
