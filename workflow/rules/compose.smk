# Recipes, not copies, one job for each sweep: another expert or rank runs only the sweeps that hold it. Only the selected
# joint mixtures wait for the pairs' scores.


for name in JOBS.sweeps:

    rule:
        name:
            f"compose_{name.replace('-', '_')}"
        input:
            JOBS.compose_inputs(name),
        output:
            JOBS.recipes(name),
        log:
            f"{ROOT}/logs/compose/{name}.log",
        benchmark:
            f"{ROOT}/benchmarks/compose/{name}.tsv"
        priority: 5
        localrule: True
        conda:
            "../../envs/flexmore.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: REQUESTS.mb("compose", attempt),
            runtime=lambda wildcards, attempt: REQUESTS.minutes("compose", attempt),
        params:
            config=JOBS.config,
            sweep=name,
            depends_on=DEPENDS.compose(name),
        message:
            "compose the recipes of sweep {params.sweep}"
        shell:
            "exec python -m flexmore compose {params.sweep:q} --config {params.config:q} &> {log:q}"
