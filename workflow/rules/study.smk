# The configuration as a checked Study, before any job, and what the rules ask of it.
import os
import shutil
import sys
from pathlib import Path
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

# The flexmore beside this workflow is the one that runs, here and in the jobs, installed or not: in a conda environment
# of envs/ there are only the packages that it needs. Its `python` stands before ours on the PATH of its jobs.
BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE))
for variable, folder in {
    "PYTHONPATH": BASE,
    "PATH": Path(sys.executable).parent,
}.items():
    os.environ[variable] = os.pathsep.join(
        [str(folder), *filter(None, [os.environ.get(variable)])]
    )

from flexmore.cluster.slurm import living
from flexmore.config.loading import dump_study, load_study, read_config
from flexmore.config.names import SELECTION_RULES
from flexmore.errors import FlexmoreError
from flexmore.files import clear_leftovers, write_text
from flexmore.mixtures.grid import sweeps
from flexmore.planning.jobs import cut_sweep
from flexmore.planning.requests import (
    for_attempt, refuse_gpu_shortage, request_acquire, request_evaluate, request_factorize, request_tables
)
from flexmore.cluster.resume import running_here
from flexmore.revisions import ENGINE_REVISION, FACTORS_REVISION, POCKET_REVISION, RECIPES_REVISION, digest
from flexmore.suites.study_suite import tasks_of

# A configuration file that is given replaces the default one; `configfile:` would merge the two key by key.
try:
    for given in workflow.overwrite_configfiles:
        read_config(Path(given))
    if not workflow.overwrite_configfiles:
        default = read_config(BASE / "config" / "config.yaml")
        update_config(default, config)
        config = default
    STUDY = load_study(config)
    SWEEPS = {sweep.name: sweep for sweep in sweeps(STUDY)}
    TASKS = tasks_of(STUDY)
    PARTS = {name: cut_sweep(STUDY, sweep, TASKS) for name, sweep in SWEEPS.items()}
    REQUESTS = {
        name: request_evaluate(STUDY, sweep, TASKS) for name, sweep in SWEEPS.items()
    }
except FlexmoreError as error:
    raise WorkflowError(str(error))

# The image that jobs run in with `--sdm apptainer`; scores computed in it record it.
if image := os.environ.get("FLEXMORE_IMAGE"):

    container: image


CUT = {name for name, parts in PARTS.items() if parts}
PAIR_SWEEPS = [name for name, sweep in SWEEPS.items() if not sweep.joint]
ROOT = str(STUDY.paths.root)
RESOLVED = f"{ROOT}/config.yaml"


# Every job reads the resolved file; a dry run leaves it alone, since the jobs of another run may be reading it.
onstart:
    try:
        jobs, resolved = living(Path.cwd()), Path(RESOLVED)
    except FlexmoreError as error:
        raise WorkflowError(str(error))
    if jobs and workflow.non_local_exec:
        raise WorkflowError(
            f"{len(jobs)} jobs of another run in this folder are in the cluster's queue: wait for that run, or, "
            "where it was killed, go on with `flexmore resume`; nothing was submitted"
        )
    alone = not jobs and not running_here(Path.cwd())
    if alone:
        clear_leftovers(Path(ROOT))
    if not resolved.is_file() or resolved.read_text() != dump_study(STUDY):
        if not alone:
            raise WorkflowError(
                f"a run is alive in this folder and reads {RESOLVED}, which this one would change: wait for it"
            )
        write_text(resolved, dump_study(STUDY))


wildcard_constraints:
    expert="[a-z][a-z0-9_]*",
    sweep="[a-z0-9_-]+",
    part="[A-Za-z0-9_.-]+",


def made_from(wildcards):
    """A folder's checkpoint; the public model, which experts are trained from or compared with."""
    source = STUDY.experts[wildcards.expert]
    public = sources(["public"]) if wildcards.expert != "public" else []
    if source.source == "folder":
        files = ("config.json", "tokenizer.json", "*.safetensors")
        found = (path for name in files for path in Path(source.path).glob(name))
        return [*sorted(map(str, found)), *public]
    return public


