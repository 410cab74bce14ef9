"""Training of the pocket family by FlexOlmo's recipe: a dense public model, then each expert beside its frozen copy.

An expert's checkpoint is a mixture of two: expert 0 and all that is shared are the public model's, bit for bit;
expert 1 starts as a copy of expert 0. Router row 0 is zero; row 1 starts from a ridge fit that tells the domain's
text from the other domains' public text, and is trained with the expert. The joint model is never trained.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import FlexOlmoConfig, GenerationConfig, Olmo2Config, Olmo2ForCausalLM, PreTrainedModel

from flexmore.config.names import POCKET_EXPERTS
from flexmore.config.pocket import PocketSettings
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import atomic_folder, fingerprint, sha256_of
from flexmore.pocket.corpora import Corpora
from flexmore.pocket.tokenizer import build_tokenizer
from flexmore.pocket.vocabulary import vocabulary
from flexmore.revisions import POCKET_REVISION
from flexmore.training.branch import as_flex_olmo, branch
from flexmore.training.loop import Batch, TrainingSettings, one_thread, train
from flexmore.training.router_fit import fit_router_rows

CONTEXT = 128
"""Tokens that the models take at most."""

CONTRAST_ROWS = 256
"""Rows of the domain, and of other text, that the router rows are fitted to."""

SHARD = "500KB"
"""Size of a file of weights, small so that checkpoints have several, as the hub's do."""


def train_public(out: Path, cache: Path, settings: PocketSettings, seed: int) -> None:
    """Train the dense public model and write it to the folder `out`.

    Args:
        out: the checkpoint's folder, in the hub's layout; replaced as a whole at the end.
        cache: folder of the training checkpoint that a killed run resumes from.
    """
    with one_thread():
        torch.manual_seed(seed)
        model = Olmo2ForCausalLM(Olmo2Config(**_shape(settings)))
        weights, texts = dict(model.named_parameters()), Corpora(settings, seed)
        steps, rate, decay = settings.public_steps, settings.public_learning_rate, settings.public_weight_decay
        run = _training_settings("public", settings, steps, rate, decay)
        state, identity = cache / "train-public.safetensors", _identity("public", settings, seed, "")
        train(model, weights, _batches("public", texts), run, state, identity)
        _write(model, out)


def train_expert(name: str, public: Path, out: Path, cache: Path, settings: PocketSettings, seed: int) -> None:
    """Train expert `name` beside the model in the folder `public`, and write the pair to the folder `out`.

    Raises:
        FlexmoreError: there is no pocket expert of that name.
        CheckpointError: `public` holds no public model of these settings.
    """
    if name not in POCKET_EXPERTS:
        known = ", ".join(POCKET_EXPERTS)
        raise FlexmoreError(f"experts: found {name!r}, expected an expert of the pocket family: {known}")
    with one_thread():
        model, texts = _load_public(public, settings), Corpora(settings, seed)
        weights = branch(model, _router_rows(model, texts, name))
        state, identity = cache / f"train-{name}.safetensors", _identity(name, settings, seed, _digest(public))
        run = _training_settings(name, settings, settings.expert_steps, settings.expert_learning_rate, weight_decay=0.0)
        train(model, weights, _batches(name, texts), run, state, identity)
        pair = FlexOlmoConfig(**_shape(settings), num_experts=2, num_experts_per_tok=2)
        _write(as_flex_olmo(model, pair), out)


def _shape(settings: PocketSettings) -> dict[str, Any]:
    """Return the configuration that the public model and the pairs share."""
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


def _training_settings(
    name: str, settings: PocketSettings, steps: int, learning_rate: float, weight_decay: float
) -> TrainingSettings:
    return TrainingSettings(
        name=name,
        steps=steps,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        betas=(settings.beta1, settings.beta2),
        clip=settings.clip,
        warmup_steps=settings.warmup_steps,
        final_share=settings.final_lr_share,
        checkpoint_every=settings.checkpoint_every,
    )


def _batches(source: str, texts: Corpora) -> Callable[[int], Batch]:
    """Return the function that gives the texts of a step.

    A question's words count less in the loss than an answer's: drawn at random, they teach little.
    """

    def batch(step: int) -> Batch:
        rows = texts.rows(source, step, texts.settings.batch)
        weights = np.where(rows.answers, 1.0, texts.settings.question_weight)
        return Batch(torch.from_numpy(rows.tokens), torch.from_numpy(weights).float())

    return batch


def _router_rows(dense: Olmo2ForCausalLM, texts: Corpora, expert: str) -> list[torch.Tensor]:
    """Return an expert's router row of each layer at the start of its training, [hidden] in fp32."""
    domain, other = ([torch.from_numpy(rows.tokens)] for rows in texts.contrast(expert, CONTRAST_ROWS))
    settings = texts.settings
    fitted = fit_router_rows(dense, domain, other, target=settings.router_target, ridge=settings.router_ridge)
    return [row.clone() for row in fitted.float()]


def _identity(source: str, settings: PocketSettings, seed: int, public: str) -> str:
    """Return the fingerprint of everything that determines the trained weights."""
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
            raise CheckpointError(
                f"{folder}: found {found}, expected {wanted} as the settings say; train the public model again"
            )
        return Olmo2ForCausalLM.from_pretrained(folder, local_files_only=True)
    except OSError as error:
        raise CheckpointError(f"{folder}: found no readable public model ({error}); train it first") from error


def _write(model: PreTrainedModel, out: Path) -> None:
    """Replace the folder `out`, at once, by the model, its generation settings and its tokenizer."""
    model.generation_config = GenerationConfig(do_sample=False, pad_token_id=0, eos_token_id=1)
    with atomic_folder(out, out.parent) as temporary:
        model.save_pretrained(temporary, max_shard_size=SHARD)
        build_tokenizer(CONTEXT).save_pretrained(temporary)
