"""The command line as a user meets it: in a process of its own."""

import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner
from without_torch import WITHOUT_TORCH

from flexmore.cli import app as cli
from flexmore.cli import look, study, use
from flexmore.config.loading import dump_study, load_study

ROOT = Path(__file__).parents[2]
SMOKE = Path(__file__).parents[1] / "workflow" / "smoke.yaml"


def flexmore(*words: str | Path, torch: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line in the repository; without torch: as where the extra `models` is missing."""
    start = ["-m", "flexmore"] if torch else ["-c", WITHOUT_TORCH + "from flexmore.cli.app import main; main()"]
    return subprocess.run(
        [sys.executable, *start, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip


def invoked(*words: str | Path) -> str:
    """What a verb prints, run in this process."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


PANELS = {
    panel.__name__.rpartition(".")[2]: [
        str(command.name or command.callback.__name__).replace("_", "-")
        for command in panel.verbs.registered_commands
        if command.callback is not None
    ]
    for panel in (study, use, look)
}
"""The verbs, in the order of `flexmore --help`, by the package of their steps."""
VERBS = [verb for verbs in PANELS.values() for verb in verbs]


def test_help_lists_every_verb_in_order_without_torch() -> None:
    done = flexmore("--help", torch=False)
    assert done.returncode == 0, done.stderr
    listed = re.findall(r"^. ([a-z][a-z-]+) {2,}\S", done.stdout, flags=re.MULTILINE)
    assert listed == VERBS


def test_every_help_text_needs_no_torch_and_imports_no_library() -> None:
    verbs = [verb for verb in VERBS if verb != "resume"]  # whose help is Snakemake's
    code = (
        WITHOUT_TORCH
        + "from typer.testing import CliRunner; from flexmore.cli.app import app\n"
        + f"for verb in {verbs!r}:\n"
        + "    assert CliRunner().invoke(app, [verb, '--help'], catch_exceptions=False).exit_code == 0\n"
        + "    assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules), verb\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_documents_name_only_verbs_that_there_are() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md")]:
        named = re.findall(r"(?:^|`|&& )flexmore ([a-z][a-z-]*)", path.read_text(), flags=re.MULTILINE)
        assert set(named) <= {*VERBS}, path


@pytest.mark.parametrize("panel", PANELS)
def test_each_verb_has_a_step_of_its_name(panel: str) -> None:
    package = importlib.import_module(f"flexmore.steps.{panel}")
    names = [verb.replace("-", "_") for verb in PANELS[panel]]
    assert sorted(module.name for module in pkgutil.iter_modules(package.__path__)) == sorted(names)
    for name in names:
        assert callable(getattr(importlib.import_module(f"{package.__name__}.{name}"), name))


