"""The evaluation engine against lm-eval's own HFLM: the same model object, the same requests, the same machine.

    choices      5-shot questions with letters as choices, and with phrases
    generation   worked answers after 3 worked shots, each up to a stop string
    overhead     what of the pocket suite's 120 tasks is not the model's forward passes

Random weights, made-up words, one thread. HFLM is tried at several batch sizes, once each, and the fastest one meets
the engine in turns; times are medians. An answer counts from texts to texts: tokenizing and batching are in it, for
both. Before anything is timed the answers are compared.

The overhead is told apart by hooks before and after the base model and the head: what passes outside them is ours
(lm-eval's own scoring of an item included).
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from made import machine, median, table, timed
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import FlexOlmoConfig, FlexOlmoForCausalLM, PreTrainedTokenizerFast

from flexmore.config.pocket import PocketSettings
from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.pocket.suite import write_suite

BATCH_SIZES = (1, 2, 4, 8, 16)
STOPS = ["111", "222", "333", "444"]
"""Parts of some 1 % of the words, so that answers end at all lengths."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["choices", "generation", "overhead"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--vocabulary", type=int, default=32_000)
    parser.add_argument("--items", type=int, default=24)
    parser.add_argument("--new", type=int, default=192, help="at most so many tokens of an answer")
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"`python {' '.join(sys.argv)}`\n\n{machine(options.device)}; transformers' FlexOlmo, {options.dtype}\n")
    if options.part == "overhead":
        print(overhead(options))
        return
    model, tokenizer = build(options)
    rows: list[Sequence[object]] = [
        ("what", "items", "HFLM s", "batch size", "engine s", "ratio", "prepare ms an item")
    ]
    for name, requests in (letters_and_phrases if options.part == "choices" else worked)(options):
        rows.append(compared(name, options, model, tokenizer, requests))
    print(table(rows))


def build(options: argparse.Namespace) -> tuple[FlexOlmoForCausalLM, PreTrainedTokenizerFast]:
    """A pair with random weights, and a tokenizer that makes a token of each word w0, w1 ...

    Its embeddings are large, so that the next word hangs on the last one and answers do not soon go in circles.
    """
    tokenizer = word_tokenizer(["<eos>", "<pad>", *(f"w{n}" for n in range(options.vocabulary - 2))])
    torch.manual_seed(0)
    with torch.device(options.device):
        config = FlexOlmoConfig(
            vocab_size=options.vocabulary, hidden_size=options.hidden, intermediate_size=options.hidden * 43 // 16,
            num_hidden_layers=options.layers, num_attention_heads=options.hidden // 64, max_position_embeddings=4096,
            num_experts=2, num_experts_per_tok=2, pad_token_id=1, eos_token_id=0, bos_token_id=None,
            initializer_range=options.hidden**-0.5, dtype=getattr(torch, options.dtype),
        )  # fmt: skip
        model = FlexOlmoForCausalLM(config)
    torch.nn.init.normal_(model.model.embed_tokens.weight)
    model = model.to(getattr(torch, options.dtype)).eval()
    model.set_experts_implementation(fastest_experts(model))
    return model, tokenizer


def word_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """A token for each word; the first two are end of text and padding."""
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token=words[1]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=words[0], pad_token=words[1])


@torch.inference_mode()
def fastest_experts(model: FlexOlmoForCausalLM) -> str:
    """Which of transformers' implementations of experts is the fastest here; both contestants run on it."""
    tokens = torch.arange(500, device=model.device)[None]
    names = ["eager", "grouped_mm"]
    times = []
    for name in names:
        model.set_experts_implementation(name)
        times.append(min(seconds(model.device.type, lambda: model.model(tokens)) for _ in range(3)))
    return names[times.index(min(times))]


def letters_and_phrases(options: argparse.Namespace) -> list[tuple[str, list[Instance]]]:
    """5 shots of 150 words, questions of 100 to 200, four choices: a letter (a word) each, and 2 to 8 words each."""
    draw = random.Random(0)

    def words(count: int) -> str:
        return " ".join(f"w{draw.randrange(options.vocabulary - 2)}" for _ in range(count))

    letters, phrases = [], []
    shots = words(5 * 150)
    for item in range(options.items):
        question = f"{shots} {words(draw.randint(100, 200))}"
        for choice in range(4):
            letters.append(Instance("loglikelihood", {}, (question, f" w{choice}"), choice, ("", item, 1)))
            phrase = f" {words(draw.randint(2, 8))}"
            phrases.append(Instance("loglikelihood", {}, (question, phrase), choice, ("", item, 1)))
    return [("letters", letters), ("phrases", phrases)]


def worked(options: argparse.Namespace) -> list[tuple[str, list[Instance]]]:
    """3 worked shots of 250 words, questions of 60 to 150, answers of up to `new` tokens."""
    draw = random.Random(0)

    def words(count: int) -> str:
        return " ".join(f"w{draw.randrange(options.vocabulary - 2)}" for _ in range(count))

    settings = {"until": STOPS, "do_sample": False, "max_gen_toks": options.new}
    shots = words(3 * 250)
    asked = [(f"{shots} {words(draw.randint(60, 150))}", settings) for _ in range(options.items)]
    return [("worked answers", [Instance("generate_until", {}, pair, 0) for pair in asked])]


