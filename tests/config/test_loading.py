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
    broken.write_text("? [a]\n: 1\n")
    with pytest.raises(ConfigError, match=r"(?s)a key is a list or a mapping.*line 1"):
        load_study(broken)
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_study(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("family: x\n# Größe\n".encode("latin-1"), r"not UTF-8: byte 0xf6 in line 2; save the file as UTF-8"),
        ("family: x\n".encode("utf-16"), r"not UTF-8: byte 0xff in line 1"),
        (b"family: x\nresults: caf\xe9\n", r"not UTF-8: byte 0xe9 in line 2"),
    ],
    ids=["latin-1", "utf-16", "a value"],
)
def test_a_file_in_another_encoding_is_told_where(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"study\.yaml: " + said):
        load_study(tmp_path / "study.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_bytes(b"\xef\xbb\xbf" + Path("config/config.yaml").read_bytes())
    assert load_study(tmp_path / "study.yaml") == load_study(Path("config/config.yaml"))


@pytest.mark.parametrize("name", ["null", "no", ".nan", "1"])
def test_a_name_that_yaml_reads_as_no_text_is_told_so(tmp_path: Path, name: str) -> None:
    text = f"family: x\nranks: [1]\nexperts: {{public: {{source: pocket}}, {name}: {{source: pocket}}}}\n"
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"experts: found the name .*, which YAML reads as no text; put it in quotes"):
        load_study(tmp_path / "study.yaml")


@pytest.mark.parametrize(
    "content", [b"[", b'{"tasks": []}', b'[{"task": "a"}]', '[{"group": "Größe"}]'.encode("latin-1")]
)
def test_a_suite_whose_index_is_no_list_of_tasks_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.json").write_bytes(content)
    study = yaml.safe_load(Path("config/config.yaml").read_text())
    study["suite"] = {"source": "folder", "path": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"index\.json: not a list of tasks in JSON, each with a group"):
        load_study(study)
