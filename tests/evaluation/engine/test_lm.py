"""The engine against lm-eval's own HFLM, request by request."""

import logging
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tiny_suite import CONTEXT, WORDS, build_model, build_tokenizer, load_tasks
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BloomForCausalLM,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
)

from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine import stems
from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.revisions import ENGINE_REVISION


@pytest.fixture(scope="module", params=[1024, 8], ids=["", "stems"])
def engine(checkpoint: Path, request: pytest.FixtureRequest) -> Iterator[MixtureLM]:
    """The engine, and one that makes a stem of all that saves 8 tokens."""
    model = AutoModelForCausalLM.from_pretrained(checkpoint, experts_implementation="eager").eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stems, "_MIN_SAVED", request.param)
        yield MixtureLM(model, AutoTokenizer.from_pretrained(checkpoint), batch_tokens=300)


@pytest.fixture(scope="module")
def witness(checkpoint: Path) -> HFLM:
    return HFLM(pretrained=str(checkpoint), device="cpu", batch_size=3)


def ask(kind: str, *arguments: tuple[Any, ...]) -> list[Instance]:
    return [Instance(kind, {}, args, 0) for args in arguments]  # type: ignore[arg-type]


def test_every_request_of_every_kind_of_task(engine: MixtureLM, witness: HFLM, suite: Path) -> None:
    names = [info.task for info in Suite.read(suite).index]
    for name, task in load_tasks(suite, names).items():
        task.build_all_requests()
        kind = task.instances[0].request_type
        ours, theirs = getattr(engine, kind)(task.instances), getattr(witness, kind)(task.instances)
        if kind == "generate_until":
            assert ours == theirs, name
            assert len(set(ours)) > 3, "the witness must be able to disagree"
        else:
            assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4), name
            assert [flag for _, flag in ours] == [flag for _, flag in theirs], name


def test_prompts_that_are_cut_are_those_that_hflm_cuts(
    engine: MixtureLM, checkpoint: Path, suite: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """HFLM warns of each; what it generates from it cuts without a word, so there its tokens are counted."""
    for logger in ("lm_eval", "lm_eval.models.huggingface"):  # which other tests may have made quiet
        caplog.set_level(logging.WARNING, logger=logger)
    witness = HFLM(pretrained=str(checkpoint), device="cpu", batch_size=3, logits_cache=False)
    names = [info.task for info in Suite.read(suite).index]
    found = {}
    for name, task in load_tasks(suite, names).items():
        task.build_all_requests()
        kind = task.instances[0].request_type
        found[name] = len(engine.prepare(kind, task.instances).cut)
        if kind == "generate_until":
            new = task.config.generation_kwargs.get("max_gen_toks", 256)
            theirs = [len(witness.tok_encode(request.args[0])) > CONTEXT - new for request in task.instances]
        else:
            caplog.clear()
            witness.loglikelihood(task.instances)
            theirs = ["exceeds model's maximum length" in record.getMessage() for record in caplog.records]
        assert found[name] == sum(theirs), name
    assert found["single"] == 0
    assert min(found["lengthy"], found["filtered"]) > 0, "nothing was put to the test"


def test_rolling_windows(engine: MixtureLM, checkpoint: Path) -> None:
    # HFLM's logits cache takes the wrong positions where two windows have the same tokens in different parts
    witness = HFLM(pretrained=str(checkpoint), device="cpu", batch_size=3, logits_cache=False)
    requests = ask("loglikelihood_rolling", *[((WORDS + " ") * n,) for n in range(1, 5)], ("the",), ("東京 Größe",))
    assert engine.loglikelihood_rolling(requests) == pytest.approx(witness.loglikelihood_rolling(requests), abs=1e-3)


def test_greedy_flags(engine: MixtureLM, witness: HFLM) -> None:
    texts = engine.tokenizer.batch_decode([[token] for token in range(len(engine.tokenizer))])
    contexts = ("the cat", "a red dog", "no", "東京 is")
    pairs = [(context, space + text) for context in contexts for text in texts if text.strip() for space in ("", " ")]
    pairs = [
        (context, text)
        for context, text in pairs
        if len(engine.tok_encode(context + text)) > len(engine.tok_encode(context))
    ]
    longer = [(context, f"{text} mat") for context, text in pairs]
    requests = ask("loglikelihood", *pairs, *longer)
    ours, theirs = engine.loglikelihood(requests), witness.loglikelihood(requests)
    assert [flag for _, flag in ours] == [flag for _, flag in theirs]
    assert 0 < sum(flag for _, flag in ours) < len(requests)


def test_an_empty_context(engine: MixtureLM, witness: HFLM) -> None:
    prefix = engine.tokenizer.decode(engine.prefix_token_id)
    requests = ask("loglikelihood", ("", "the cat"), ("", f"{prefix} the cat"), ("", "the"))
    ours, theirs = engine.loglikelihood(requests), witness.loglikelihood(requests)
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)


