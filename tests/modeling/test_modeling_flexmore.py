"""FlexMoREForCausalLM against transformers' FlexOlmo on the merged weights, and as a model of transformers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from merged_witness import flexmore, flexolmo, public
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, pipeline
from transformers.models.flex_olmo.modeling_flex_olmo import FlexOlmoRMSNorm

from flexmore.errors import FlexmoreError
from flexmore.modeling import FlexMoREConfig, FlexMoREForCausalLM
from flexmore.modeling.modeling_flexmore import FlexMoRERMSNorm

IDS = torch.tensor([[5, 9, 2, 17, 30, 8, 44], [7, 7, 3, 40, 12, 2, 90], [8, 61, 3, 3, 25, 71, 6]])
PADDED = torch.tensor([[1] * 7, [0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1, 1]])
MIXED = [None, 0, 1, 3, None, 32, {"gate_proj": 2, "up_proj": [4, 0, None], "down_proj": None}]


def hidden(model: Any, mask: Tensor | None = None, ids: Tensor = IDS) -> Tensor:
    """The last hidden states of the tokens that are not padding, in fp64."""
    with torch.no_grad():
        found: Tensor = model(ids, attention_mask=mask, output_hidden_states=True).hidden_states[-1].double()
    return found if mask is None else found[mask.bool()]


def generated(model: Any, mask: Tensor | None = None) -> Tensor:
    mask = torch.ones_like(IDS) if mask is None else mask
    found: Tensor = model.generate(IDS, attention_mask=mask, max_new_tokens=12, do_sample=False)
    return found


@pytest.mark.parametrize(
    ("ranks", "active"),
    [
        *(([None, rank], 2) for rank in (0, 1, 4, 20, 32, None)),
        *(([None, *[rank] * 6], active) for rank in (0, 1, 8, 32, None) for active in (2, 4, 7)),
        *((MIXED, active) for active in (1, 2, 4, 7)),
        ([None], 1),
    ],
)
@pytest.mark.parametrize("mask", [None, PADDED])
def test_hidden_states_and_generations_are_flexolmos(ranks: list[Any], active: int, mask: Tensor | None) -> None:
    model = flexmore(ranks, active)
    witness = flexolmo(model)
    base = hidden(public(model), mask)
    ours, theirs = hidden(model, mask) - base, hidden(witness, mask) - base
    if all(rank == 0 for rank in ranks[1:]):  # nothing but rounding is left of the difference
        theirs, ours = hidden(witness, mask), hidden(model, mask)
    assert float((ours - theirs).norm()) <= 1e-9 * float(theirs.norm())
    assert torch.equal(generated(model, mask), generated(witness, mask))


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 2.0), (torch.bfloat16, 1.25)])
@pytest.mark.parametrize(
    ("ranks", "active"), [([None, 4], 2), ([None, 24], 2), *((MIXED, k) for k in (2, 4, 7)), ([None, *[8] * 6], 7)]
)
def test_rounding_is_hardly_more_than_transformers_own(
    ranks: list[Any], active: int, dtype: torch.dtype, bound: float
) -> None:
    """Errors against fp64 of the same factors; transformers' includes the rounding of its merged weights."""
    ours = theirs = 0.0
    for seed in range(4):
        model = flexmore(ranks, active, dtype, seed)
        exact = FlexMoREForCausalLM(model.config).double().eval()
        exact.load_state_dict(model.state_dict())
        ids = torch.randint(2, 96, (8, 40))
        truth = hidden(flexolmo(exact), ids=ids)
        ours += float((hidden(model, ids=ids) - truth).norm())
        theirs += float((hidden(flexolmo(model, dtype), ids=ids) - truth).norm())
    assert 0 < ours <= bound * theirs


@pytest.mark.parametrize("active", range(1, 8))
def test_rank_zero_is_the_public_model_at_every_active_count(active: int) -> None:
    """The norm behind the experts cancels the sum of their weights, up to its epsilon and its fp32."""
    model = flexmore([None, *[0] * 6], active, rms_norm_eps=1e-12)
    torch.testing.assert_close(hidden(model), hidden(public(model)), rtol=0, atol=1e-5)


