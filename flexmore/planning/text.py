"""A plan as text: lines for a person, and warnings."""

from collections.abc import Iterable, Mapping
from typing import Any

_KNOWN = {"here": "already here", "hub": "as the hub states", "tensors": "its tensors"}


def render(content: Mapping[str, Any]) -> str:
    """Return a plan as lines of text."""
    parts = (_study(content), _disk(content), _memory(content), _requests(content), _hours(content))
    return "\n".join([*(line for part in parts for line in part), *map("WARNING   {}".format, warnings(content))])


def warnings(content: Mapping[str, Any]) -> list[str]:
    """Return where this machine, or the stated GPUs, do not suffice: disk, memory, a GPU's memory."""
    disk, memory, gpus = content["disk"], content["memory"], content["gpus"]
    found = []
    if disk["needed"] > disk["free"]:
        found.append(
            f"{_gb(disk['needed'])} of disk are needed, {_gb(disk['free'])} are free at {content['results']}; "
            "set `results:` to a folder on a larger disk"
        )
    if gpus["shortage"]:
        found.append(gpus["shortage"])
    kind, has = ("host", "this machine has") if memory["gpu"] is None else ("gpu", "the GPU here has")
    if kind == "gpu" and gpus["gpu_memory"] is not None:  # jobs go to the GPUs that are stated
        return found
    if lacking := [name for name, step in memory["steps"].items() if step[kind] > memory[kind]]:
        most = max(memory["steps"][name][kind] for name in lacking)
        found.append(
            f"{', '.join(lacking)}: up to {_gb(most)} of memory, {has} {_gb(memory[kind])}; run them on a larger one"
        )
    return found


def _study(content: Mapping[str, Any]) -> Iterable[str]:
    sizes, kinds = content["sizes"], content["mixtures"]
    others = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if kind not in ("pair", "joint"))
    groups = ", ".join(f"{group} {number}" for group, number in content["tasks"].items())
    jobs = ", ".join(f"{number} {step}" for step, number in content["jobs"].items())
    yield f"family    {content['family']}: public and {content['experts']} experts; files in {content['results']}/"
    yield (
        f"models    hidden {sizes['hidden']}, ffn {sizes['ffn']}, {sizes['layers']} layers; "
        f"adapters saturate at rank {content['saturation']}"
    )
    yield (
        f"mixtures  {content['study']} in the study ({kinds.get('pair', 0)} pair, {kinds.get('joint', 0)} joint), "
        f"beside them {others}; {content['distinct']} of all differ in weights or active experts"
    )
    yield f"tasks     {sum(content['tasks'].values())} ({groups})"
    yield f"scores    {content['rows']} rows in tables/scores.csv"
    yield f"jobs      {jobs}, and small ones"


def _disk(content: Mapping[str, Any]) -> Iterable[str]:
    for entry in content["acquire"]:
        yield f"experts   {entry['expert']:9} {entry['bytes']:>18,} bytes, {_KNOWN[entry['known']]}: {entry['from']}"
    factors, disk, scores = content["factors"], content["disk"], content["scores_about"]
    yield f"factors   {factors['total']:,} bytes, {factors['layer']:,} a layer; {factors['layers_here']} are here"
    yield f"disk      {_gb(disk['needed'])} to come, results about {_gb(scores)} of it; {_gb(disk['free'])} are free"


def _memory(content: Mapping[str, Any]) -> Iterable[str]:
    for (host, mapped, gpu), names in _alike(content["memory"]["steps"]):
        device = f"; on a GPU {_gb(gpu)} of its memory" if gpu else ""
        yield f"memory    {_gb(host)}, and {_gb(mapped)} of mapped files{device}: {names}"
    if not content["memory"]["on_gpu"]:
        yield "          with weights in the host's memory, as there is no GPU here"
    stated, sweeps = content["gpus"]["gpu_memory"], content["gpus"]["sweeps"]
    if stated is None:
        yield "GPUs      one for each sweep: the memory of a GPU is unknown; state evaluate.gpu_memory"
        return
    for number in sorted({number for number in sweeps.values() if number is not None}):
        names = ", ".join(name for name, found in sweeps.items() if found == number)
        yield f"GPUs      {number} of {stated:g} GB: evaluate {names}"


def _requests(content: Mapping[str, Any]) -> Iterable[str]:
    for (megabytes, minutes, gpus, jobs), names in _alike(content["requests"]):
        each = f"{jobs} jobs each" if jobs > 1 and "evaluate" in names else f"{jobs} jobs"
        device = f", {gpus} GPU" if gpus else ""
        yield f"requests  {megabytes:,} MB{device} and {minutes} minutes, {each}: {names}"


def _hours(content: Mapping[str, Any]) -> Iterable[str]:
    hours = content["hours"]
    yield f"hours     {hours['factorize']:10.4g}: factorize an expert, on one processor core"
    for (most,), names in _alike({name: {"most": found["most"]} for name, found in hours["evaluate"].items()}):
        yield f"hours     {most:10.4g}{' each' if ', ' in names else ''}: evaluate {names}"
    yield f"hours     {_total(hours['evaluate'])['most']:10.4g}: evaluate all"
    yield "          evaluation on one GPU, by the speed and the tokens per item that `evaluate.jobs` states"
    if "timed" not in content:
        yield "          --hours times one layer here and counts the tokens of acquired data sets"
        return
    for group, tokens in content["tokens"].items():
        yield (
            f"tokens    {group:9} {tokens['items']:,} items, {tokens['prompt']:,} of prompts, {tokens['computed']:,} "
            f"computed, {tokens['new']:,} new at most"
        )
    timed = content["timed"]
    for name, found in [*timed["evaluate"].items(), ("all", _total(timed["evaluate"]))]:
        yield f"timed     {found['least']:10.4g} to {found['most']:10.4g} hours: evaluate {name}"
    yield f"          on {timed['device']}, by one layer of random weights; the most if every answer ran to its limit"


def _total(hours: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {kind: sum(found[kind] for found in hours.values()) for kind in ("least", "most")}


def _alike(steps: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[tuple[Any, ...], str]]:
    """Yield the numbers of steps that take the same, with the names of those steps in one line."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for name, step in steps.items():
        alike.setdefault(tuple(step.values()), []).append(name)
    for taken, (first, *others) in alike.items():
        yield taken, ", ".join([first, *(name.removeprefix("evaluate ") for name in others)])


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e8 else f"{size / 1e6:,.1f} MB"
