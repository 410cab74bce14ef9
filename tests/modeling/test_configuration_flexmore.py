"""The ranks in a configuration: read, translated, refused."""

import pytest

from flexmore.errors import FlexmoreError
from flexmore.modeling import FlexMoREConfig


def test_configurations_that_mean_nothing_are_refused() -> None:
    with pytest.raises(FlexmoreError, match="rank_encoding: found 'other'"):
        FlexMoREConfig(num_experts=2, num_experts_per_tok=2, expert_ranks=[None, 1], rank_encoding="other")
    with pytest.raises(FlexmoreError, match=r"expert_ranks\[0\]: found 0"):
        FlexMoREConfig(num_experts=2, num_experts_per_tok=2, expert_ranks=[0, 1], rank_encoding="null_is_full")
    theirs = FlexMoREConfig(num_experts=3, num_experts_per_tok=2, expert_ranks=[0, 0, 7])
    assert theirs.expert_ranks == [None, None, 7]
    assert FlexMoREConfig(num_experts=2, num_experts_per_tok=2).expert_ranks == [None, None]
