"""Tiny models, tokenizers and a suite of all kinds of tasks, written the way the real ones are."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    FlexOlmoConfig,
    FlexOlmoForCausalLM,
    PreTrainedTokenizerFast,
)

from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe

WORDS = "the cat dog sat on mat a red blue Größe 東京 answer is question yes no one two three four . ? so"
CONTEXT = 48

_LOADER = """import json
from pathlib import Path
from datasets import Dataset, DatasetDict

def load(file, **metadata):
    rows = [json.loads(line) for line in Path(__file__).with_name(file).read_text().splitlines()]
    return DatasetDict({"test": Dataset.from_list(rows), "examples": Dataset.from_list(rows[-3:])})
"""


def build_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """`bytes`: byte-level BPE, several tokens a word, no begin of text; `words`: a word a token, begin of text."""
    if kind == "bytes":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<eos>", "<pad>"]
        )
        tokenizer.train_from_iterator([WORDS] * 20, trainer)
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>")
    special = ["<unk>", "<eos>", "<pad>", "<bos>"]
    vocabulary = {word: i for i, word in enumerate([*special, *dict.fromkeys(WORDS.split())])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", vocabulary["<bos>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", bos_token="<bos>", unk_token="<unk>"
    )


def build_model(tokenizer: PreTrainedTokenizerFast, context: int = CONTEXT, std: float = 0.6) -> FlexOlmoForCausalLM:
    """A random FlexOlmo whose predictions are far from uniform."""
    torch.manual_seed(3)
    config = FlexOlmoConfig(
        vocab_size=len(tokenizer),
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        num_experts=3,
        num_experts_per_tok=2,
        initializer_range=std,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    config._experts_implementation = "eager"
    return FlexOlmoForCausalLM(config).eval()


def write_suite(folder: Path, tasks: Mapping[str, tuple[dict[str, Any], str, Sequence[Mapping[str, Any]]]]) -> Path:
    """A suite: name → (YAML, primary metric, documents)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "items.py").write_text(_LOADER)
    index = []
    for name, (config, metric, documents) in tasks.items():
        write_task(folder, name, config, documents)
        kind = config["output_type"]
        shots = config.get("num_fewshot", 0)
        index.append(
            {"task": name, "group": "MC9" if kind == "multiple_choice" else "BBH", "domain": None, "metric": metric}
            | {"output_type": kind, "num_fewshot": shots, "n": len(documents)}
        )
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def write_task(folder: Path, name: str, config: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> None:
    """One task's YAML and documents."""
    lines = (json.dumps(document, ensure_ascii=False) for document in documents)
    (folder / f"{name}.jsonl").write_text("\n".join(lines))
    common = {"task": name, "dataset_kwargs": {"file": f"{name}.jsonl"}, "test_split": "test"}
    metrics = [
        {"metric": metric, "aggregation": "mean", "higher_is_better": True}
        for metric in (["exact_match"] if config["output_type"] == "generate_until" else ["acc"])
    ]
    text = yaml.safe_dump({**common, "metric_list": metrics, **config}, allow_unicode=True)
    (folder / f"{name}.yaml").write_text(text + "custom_dataset: !function items.load\n")


CHOICE = {"output_type": "multiple_choice", "doc_to_text": "q", "doc_to_target": "gold", "doc_to_choice": "choices"}
GENERATION = {"output_type": "generate_until", "doc_to_text": "q", "doc_to_target": "gold"}

Described = dict[str, tuple[dict[str, Any], str, list[dict[str, Any]]]]


def all_kinds() -> Described:
    """Tasks of every kind that an engine can get wrong."""
    words = WORDS.split()
    asked = [f"question the {a} {b} on the {a}" for a in words[:6] for b in words[6:9]]
    single = ["yes", "no", "one", "two"]
    several = ["the cat", "the cat sat", "the dog sat on", "red", "Größe 東京", "Größe"]  # prefixes of one another
    choose = [{"q": q, "choices": single, "gold": i % 4} for i, q in enumerate(asked)]
    phrases = [{"q": q, "choices": several, "gold": i % 6} for i, q in enumerate(asked)]
    spaced = [{"q": f"{q}: ", "choices": several[:3], "gold": i % 3} for i, q in enumerate(asked)]
    # not the other tasks' questions: HFLM's logits cache takes wrong positions where the same tokens are
    # split otherwise
    empty = [{"q": "", "choices": [f"so {q} {word}" for word in single], "gold": 1} for q in asked[:4]]
    lengthy = [{"q": " ".join([q] * (1 + i)), "choices": several, "gold": 0} for i, q in enumerate(asked)]
    questions = [{"q": q, "gold": "the cat sat"} for q in asked]
    stop = {"until": ["sat", "?"], "do_sample": False, "max_gen_toks": 12}
    last = {"name": "last", "filter": [{"function": "regex", "regex_pattern": "(.)"}, {"function": "take_first"}]}
    whole = {"name": "whole", "filter": [{"function": "take_first"}]}
    return {
        "single": (CHOICE, "acc", choose),
        "several": (CHOICE, "acc", phrases),
        "spaced": (CHOICE | {"target_delimiter": ""}, "acc", spaced),
        "shots": (CHOICE | {"num_fewshot": 2, "fewshot_split": "examples"}, "acc", phrases),
        "templates": (CHOICE | {"doc_to_text": "{{q}} ?\n", "description": "answer\n"}, "acc", phrases),
        "empty": (CHOICE | {"target_delimiter": ""}, "acc", empty),
        "lengthy": (CHOICE, "acc", lengthy),
        "likelihood": (GENERATION | {"output_type": "loglikelihood", "doc_to_target": " {{gold}}"}, "acc", questions),
        "stops": (GENERATION | {"generation_kwargs": stop}, "exact_match", questions),
        "filtered": (
            GENERATION | {"generation_kwargs": stop | {"until": ["\n"]}, "filter_list": [whole, last]},
            "exact_match,last",
            [{"q": " ".join([q] * (1 + i % 9)), "gold": "s"} for i, q in enumerate(asked)],
        ),
    }


class Loaded:
    """A model of a sweep: a mixture's rank turns up how much expert 1 differs from expert 0."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", experts_implementation="eager").eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.dtype = "float32"
        self.device = self.model.device
        self.switched: list[str] = []
        self.forwards = 0
        self._down = [layer.mlp.experts.down_proj.detach().clone() for layer in self.model.model.layers]
        self.model.model.embed_tokens.register_forward_pre_hook(self._count)

    def set_mixture(self, mixture: Mixture) -> None:
        self.switched.append(mixture.name)
        with torch.no_grad():
            for layer, down in zip(self.model.model.layers, self._down, strict=True):
                layer.mlp.experts.down_proj[1] = down[1] * float(mixture.rank)

    def _count(self, *_: Any) -> None:
        self.forwards += 1


def recipe(rank: int, fingerprint: str | None = None) -> Recipe:
    """A pair at a rank."""
    mixture = Mixture(f"math-r{rank}", "pair", ("math",), (rank,), 2, str(rank))
    return Recipe(mixture, (rank,), {"total": 1}, fingerprint or f"weights{rank}")


def load_tasks(folder: Path, names: Sequence[str], seed: int = 1234) -> dict[str, Any]:
    """The named tasks of the suite in a folder."""
    manager = open_tasks(folder)
    return {info.task: load_task(manager, info, seed) for info in Suite.read(folder).select(names).index}
