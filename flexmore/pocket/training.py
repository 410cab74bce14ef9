"""Training by FlexOlmo's recipe: a dense public model, then experts beside its frozen copy, each on its own.

An expert's checkpoint is a mixture of two: expert 0 and all that is shared are the public model's, bit for bit;
expert 1 starts as a copy of expert 0. Router row 0 is zero; row 1 starts from a ridge fit that tells the domain's
text from the other domains' public text, and is trained with the expert. The joint model is never trained.
"""

import copy
import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import (
    FlexOlmoConfig,
    FlexOlmoForCausalLM,
    GenerationConfig,
    Olmo2Config,
    Olmo2ForCausalLM,
    PreTrainedModel,
)
from transformers.utils import logging

from flexmore.architectures.flex_olmo import FLEX_OLMO
from flexmore.config.pocket import PocketSettings
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import atomic_folder, fingerprint, sha256_of
from flexmore.pocket.corpora import EXPERTS, Corpora
from flexmore.pocket.tokenizer import build_tokenizer
from flexmore.pocket.vocabulary import vocabulary
from flexmore.progress import track
from flexmore.revisions import POCKET_REVISION
from flexmore.training.state import load_checkpoint, save_checkpoint

CONTEXT = 128
CONTRAST_ROWS = 256
SHARD = "500KB"

Weights = Mapping[str, nn.Parameter]


@dataclass(frozen=True)
class Run:
    """What is trained on what, and for how long."""

    source: str
    texts: Corpora
    steps: int
    learning_rate: float
    weight_decay: float = 0.0


def train_public(out: Path, cache: Path, settings: PocketSettings, seed: int) -> None:
    """Train the dense public model and publish it as the folder `out`.

    Args:
        out: the checkpoint's folder, in the hub's layout; replaced as a whole at the end.
        cache: folder of the training checkpoint that a killed run resumes from.
    """
    with _one_thread():
        torch.manual_seed(seed)
        model = Olmo2ForCausalLM(Olmo2Config(**_shape(settings)))
        run = Run(
            "public",
            Corpora(settings, seed),
            settings.public_steps,
            settings.public_learning_rate,
            settings.public_weight_decay,
        )
        state = cache / "train-public.safetensors"
        _fit(model, dict(model.named_parameters()), run, state, _identity("public", settings, seed, ""))
        _publish(model, out)


def train_expert(name: str, public: Path, out: Path, cache: Path, settings: PocketSettings, seed: int) -> None:
    """Train expert `name` beside the model in the folder `public`, and publish the pair as the folder `out`.

    Raises:
        FlexmoreError: there is no pocket expert of that name.
        CheckpointError: `public` holds no public model of these settings.
    """
    if name not in EXPERTS:
        raise FlexmoreError(f"experts: {name!r} is no expert of the pocket family; one of {', '.join(EXPERTS)}")
    with _one_thread():
        model = _load_public(public, settings)
        run = Run(name, Corpora(settings, seed), settings.expert_steps, settings.expert_learning_rate)
        weights = _branch(model, _router_rows(model, run.texts, name))
        state = cache / f"train-{name}.safetensors"
        _fit(model, weights, run, state, _identity(name, settings, seed, _digest(public)))
        _publish(_mixture(model, settings), out)


def _shape(settings: PocketSettings) -> dict[str, Any]:
    """The configuration that public model and pairs share."""
    words = len(vocabulary())
    return {
        "vocab_size": words,
        "hidden_size": settings.hidden,
        "intermediate_size": settings.ffn,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "max_position_embeddings": CONTEXT,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
        "tie_word_embeddings": False,
        "dtype": "float32",
    }


class Pair(nn.Module):
    """The public expert, frozen, and an expert that starts as its copy, both active, as in FlexOlmo.

    With router logits 0 and `router`·x the softmax over two experts is a sigmoid.
    """

    def __init__(self, public: nn.Module, router: torch.Tensor) -> None:
        super().__init__()
        self.public = public
        self.expert = copy.deepcopy(public)
        self.router = nn.Parameter(router)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(batch, tokens, hidden) to the same shape."""
        share = torch.sigmoid(hidden @ self.router).unsqueeze(-1)
        mixed: torch.Tensor = (1 - share) * self.public(hidden) + share * self.expert(hidden)
        return mixed


def _branch(dense: Olmo2ForCausalLM, router_rows: list[torch.Tensor]) -> dict[str, nn.Parameter]:
    """Put a pair into each layer of `dense`, freeze all but expert and router row, and return these by name."""
    dense.requires_grad_(False)
    for layer, row in zip(dense.model.layers, router_rows, strict=True):
        layer.mlp = Pair(layer.mlp, row)
        layer.mlp.expert.requires_grad_(True)
    return {name: parameter for name, parameter in dense.named_parameters() if parameter.requires_grad}


def _mixture(branched: Olmo2ForCausalLM, settings: PocketSettings) -> FlexOlmoForCausalLM:
    """The same model in transformers' own class."""
    model = FlexOlmoForCausalLM(FlexOlmoConfig(**_shape(settings), num_experts=2, num_experts_per_tok=2))
    names = FLEX_OLMO.names
    weights = {name: weight for name, weight in branched.state_dict().items() if names.is_backbone(name)}
    for layer, block in enumerate(branched.model.layers):
        experts = (block.mlp.public, block.mlp.expert)
        gate_up = [torch.cat([expert.gate_proj.weight, expert.up_proj.weight]) for expert in experts]
        weights[names.fused(layer, "gate_proj")] = torch.stack(gate_up)
        weights[names.fused(layer, "down_proj")] = torch.stack([expert.down_proj.weight for expert in experts])
        weights[names.router(layer)] = torch.stack([torch.zeros_like(block.mlp.router), block.mlp.router])
    model.load_state_dict(weights)
    return model


