"""How many tokens a suite asks for: exact, from its data sets and the public model's tokenizer."""

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.lazy import LazyModel
from flexmore.evaluation.suite import load_task, open_tasks
from flexmore.evaluation.tasks import PreparedTask
from flexmore.mixtures.grid import find_sweep
from flexmore.progress import track
from flexmore.suites.study import open_suite

Tokens = dict[str, int]
"""`items`; `prompt`, tokens of the distinct prompts; `computed`, those that go through the model before it generates,
shared beginnings once, choices included; `new`, tokens that generated answers may have at most."""


def count_tokens(study: Study) -> dict[str, Tokens]:
    """Group -> what one mixture is asked.

    Raises:
        FlexmoreError: the suite has not been written, or the public model or a data set has not been acquired.
    """
    public = study.paths.expert("public")
    if not (study.paths.suite / "source.json").is_file() or not (public / "source.json").is_file():
        raise FlexmoreError(
            f"{study.paths.root}: tokens are counted from the suite and the public model's tokenizer, which are not "
            "both here; `snakemake calibrate` acquires them"
        )
    suite, settings = open_suite(study), study.evaluate
    model = LazyModel(study.paths, list(find_sweep(study, "public").mixtures), settings, study.seed)
    engine = MixtureLM(model.model, model.tokenizer, settings.batch_tokens)
    manager = open_tasks(suite.folder)
    found: dict[str, Tokens] = {}
    for info in track(suite.index, len(suite.index), "count tokens"):
        loaded = load_task(manager, info.task, settings.seed, suite.datasets)
        task = PreparedTask(info, loaded, settings.limit, settings.sampling)
        group = found.setdefault(info.group, {"items": 0, "prompt": 0, "computed": 0, "new": 0})
        group["items"] += task.n
        prompts = engine.encoder.encode({str(request.args[0]) for request in task.requests})
        group["prompt"] += sum(map(len, prompts.values()))
        group["computed"] += engine.prepare(task.kind, task.requests).tokens
        if task.kind == "generate_until":
            group["new"] += sum(int(request.args[1]["max_gen_toks"]) for request in task.requests)
    return found
