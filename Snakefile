# The entry: `snakemake --cores all` runs the whole study of config.yaml.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/Snakefile"


rule all:
    default_target: True
    input:
        rules.analyze.output,
        rules.draw.output,