def test_the_auto_classes_save_and_load_it_under_the_authors_names(tmp_path: Path) -> None:
    model = flexmore(MIXED, 4, torch.float32)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["model_type"] == "flexmore"
    assert config["architectures"] == ["FlexMoREForCausalLM"]
    assert config["expert_ranks"] == MIXED
    assert config["rank_encoding"] == "null_is_full"
    tensors = load_file(tmp_path / "model.safetensors")
    layer = "model.layers.1.mlp.experts"
    assert not any(f"{layer}.1." in name for name in tensors), "rank 0 has no weights"
    assert tensors[f"{layer}.3.up_proj_a.weight"].shape == (3, 32)
    assert tensors[f"{layer}.3.up_proj_b.weight"].shape == (56, 3)
    assert tensors[f"{layer}.0.down_proj.weight"].shape == tensors[f"{layer}.6.down_proj.weight"].shape == (32, 56)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), FlexMoREConfig)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(hidden(again), hidden(model), rtol=1e-4, atol=1e-6)
    half = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert all(torch.equal(tensor, tensors[name].bfloat16()) for name, tensor in half.state_dict().items())


def test_layers_are_placed_by_a_device_map(tmp_path: Path) -> None:
    """A layer that does not fit is read from disk when it is needed."""
    model = flexmore([None, 4, None], 2, torch.float32)
    model.save_pretrained(tmp_path / "model")
    places = {"model.embed_tokens": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}
    places |= {f"model.layers.{layer}": "disk" if layer == 1 else "cpu" for layer in range(3)}
    spread = AutoModelForCausalLM.from_pretrained(
        tmp_path / "model", device_map=places, offload_folder=tmp_path / "offload"
    )
    assert torch.equal(hidden(spread), hidden(model))


def test_the_authors_files_are_read_with_their_meaning_of_zero(tmp_path: Path) -> None:
    model = flexmore([None, 4], 2, torch.float32)
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["rank_encoding"]
    config["expert_ranks"] = [0, 4]
    (tmp_path / "config.json").write_text(json.dumps(config))
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert theirs.config.expert_ranks == [None, 4]
    assert torch.equal(hidden(theirs), hidden(model))


def test_the_cache_of_keys_and_values_changes_nothing_but_time() -> None:
    model = flexmore(MIXED, 4)
    arguments = {"max_new_tokens": 12, "do_sample": False, "attention_mask": torch.ones_like(IDS)}
    assert torch.equal(model.generate(IDS, **arguments), model.generate(IDS, use_cache=False, **arguments))


