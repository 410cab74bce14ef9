"""Fixtures: tiny models and suites that the tests of evaluation and of what is built on it share."""

from pathlib import Path

import pytest
from tiny_suite import all_kinds, build_model, build_tokenizer, write_suite


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
