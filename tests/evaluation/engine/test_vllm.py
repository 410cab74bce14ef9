"""Requests to vLLM and its responses, with lm-eval's HFLM in its place, since vLLM is not installed for the tests."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tiny_suite import CHOICE, GENERATION, WORDS, build_model, build_tokenizer, write_suite

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.encoding import Encoder
from flexmore.evaluation.engine.vllm import DenseModel, VllmLM
from flexmore.evaluation.lazy_model import LazyModel
from flexmore.evaluation.outcome import SweepOutcome
from flexmore.evaluation.runner import SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.exchange.materialize import materialize
from flexmore.files import read_json
from flexmore.mixtures.recipe import Recipe

NAMES = ("news-r4", "news-full")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    questions = [f"w{i} w{i + 1} w{i + 2}" for i in range(2, 12)]
    choose = [{"q": q, "choices": ["w3", "w4 w5", "w6"], "gold": i % 3} for i, q in enumerate(questions)]
    answer = [{"q": q, "gold": "w3"} for q in questions]
    generated = GENERATION | {"generation_kwargs": {"until": ["w7"], "max_gen_toks": 4}}
    tasks = {"choose": (CHOICE, "acc", choose), "answer": (generated, "exact_match", answer)}
    return Suite.read(write_suite(tmp_path / "suite", tasks))


def run(composed: Any, suite: Suite, folder: Path, engine: Any, out: str) -> SweepOutcome:
    recipes = [Recipe.read(composed.paths.recipe(name)) for name in NAMES]
    settings = EvaluateSettings(engine=engine, device="cpu")
    if engine == "own":
        model: Any = LazyModel(composed.paths, [recipe.mixture for recipe in recipes], settings, composed.seed)
    else:
        (folder / "scratch").mkdir(exist_ok=True)

        def write(recipe: Recipe, out: Path) -> None:
            materialize(recipe, composed.paths, out)

        model = DenseModel(composed.paths, recipes, settings, composed.seed, folder / "scratch", write)
    return evaluate_sweep(SweepRun(recipes, model, suite, folder / "cache", folder / out, settings))


def test_its_scores_are_the_dense_checkpoints_and_cached_for_themselves(
    composed: Any, suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = []

    def vllm(pretrained: str, max_model_len: int, enable_prefix_caching: bool, **given: Any) -> HFLM:
        assert enable_prefix_caching
        served.append(Path(pretrained).name)
        return HFLM(pretrained=pretrained, max_length=max_model_len, device="cpu", **(given | {"batch_size": 4}))

    monkeypatch.setitem(sys.modules, "lm_eval.models.vllm_causallms", SimpleNamespace(VLLM=vllm))
    run(composed, suite, tmp_path, "own", "ours")
    report = run(composed, suite, tmp_path, "vllm", "theirs")
    assert (report.computed, report.cached) == (4, 0)
    assert served == list(NAMES)
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == [NAMES[-1]]  # one at a time
    for name in NAMES:
        ours, theirs = (read_json(tmp_path / out / f"{name}.json") for out in ("ours", "theirs"))
        assert {task: entry["items"] for task, entry in ours["tasks"].items()} == {
            task: entry["items"] for task, entry in theirs["tasks"].items()
        }
        assert set(theirs["versions"]) - set(ours["versions"]) == {"vllm"}
    again = run(composed, suite, tmp_path, "vllm", "theirs")
    assert (again.computed, again.cached) == (0, 4)
    assert served == list(NAMES)


class WritesSpecialTokens(HFLM):
    """HFLM that writes special tokens into its texts, as vLLM does for lm-eval."""

    def tok_decode(self, tokens: Any, skip_special_tokens: bool = True) -> str:
        return super().tok_decode(tokens, skip_special_tokens=False)


@pytest.mark.parametrize("until", [["<|im_end|>"], ["<|no|>"], ["K", "V"]], ids=["a stop", "none", "what they part"])
def test_special_tokens_are_not_in_its_texts(until: list[str]) -> None:
    tokenizer = build_tokenizer("bytes")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_end|>", "<|im_start|>"]})
    model = build_model(tokenizer)
    with torch.no_grad():
        model.lm_head.weight[tokenizer.convert_tokens_to_ids("<|im_start|>")] *= 2
    settings = {"until": until, "max_gen_toks": 12}
    prompts = [(f"{a} {b}", settings) for a in WORDS.split()[:6] for b in WORDS.split()[6:12]]
    requests = [Instance("generate_until", {}, prompt, 0) for prompt in prompts]
    served = WritesSpecialTokens(pretrained=model, tokenizer=tokenizer, batch_size=1)
    encoder = Encoder(tokenizer, served.max_length)
    engine = VllmLM(SimpleNamespace(model=served, tokenizer=tokenizer, encoder=encoder))  # type: ignore[arg-type]
    expected = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1).generate_until(requests)
    assert engine.respond(engine.prepare("generate_until", requests)) == expected
    assert served.generate_until(requests) != expected, "the witness must be able to disagree"


def test_where_it_is_not_installed_one_error_says_so(composed: Any, suite: Suite, tmp_path: Path) -> None:
    with pytest.raises(FlexmoreError, match=r"evaluate\.engine: found vllm, which is not installed"):
        run(composed, suite, tmp_path, "vllm", "theirs")
    assert list((tmp_path / "scratch").iterdir()) == []