def test_a_pipeline_takes_it(composed: Any) -> None:
    model = flexmore([None, 4], 2, torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(composed.paths.expert("public"))
    (found,) = pipeline("text-generation", model=model, tokenizer=tokenizer)("w3 w4", max_new_tokens=3)
    assert found["generated_text"].startswith("w3 w4")


@pytest.mark.parametrize(("ranks", "active"), [([None, 4], 2), (MIXED, 4)])
def test_it_compiles_without_a_break_in_the_graph(ranks: list[Any], active: int) -> None:
    model = flexmore(ranks, active)
    expected = hidden(model)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        found = compiled(IDS, output_hidden_states=True).hidden_states[-1]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_norms_are_flexolmos_to_the_bit(dtype: torch.dtype) -> None:
    ours, theirs = FlexMoRERMSNorm(48).to(dtype), FlexOlmoRMSNorm(48).to(dtype)
    with torch.no_grad():
        ours.weight.copy_(theirs.weight.normal_())
    x, slope = (torch.randn(2, 9, 48, dtype=dtype) for _ in range(2))
    given = [x.clone().requires_grad_() for _ in range(2)]
    made = [norm(part) for norm, part in zip((ours, theirs), given, strict=True)]
    assert torch.equal(*made)
    for part in made:
        part.backward(slope)
    for ours_, theirs_ in ((given[0], given[1]), (ours.weight, theirs.weight)):
        assert torch.equal(ours_.grad, theirs_.grad)


def test_a_step_of_training_changes_every_trainable_part() -> None:
    model = flexmore([None, 4, {"gate_proj": 2, "up_proj": 0, "down_proj": None}], 2, torch.float32).train()
    model.gradient_checkpointing_enable()
    model(IDS, labels=IDS, use_cache=False).loss.backward()
    without = [
        name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


def test_set_ranks_shows_prefixes_of_the_loaded_factors(tmp_path: Path) -> None:
    model = flexmore([None, 16, 16, None], 3)
    factors = model.blocks[1].experts[1].factors("up_proj")
    model.set_ranks([None, 4, 0, None])
    prefix = model.blocks[1].experts[1].factors("up_proj")
    pointers = [[linear.weight.data_ptr() for linear in pair] for pair in (factors, prefix)]
    assert pointers[0] == pointers[1], "views, not copies"
    assert prefix[0].weight.shape == (4, 32)
    low = hidden(model)
    torch.testing.assert_close(low, hidden(flexolmo(model)), rtol=1e-9, atol=1e-9)
    model.save_pretrained(tmp_path)
    assert torch.equal(hidden(AutoModelForCausalLM.from_pretrained(tmp_path)), low)
    model.set_ranks([None, {"gate_proj": 1, "up_proj": [0, 5, 16], "down_proj": 2}, 7, None])
    torch.testing.assert_close(hidden(model), hidden(flexolmo(model)), rtol=1e-9, atol=1e-9)
    model.set_ranks([None, 4, 0, None])
    assert torch.equal(hidden(model), low)
    assert model.config.expert_ranks == [None, 4, 0, None]


def test_ranks_that_are_not_there_leave_the_model_as_it_was() -> None:
    model = flexmore([None, 4, 8], 2)
    before = hidden(model)
    for ranks, message in [
        ([None, 2, 9], r"expert 2, gate_proj: found 8 loaded components, expected at least 9"),
        ([None, None, 2], r"expert 1, gate_proj: found factors, expected a full-size weight"),
        ([None, 2], r"found 2 entries .* expected one for each of the 3 experts"),
        ([4, 2, 2], r"expert_ranks\[0\]: found 4, expected null"),
        ([None, 2, -1], r"expert_ranks\[2\]: found -1"),
        ([None, 2, True], r"expert_ranks\[2\]: found True"),
        ([None, 2, {"gate_proj": 2}], r"expert_ranks\[2\]: found the keys \['gate_proj'\]"),
        ([None, 2, {"gate_proj": [1, 2], "up_proj": 1, "down_proj": 1}], r"found 2 ranks, expected one for each of 3"),
    ]:
        with pytest.raises(FlexmoreError, match=message):
            model.set_ranks(ranks)
    assert model.config.expert_ranks == [None, 4, 8]
    assert torch.equal(hidden(model), before)


def test_a_converted_model_still_switches_ranks() -> None:
    model = flexmore([None, 8, None], 3)
    model.set_ranks([None, 2, None])
    model.float()
    kept = model.blocks[0].experts[1].factors("gate_proj")[0].weight
    assert kept.dtype == torch.float32
    model.set_ranks([None, 8, None])
    again = model.blocks[0].experts[1].factors("gate_proj")[0].weight
    assert again.dtype == torch.float32
    assert again.data_ptr() == kept.data_ptr()
    torch.testing.assert_close(hidden(model), hidden(flexmore([None, 8, None], 3, torch.float32)))


def test_the_number_of_active_experts_can_be_changed() -> None:
    model = flexmore([None, 8, None], 3)
    model.set_active(2)
    torch.testing.assert_close(hidden(model), hidden(flexolmo(model)), rtol=1e-9, atol=1e-9)
    with pytest.raises(FlexmoreError, match="num_experts_per_tok: found 4, expected 1 to 3"):
        model.set_active(4)