def compared(
    name: str,
    options: argparse.Namespace,
    model: FlexOlmoForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    requests: list[Instance],
) -> Sequence[object]:
    """A row of the table: the engine in turns with HFLM at its best batch size."""
    kind = requests[0].request_type
    items = len({request.args[0] for request in requests})
    engine = MixtureLM(model, tokenizer, options.batch_tokens)

    def theirs(size: int) -> Any:
        return getattr(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size), kind)(requests, disable_tqdm=True)

    def ours() -> Any:
        return getattr(engine, kind)(requests)

    answers = ours()
    tried = {}
    for size in (size for size in BATCH_SIZES if size <= items):
        found: list[Any] = []
        tried[size] = seconds(options.device, lambda size=size, found=found: found.extend(theirs(size)))
        check(kind, answers, found, options.dtype)
    best = min(tried, key=lambda size: tried[size])
    print(f"{name}: HFLM s by batch size: {', '.join(f'{size}: {taken:.1f}' for size, taken in tried.items())}")
    if kind == "generate_until":
        lengths = sorted(len(text.split()) for text in answers)
        print(f"{name}: words of an answer: {lengths}")
    times: list[list[float]] = [[], []]
    for _ in range(options.repeats):
        times[0].append(seconds(options.device, lambda: theirs(best)))
        times[1].append(seconds(options.device, ours))
    prepare = seconds(options.device, lambda: engine.prepare(kind, requests)) / items * 1e3
    hflm, own = map(median, times)
    return name, items, f"{hflm:.2f}", best, f"{own:.2f}", f"{hflm / own:.1f}", f"{prepare:.2f}"


def check(kind: str, ours: Sequence[Any], theirs: Sequence[Any], dtype: str) -> None:
    """Refuse to time answers that are not the same.

    One text in ten may differ: of thousands of random choices among 32,000 words some are nearer than rounding.
    """
    if dtype != "float32":
        return
    if kind == "generate_until":
        differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
        print(f"{differ} of {len(ours)} texts differ from HFLM's")
        same = differ <= len(ours) // 10
    else:
        same = all(abs(a[0] - b[0]) < 1e-3 and a[1] == b[1] for a, b in zip(ours, theirs, strict=True))
    if not same:
        raise SystemExit(f"{kind}: the answers differ; nothing to compare")


def seconds(device: str, work: Callable[[], Any]) -> float:
    """As `made.timed`, of something without a name."""

    def turn() -> None:
        work()

    return timed(device, turn)


# ---------------------------------------------------------------------- overhead


def overhead(options: argparse.Namespace) -> str:
    """Milliseconds an item of the pocket suite, by where they go."""
    settings = PocketSettings(items=options.items)
    with tempfile.TemporaryDirectory() as folder:
        write_suite(Path(folder), settings, 0)
        suite = Suite.read(Path(folder))
        manager = open_tasks(suite.folder)
        tasks = [PreparedTask(info, load_task(manager, info, 0), None) for info in suite.index]
    items = sum(len({request.doc_id for request in task.requests}) for task in tasks)
    words = {word for task in tasks for request in task.requests for word in str(request.args).split()}
    tokenizer = word_tokenizer(["<eos>", "<pad>", *sorted(words)])
    model = pocket_model(len(tokenizer))
    engine = MixtureLM(model, tokenizer, options.batch_tokens)
    inside = Inside(model)
    prepare, rest, passes = [], [], []
    for _ in range(options.repeats + 1):
        start = time.process_time()
        requests = [engine.prepare(task.kind, task.requests) for task in tasks]
        prepare.append((time.process_time() - start) / items * 1e3)
        start, inside.total = time.process_time(), 0.0
        for task, prepared in zip(tasks, requests, strict=True):
            task.score(engine.respond(prepared))
        passes.append(inside.total / items * 1e3)
        rest.append((time.process_time() - start) / items * 1e3 - passes[-1])
    rows = [
        ("ms an item (median)", "once a sweep", "each mixture"),
        ("tokenize and batch", f"{median(prepare[1:]):.3f}", ""),
        ("forward passes", "", f"{median(passes[1:]):.3f}"),
        ("all else, lm-eval's scoring included", "", f"{median(rest[1:]):.3f}"),
    ]
    return f"{table(rows)}\n\n{len(tasks)} tasks, {items} items."


def pocket_model(vocabulary: int) -> FlexOlmoForCausalLM:
    """A pair of the pocket family's size."""
    torch.manual_seed(0)
    config = FlexOlmoConfig(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=256, num_experts=2, num_experts_per_tok=2, pad_token_id=1, eos_token_id=0,
        bos_token_id=None, initializer_range=0.1,
    )  # fmt: skip
    config._experts_implementation = "eager"
    return FlexOlmoForCausalLM(config).eval()


class Inside:
    """Seconds that pass inside the base model, from its embeddings to its last norm, and the head."""

    def __init__(self, model: FlexOlmoForCausalLM) -> None:
        self.total = 0.0
        self._start = 0.0
        for first, last in ((model.model.embed_tokens, model.model.norm), (model.lm_head, model.lm_head)):
            first.register_forward_pre_hook(self._enter)
            last.register_forward_hook(self._leave)

    def _enter(self, *_: Any) -> None:
        self._start = time.process_time()

    def _leave(self, *_: Any) -> None:
        self.total += time.process_time() - self._start


if __name__ == "__main__":
    main()
