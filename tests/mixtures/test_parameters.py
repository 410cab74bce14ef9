"""Numbers of parameters: counted against transformers and the published totals, and read from text."""

import pytest

from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import FlexmoreError
from flexmore.mixtures.parameters import ParameterCount, count_parameters, parse_parameters

PAPER = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)
POCKET = ModelSizes(hidden=64, ffn=256, layers=3, vocabulary=320, heads=4, key_value_heads=4)
SIX = ("code", "creative", "math", "news", "pes2o", "reddit")


def test_parameters_of_the_published_models() -> None:
    """Computed from the published configuration (FlexOlmo, arXiv 2507.07024): 7.30B public, 33.27B all full."""
    assert count_parameters(PAPER, {}, 1)["total"] == 7_298_617_344
    assert PAPER.full_expert == 4_328_521_728
    assert PAPER.per_rank == 1_449_984
    full = count_parameters(PAPER, dict.fromkeys(SIX, "full"), 7)
    assert full["total"] == full["active"] == 33_270_665_216
    assert full["total"] == full["backbone"] + full["public"] + full["routers"] + sum(full["experts"].values())


def test_parameters_are_those_of_transformers_model() -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    config = transformers.FlexOlmoConfig(
        vocab_size=320, hidden_size=64, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4,
        num_experts=7, pad_token_id=0,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.FlexOlmoForCausalLM(config)
    assert count_parameters(POCKET, dict.fromkeys(SIX, "full"), 7)["total"] == model.num_parameters()


def test_a_saturated_rank_weighs_what_the_largest_does() -> None:
    assert count_parameters(POCKET, {"math": 16384}, 2) == count_parameters(POCKET, {"math": 64}, 2)


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("10.75B", 10_750_000_000, 10_745_000_000, 10_754_999_999),
        ("10.75b", 10_750_000_000, 10_745_000_000, 10_754_999_999),
        ("7B", 7_000_000_000, 6_500_000_000, 7_499_999_999),
        ("1.5K", 1500, 1450, 1549),
        ("800k", 800_000, 799_500, 800_499),
        (" 3 M ", 3_000_000, 2_500_000, 3_499_999),
        ("123", 123, 123, 123),
        ("1,000,000", 1_000_000, 1_000_000, 1_000_000),
        ("1_000_000", 1_000_000, 1_000_000, 1_000_000),
        ("2_000", 2000, 2000, 2000),
    ],
)
def test_a_written_number_has_a_value_and_an_interval(text: str, value: int, low: int, high: int) -> None:
    assert parse_parameters(text) == ParameterCount(value, low, high)


@pytest.mark.parametrize("text", ["", "B", "10,75B", "1,5B", "1_0", "1,000_000", "-1B", "1.5", "2G", "10.75X", "much"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(FlexmoreError, match=r"is not a number of parameters; expected one such as 10\.75B"):
        parse_parameters(text)