def test_steps_are_imported_without_torch() -> None:
    names = [f"flexmore.steps.{panel}.{verb.replace('-', '_')}" for panel in PANELS for verb in PANELS[panel]]
    code = WITHOUT_TORCH + f"import {', '.join(names)}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["import", "my-lora", "results/mine", "--name", "law"], "`import` is now `import-experts`"),
        (["import-experts", "a", "b", "--rows", "c"], "`import-experts --rows` is now `import-experts --router-file`"),
        (["suite", "--write"], "`suite --write` is now `suite`"),
        (["suite", "--config", "config/paper.yaml", "--json"], "`suite --json` is now `tasks --json`"),
        (["plan", "--measure"], "`plan --measure` is now `plan --hours`"),
    ],
)
def test_what_was_renamed_answers_with_its_new_name(words: list[str], message: str) -> None:
    done = flexmore(*words, torch=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (["acquire", "math"], "torch"),
        (["factorize", "math"], "torch"),
        (["evaluate", "math"], "torch"),
        (["inspect", "math-r1", "pocket_mc9_math_problems"], "torch"),
        (["plan", "--hours"], "torch"),
        (["plan", "--hub"], "huggingface_hub"),
        (["datasets"], "huggingface_hub"),
    ],
)
def test_a_step_whose_libraries_are_not_installed_says_so(words: list[str], package: str) -> None:
    done = flexmore(*words, "--config", SMOKE, torch=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: this step needs {package}, which is not installed: pip install -e '.[models]'\n"


@pytest.mark.parametrize("verb", ["plan", "grid", "tasks"])
def test_a_look_at_the_default_study_needs_no_torch(verb: str) -> None:
    done = flexmore(verb, "--json", torch=False)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    if verb == "plan":
        assert content["study"] == 150
        assert content["mixtures"] == {"baseline": 1, "pair": 96, "extra": 30, "control": 6, "joint": 54}
        assert content["rows"] == (1 + 150 + 30) * 120
        assert content["tasks"] == {"MC9": 9, "Gen5": 5, "MMLU": 57, "MMLU-Pro": 14, "AGIEval": 8, "BBH": 27}
    elif verb == "grid":
        assert len(content) == len({mixture["name"] for mixture in content}) == 1 + 150 + 30 + 6
    else:
        assert len(content) == len({task["task"] for task in content}) == 120


def test_a_look_at_a_recipe_and_at_the_schema_needs_no_torch(composed: Any) -> None:
    done = flexmore("params", composed.paths.recipe("math-r4"), torch=False)
    assert done.returncode == 0, done.stderr
    done = flexmore("schema", torch=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", ["plan", "grid", "tasks"])
def test_what_people_read_names_what_programs_read(verb: str) -> None:
    as_json, as_text = invoked(verb, "--config", SMOKE, "--json"), invoked(verb, "--config", SMOKE)
    content = json.loads(as_json)
    names = {"plan": ["smoke", str(content["rows"]) if verb == "plan" else ""]}.get(verb)
    for name in names or [entry["name" if verb == "grid" else "task"] for entry in content]:
        assert name in as_text


def test_params_of_a_recipe(composed: Any) -> None:
    recipe = composed.paths.recipe("math-r4")
    content = json.loads(invoked("params", recipe, "--json"))
    assert content["total"] == content["backbone"] + content["public"] + content["routers"] + content["experts"]["math"]
    assert f"{content['total']:,}" in invoked("params", recipe)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["acquire", "maths"], "no expert 'maths'; it has public, math, news"),
        (["factorize", "public"], "no expert 'public'; it has math, news"),
        (["evaluate", "joint-a9"], "no sweep 'joint-a9'; this study has public, math, news, joint-a2"),
        (["compose", "joint-a9"], "no sweep 'joint-a9'"),
        (["collect"], "not found"),
        (["figures"], "run the study first"),
    ],
)
def test_a_mistake_is_one_message_and_no_traceback(tmp_path: Path, words: list[str], message: str) -> None:
    config = yaml.safe_load(SMOKE.read_text()) | {"results": str(tmp_path / "results")}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = flexmore(*words, "--config", tmp_path / "study.yaml", torch=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "results").exists()


def test_a_config_that_is_not_there_or_wrong_is_named(tmp_path: Path) -> None:
    done = flexmore("plan", "--config", tmp_path / "none.yaml")
    assert done.returncode == 1
    assert f"error: {tmp_path}/none.yaml: cannot be read" in done.stderr
    (tmp_path / "wrong.yaml").write_text(SMOKE.read_text() + "rnaks: [1]\n")
    done = flexmore("plan", "--config", tmp_path / "wrong.yaml")
    assert done.returncode == 1
    assert "rnaks: unknown key (value [1]); did you mean ranks?" in done.stderr


def test_the_papers_suite_is_listed_without_torch() -> None:
    tasks = json.loads(flexmore("tasks", "--json", "--config", "config/paper.yaml", torch=False).stdout)
    assert len({task["task"] for task in tasks}) == 120
    lines = invoked("tasks", "--config", "config/paper.yaml").splitlines()
    assert lines[0].split() == ["arc_easy", "MC9", "acc", "5-shot", "2376", "items"]
    assert len(lines) == 120


