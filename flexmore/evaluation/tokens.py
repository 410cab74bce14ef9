"""How many tokens a suite asks of a model: exact, from its data sets and the model's tokenizer."""

from flexmore.config.evaluation import EvaluateSettings
from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.switching import SwitchableModel
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask
from flexmore.progress import track

Tokens = dict[str, int]
"""`items`; `prompt`, tokens of the distinct prompts; `computed`, tokens that go through the model before it generates,
shared beginnings once, choices included; `new`, the most tokens that generated answers may have."""


def count_tokens(suite: Suite, model: SwitchableModel, settings: EvaluateSettings) -> dict[str, Tokens]:
    """Count what one mixture is asked, by task group.

    Args:
        model: a sweep's model; no mixture is set.

    Raises:
        FlexmoreError: a data set has not been acquired.
    """
    engine = MixtureLM(model.model, model.tokenizer, settings.batch_tokens)
    manager = open_tasks(suite.folder)
    found: dict[str, Tokens] = {}
    for info in track(suite.index, len(suite.index), "count tokens"):
        loaded = load_task(manager, info, settings.seed, suite.datasets)
        task = PreparedTask(info, loaded, settings.limit, settings.sampling)
        group = found.setdefault(info.group, {"items": 0, "prompt": 0, "computed": 0, "new": 0})
        group["items"] += task.n
        prompts = engine.encoder.encode({str(request.args[0]) for request in task.requests})
        group["prompt"] += sum(map(len, prompts.values()))
        group["computed"] += engine.prepare(task.kind, task.requests).tokens
        if task.kind == "generate_until":
            group["new"] += sum(int(request.args[1]["max_gen_toks"]) for request in task.requests)
    return found