def from_hub():
    """Whether the models come from the hub."""
    return "hub" in {source.source for source in STUDY.experts.values()}


def source_of(wildcards):
    """All of the configuration that an expert's weights depend on."""
    source = STUDY.experts[wildcards.expert].model_dump()
    if source["source"] == "pocket":
        source["pocket"] = STUDY.pocket.model_dump(
            exclude={"items", "checkpoint_every"}
        )
        source |= {"seed": STUDY.seed, "revision": POCKET_REVISION}
    return source


def suite_files():
    """The files of a suite in a folder; the pocket's are made here, the paper's need their data sets."""
    if STUDY.suite.source == "pocket":
        return []
    if STUDY.suite.source == "paper":
        return [f"{ROOT}/datasets/source.json"]
    return sorted(
        str(path) for path in Path(STUDY.suite.path).rglob("*") if path.is_file()
    )


def uses_gpus(device):
    """Return whether a step on that device uses GPUs: `auto` does on a cluster, and here where there is one."""
    if device == "auto":
        return bool(workflow.non_local_exec or shutil.which("nvidia-smi"))
    return device.startswith("cuda")


if uses_gpus(STUDY.evaluate.device):
    try:
        refuse_gpu_shortage(STUDY)
    except FlexmoreError as error:
        raise WorkflowError(str(error))


def needs_network(step):
    """Whether a step runs where Snakemake does, for its network: unless the profile gives it a partition that has one."""
    given = workflow.resource_settings.overwrite_resources.get(step, {})
    return "slurm_partition" not in given


def suite_source():
    """All of the configuration that the suite's files depend on."""
    source = STUDY.suite.model_dump(exclude={"tasks"})
    if source["source"] == "pocket":
        source["pocket"] = STUDY.pocket.model_dump(include={"subjects", "items"})
        source |= {"seed": STUDY.seed, "revision": POCKET_REVISION}
    if source["source"] == "paper":
        source["files"] = digest("evaluation/paper", "suites/study.py")
    return source


def calibrated():
    """What says that the calibration has passed, where nothing may be evaluated before."""
    required = STUDY.calibration.required
    return [f"{ROOT}/calibration/passed.json"] if required else []


def chosen_by(sweep):
    """What else of the configuration its selections depend on."""
    rules = [mixture.rank for mixture in SWEEPS[sweep].mixtures if mixture.selected]
    keys = {key for rule in rules for key in SELECTION_RULES[rule]}
    return STUDY.analysis.model_dump(include=keys) if keys else None


def captions():
    """The figures' captions, which the report holds."""
    files = sorted((BASE / "workflow" / "report").glob("*.rst"))
    return [path.read_text(encoding="utf-8") for path in files]


def sources(experts):
    """What says that an expert has been acquired."""
    return expand("{root}/experts/{expert}/source.json", root=ROOT, expert=experts)


def factors(experts):
    """What says that an expert has been factorized."""
    return expand("{root}/factors/{expert}/index.json", root=ROOT, expert=experts)


def recipes(*sweeps):
    """The recipes of sweeps."""
    names = [mixture.name for sweep in sweeps for mixture in SWEEPS[sweep].mixtures]
    return expand("{root}/mixtures/{mixture}.json", root=ROOT, mixture=names)


def one_of(sweeps):
    """A pattern for a wildcard: one of these, which may be none."""
    return "|".join(sorted(sweeps)) or "(?!)"


def parts(sweep):
    """What says that the parts of a cut sweep are in the cache."""
    return expand(
        "{root}/cache/parts/{sweep}/{part}", root=ROOT, sweep=sweep, part=PARTS[sweep]
    )


def pairs_of(sweep):
    """The recipes and scores of the pairs, where a sweep's selections choose among them."""
    if not any(mixture.selected for mixture in SWEEPS[sweep].mixtures):
        return []
    scores = expand("{root}/scores/{sweep}", root=ROOT, sweep=PAIR_SWEEPS)
    return [*recipes(*PAIR_SWEEPS), *scores]


def weights_of(sweep):
    """The checkpoints and factors of a sweep."""
    experts = SWEEPS[sweep].experts
    return [*sources(["public", *experts]), *factors(experts)]