def test_only_the_papers_suite_has_data_sets_to_acquire() -> None:
    done = flexmore("datasets", "--config", SMOKE)
    assert done.returncode == 1
    assert "error: suite.source: found 'pocket'" in done.stderr


def test_a_disk_that_cannot_be_written_is_one_message(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: cannot write: No space left on device (somewhere);")


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "app", lambda: {}["missing"])
    with pytest.raises(KeyError):
        cli.main()


def test_compose_without_a_sweep_writes_all_that_are_not_selected(composed: Any, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(dump_study(composed))
    before = {path.name: path.read_bytes() for path in composed.paths.recipe("x").parent.iterdir()}
    for path in composed.paths.recipe("x").parent.iterdir():
        path.unlink()
    invoked("compose", "--config", tmp_path / "study.yaml")
    assert {path.name: path.read_bytes() for path in composed.paths.recipe("x").parent.iterdir()} == before
    composed.paths.recipe("math-r4").unlink()
    composed.paths.recipe("news-r4").unlink()
    invoked("compose", "math", "--config", tmp_path / "study.yaml")
    assert composed.paths.recipe("math-r4").is_file()
    assert not composed.paths.recipe("news-r4").exists()


def test_schema_has_every_key() -> None:
    assert json.loads(invoked("schema"))["properties"].keys() == load_study(SMOKE).model_dump().keys()
    for key in load_study(SMOKE).model_dump():
        assert f"`{key}" in invoked("schema", "--markdown")


def test_a_mixture_leaves_and_comes_back_by_the_command_line(composed: Any, tmp_path: Path) -> None:
    recipe = composed.paths.recipe("math-r4")
    invoked("materialize", recipe, tmp_path / "factored", "--format", "flexmore")
    invoked("materialize", recipe, tmp_path / "lora", "--format", "peft", "--layout", "flexolmo")
    printed = invoked("import-experts", tmp_path / "factored", tmp_path / "mine", "--name", "math")
    assert printed.splitlines()[-1] == str(tmp_path / "mine" / "mixtures" / "math-r4.json")
    printed = invoked("import-experts", tmp_path / "lora", tmp_path / "mine", "--name", "law", "--router", "zero")
    again, before = (json.loads(invoked("params", path, "--json")) for path in (printed.splitlines()[-1], recipe))
    assert again["total"] == before["total"]
    config = yaml.safe_load(dump_study(composed))
    public, law = (str(tmp_path / "mine" / "experts" / name) for name in ("public", "law"))
    config["experts"] = {name: {"source": "folder", "path": path} for name, path in (("public", public), ("law", law))}
    config |= {"results": str(tmp_path / "study"), "joint": {"active": [2], "selections": []}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    for verb, words in (("acquire", ["public", "law"]), ("factorize", ["law"]), ("compose", [None])):
        for word in words:
            invoked(verb, *([word] if word else []), "--config", tmp_path / "study.yaml")
    assert (tmp_path / "study" / "tiny" / "mixtures" / "law-r4.json").is_file(), "a study of an imported expert"


def test_a_wrong_shard_ends_before_anything_is_loaded() -> None:
    done = flexmore("evaluate", "math", "--shard", "3/2", "--config", SMOKE, torch=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: --shard: found '3/2'; expected i/n with i from 1 to n, such as 2/8\n"


@pytest.mark.parametrize("name", ["", "..", "Law"])
def test_a_name_that_no_expert_can_have_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine" / "experts").mkdir(parents=True)
    (tmp_path / "mine" / "experts" / "notes.txt").write_text("mine")
    done = flexmore("import-experts", tmp_path / "lora", tmp_path / "mine", "--name", name)
    assert done.returncode == 1
    assert f"found {name!r} as the name of an expert; allowed are lower-case letters" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "mine" / "experts" / "notes.txt").is_file()
