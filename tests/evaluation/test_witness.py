"""The whole chain on a barely trained pocket family, against transformers and lm-eval's own HFLM."""

from pathlib import Path

import pytest
import torch
import yaml
from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import AutoModelForCausalLM

from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.runner import SweepRun, evaluate_sweep
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.exchange.materialize import materialize
from flexmore.experts.acquire import acquire
from flexmore.factors.factorize import factorize_expert
from flexmore.files import read_json
from flexmore.mixtures.grid import Mixture, sweeps
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import SweepModel
from flexmore.steps.study.compose import compose
from flexmore.suites.study_suite import write_suite

SWEEPS = ("public", "math", "joint-a2")


def composed(results: Path, **pocket: int) -> Study:
    """The smoke study, acquired, factorized, composed; its training changed."""
    content = yaml.safe_load(Path("tests/workflow/smoke.yaml").read_text())
    found = load_study(content | {"results": str(results), "pocket": content["pocket"] | pocket})
    paths = found.paths
    for name in found.experts:
        acquire(found, name)
    for name in found.names:
        checkpoint = Checkpoint(paths.expert(name))
        factorize_expert(checkpoint, read_source(paths, name)["fingerprint"], paths.factors(name), found.factors, name)
    compose(found)
    write_suite(found)
    return found


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The smoke study, three of its sweeps evaluated."""
    found = composed(tmp_path_factory.mktemp("results"))
    paths = found.paths
    suite = Suite.read(paths.suite).select(found.suite.tasks)
    for sweep in sweeps(found):
        if sweep.name in SWEEPS:
            model = SweepModel.load(paths, sweep.mixtures, device="cpu")
            recipes = [Recipe.read(paths.recipe(mixture.name)) for mixture in sweep.mixtures]
            run = SweepRun(recipes, model, suite, paths.cache / "scores", paths.scores(sweep.name), found.evaluate)
            evaluate_sweep(run)
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The same trained for longer, so that it has something to say; nothing evaluated."""
    return composed(tmp_path_factory.mktemp("trained"), public_steps=600, expert_steps=300)


@pytest.mark.parametrize("name", ["math-r8", "math-full", "joint-a2-r8"])
def test_lm_evals_own_hflm_on_the_dense_checkpoint_gives_our_scores(study: Study, tmp_path: Path, name: str) -> None:
    """Twelve tasks of all kinds: choices, generation, generation with worked steps, with and without shots."""
    materialize(Recipe.read(study.paths.recipe(name)), study.paths, tmp_path / name)
    lm = HFLM(pretrained=str(tmp_path / name), device="cpu", dtype="float32", batch_size=8)
    found = simple_evaluate(
        model=lm,
        tasks=list(study.suite.tasks or ()),
        task_manager=TaskManager(include_path=str(study.paths.suite), include_defaults=False),
        bootstrap_iters=0,
        fewshot_random_seed=study.evaluate.seed,
    )
    sweep = next(sweep for sweep in SWEEPS if (study.paths.scores(sweep) / f"{name}.json").is_file())
    ours = read_json(study.paths.scores(sweep) / f"{name}.json")["tasks"]
    assert set(found["results"]) == set(ours)
    assert {entry["metric"].split(",")[0] for entry in ours.values()} == {"acc", "exact_match"}
    for task, entry in ours.items():
        metric = entry["metric"].split(",")[0]
        theirs = next(value for key, value in found["results"][task].items() if key.split(",")[0] == metric)
        assert entry["score"] == pytest.approx(theirs, abs=1e-12), task


@pytest.mark.full
@pytest.mark.parametrize("name", ["math-r8", "joint-a2-r8"])
def test_lm_evals_own_hflm_answers_every_request_of_all_120_tasks(trained: Study, tmp_path: Path, name: str) -> None:
    materialize(Recipe.read(trained.paths.recipe(name)), trained.paths, tmp_path / name)
    witness = HFLM(pretrained=str(tmp_path / name), device="cpu", dtype="float32", batch_size=16)
    engine = MixtureLM(witness.model, witness.tokenizer)
    tasks = whole_suite(trained)
    assert len(tasks) == 120
    texts, right = set(), 0.0
    for task in tasks:
        theirs, ours = getattr(witness, task.kind)(task.requests), getattr(engine, task.kind)(task.requests)
        if task.kind == "generate_until":
            assert ours == theirs, task.info.task
            texts.update(ours)
        else:
            assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-4)
            assert [flag for _, flag in ours] == [flag for _, flag in theirs], task.info.task
        mine, other = task.score(ours), task.score(theirs)
        assert (mine.items, mine.score, mine.others) == (other.items, other.score, other.others), task.info.task
        right += mine.score
    assert len(texts) > 50
    assert 0.1 < right / len(tasks) < 0.9


