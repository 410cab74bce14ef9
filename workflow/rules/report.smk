# Figures with captions, the report to read and the page to explore, for people and for `snakemake --report`.
from flexmore.report.figures.catalogue import FIGURES, FIGURE_KINDS


rule draw:
    input:
        rules.collect.output,
        rules.analyze.output,
    output:
        [
            report(
                f"{ROOT}/figures/{name}.png",
                category="Figures",
                subcategory=FIGURE_KINDS[name],
                caption=f"../report/{name}.rst",
            )
            for name in FIGURES
        ],
        [f"{ROOT}/figures/{name}.svg" for name in FIGURES],
        report(
            f"{ROOT}/explore.html",
            category="Explore",
            caption="../report/explore.rst",
        ),
        f"{ROOT}/README.md",
    log:
        f"{ROOT}/logs/draw.log",
    benchmark:
        f"{ROOT}/benchmarks/draw.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: REQUESTS.mb("draw", attempt),
        runtime=lambda wildcards, attempt: REQUESTS.minutes("draw", attempt),
    params:
        config=JOBS.config,
        depends_on=DEPENDS.draw(),
        level=f"{100 * JOBS.study.analysis.confidence:g} %",
        recovery=f"{100 * JOBS.study.analysis.recovery:g} %",
    message:
        "draw the figures, write the report"
    shell:
        "exec python -m flexmore draw --config {params.config:q} &> {log:q}"


localrules:
    figures,


rule figures:
    log:
        f"{ROOT}/logs/figures.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        config=JOBS.config,
        reports=os.path.relpath(BASE / "reports"),
    message:
        "tables and figures from what has been measured"
    shell:
        "python -m flexmore figures --config {params.config:q} --reports {params.reports:q} 2>&1 | tee {log:q}"
