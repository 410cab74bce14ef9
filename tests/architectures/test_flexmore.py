"""The ranks that a configuration declares."""

from flexmore.architectures.flexmore import declared_rank, rank_in


def test_a_rank_is_given_for_all_by_projection_or_by_layer() -> None:
    assert rank_in({"gate_proj": [1, 2], "up_proj": 3, "down_proj": None}, 1, "gate_proj") == 2
    assert rank_in({"gate_proj": [1, 2], "up_proj": 3, "down_proj": None}, 1, "down_proj") is None
    assert rank_in([4, 5], 0, "up_proj") == 4
    assert rank_in(6, 0, "up_proj") == 6


def test_zero_is_a_rank_only_where_full_size_is_null() -> None:
    ranks = {"expert_ranks": [None, 0, None]}
    assert declared_rank({**ranks, "rank_encoding": "null_is_full"}, 1, 0, "up_proj") == 0
    assert declared_rank({**ranks, "rank_encoding": "null_is_full"}, 2, 0, "up_proj") is None
    assert declared_rank(ranks, 1, 0, "up_proj") is None
