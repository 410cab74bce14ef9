"""What a configuration will do and what it takes, known before anything runs."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.evaluation.parts import parts_of
from flexmore.evaluation.suite import TaskInfo
from flexmore.files import read_json
from flexmore.mixtures.grid import Mixture, counts, grid, sweeps
from flexmore.mixtures.parameters import effective_rank
from flexmore.planning import memory as footprint

_SCORING = 0.012
"""Seconds that scoring a task and writing what came of it take, beside the forward passes: about as on the pocket."""

if TYPE_CHECKING:
    from flexmore.hub.models import ModelHub


def distinct(mixtures: Sequence[Mixture], sizes: ModelSizes) -> int:
    """How many mixtures differ in weights or active experts; selections, not known yet, count as one each."""
    keys = set()
    for mixture in mixtures:
        ranks = tuple(effective_rank(rank, sizes) for rank in mixture.ranks)
        special = mixture.rank if mixture.selected or mixture.kind == "control" else ""
        keys.add((mixture.experts, ranks, mixture.active, special))
    return len(keys)


def plan(
    study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo], on_hub: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """What the study consists of and takes: mixtures, distinct ones, tasks, jobs; bytes of disk and of memory.

    Args:
        on_hub: bytes of experts' repositories, as the hub says (`sizes_on_hub`).
    """
    mixtures = grid(study)
    kinds = counts(mixtures)
    groups: dict[str, int] = {}
    for task in tasks:
        groups[task.group] = groups.get(task.group, 0) + 1
    rows = sum(number for kind, number in kinds.items() if kind != "control") * len(tasks)
    return {
        "family": study.family,
        "results": str(study.paths.root),
        "experts": len(study.names),
        "architecture": {
            "hidden": sizes.hidden,
            "ffn": sizes.ffn,
            "layers": sizes.layers,
        },
        "saturation": sizes.saturation,
        "study": kinds.get("pair", 0) + kinds.get("joint", 0),
        "mixtures": kinds,
        "distinct": distinct(mixtures, sizes),
        "tasks": groups,
        "rows": rows,
        "jobs": {
            "acquire": len(study.experts),
            "factorize": len(study.names),
            "evaluate": len(sweeps(study)),
        },
        **_disk(study, sizes, tasks, on_hub or {}),
        "memory": _memory(study, sizes),
        "asked": _asked(study, tasks),
    }


def sizes_on_hub(study: Study, hub: "ModelHub | None" = None) -> dict[str, int]:
    """Bytes of what is needed of each expert's repository, which the hub is asked for.

    Raises:
        FlexmoreError: one cannot be read.
    """
    from flexmore.hub.models import ModelHub

    found = {name: source for name, source in study.experts.items() if isinstance(source, HubSource)}
    hub = hub or ModelHub()
    return {
        name: sum(file.size for file in hub.find(source.repo, source.revision).files.values())
        for name, source in found.items()
    }


def _disk(study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo], on_hub: Mapping[str, int]) -> dict[str, Any]:
    """Bytes to fetch, of factor stores and of results; what of them is not there yet, and the room for it."""
    layer = footprint.layer_bytes(study, sizes)
    layers = [study.paths.factors(name) for name in study.names]
    there = sum(1 for folder in layers for _ in folder.glob("layer-*.safetensors"))
    limit = study.evaluate.limit
    items = sum(min(limit, task.n) if limit else task.n for task in tasks) / len(tasks)
    scores = footprint.score_bytes(distinct(grid(study), sizes) * len(tasks), items)
    experts = [_expert(study, sizes, name, on_hub) for name in study.experts]
    factors = {"layer": layer, "total": layer * sizes.layers * len(study.names), "layers_here": there}
    needed = sum(entry["to_fetch"] for entry in experts) + factors["total"] - there * layer + scores
    return {
        "acquire": experts,
        "factors": factors,
        "scores_about": scores,
        "disk": {"needed": needed, "free": shutil.disk_usage(_existing(study.paths.root)).free},
    }


def _expert(study: Study, sizes: ModelSizes, name: str, on_hub: Mapping[str, int]) -> dict[str, Any]:
    """Bytes of an expert's files: as they lie here, as the hub says, or of its tensors alone."""
    source, folder = study.experts[name], study.paths.expert(name)
    content = read_json(folder / "source.json") if (folder / "source.json").is_file() else None
    if content is not None:
        size, known = sum(entry["size"] for entry in content["files"].values()), "here"
    elif name in on_hub:
        size, known = on_hub[name], "hub"
    else:
        experts = 1 if name == "public" else 2
        size, known = footprint.tensor_bytes(sizes, experts, footprint.itemsize(study)), "tensors"
    linked = isinstance(source, FolderSource)
    where = source.repo if isinstance(source, HubSource) else source.source
    return {"expert": name, "from": where, "bytes": size, "known": known, "to_fetch": 0 if content or linked else size}