def test_awkward_requests_all_at_once(engine: MixtureLM, checkpoint: Path) -> None:
    """Long continuations, one that fills the context, prefixes of one another, the same twice, spaces, unicode."""
    witness = HFLM(pretrained=str(checkpoint), device="cpu", batch_size=3, logits_cache=False)
    filling = " cat" * CONTEXT
    while len(engine.tok_encode("the" + filling)) - len(engine.tok_encode("the")) >= CONTEXT:
        filling = filling.removesuffix(" cat")
    endings = [
        " sat",
        " sat on",
        " sat on mat",
        " sat on mat ?",
        " 東京",
        " 東京 Größe",
        " the cat dog sat on a red blue",
    ]
    contexts = ["the", "the cat", "the cat ", "the cat sat on", "東京 is", f"{WORDS} {WORDS} the cat", "no"]
    pairs = [(context, ending) for context in contexts for ending in (*endings, filling, endings[0])]
    requests = ask("loglikelihood", *pairs)
    ours, theirs = engine.loglikelihood(requests), witness.loglikelihood(requests)
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)
    assert [flag for _, flag in ours] == [flag for _, flag in theirs]


@pytest.mark.parametrize("kind", ["loglikelihood", "generate_until"])
def test_shots_go_through_the_model_once(kind: str) -> None:
    tokenizer = build_tokenizer("words")
    model = build_model(tokenizer, context=400)
    engine = MixtureLM(model, tokenizer)
    words = WORDS.split()
    shots = " ".join(words[(n * n) % 17] for n in range(200))
    questions = [f"{shots} {first} the cat sat on" for first in words[:20]]
    endings: list[Any] = [" yes", " no", " one"] if kind == "loglikelihood" else [{"until": ["."], "max_gen_toks": 1}]
    requests = ask(kind, *[(question, ending) for question in questions for ending in endings])
    expected = getattr(HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4), kind)(requests)
    getattr(engine, kind)(requests[:1])
    fed: list[int] = []
    handle = model.model.embed_tokens.register_forward_pre_hook(lambda _, given: fed.append(given[0].numel()))
    found = getattr(engine, kind)(requests)
    handle.remove()
    assert sum(fed) == 1 + 200 + 20 * 5
    if kind == "loglikelihood":
        found, expected = [value for value, _ in found], pytest.approx([value for value, _ in expected], abs=1e-4)
    assert found == expected


def test_numbers_do_not_depend_on_the_batch(engine: MixtureLM, suite: Path) -> None:
    task = load_tasks(suite, ["several"])["several"]
    task.build_all_requests()
    together = engine.loglikelihood(task.instances)
    alone = [engine.loglikelihood([request])[0] for request in task.instances]
    assert [value for value, _ in together] == pytest.approx([value for value, _ in alone], abs=1e-4)