@pytest.mark.full
def test_half_precision_is_as_near_to_single_as_hflms(study: Study, tmp_path: Path) -> None:
    """All 120 tasks in bf16, against HFLM in fp32, beside HFLM in bf16 at five batch sizes.

    HFLM takes the log-softmax in fp32 here, as the engine does; in bf16, its default, choices tie.
    """
    materialize(Recipe.read(study.paths.recipe("math-r8")), study.paths, tmp_path / "model")
    tasks = whole_suite(study)

    def hflm(size: int, dtype: str) -> HFLM:
        folder = str(tmp_path / "model")
        return HFLM(pretrained=folder, device="cpu", dtype=dtype, batch_size=size, softmax_dtype="float32")

    exact = Answered(hflm(16, "float32"), tasks)
    theirs = [Answered(witness := hflm(size, "bfloat16"), tasks) for size in (1, 4, 16, 32, 64)]
    ours = Answered(MixtureLM(witness.model, witness.tokenizer), tasks)
    for name, found in [("fp32", exact), *(("HFLM", one) for one in theirs), ("engine", ours)]:
        print(name, "score", float(found.scores.mean()), "rms", found.error(exact), "items", found.apart(exact))
    assert ours.error(exact) < 1.25 * min(one.error(exact) for one in theirs)
    assert ours.apart(exact) < max(one.apart(exact) for one in theirs) + 0.005


class Answered:
    """A model's loglikelihoods on all tasks, and the value of every item."""

    def __init__(self, lm: LM, tasks: list[PreparedTask]) -> None:
        values, items, scores = [], [], []
        for task in tasks:
            answers = getattr(lm, task.kind)(task.requests)
            if task.kind == "loglikelihood":
                values += [value for value, _ in answers]
            found = task.score(answers)
            items += found.items
            scores.append(found.score)
        self.values, self.items, self.scores = (torch.tensor(part) for part in (values, items, scores))

    def error(self, exact: "Answered") -> float:
        """Root mean square of the loglikelihoods' errors."""
        return float((self.values - exact.values).square().mean().sqrt())

    def apart(self, exact: "Answered") -> float:
        """The share of items that are judged otherwise."""
        return float((self.items != exact.items).float().mean())


def whole_suite(study: Study) -> list[PreparedTask]:
    """Every task of the suite, whatever the study chooses."""
    manager = open_tasks(study.paths.suite)
    index = Suite.read(study.paths.suite).index
    return [PreparedTask(info, load_task(manager, info, study.evaluate.seed), None) for info in index]


def test_rank_zero_of_a_pair_answers_every_item_as_the_public_model(study: Study) -> None:
    paths = study.paths
    suite = Suite.read(paths.suite).select(study.suite.tasks)
    public = read_json(paths.scores("public") / "public.json")["tasks"]
    recipe = Recipe(Mixture("zero", "pair", ("math",), (0,), 2, "0"), (0,), {}, "rank-zero")
    model = SweepModel.load(paths, [recipe.mixture], device="cpu")
    cache, out = paths.cache / "zero", paths.cache / "zero-scores"
    evaluate_sweep(SweepRun([recipe], model, suite, cache, out, study.evaluate))
    zero = read_json(paths.cache / "zero-scores" / "zero.json")["tasks"]
    assert {task: entry["items"] for task, entry in zero.items()} == {t: e["items"] for t, e in public.items()}


def test_a_checkpoint_rebuilt_from_full_rank_factors_has_the_originals_logits(study: Study, tmp_path: Path) -> None:
    materialize(Recipe.read(study.paths.recipe("math-r64")), study.paths, tmp_path / "rebuilt")
    folders = (tmp_path / "rebuilt", study.paths.expert("math"))
    ids = torch.arange(3, 35).reshape(2, 16)
    with torch.no_grad():
        rebuilt, original = (
            AutoModelForCausalLM.from_pretrained(folder, experts_implementation="eager")(ids).logits
            for folder in folders
        )
        public = AutoModelForCausalLM.from_pretrained(study.paths.expert("public"))(ids).logits
    assert float((original - public).norm()) > 1, "the expert has learned something to compare"
    torch.testing.assert_close(rebuilt, original, rtol=1e-4, atol=1e-3)