def _memory(study: Study, sizes: ModelSizes) -> dict[str, Any]:
    """Peak memory of the steps, in bytes; of evaluation each sweep's."""
    steps = {"acquire": footprint.acquire_memory(study, sizes, 2)}
    if study.names:
        steps["factorize"] = footprint.factorize_memory(study, sizes)
    for sweep in sweeps(study):
        steps[f"evaluate {sweep.name}"] = footprint.evaluate_memory(study, sizes, sweep)
    return {
        "steps": {name: vars(memory) for name, memory in steps.items()},
        "host": psutil.virtual_memory().total,
        "gpu": _gpu_bytes(),
    }


def _asked(study: Study, tasks: Sequence[TaskInfo]) -> dict[str, dict[str, int]]:
    """What the rules ask a scheduler for, at the first attempt: MB and minutes of a job, and how many such jobs."""
    from flexmore.planning import requests as resources  # which plans with this module

    found = {
        "acquire": {"mb": resources.acquire_mb(study), "minutes": 60, "jobs": len(study.experts)},
        "factorize": {
            "mb": resources.factorize_mb(study), "minutes": resources.factorize_minutes(study), "jobs": len(study.names)
        },
    }  # fmt: skip
    for sweep in sweeps(study):
        jobs = len(parts_of(sweep, tasks, study.evaluate)) or 1
        minutes = resources.evaluate_minutes(study, sweep, jobs)
        found[f"evaluate {sweep.name}"] = {"mb": resources.evaluate_mb(study, sweep), "minutes": minutes, "jobs": jobs}
    return found


def _gpu_bytes() -> int | None:
    """Memory of the smallest GPU of this machine; None where there is none."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    if shutil.which(command[0]) is None:
        return None
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return min((int(word) for word in said if word.isdigit()), default=0) * footprint.MIB or None


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def warnings(content: Mapping[str, Any]) -> list[str]:
    """Where this machine will not do: disk, memory, a GPU's memory."""
    disk, memory = content["disk"], content["memory"]
    found = []
    if disk["needed"] > disk["free"]:
        found.append(
            f"{_gb(disk['needed'])} of disk are needed, {_gb(disk['free'])} are free at {content['results']}; "
            "set `results:` to a folder on a larger disk"
        )
    kind, has = ("host", "this machine has") if memory["gpu"] is None else ("gpu", "the GPU here has")
    there = memory[kind]
    if lacking := [name for name, step in memory["steps"].items() if step[kind] > there]:
        most = max(memory["steps"][name][kind] for name in lacking)
        found.append(f"{', '.join(lacking)}: up to {_gb(most)} of memory, {has} {_gb(there)}; run them on a larger one")
    return found


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"


def effort(
    study: Study,
    content: Mapping[str, Any],
    tokens: Mapping[str, Mapping[str, int]],
    speed: Mapping[str, float],
    device: str,
    start: float,
) -> dict[str, Any]:
    """Hours of each sweep on a device: of its jobs' starts, of prompts, of scoring, and of answers if every one were as
    long as it may be.

    Args:
        content: of `plan`.
        tokens: of each group (`evaluation.counting`).
        speed: of each sweep the mixtures that differ, and hours for a million tokens (`time_layers`).
        start: seconds until a job has its libraries and tasks; weights come on top.
    """
    prompt, new = (sum(group[kind] for group in tokens.values()) / 1e6 for kind in ("computed", "new"))
    tasks = sum(content["tasks"].values())
    hours = {
        sweep.name: {
            "starts": content["asked"][f"evaluate {sweep.name}"]["jobs"] * start / 3600,
            "prompts": prompt * speed[f"{sweep.name}.prompt"],
            "scoring": speed[f"{sweep.name}.mixtures"] * tasks * _SCORING / 3600,
            "answers": new * speed[f"{sweep.name}.new"],
        }
        for sweep in sweeps(study)
    }
    return {"tokens": tokens, "hours": hours, "device": device}


