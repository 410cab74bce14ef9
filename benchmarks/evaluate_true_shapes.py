"""The evaluation engine at the paper's shapes on a GPU, against HFLM and, where it can be imported, vLLM.

A pair of FlexOlmo in bf16 with random weights; for each of the six groups questions with shots of about its lengths
(set by hand below: nobody has counted them), letters to choose from or answers of a fixed length. vLLM runs on dummy
weights of the same configuration with prefix caching, through lm-eval's own backend. `--hidden 256 --layers 2
--vocabulary 2000 --items 8 --repeats 1 --device cpu --dtype float32` shows that it runs, and no more.
"""

import argparse
import importlib.util
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from evaluate import build, seconds
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.models.huggingface import HFLM
from made import machine, median, peak_memory, table
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from flexmore.evaluation.engine.lm import MixtureLM

BATCH_SIZES = (4, 16, 64)


@dataclass(frozen=True)
class Group:
    """Tokens of all shots, of a question, and either a number of letters or tokens of an answer."""

    name: str
    shots: int
    question: int
    letters: int = 0
    answer: int = 0


GROUPS = (
    Group("MC9", 350, 70, letters=4),
    Group("Gen5", 800, 180, answer=50),
    Group("MMLU", 500, 100, letters=4),
    Group("MMLU-Pro", 800, 170, letters=10),
    Group("AGIEval", 250, 250, letters=5),
    Group("BBH", 900, 90, answer=160),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--hidden", type=int, default=4096)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--vocabulary", type=int, default=100_352)
    parser.add_argument("--items", type=int, default=128)
    parser.add_argument("--batch-tokens", type=int, default=32_768)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"`python {' '.join(sys.argv)}`\n\n{machine(options.device)}; transformers' FlexOlmo, {options.dtype}\n")
    asked = {group: requests(group, options) for group in GROUPS}
    model, tokenizer = build(options)
    found = {group.name: against_hflm(group, asked[group], model, tokenizer, options) for group in GROUPS}
    print(f"peak: {peak_memory(options.device)}\n")
    if importlib.util.find_spec("vllm"):
        with tempfile.TemporaryDirectory() as folder:
            model.config.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            del model
            torch.cuda.empty_cache()
            lm = vllm(Path(folder))
            for group in GROUPS:
                found[group.name].append(f"{timing(lm, asked[group], options):.2f}")
    head = ["group", "items", "HFLM s", "batch size", "engine s", "ratio", "vLLM s"]
    print(table([head[: len(found["MC9"])], *found.values()]))


def requests(group: Group, options: argparse.Namespace) -> list[Instance]:
    """A group's questions, all after the same shots."""
    draw = random.Random(group.name)

    def words(count: int) -> str:
        return " ".join(f"w{draw.randrange(options.vocabulary - 2)}" for _ in range(count))

    shots = words(group.shots)
    lengths = [draw.randint(group.question // 2, group.question * 3 // 2) for _ in range(options.items)]
    texts = [f"{shots} {words(length)}" for length in lengths]
    if group.answer:
        settings = {"until": ["never"], "do_sample": False, "max_gen_toks": group.answer}
        return [Instance("generate_until", {}, (text, settings), 0) for text in texts]
    letters = range(group.letters)
    return [Instance("loglikelihood", {}, (text, f" w{letter}"), letter) for text in texts for letter in letters]


def against_hflm(
    group: Group,
    asked: list[Instance],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    options: argparse.Namespace,
) -> list[object]:
    """A row of the table."""
    tried: dict[int, float] = {}
    for size in BATCH_SIZES:
        try:
            tried[size] = timing(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size), asked, options, 1)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
    size = min(tried, key=lambda size: tried[size])
    hflm = timing(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size), asked, options)
    ours = timing(MixtureLM(model, tokenizer, options.batch_tokens), asked, options)
    return [group.name, options.items, f"{hflm:.2f}", size, f"{ours:.2f}", f"{hflm / ours:.1f}"]


def timing(lm: LM, asked: list[Instance], options: argparse.Namespace, repeats: int | None = None) -> float:
    """Median seconds of all requests, after a turn that does not count."""
    answer: Any = getattr(lm, asked[0].request_type)
    answer(asked[:8])
    return median(seconds(options.device, lambda: answer(asked)) for _ in range(repeats or options.repeats))


def vllm(folder: Path) -> LM:
    """lm-eval's vLLM backend on random weights."""
    from lm_eval.models.vllm_causallms import VLLM

    lm: LM = VLLM(
        pretrained=str(folder), dtype="bfloat16", load_format="dummy", enable_prefix_caching=True, max_model_len=4096,
        gpu_memory_utilization=0.9, batch_size="auto",
    )  # fmt: skip
    return lm


if __name__ == "__main__":
    main()
