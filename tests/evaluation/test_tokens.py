"""How many tokens a suite asks: by hand, with a tokenizer of whole words."""

from pathlib import Path

from tiny_suite import CHOICE, GENERATION, Loaded, write_suite

from flexmore.config.evaluation import EvaluateSettings
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tokens import count_tokens


def test_tokens_by_hand(tmp_path: Path, words: Path) -> None:
    choose = [{"q": f"the {word}", "choices": ["yes", "the cat sat"], "gold": 0} for word in ("cat", "dog")]
    answer = [{"q": "the cat sat", "gold": "on"}] * 2
    generated = GENERATION | {"generation_kwargs": {"until": ["."], "max_gen_toks": 5}}
    tasks = {"choose": (CHOICE, "acc", choose), "answer": (generated, "exact_match", answer)}
    model = Loaded(words)
    found = count_tokens(Suite.read(write_suite(tmp_path, tasks)), model, EvaluateSettings())
    assert found == {
        # prompts: begin of text, `the` and a word; they share two tokens, and each second choice adds `the cat`
        "MC9": {"items": 2, "prompt": 2 * 3, "computed": 2 + 2 * (1 + 2), "new": 0},
        # the same prompt twice: begin of text and three words
        "BBH": {"items": 2, "prompt": 4, "computed": 4, "new": 2 * 5},
    }
    assert model.forwards == 0
