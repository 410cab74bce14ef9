"""Configurations are read from files and written whole."""

from pathlib import Path

import pytest
import yaml

from flexmore.config.loading import dump_study, load_study
from flexmore.errors import ConfigError


def test_what_is_dumped_loads_as_the_same_study() -> None:
    study = load_study(Path("config/config.yaml"))
    assert load_study(yaml.safe_load(dump_study(study))) == study


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("ranks: [1, 2\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml: not a YAML file"):
        load_study(broken)
    broken.write_text("ranks: [1]\nranks: [2]\n")
    with pytest.raises(ConfigError, match=r"(?s)the key 'ranks' is repeated.*line 2"):
        load_study(broken)
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_study(tmp_path / "nowhere.yaml")