def test_numbers_do_not_depend_on_how_many_logits_fit(
    engine: MixtureLM, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_tasks(suite, ["several"])["several"]
    task.build_all_requests()
    together = engine.loglikelihood(task.instances)
    monkeypatch.setattr("flexmore.evaluation.engine.lm._LOGITS_AT_ONCE", 3 * len(engine.tokenizer))
    assert engine.loglikelihood(task.instances) == [(pytest.approx(value, abs=1e-4), flag) for value, flag in together]


def test_generation_does_not_depend_on_the_batch(engine: MixtureLM, suite: Path) -> None:
    task = load_tasks(suite, ["stops"])["stops"]
    task.build_all_requests()
    assert engine.generate_until(task.instances) == [engine.generate_until([r])[0] for r in task.instances]


_SCALED = partial(GraniteConfig, embedding_multiplier=3.0)  # between its embeddings and its layers


@pytest.mark.parametrize(
    "family", [(Olmo2Config, Olmo2ForCausalLM), (LlamaConfig, LlamaForCausalLM), (_SCALED, GraniteForCausalLM)]
)
def test_dense_models(family: tuple[Any, Any], suite: Path) -> None:
    config, kind = family
    tokenizer = build_tokenizer("bytes")
    torch.manual_seed(1)
    sizes = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    model = kind(config(vocab_size=len(tokenizer), max_position_embeddings=CONTEXT, **sizes, **ends)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(20 if weight.ndim == 2 else 1)
    engine, witness = MixtureLM(model, tokenizer, 300), HFLM(pretrained=model, tokenizer=tokenizer, batch_size=3)
    for name, task in load_tasks(suite, ["several", "lengthy", "stops"]).items():
        task.build_all_requests()
        if name == "stops":
            assert engine.generate_until(task.instances) == witness.generate_until(task.instances)
        else:
            theirs = [value for value, _ in witness.loglikelihood(task.instances)]
            assert [value for value, _ in engine.loglikelihood(task.instances)] == pytest.approx(theirs, abs=1e-4)


def test_half_precision_is_scored_in_single(words: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(words, dtype=torch.bfloat16, experts_implementation="eager").eval()
    engine = MixtureLM(model, AutoTokenizer.from_pretrained(words))
    context = engine.tok_encode("the cat sat")
    with torch.no_grad():
        expected = model(torch.tensor([context])).logits[0, -1].float().log_softmax(-1)
    (token,) = engine.tok_encode("mat", add_special_tokens=False)
    assert engine.loglikelihood(ask("loglikelihood", ("the cat sat", " mat")))[0][0] == float(expected[token])


def test_an_empty_prompt_is_continued_from_the_prefix(words: Path) -> None:
    tokenizer = build_tokenizer("bytes")
    engine = MixtureLM(build_model(tokenizer), tokenizer)
    settings = {"until": ["."], "max_gen_toks": 5}
    (text,) = engine.generate_until(ask("generate_until", ("", settings)))
    assert text == engine.generate_until(ask("generate_until", ("<eos>", settings)))[0]


@pytest.mark.parametrize("kind", ["bytes", "words"])
@pytest.mark.parametrize(
    "until",
    [["<|im_end|>"], ["|"], ["n <|im_end|>", "n<|im_end|>", "!<|im_end|>"], ["<|im_end|>", "d", "so"]],
    ids=["alone", "a part of it", "after a word", "beside words"],
)
def test_stop_strings_of_special_tokens(kind: str, until: list[str]) -> None:
    """HFLM stops at them when it decodes, but leaves them out of the text; so it runs on unless it batches by one."""
    tokenizer = build_tokenizer(kind)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    model = build_model(tokenizer)
    with torch.no_grad():
        model.lm_head.weight[tokenizer.convert_tokens_to_ids("<|im_end|>")] *= 2
    settings = {"until": until, "max_gen_toks": 12}
    prompts = [(f"{a} {b}", settings) for a in WORDS.split()[:6] for b in WORDS.split()[6:12]]
    witness = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1)
    expected = witness.generate_until(ask("generate_until", *prompts))
    assert MixtureLM(model, tokenizer).generate_until(ask("generate_until", *prompts)) == expected
    without = ask("generate_until", *[(text, settings | {"until": ["never"]}) for text, _ in prompts])
    assert witness.generate_until(without) != expected, "the witness must be able to disagree"


def test_prepared_requests_hold_for_other_weights(words: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(words, experts_implementation="eager").eval()
    engine = MixtureLM(model, AutoTokenizer.from_pretrained(words))
    requests = ask("loglikelihood", ("the cat", " sat"), ("the cat", " sat on"), ("a", " red"))
    prepared = engine.prepare("loglikelihood", requests)
    before = engine.respond(prepared)
    with torch.no_grad():
        model.lm_head.weight.mul_(0.5)
    assert engine.respond(prepared) == engine.loglikelihood(requests) != before


def test_golden_numbers() -> None:
    """Raise ENGINE_REVISION when these change: cached scores are no longer what the engine would give."""
    engine = golden_engine()
    asked = [("the cat sat", " on the mat"), ("the cat sat", " no"), ("", "a red dog"), ("is ? ", "one two three")]
    values = [value for value, _ in engine.loglikelihood(ask("loglikelihood", *asked))]
    assert values == pytest.approx(GOLDEN_VALUES, abs=2e-3)
    settings = {"until": ["."], "max_gen_toks": 6}
    prompts = ask("generate_until", *[(text, settings) for text in ("the cat", "no", "two", "東京 is")])
    assert engine.generate_until(prompts) == GOLDEN_TEXTS
    assert ENGINE_REVISION == 3, "a new revision is for new numbers here, in the last bits at least"


@pytest.mark.parametrize("worth", [1024, 8])
def test_golden_scores(suite: Path, monkeypatch: pytest.MonkeyPatch, worth: int) -> None:
    """As above, of whole tasks."""
    monkeypatch.setattr(stems, "_MIN_SAVED", worth)
    engine, manager = golden_engine(), open_tasks(suite)
    for info in Suite.read(suite).select(list(GOLDEN_SCORES)).index:
        task = PreparedTask(info, load_task(manager, info, 1234), None)
        assert task.score(engine.loglikelihood(task.requests)).score == GOLDEN_SCORES[info.task], info.task


def golden_engine() -> MixtureLM:
    """A model whose weights no generator decides."""
    tokenizer = build_tokenizer("words")
    model = build_model(tokenizer)
    with torch.no_grad():
        for number, weight in enumerate(model.parameters()):
            weight.copy_(torch.sin(torch.arange(weight.numel()).double() * (number + 1) * 1.7).view_as(weight))
    return MixtureLM(model, tokenizer)


GOLDEN_VALUES = [-19.79300, -7.65694, -11.97829, -18.25009]
GOLDEN_SCORES = {
    "single": 4 / 18,
    "several": 3 / 18,
    "spaced": 6 / 18,
    "shots": 4 / 18,
    "templates": 3 / 18,
    "empty": 0.75,
}
GOLDEN_TEXTS = ["answer blue ?", "dog ? ? ?", "two two two", "? ? ?"]


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("loglikelihood", ("the cat", ""), "has 0 tokens"),
        ("loglikelihood", ("the", " cat" * (CONTEXT + 1)), f"expected 1 to {CONTEXT}"),
        ("generate_until", ("the", {"do_sample": True, "temperature": 1.0, "until": ["."]}), "greedy"),
        ("generate_until", ("the", {"num_beams": 4, "until": ["."]}), "num_beams"),
        ("generate_until", ("the", {"until": ["."], "max_gen_toks": CONTEXT}), "max_gen_toks"),
        ("loglikelihood_sideways", ("the",), "sideways"),
    ],
)
def test_what_cannot_be_answered(words: str, kind: str, arguments: tuple[Any, ...]) -> None:
    tokenizer = build_tokenizer("words")
    engine = MixtureLM(build_model(tokenizer), tokenizer)
    with pytest.raises(FlexmoreError, match=words):
        engine.prepare(kind, ask(kind, arguments))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_none(value: float) -> None:
    tokenizer = build_tokenizer("words")
    model = build_model(tokenizer)
    engine = MixtureLM(model, tokenizer)
    with torch.no_grad():
        model.lm_head.weight[5, 0] = value
    with pytest.raises(FlexmoreError, match="NaN or infinite"):
        engine.loglikelihood(ask("loglikelihood", ("the cat", " sat")))
    with pytest.raises(FlexmoreError, match="NaN or infinite"):
        engine.generate_until(ask("generate_until", ("the cat", {"until": ["."], "max_gen_toks": 3})))


def test_a_model_that_scales_its_logits_is_refused() -> None:
    tokenizer = build_tokenizer("words")
    model = build_model(tokenizer)
    plain = model.forward

    def scaled(*args: Any, **kwargs: Any) -> Any:
        out = plain(*args, **kwargs)
        out.logits = out.logits / 7
        return out

    model.forward = scaled
    with pytest.raises(FlexmoreError, match="scaled or capped"):
        MixtureLM(model, tokenizer).loglikelihood(ask("loglikelihood", ("the cat", " sat")))


def test_attention_with_a_window_is_refused() -> None:
    tokenizer = build_tokenizer("words")
    sizes = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = MistralForCausalLM(
        MistralConfig(vocab_size=len(tokenizer), num_key_value_heads=2, sliding_window=8, **sizes)
    )
    with pytest.raises(FlexmoreError, match="MistralAttention: found attention with sliding_window"):
        MixtureLM(model.eval(), tokenizer).loglikelihood(ask("loglikelihood", ("the cat", " sat")))


@pytest.mark.parametrize("kind", [BloomForCausalLM, Gemma2ForCausalLM])
def test_models_of_another_form_are_refused(kind: Any) -> None:
    tokenizer = build_tokenizer("words")
    sizes = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = kind.config_class(vocab_size=len(tokenizer), head_dim=6, num_key_value_heads=2, **sizes)
    with pytest.raises(FlexmoreError, match=r"models (of the form of|with plain)"):
        MixtureLM(kind(config).eval(), tokenizer).loglikelihood(ask("loglikelihood", ("the cat", " sat")))


def test_the_model_has_its_own_attention_back(engine: MixtureLM) -> None:
    engine.loglikelihood(ask("loglikelihood", ("the cat", " sat")))
    assert engine.model.config._attn_implementation == "sdpa"


def test_identity_ignores_how_the_tokenizer_was_last_called(words: Path) -> None:
    model = build_model(build_tokenizer("words"))
    fresh, used = AutoTokenizer.from_pretrained(words), AutoTokenizer.from_pretrained(words)
    used(["the cat", "a"], padding="longest", truncation=True, max_length=5)
    assert MixtureLM(model, fresh).identity == MixtureLM(model, used).identity
    assert MixtureLM(model, fresh, max_length=12).identity != MixtureLM(model, fresh).identity
