"""Which files of a folder make up a checkpoint."""

from flexmore.checkpoints.folder import needed_files


def test_which_files_are_needed() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = "model.safetensors.index.json"
    assert needed_files(["README.md", "model.safetensors", "config.json"]) == ["config.json", "model.safetensors"]
    assert needed_files(["model.safetensors", index, *shards, "optimizer.pt"]) == [*shards, index]
    assert needed_files(["a/model.safetensors", "pytorch_model.bin", "model.py"]) == []
