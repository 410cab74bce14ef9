"""The recipe at a small size: bytes that repeat, interrupted or not, and checkpoints like the hub's."""

import hashlib
import json

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, FlexOlmoForCausalLM, Olmo2ForCausalLM

from flexmore.config.pocket import PocketSettings
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.pocket import training
from flexmore.pocket.training import train_expert, train_public
from flexmore.pocket.vocabulary import vocabulary

TINY = PocketSettings(public_steps=6, expert_steps=5, batch=8, checkpoint_every=2)


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A public model and two experts of a few steps."""
    folder = tmp_path_factory.mktemp("family")
    train_public(folder / "public", folder / "cache", TINY, 0)
    for name in ("math", "news"):
        train_expert(name, folder / "public", folder / name, folder / "cache", TINY, 0)
    return folder


def _bytes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _tensors(folder):
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    found = {}
    for name, shard in index.items():
        with safe_open(folder / shard, framework="pt") as file:
            found[name] = file.get_tensor(name)
    return found


class _Killed(Exception):
    pass


def _killed_at(monkeypatch, step):
    """Let training die as it begins step `step`, counted over the whole run."""
    real = training.Corpora.rows

    def rows(self, source, at, count):
        if at == step:
            raise _Killed
        return real(self, source, at, count)

    monkeypatch.setattr(training.Corpora, "rows", rows)


def test_a_second_run_gives_the_same_bytes(family, tmp_path):
    train_public(tmp_path / "public", tmp_path / "cache", TINY, 0)
    train_expert("math", tmp_path / "public", tmp_path / "math", tmp_path / "cache", TINY, 0)
    assert _bytes(tmp_path / "public") == _bytes(family / "public")
    assert _bytes(tmp_path / "math") == _bytes(family / "math")
    train_public(tmp_path / "other", tmp_path / "cache", TINY, 1)
    assert _bytes(tmp_path / "other") != _bytes(family / "public")


@pytest.mark.parametrize("step", [1, 3, 4])
@pytest.mark.parametrize("source", ["public", "math"])
def test_killed_and_resumed_gives_the_same_bytes(family, tmp_path, monkeypatch, capfd, source, step):
    def train():
        if source == "public":
            train_public(tmp_path / "out", tmp_path / "cache", TINY, 0)
        else:
            train_expert(source, family / "public", tmp_path / "out", tmp_path / "cache", TINY, 0)

    with monkeypatch.context() as patch:
        _killed_at(patch, step)
        with pytest.raises(_Killed):
            train()
    assert not (tmp_path / "out").exists()
    capfd.readouterr()
    train()
    resumed = capfd.readouterr().err
    assert ("resuming" in resumed) == (step > 1)
    assert f"{step - step % 2} of" in resumed or step == 1
    assert _bytes(tmp_path / "out") == _bytes(family / source)


def test_a_checkpoint_of_other_settings_is_not_resumed(family, tmp_path, monkeypatch, capfd):
    slow = TINY.model_copy(update={"public_learning_rate": 1e-3})
    with monkeypatch.context() as patch:
        _killed_at(patch, 4)
        with pytest.raises(_Killed):
            train_public(tmp_path / "public", tmp_path / "cache", slow, 0)
    train_public(tmp_path / "public", tmp_path / "cache", TINY, 0)
    assert "resuming" not in capfd.readouterr().err
    assert _bytes(tmp_path / "public") == _bytes(family / "public")


def test_a_damaged_checkpoint_is_trained_again(family, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "train-math.safetensors").write_bytes(b"half a file")
    train_expert("math", family / "public", tmp_path / "math", tmp_path / "cache", TINY, 0)
    assert _bytes(tmp_path / "math") == _bytes(family / "math")


def test_two_threads_give_the_bytes_of_one(family, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train_expert("news", family / "public", tmp_path / "news", tmp_path / "cache", TINY, 0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert _bytes(tmp_path / "news") == _bytes(family / "news")


def test_the_shared_parts_are_the_publics_bit_for_bit(family):
    public = _tensors(family / "public")
    for name in ("math", "news"):
        pair = _tensors(family / name)
        moved = 0
        for key, tensor in pair.items():
            if ".experts.1." in key:
                moved += not torch.equal(tensor, public[key.replace("experts.1.", "")])
            elif key.endswith("mlp.gate.weight"):
                assert torch.equal(tensor[0], torch.zeros_like(tensor[0]))
                assert tensor[1].abs().sum() > 0
            else:
                assert torch.equal(tensor, public[key.replace("experts.0.", "")]), key
        assert moved == 3 * TINY.layers


def test_the_layout_is_the_hubs(family):
    assert len(list((family / "math").glob("model-*-of-*.safetensors"))) >= 3
    names = set(_tensors(family / "math"))
    assert {f"model.layers.2.mlp.experts.{e}.{p}_proj.weight" for e in (0, 1) for p in ("gate", "up", "down")} <= names
    assert "model.layers.0.mlp.gate.weight" in names
    config = json.loads((family / "math" / "config.json").read_text())
    assert config["model_type"] == "flex_olmo"
    assert config["architectures"] == ["FlexOlmoForCausalLM"]
    assert (config["num_experts"], config["num_experts_per_tok"], config["norm_topk_prob"]) == (2, 2, False)
    assert (config["vocab_size"], config["pad_token_id"], config["eos_token_id"]) == (len(vocabulary()), 0, 1)
    assert json.loads((family / "public" / "config.json").read_text())["model_type"] == "olmo2"


def test_transformers_loads_it(family):
    public = AutoModelForCausalLM.from_pretrained(family / "public")
    pair = AutoModelForCausalLM.from_pretrained(family / "math")
    assert isinstance(public, Olmo2ForCausalLM)
    assert isinstance(pair, FlexOlmoForCausalLM)
    assert pair.generation_config.pad_token_id == 0
    assert pair.generation_config.do_sample is False


def test_router_rows_tell_the_domain_from_other_text(family):
    public = AutoModelForCausalLM.from_pretrained(family / "public")
    texts = training.Corpora(TINY, 0)
    rows = training._router_rows(public, texts, "math")
    inputs = []
    for layer, row in zip(public.model.layers, rows, strict=True):
        layer.mlp.register_forward_pre_hook(lambda _, given, row=row: inputs.append((given[0] @ row).mean().item()))
    with torch.no_grad():
        domain, other = texts.contrast("math", 32)
        public(torch.from_numpy(domain.tokens))
        public(torch.from_numpy(other.tokens))
    assert min(inputs[: TINY.layers]) > 2
    assert max(inputs[TINY.layers :]) < -2


def test_the_tokenizer_comes_back_and_knows_every_word(family):
    tokenizer = AutoTokenizer.from_pretrained(family / "math")
    text = " ".join(vocabulary()[3:])
    ids = tokenizer(text)["input_ids"]
    assert ids == list(range(3, len(vocabulary())))
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(tokenizer(" sum 1\n\n2")["input_ids"]) == "sum 1 2"
    assert tokenizer.convert_tokens_to_ids("nonsense") == tokenizer.unk_token_id == 2
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1)


def test_what_cannot_be_trained_is_refused(family, tmp_path):
    with pytest.raises(FlexmoreError, match="found 'law', expected an expert of the pocket family: code, creative"):
        train_expert("law", family / "public", tmp_path / "law", tmp_path / "cache", TINY, 0)
    with pytest.raises(CheckpointError, match="found no readable public model"):
        train_expert("math", tmp_path / "nothing", tmp_path / "math", tmp_path / "cache", TINY, 0)
    wide = TINY.model_copy(update={"ffn": 128})
    with pytest.raises(CheckpointError, match="'intermediate_size': 256"):
        train_expert("math", family / "public", tmp_path / "math", tmp_path / "cache", wide, 0)