def render(content: Mapping[str, Any]) -> str:
    """The plan as lines for a person."""
    return "\n".join(
        [
            *_counted(content),
            *_stored(content),
            *_held(content),
            *_measured(content),
            *map("WARNING   {}".format, warnings(content)),
        ]
    )


def _counted(content: Mapping[str, Any]) -> Iterable[str]:
    sizes, kinds = content["architecture"], content["mixtures"]
    beside = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if kind not in ("pair", "joint"))
    groups = ", ".join(f"{group} {number}" for group, number in content["tasks"].items())
    jobs = ", ".join(f"{number} {step}" for step, number in content["jobs"].items())
    yield f"family    {content['family']}: public and {content['experts']} experts; files in {content['results']}/"
    yield (
        f"models    hidden {sizes['hidden']}, ffn {sizes['ffn']}, {sizes['layers']} layers; "
        f"adapters saturate at rank {content['saturation']}"
    )
    yield (
        f"mixtures  {content['study']} in the study ({kinds.get('pair', 0)} pair, {kinds.get('joint', 0)} joint), "
        f"beside it {beside}; {content['distinct']} of all differ in weights or active experts"
    )
    yield f"tasks     {sum(content['tasks'].values())} ({groups})"
    yield f"scores    {content['rows']} rows in tables/scores.csv"
    yield f"jobs      {jobs}, and the small ones"


def _stored(content: Mapping[str, Any]) -> Iterable[str]:
    known = {"here": "here already", "hub": "as the hub says", "tensors": "its tensors"}
    for entry in content["acquire"]:
        yield f"experts   {entry['expert']:9} {entry['bytes']:>18,} bytes, {known[entry['known']]}: {entry['from']}"
    factors, disk, scores = content["factors"], content["disk"], content["scores_about"]
    yield f"factors   {factors['total']:,} bytes, {factors['layer']:,} a layer; {factors['layers_here']} are here"
    yield f"disk      {_gb(disk['needed'])} to come, of it results about {_gb(scores)}; {_gb(disk['free'])} are free"


def _measured(content: Mapping[str, Any]) -> Iterable[str]:
    if "hours" not in content:
        yield "hours     not known; --hours times a layer of true shape here and counts tokens where data sets are"
        return
    for group, found in content["tokens"].items():
        said = (
            f"{found['items']:,} items, {found['prompt']:,} of prompts, {found['computed']:,} computed, "
            f"{found['new']:,} new at most"
        )
        yield f"tokens    {group:9} {said}"
    hours = [
        (name, sum(found.values()) - found["answers"], sum(found.values())) for name, found in content["hours"].items()
    ]
    for name, least, most in [*hours, ("all", sum(row[1] for row in hours), sum(row[2] for row in hours))]:
        yield f"hours     {least:10.4g} to {most:10.4g}: evaluate {name}"
    yield f"          on {content['device']}, by one layer of random weights; the most if every answer ran to its limit"


def _held(content: Mapping[str, Any]) -> Iterable[str]:
    for (host, mapped, gpu), names in _alike(content["memory"]["steps"]):
        device = f"; on a GPU {_gb(gpu)} of its memory" if gpu else ""
        yield f"memory    {_gb(host)}, and {_gb(mapped)} of mapped files where there is room{device}: {names}"
    for (megabytes, minutes, jobs), names in _alike(content["asked"]):
        each = f"{jobs} jobs each" if jobs > 1 and "evaluate" in names else f"{jobs} jobs"
        yield f"asks      {megabytes:,} MB and {minutes} minutes, {each}: {names}"


def _alike(steps: Mapping[str, Mapping[str, int]]) -> Iterable[tuple[tuple[int, ...], str]]:
    """The steps that take the same, their names in one line."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, step in steps.items():
        alike.setdefault(tuple(step.values()), []).append(name)
    for taken, (first, *others) in alike.items():
        yield taken, ", ".join([first, *(name.removeprefix("evaluate ") for name in others)])
