# The configuration as a checked study, before any job, and what the rules ask of it (flexmore/workflow/).
import os
import shutil
import sys
from pathlib import Path
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

# The flexmore in this repository is the one that runs, here and in the jobs, installed or not: a conda environment of
# envs/ has only the packages that it needs. Its `python` comes before ours on the PATH of its jobs.
BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE))
for variable, folder in {
    "PYTHONPATH": BASE,
    "PATH": Path(sys.executable).parent,
}.items():
    os.environ[variable] = os.pathsep.join(
        [str(folder), *filter(None, [os.environ.get(variable)])]
    )

from flexmore.config.loading import load_study, read_config
from flexmore.errors import FlexmoreError
from flexmore.steps.failures import tell_failures
from flexmore.steps.planned import planned_file, refuse_unplanned, state_planned
from flexmore.workflow.depends import Dependencies
from flexmore.workflow.jobs import StudyJobs, one_of
from flexmore.workflow.resources import Requests
from flexmore.workflow.start import check_records, start_run

# A configuration file that is given replaces the default one; `configfile:` would merge the two key by key. A job that
# runs elsewhere reads the one that it was planned with.
JOB = not workflow.is_main_process
try:
    for given in workflow.overwrite_configfiles:
        read_config(Path(given))
    if JOB and planned_file():
        config = read_config(planned_file())
    elif not workflow.overwrite_configfiles:
        default = read_config(BASE / "config" / "config.yaml")
        update_config(default, config)
        config = default
    JOBS = StudyJobs(load_study(config))
    JOBS.tasks  # read here, so that a task that the suite does not have is one message
    if JOB:
        refuse_unplanned(JOBS.study, Path(JOBS.config))
    else:
        if not getattr(workflow.dag_settings, "forceall", False):
            check_records(JOBS.study, Path(JOBS.config), Path.cwd())
        state_planned(JOBS.study, Path(JOBS.config))
except FlexmoreError as error:
    raise WorkflowError(str(error))

DEPENDS = Dependencies(JOBS.study)
REQUESTS = Requests(
    JOBS,
    cluster=lambda: workflow.non_local_exec,
    gpu_here=shutil.which("nvidia-smi") is not None,
    given=workflow.resource_settings.overwrite_resources,
)
try:
    REQUESTS.check_gpus()
except FlexmoreError as error:
    raise WorkflowError(str(error))
ROOT = JOBS.root

# The image that jobs run in with `--sdm apptainer`; scores computed in it record it.
if image := os.environ.get("FLEXMORE_IMAGE"):

    container: image


# Every job reads the written file; a dry run does not write it, since the jobs of another run may be reading it.
onstart:
    try:
        start_run(
            JOBS.study,
            Path(JOBS.config),
            Path.cwd(),
            cluster=workflow.non_local_exec,
        )
    except FlexmoreError as error:
        raise WorkflowError(str(error))


# One list of what could not be evaluated, after the logs of the single jobs.
onerror:
    print(tell_failures(JOBS.study.paths), file=sys.stderr)


wildcard_constraints:
    expert="[a-z][a-z0-9_]*",
    sweep="[a-z0-9_-]+",
    part="[A-Za-z0-9_.~%-]+",
