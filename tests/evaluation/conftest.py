"""Checkpoints and suites that the tests of the evaluation share."""

from pathlib import Path

import pytest
from model_fixtures import suite, words  # noqa: F401
from tiny_suite import build_model, build_tokenizer


@pytest.fixture(scope="session", params=["bytes", "words"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with its tokenizer on disk, with each of both tokenizers."""
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = build_tokenizer(request.param)
    tokenizer.save_pretrained(folder)
    build_model(tokenizer).save_pretrained(folder)
    return folder