def _router_rows(dense: Olmo2ForCausalLM, texts: Corpora, expert: str) -> list[torch.Tensor]:
    """Per layer, the ridge fit on the public model's FFN inputs of +target on the domain, -target elsewhere."""
    inputs: list[torch.Tensor] = []
    hooks = [
        layer.mlp.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0].flatten(0, 1).double()))
        for layer in dense.model.layers
    ]
    domain, other = texts.contrast(expert, CONTRAST_ROWS)
    with torch.no_grad():
        for rows in (domain, other):
            dense(torch.from_numpy(rows.tokens))
    for hook in hooks:
        hook.remove()
    layers = len(dense.model.layers)
    target = texts.settings.router_target * torch.ones(domain.tokens.size, dtype=torch.float64)
    wanted = torch.cat([target, -target])
    fits = []
    for layer in range(layers):
        x = torch.cat([inputs[layer], inputs[layers + layer]])
        gram = x.T @ x
        ridge = texts.settings.router_ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
        fits.append(torch.linalg.solve(gram + ridge, x.T @ wanted).float())
    return fits


def _fit(model: PreTrainedModel, weights: Weights, run: Run, state: Path, identity: str) -> None:
    """Train `weights` of `model` in place, from the checkpoint `state` where there is one of this identity."""
    settings = run.texts.settings
    optimizer = torch.optim.AdamW(
        weights.values(), betas=(settings.beta1, settings.beta2), weight_decay=run.weight_decay
    )
    done = load_checkpoint(state, identity, weights, optimizer)
    if done:
        print(f"{run.source}: resuming from {state}: {done} of {run.steps} steps are done", file=sys.stderr, flush=True)
    model.train()
    for step in track(range(done, run.steps), run.steps, f"training {run.source}", done=done):
        rows, answers = run.texts.rows(run.source, step, settings.batch)
        optimizer.zero_grad()
        torch.autograd.backward(_loss(model, rows, answers, settings.question_weight))
        torch.nn.utils.clip_grad_norm_(weights.values(), settings.clip)
        for group in optimizer.param_groups:
            group["lr"] = run.learning_rate * _schedule(step, run.steps, settings)
        optimizer.step()
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == run.steps:
            save_checkpoint(state, identity, step + 1, weights, optimizer)


def _loss(
    model: PreTrainedModel, rows: npt.NDArray[np.int64], answers: npt.NDArray[np.bool_], question_weight: float
) -> torch.Tensor:
    """Mean cross-entropy, a question's words weighted by `question_weight`: drawn at random, they teach little."""
    tokens = torch.from_numpy(rows)
    weights = torch.from_numpy(np.where(answers, 1.0, question_weight)).float()[:, 1:].flatten()
    logits = model(tokens[:, :-1], use_cache=False).logits.flatten(0, 1)
    losses = torch.nn.functional.cross_entropy(logits, tokens[:, 1:].flatten(), reduction="none")
    return (losses * weights).sum() / weights.sum()


def _schedule(step: int, steps: int, settings: PocketSettings) -> float:
    """The share of the peak learning rate: a linear rise, then a cosine down to `final_lr_share`."""
    rise = min(1.0, (step + 1) / (settings.warmup_steps + 1))
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return rise * (settings.final_lr_share + (1 - settings.final_lr_share) * cosine)


def _identity(source: str, settings: PocketSettings, seed: int, public: str) -> str:
    """The fingerprint of all that determines a training run, but for how often it is saved."""
    made_from = settings.model_dump(exclude={"checkpoint_every", "items"})
    return fingerprint([POCKET_REVISION, source, made_from, seed, public])


def _digest(folder: Path) -> str:
    return fingerprint([sha256_of(path) for path in sorted(folder.glob("*.safetensors"))])


def _load_public(folder: Path, settings: PocketSettings) -> Olmo2ForCausalLM:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found = {key: config.get(key) for key in ("hidden_size", "intermediate_size", "num_hidden_layers")}
        wanted = {key: _shape(settings)[key] for key in found}
        if found != wanted:
            raise CheckpointError(f"{folder}: has {found}, the settings ask for {wanted}; train the public model again")
        return Olmo2ForCausalLM.from_pretrained(folder, local_files_only=True)
    except OSError as error:
        raise CheckpointError(f"{folder}: no public model can be read ({error}); train it first") from error


def _publish(model: PreTrainedModel, out: Path) -> None:
    """Replace the folder `out` by the model, its generation settings and its tokenizer, all at once."""
    model.generation_config = GenerationConfig(do_sample=False, pad_token_id=0, eos_token_id=1)
    with atomic_folder(out) as temporary:
        model.save_pretrained(temporary, max_shard_size=SHARD)
        build_tokenizer(CONTEXT).save_pretrained(temporary)
        for file in temporary.iterdir():
            file.chmod(0o644)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: sums are taken in one order, and a busy neighbour costs little. No bars but our own."""
    threads, bars = torch.get_num_threads(), logging.is_progress_bar_enabled()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if bars:
            logging.enable_progress_bar()
