"""Checkpoints and suites that the tests of the evaluation share."""

from pathlib import Path

import pytest
import torch
from tiny_suite import all_kinds, build_model, build_tokenizer, write_suite


@pytest.fixture(scope="session", params=["bytes", "words"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with its tokenizer on disk, with each of both tokenizers."""
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = build_tokenizer(request.param)
    tokenizer.save_pretrained(folder)
    build_model(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with the tokenizer of whole words."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = build_tokenizer("words")
    tokenizer.save_pretrained(folder)
    build_model(tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite of all kinds of tasks."""
    return write_suite(tmp_path_factory.mktemp("suite"), all_kinds())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
