"""What a number of parameters buys, against counting by another way."""

from itertools import product

import pytest
from typer.testing import CliRunner

from flexmore.architectures.sizes import ModelSizes
from flexmore.cli import app as cli
from flexmore.errors import FlexmoreError
from flexmore.mixtures.parameters import count_parameters, parse_parameters
from flexmore.planning.rank_sets import rank_sets

PAPER = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)
SMALL = ModelSizes(hidden=8, ffn=12, layers=2, vocabulary=20, heads=2, key_value_heads=2)


@pytest.mark.parametrize("bounds", [(0, 3000), (2000, 2600), (2500, 2500), (10**6, 10**7)])
def test_sets_are_those_that_counting_every_order_finds(bounds: tuple[int, int]) -> None:
    found = set()
    for ranks in product((1, 2, 4, 8), repeat=3):
        total = count_parameters(SMALL, dict(zip("abc", ranks, strict=True)), 3)["total"]
        if bounds[0] <= total <= bounds[1]:
            found.add(tuple(sorted(ranks, reverse=True)))
    sets = rank_sets(SMALL, [1, 2, 4, 8, 16, 32], 3, bounds)
    assert len(sets) == len(set(sets))
    assert set(sets) == found


def test_the_papers_number_means_17_sets() -> None:
    """33.27B and 10.75B are the published totals; with seven routers only these sums of ranks round to the second."""
    published = parse_parameters("10.75B")
    sets = rank_sets(PAPER, [2**step for step in range(15)], 6, (published.low, published.high))
    assert len(sets) == 17
    assert {sum(ranks) for ranks in sets} <= set(range(2377, 2384))
    assert sorted(ranks.count(2048) for ranks in sets) == [0] * 3 + [1] * 14
    assert sorted(ranks.count(1024) for ranks in sets if 2048 not in ranks) == [2] * 3


def test_the_command_lists_them_without_weights_or_network() -> None:
    result = CliRunner().invoke(cli.app, ["params", "--sets", "10.75B", "--config", "config/paper.yaml"])
    lines = result.output.splitlines()
    assert lines[-1].startswith("17 sets")
    assert len(lines) == 18
    assert all(10_745_000_000 <= int(line.split()[-1].replace(",", "")) < 10_755_000_000 for line in lines[:-1])


def test_the_command_wants_a_recipe_or_a_number() -> None:
    with pytest.raises(FlexmoreError, match="one of a recipe"):
        CliRunner().invoke(cli.app, ["params"], catch_exceptions=False)
