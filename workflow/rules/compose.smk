# Recipes, not copies, a job a sweep: another expert or rank touches only the sweeps that hold it. The selected joint
# mixtures alone wait for the pairs' scores.

from dataclasses import asdict

for name, sweep in SWEEPS.items():

    rule:
        name:
            f"compose_{name.replace('-', '_')}"
        input:
            weights_of(name),
            pairs_of(name),
        output:
            recipes(name),
        log:
            f"{ROOT}/logs/compose/{name}.log",
        benchmark:
            f"{ROOT}/benchmarks/compose/{name}.tsv"
        priority: 5
        localrule: True
        conda:
            "../../envs/flexmore.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: 1000 * attempt,
            runtime=lambda wildcards, attempt: 30 * attempt,
        params:
            config=RESOLVED,
            sweep=name,
            mixtures=[asdict(mixture) for mixture in sweep.mixtures],
            seed=STUDY.seed if STUDY.controls else None,
            chosen=chosen_by(name),
            revision=RECIPES_REVISION,
        message:
            "compose the recipes of sweep {params.sweep}"
        shell:
            "exec python -m flexmore compose {params.sweep} --config {params.config} &> {log}"
