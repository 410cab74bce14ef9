"""The page `config/README.md`: every key of a configuration, from the models that check it."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flexmore.config.experts import SOURCES
from flexmore.config.messages import model_inside
from flexmore.config.study import Study

_HEAD = """# Configuration

`config.yaml` is the pocket study, `harm.yaml` a small one of planted damage. Another study is another file, which
replaces `config.yaml` as a whole:

```
snakemake --cores all --configfile my-study.yaml
```

A family of your own is a public model and its experts, any number of them under any names, each a folder or a
repository on the Hugging Face hub in the hub's layout (config.json, safetensors, tokenizer), every expert a 2-expert
FlexOlmo checkpoint that was branched from the public model:

```yaml
family: mine
experts:
  public: {source: hub, repo: my-group/public-7B}                     # of its main branch
  law: {source: hub, repo: my-group/law-2x7B, revision: v1.2}         # a branch, a tag or a commit
  medicine: {source: folder, path: checkpoints/medicine-2x7B}
ranks: [16, 64, 256, full]
joint: {active: [2, 3]}
suite: {source: folder, path: my-suite}   # lm-eval task YAMLs and an index.json
analysis: {reasoning: [exams], knowledge: [recall]}   # groups of the suite
```

`my-suite/index.json` lists the tasks: `group` is theirs in the averages, `domain` the expert whose field a task is (or
null), `metric` the primary one of its YAML. Each YAML defines `task: law_exam` anywhere below `my-suite/`; an entry
that says another `output_type`, other shots or another number of items than YAML and data is refused.
`metadata: {cluster: passage}` in a YAML says that items with the same `passage`, a field of its documents, are about
one thing.

```json
[{"task": "law_exam", "group": "exams", "domain": "law", "metric": "acc", "output_type": "multiple_choice",
  "num_fewshot": 5, "n": 200}]
```

`flexmore plan --config my-study.yaml` says what it will do. A wrong key or value is refused before any job runs, with
its name, what was found and what is allowed. `schema.json` is the schema for editors. `flexmore schema` writes both
this page and the schema, from the models that check a configuration.

## Every key
"""


def markdown() -> str:
    """Return the page, with the type, default and meaning of every key."""
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    rows += [f"| {' | '.join(cells)} |" for cells in _rows(Study, "")]
    return _HEAD + "\n" + "\n".join(rows) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield f"`{key}`", "section", "", field.description or (inner.__doc__ or "").split("\n")[0]
            yield from _rows(inner, f"{key}.")
            continue
        yield f"`{key}`", _type(inner), _default(field), (field.description or "").replace("|", "\\|")
        if key == "experts":
            for source in SOURCES.values():
                yield from _rows(source, "experts.<name>.")
        elif optional := model_inside(inner):
            yield from _rows(optional, f"{key}.")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    return f"`{'null' if value is None else value}`"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is type(None):
        return "null"
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, types.UnionType):
        return " or ".join(_type(a) for a in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return "mapping"
    if arguments:
        return ", ".join(f"`{a}`" for a in arguments)
    return {int: "integer", float: "number", str: "text", bool: "true or false"}.get(annotation, "mapping")
