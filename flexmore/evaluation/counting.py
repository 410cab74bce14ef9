"""How many tokens a suite asks for: exact, from its data sets and the public model's tokenizer."""

from transformers import AutoTokenizer

from flexmore.config import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.encoding import Encoder
from flexmore.evaluation.suite import load_task, open_tasks
from flexmore.evaluation.tasks import PreparedTask
from flexmore.progress import track
from flexmore.suites import open_suite

Tokens = dict[str, int]
"""`items`, `prompt` (tokens of the distinct prompts) and `new` (tokens that answers may have at most)."""


def count_tokens(study: Study) -> dict[str, Tokens]:
    """Group -> what one mixture is asked.

    Raises:
        FlexmoreError: the suite has not been written, or the public model or a data set has not been acquired.
    """
    public = study.layout.expert("public")
    if not (study.layout.suite / "source.json").is_file() or not (public / "source.json").is_file():
        raise FlexmoreError(
            f"{study.layout.root}: tokens are counted from the suite and the public model's tokenizer, which are not "
            "both here; `snakemake calibrate` acquires them"
        )
    encoder, suite = Encoder(AutoTokenizer.from_pretrained(public), 2**31), open_suite(study)
    manager, settings = open_tasks(suite.folder), study.evaluate
    found: dict[str, Tokens] = {}
    for info in track(suite.index, len(suite.index), "count tokens"):
        loaded = load_task(manager, info.task, settings.seed, suite.datasets)
        task = PreparedTask(info, loaded, settings.limit, settings.sampling)
        group = found.setdefault(info.group, {"items": 0, "prompt": 0, "new": 0})
        group["items"] += task.n
        group["prompt"] += sum(map(len, encoder.encode({str(request.args[0]) for request in task.requests}).values()))
        if task.kind == "generate_until":
            group["new"] += sum(int(request.args[1]["max_gen_toks"]) for request in task.requests)
    return found
