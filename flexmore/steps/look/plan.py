"""Say what a configuration will do, what it takes, and where this machine is too small."""

import json
import time
from collections.abc import Mapping
from typing import Any

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_sweep
from flexmore.planning import downloads
from flexmore.planning.plan import plan as make_plan
from flexmore.planning.plan import time_plan
from flexmore.planning.text import render
from flexmore.planning.widths import evaluated_dtype
from flexmore.steps.process import go_offline, require, use_torch
from flexmore.suites.study_suite import open_suite, tasks_of


def plan(study: Study, *, ask_hub: bool = False, time_layers: bool = False, as_json: bool = False) -> str:
    """Return what a configuration will do and take, as text or JSON.

    Args:
        ask_hub: ask the hub for the sizes of files.
        time_layers: count the suite's tokens and time a layer of true shape on this device, to estimate hours.
    """
    if ask_hub:
        require("huggingface_hub")
    content = make_plan(study, sizes_of(study), tasks_of(study), downloads.ask_hub(study) if ask_hub else None)
    if time_layers:
        content |= _hours(study)
    return json.dumps(content, indent=1) if as_json else render(content)


def count_tokens(study: Study) -> Mapping[str, Mapping[str, int]]:
    """Return how many tokens one mixture is asked, by group of tasks.

    Raises:
        FlexmoreError: the suite has not been written, or the public model or a data set has not been acquired.
    """
    from flexmore.evaluation.lazy_model import LazyModel
    from flexmore.evaluation.tokens import count_tokens as count

    paths = study.paths
    if not (paths.suite / "source.json").is_file() or not (paths.expert("public") / "source.json").is_file():
        raise FlexmoreError(
            f"{paths.root}: tokens are counted from the suite and the public model's tokenizer, which are not "
            "both here; `snakemake calibrate` acquires them"
        )
    model = LazyModel(paths, list(find_sweep(study, "public").mixtures), study.evaluate, study.seed)
    return count(open_suite(study), model, study.evaluate)


def _hours(study: Study) -> Mapping[str, Any]:
    """Return the hours that each sweep takes on this device."""
    go_offline()
    use_torch()
    from flexmore.modeling.speed import device_name
    from flexmore.modeling.speed import time_layers as time_sweeps

    tokens = count_tokens(study)
    start = time.process_time()  # a job's imports and loading have been done by now
    speed = time_sweeps(study, sizes_of(study), evaluated_dtype(study))
    return time_plan(study, sizes_of(study), tasks_of(study), tokens, speed, device_name(study), start)
