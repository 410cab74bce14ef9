"""The paper's study on a local hub.

`python tests/support/rehearsal.py FOLDER` makes small models and data sets in the hub's paths, serves them, and runs
config/rehearsal.yaml against them in a clone of this repository, FOLDER/clone. With --smoke it runs a part of that: two
experts, three ranks, one task of each group.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from clones import ROOT, Clone
from local_hub import Hub, serving

CONFIG = "config/rehearsal.yaml"
ASKED = 8
ENDINGS = ("Answer:", "Answer: Let's think step by step.")
ANSWER = " (A) True 7 valid yes]"
"""A token of its own, in which every task of BBH finds an answer of its form."""
LOUD = 60.0
EXAMS = "https://raw.githubusercontent.com/ruixiangcui/AGIEval/{revision}/data/v1_1"
SMOKE_TASKS = ["csqa", "coqa", "mmlu_anatomy", "mmlu_pro_law", "agieval_sat_math", "bbh_navigate"]


def make(root: Path) -> None:
    """Models and data sets of the rehearsal, as the hub has them: `root`/models, `root`/datasets."""
    import datasets
    import paper_rows
    from tiny_family import byte_tokenizer, write_family
    from transformers.utils import logging

    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    paper_rows.write(root / "datasets", ASKED)
    study = yaml.safe_load((ROOT / CONFIG).read_text())
    stated = study["sizes"]
    tokenizer = byte_tokenizer(stated["vocabulary"] - 64, texts(root / "datasets"))
    tokenizer.add_tokens([ANSWER])
    sizes = {
        "vocab_size": stated["vocabulary"],
        "hidden_size": stated["hidden"],
        "intermediate_size": stated["ffn"],
        "num_hidden_layers": stated["layers"],
        "num_attention_heads": stated["heads"],
        "num_key_value_heads": stated["key_value_heads"],
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "dtype": "bfloat16",
    }
    experts = [name for name in study["experts"] if name != "public"]
    write_family(root / "models", experts, sizes, tokenizer, shard="200KB", shape=partial(answering, tokenizer))


def answering(tokenizer: Any, model: Any) -> None:
    """Let a model of random weights answer: after what ends a prompt ANSWER, after it the end of text.

    Answers in which none is found would all be wrong, and nothing told apart. The two rows of the head are a ridge fit
    on hidden states, of which the last token decides most.
    """
    import torch

    from flexmore.evaluation.olmes.bbh import worked_examples

    [answer] = tokenizer.encode(ANSWER)
    asked = [sample["input"] for task in worked_examples().values() for sample in task["samples"]]
    with torch.no_grad():
        model.model.embed_tokens.weight *= 8
        states = []
        for number, text in enumerate(asked):
            ids = [*tokenizer.encode(f"Question: {text}\n{ENDINGS[number % 2]}"), answer]
            states.append(model.model(input_ids=torch.tensor([ids])).last_hidden_state[0, -2:])
        found = torch.cat(states)
        wanted = torch.tensor([LOUD, -LOUD]).repeat(len(asked))
        row = torch.linalg.solve(found.T @ found + torch.eye(found.shape[1]), found.T @ wanted)
        model.lm_head.weight[answer], model.lm_head.weight[tokenizer.eos_token_id] = row, -row


def texts(data: Path) -> Iterator[str]:
    """What the prompts are made of: the worked shots of BBH, the rows of all data sets."""
    from datasets import Dataset

    from flexmore.evaluation.olmes.bbh import worked_examples

    for task in worked_examples().values():
        yield task["description"]
        yield from (f"Q: {sample['input']}\nA: {sample['target']}" for sample in task["samples"])
    for path in sorted(data.rglob("*.parquet")):
        yield from (str(row) for row in Dataset.from_parquet(str(path), keep_in_memory=True))


@contextmanager
def served(root: Path, study: dict[str, Any]) -> Iterator[Hub]:
    """A local hub with the models, under the names that the study has for them, and the data sets."""
    with serving() as hub:
        for name, source in study["experts"].items():
            hub.publish(source["repo"], root / "models" / name)
        hub.publish_datasets(root / "datasets")
        yield hub


def rehearsed(folder: Path) -> Clone:
    """Return the clone in which the study is, or is to be, rehearsed."""
    return Clone(folder, CONFIG, "rehearsal", patience=3600)


def clone_of(folder: Path, hub: Hub) -> Clone:
    """Return a clone that fetches from a local hub what the hub does not have: AGIEval's files."""
    Clone.make(folder)
    clone = rehearsed(folder)
    sources = folder / "flexmore" / "evaluation" / "paper" / "sources.yaml"
    text = sources.read_text()
    assert EXAMS in text
    sources.write_text(text.replace(EXAMS, f"{hub.url}/raw/ruixiangcui/AGIEval"))
    return clone


def reduced(study: dict[str, Any]) -> dict[str, Any]:
    """The smoke form: the same steps, fewer of each."""
    kept = {name: study["experts"][name] for name in ("public", "math", "news")}
    joint = study["joint"] | {"active": [2]}
    suite = study["suite"] | {"tasks": SMOKE_TASKS}
    return study | {"experts": kept, "ranks": [1, 8, 64, "full"], "joint": joint, "suite": suite}


def environment(hub: Hub, home: Path) -> dict[str, str]:
    """Of a process that knows only the local hub."""
    clear = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "PYTHONPATH")
    given = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return {name: value for name, value in os.environ.items() if name not in clear} | given


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a new one")
    parser.add_argument("--smoke", action="store_true", help="a part, in two minutes")
    parser.add_argument("--cores", default="2")
    given = parser.parse_args()
    folder = given.folder.resolve()
    make(folder / "hub")
    study = yaml.safe_load((ROOT / CONFIG).read_text())
    with served(folder / "hub", study) as hub:
        clone = clone_of(folder / "clone", hub)
        if given.smoke:
            (clone.folder / CONFIG).write_text(yaml.safe_dump(reduced(study), sort_keys=False))
        command = [sys.executable, "-m", "snakemake", "--cores", given.cores, "--configfile", CONFIG]
        done = subprocess.run(command, cwd=clone.folder, env=environment(hub, folder / "home"), check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
