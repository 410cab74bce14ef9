"""The whole joint mixture of the paper with random weights, on one GPU: memory, prefill, decoding.

    python benchmarks/whole_model.py                                             # ranks of 10.75B, 22 GB
    python benchmarks/whole_model.py --ranks full,full,full,full,full,full       # 66.5 GB: a GPU of 80 GB or more
    python benchmarks/whole_model.py --device cpu --hidden 64 --ffn 172 --layers 2 --heads 4 --vocabulary 512 \
        --ranks 1,2,4,8,16,full --tokens 128                                     # whether it runs at all

Prints parameters, peak memory of the device, and tokens a second at 2, 4 and 7 active: of a prompt of `--tokens`
tokens, and of `--new` tokens generated one after another for `--rows` prompts. Times are medians of `--repeats`.
"""

import argparse
import time
from collections.abc import Callable

import torch
from made import median, peak_memory, report

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.modeling import FlexMoREForCausalLM
from flexmore.modeling.speed import random_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--ranks", default="2048,256,64,8,2,1", help="of the six experts")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--new", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    for name, size in {"hidden": 4096, "ffn": 11008, "layers": 32, "heads": 32, "vocabulary": 100352}.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    options = parser.parse_args()
    ranks: list[Rank] = [rank if rank == "full" else int(rank) for rank in options.ranks.split(",")]
    heads = options.heads
    sizes = ModelSizes(options.hidden, options.ffn, options.layers, options.vocabulary, heads, heads)
    model = random_model(sizes, ranks, torch.device(options.device), torch.bfloat16)
    rows: list[list[object]] = [["active", "prefill, tokens/s", "decoding, tokens/s"]]
    for active in (2, 4, 7):
        model.set_active(active)
        prompt = tokens_of(options, 1, options.tokens)
        prompts = tokens_of(options, options.rows, min(512, options.tokens))
        prefill = seconds(options, lambda prompt=prompt: model(input_ids=prompt, logits_to_keep=1))
        few = seconds(options, lambda prompts=prompts: generate(model, prompts, 1))
        many = seconds(options, lambda prompts=prompts: generate(model, prompts, 1 + options.new))
        rows.append([active, f"{options.tokens / prefill:,.0f}", f"{options.rows * options.new / (many - few):,.0f}"])
    report(options.device, rows)
    print(f"\n{model.num_parameters():,} parameters; peak {peak_memory(options.device)}")


def tokens_of(options: argparse.Namespace, rows: int, tokens: int) -> torch.Tensor:
    """Random tokens [rows, tokens] on the device; never the end of text."""
    generator = torch.Generator().manual_seed(rows)
    return torch.randint(2, options.vocabulary, (rows, tokens), generator=generator).to(options.device)


def generate(model: FlexMoREForCausalLM, prompts: torch.Tensor, new: int) -> None:
    """So many new tokens for every prompt."""
    model.generate(prompts, max_new_tokens=new, min_new_tokens=new, do_sample=False)


@torch.inference_mode()
def seconds(options: argparse.Namespace, work: Callable[[], object]) -> float:
    """Median time of the clock, after one run that does not count."""
    taken = []
    for _ in range(1 + options.repeats):
        start = time.perf_counter()
        work()
        if options.device.startswith("cuda"):
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return median(taken[1:])


if __name__ == "__main__":
    main()
