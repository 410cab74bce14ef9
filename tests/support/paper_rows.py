"""Made-up rows in the true schema of every data set of the paper's tasks: names, splits, columns, nesting, label types.

`write` lays them out as the hub does, so that `datasets.load_dataset("cais/mmlu", "anatomy")` finds them in the working
folder. Every data set has seven rows to show and, unless more are wanted, three to ask, and one more where one of them
is taken as a shot.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from datasets import ClassLabel, Dataset, Features, List, Value

from flexmore.evaluation.suite import PAPER_SUITE, Suite

SHOWN, ASKED = 7, 3
INDEX = tuple(
    replace(info, n=2 * ASKED if info.task == "coqa" else ASKED + (info.group == "AGIEval"))
    for info in Suite.read(PAPER_SUITE).index
)
"""The index of the suite as it is for the made-up rows."""
TEXT, NUMBER = Value("string"), Value("int32")
CATEGORIES = (
    "biology",
    "business",
    "chemistry",
    "computer science",
    "economics",
    "engineering",
    "health",
    "history",
    "law",
    "math",
    "other",
    "philosophy",
    "physics",
    "psychology",
)
Rows = list[dict[str, Any]]
Make = Callable[[str, int], dict[str, Any]]


def tasks_of(group: str) -> list[str]:
    """The names of a group's tasks."""
    return [info.task for info in INDEX if info.group == group]


def write(root: Path, asked: int = ASKED) -> None:
    """All data sets, each in a folder of its name under `root`, with so many rows to ask."""
    for path, configs in _data_sets(asked).items():
        listed = []
        for config, splits in configs.items():
            entry: dict[str, Any] = {"config_name": config, "data_files": []}
            for split, data in splits.items():
                name = f"{config}/{split}-00000-of-00001.parquet"
                (root / path / config).mkdir(parents=True, exist_ok=True)
                if path == "ruixiangcui/AGIEval":
                    name = f"{config}.jsonl"
                    data.to_json(root / path / name)
                else:
                    data.to_parquet(root / path / name)
                entry["data_files"].append({"split": split, "path": name})
            listed.append(entry)
        (root / path / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': listed})}---\n")


def _data_sets(asked: int) -> Mapping[str, Mapping[str, Mapping[str, Dataset]]]:
    """Path -> config -> split -> rows."""
    subjects = [name.removeprefix("mmlu_") for name in tasks_of("MMLU")]
    exams = [name.removeprefix("agieval_").replace("_", "-") for name in tasks_of("AGIEval")]
    puzzles = [name.removeprefix("bbh_") for name in tasks_of("BBH")]
    arc = {"id": TEXT, "question": TEXT, "choices": {"text": List(TEXT), "label": List(TEXT)}, "answerKey": TEXT}
    csqa = {
        "id": TEXT,
        "question": TEXT,
        "question_concept": TEXT,
        "choices": {"label": List(TEXT), "text": List(TEXT)},
        "answerKey": TEXT,
    }
    openbook = {
        "id": TEXT,
        "question_stem": TEXT,
        "choices": {"text": List(TEXT), "label": List(TEXT)},
        "answerKey": TEXT,
    }
    boolq = {"question": TEXT, "passage": TEXT, "idx": NUMBER, "label": ClassLabel(names=["False", "True"])}
    hellaswag = {"ind": NUMBER} | dict.fromkeys(("activity_label", "ctx_a", "ctx_b", "ctx"), TEXT)
    hellaswag |= {"endings": List(TEXT)} | dict.fromkeys(("source_id", "split", "split_type", "label"), TEXT)
    piqa = {"goal": TEXT, "sol1": TEXT, "sol2": TEXT, "label": ClassLabel(names=["0", "1"])}
    siqa = dict.fromkeys(("context", "question", "answerA", "answerB", "answerC", "label"), TEXT)
    winogrande = dict.fromkeys(("sentence", "option1", "option2", "answer"), TEXT)
    mmlu = {"question": TEXT, "subject": TEXT, "choices": List(TEXT), "answer": ClassLabel(names=["A", "B", "C", "D"])}
    pro = {"question_id": Value("int64"), "question": TEXT, "options": List(TEXT), "answer": TEXT}
    pro |= {"answer_index": Value("int64"), "cot_content": TEXT, "category": TEXT, "src": TEXT}
    exam = {"passage": TEXT, "question": TEXT, "options": List(TEXT), "label": TEXT, "other": {"solution": TEXT}}
    squad = dict.fromkeys(("id", "title", "context", "question"), TEXT)
    squad |= {"answers": {"text": List(TEXT), "answer_start": List(NUMBER)}}
    pages = {"doc_source": List(TEXT), "filename": List(TEXT), "title": List(TEXT), "wiki_context": List(TEXT)}
    known = {"aliases": List(TEXT), "normalized_aliases": List(TEXT)}
    known |= dict.fromkeys(
        ("matched_wiki_entity_name", "normalized_matched_wiki_entity_name", "normalized_value", "type", "value"), TEXT
    )
    trivia = dict.fromkeys(("question", "question_id", "question_source"), TEXT) | {
        "entity_pages": pages,
        "answer": known,
    }
    day = {"day": TEXT, "month": TEXT, "year": TEXT}
    given = {"number": TEXT, "date": day, "spans": List(TEXT), "worker_id": TEXT, "hit_id": TEXT}
    checked = {
        "number": List(TEXT),
        "date": List(day),
        "spans": List(List(TEXT)),
        "worker_id": List(TEXT),
        "hit_id": List(TEXT),
    }
    drop = dict.fromkeys(("section_id", "query_id", "passage", "question"), TEXT)
    drop |= {"answer": given, "validated_answers": checked}
    told = {
        "input_text": List(TEXT),
        "span_start": List(NUMBER),
        "span_end": List(NUMBER),
        "span_text": List(TEXT),
        "turn_id": List(NUMBER),
    }
    coqa = {"id": TEXT, "source": TEXT, "story": TEXT, "questions": {"input_text": List(TEXT), "turn_id": List(NUMBER)}}
    coqa |= {"answers": told, "additional_answers": {"0": told, "1": told, "2": told}}
    splits = partial(_splits, asked)
    train, three = "train", ("train", "validation", "test")
    return {
        "allenai/ai2_arc": {"ARC-Easy": splits(arc, _arc, three), "ARC-Challenge": splits(arc, _arc, three)},
        "aps/super_glue": {"boolq": splits(boolq, _boolq, three)},
        "tau/commonsense_qa": {"default": splits(csqa, _csqa, three)},
        "Rowan/hellaswag": {"default": splits(hellaswag, _hellaswag, three)},
        "allenai/openbookqa": {"main": splits(openbook, _openbook, three)},
        "baber/piqa": {"default": splits(piqa, _piqa, three)},
        "lighteval/siqa": {"default": splits(siqa, _siqa, (train, "validation"))},
        "allenai/winogrande": {"winogrande_xl": splits(winogrande, _winogrande, three)},
        "cais/mmlu": {name: splits(mmlu, _mmlu(name), ("test", "validation", "dev")) for name in subjects},
        "TIGER-Lab/MMLU-Pro": {"default": _categories(pro, asked)},
        "ruixiangcui/AGIEval": {
            name: {"test": _table(exam, [_exam(name, i) for i in range(asked + 1)])} for name in exams
        },
        "SaylorTwift/bbh": {n: {"test": _table({"input": TEXT, "target": TEXT}, _puzzles(n, asked))} for n in puzzles},
        "rajpurkar/squad": {"plain_text": splits(squad, _squad, (train, "validation"))},
        "google-research-datasets/nq_open": {
            "nq_open": splits({"question": TEXT, "answer": List(TEXT)}, _nq, (train, "validation"))
        },
        "mandarjoshi/trivia_qa": {"rc.wikipedia.nocontext": splits(trivia, _trivia, three)},
        "EleutherAI/drop": {"default": splits(drop, _drop, (train, "validation"))},
        "EleutherAI/coqa": {"default": splits(coqa, _coqa, (train, "validation"))},
    }


def _table(features: Mapping[str, Any], rows: Rows) -> Dataset:
    return Dataset.from_list(rows, features=Features(features))


def _splits(asked: int, features: Mapping[str, Any], make: Make, names: Iterable[str]) -> dict[str, Dataset]:
    counts = {"train": SHOWN, "dev": 5}
    return {name: _table(features, [make(name, i) for i in range(counts.get(name, asked))]) for name in names}


def _told(split: str, i: int) -> str:
    """What a row is recognized by: `shown 0` to `shown 6`, `asked 0` to `asked 2`."""
    return f"{'shown' if split in ('train', 'dev') else 'asked'} {i}"


def _listed(i: int, count: int) -> list[str]:
    return [f"choice {i}{letter}" for letter in "abcdefghij"[:count]]


def _arc(split: str, i: int) -> dict[str, Any]:
    labels = list("1234") if i == 1 else list("ABCD")  # some exams number their choices
    choices = {"text": _listed(i, 4), "label": labels}
    return {
        "id": f"{split}{i}",
        "question": f"What was {_told(split, i)}?",
        "choices": choices,
        "answerKey": labels[i % 4],
    }


def _csqa(split: str, i: int) -> dict[str, Any]:
    choices = {"label": list("ABCDE"), "text": _listed(i, 5)}
    key = "" if split == "test" else "ABCDE"[i % 5]
    return {
        "id": f"{split}{i}",
        "question": f"What was {_told(split, i)}?",
        "question_concept": "c",
        "choices": choices,
        "answerKey": key,
    }


def _openbook(split: str, i: int) -> dict[str, Any]:
    choices = {"text": _listed(i, 4), "label": list("ABCD")}
    return {
        "id": f"{split}{i}",
        "question_stem": f"It was {_told(split, i)}",
        "choices": choices,
        "answerKey": "ABCD"[i % 4],
    }


def _boolq(split: str, i: int) -> dict[str, Any]:
    label = -1 if split == "test" else i % 2
    return {"question": f"was it {_told(split, i)}", "passage": f"It was {_told(split, i)}.", "idx": i, "label": label}


def _hellaswag(split: str, i: int) -> dict[str, Any]:
    told = _told(split, i)
    row = {
        "ind": i,
        "activity_label": "Baking",
        "ctx_a": f"[header] How to bake {told} [title] Begin.",
        "ctx_b": "then she",
    }
    row |= {
        "ctx": "unused",
        "endings": [f"[substeps] ends {c}." for c in _listed(i, 4)],
        "source_id": "s",
        "split": split,
    }
    return row | {"split_type": "indomain", "label": "" if split == "test" else str(i % 4)}


def _piqa(split: str, i: int) -> dict[str, Any]:
    label = -1 if split == "test" else i % 2
    return {"goal": f"To have {_told(split, i)}", "sol1": f"choice {i}a", "sol2": f"choice {i}b", "label": label}


def _siqa(split: str, i: int) -> dict[str, Any]:
    row = {"context": f"Kim was {_told(split, i)}.", "question": "What next?", "label": str(1 + i % 3)}
    return row | dict(zip(("answerA", "answerB", "answerC"), _listed(i, 3), strict=True))


def _winogrande(split: str, i: int) -> dict[str, Any]:
    row = {
        "sentence": f"The cup was {_told(split, i)} since _ was full.",
        "option1": f"choice {i}a",
        "option2": f"choice {i}b",
    }
    return row | {"answer": "" if split == "test" else str(1 + i % 2)}


def _mmlu(subject: str) -> Make:
    return lambda split, i: {
        "question": f"What was {_told(split, i)}?",
        "subject": subject,
        "choices": _listed(i, 4),
        "answer": i % 4,
    }


def _categories(features: Mapping[str, Any], asked: int) -> dict[str, Dataset]:
    def row(shown: bool, category: str, i: int) -> dict[str, Any]:
        options = _listed(i, 10 if i else 3)  # not all questions have ten
        told = _told("dev" if shown else "test", i)
        row = {
            "question_id": i,
            "question": f"In {category}, what was {told}?",
            "options": options,
            "answer": "ABC"[i % 3],
        }
        return row | {"answer_index": i % 3, "cot_content": "", "category": category, "src": "s"}

    def rows(shown: bool, count: int) -> Dataset:
        return _table(features, [row(shown, category, i) for i in range(count) for category in CATEGORIES])

    return {"test": rows(False, asked), "validation": rows(True, 5)}


def _exam(name: str, i: int) -> dict[str, Any]:
    options = [
        f"({letter})choice {i}{letter.lower()}" for letter in "ABCDE"[: 5 if name.startswith(("lsat", "aqua")) else 4]
    ]
    passage = None if name in ("sat-math", "aqua-rat") else f"Four stood in line {i}."
    question = f"Who was asked {i - 1}?" if i else "Who was shown?"
    return {
        "passage": passage,
        "question": question,
        "options": options,
        "label": "ABCD"[i % 4],
        "other": {"solution": None},
    }


def _puzzles(name: str, asked: int) -> Rows:
    from flexmore.evaluation.olmes.bbh import worked_examples

    targets = [sample["target"].rsplit("answer is ", 1)[1].rstrip(".") for sample in worked_examples()[name]["samples"]]
    return [{"input": f"Puzzle asked {i}", "target": targets[i % len(targets)]} for i in range(asked)]


def _squad(split: str, i: int) -> dict[str, Any]:
    told = _told(split, i)
    answers = [f"The answer {i}"] if split == "train" else [f"The answer {i}", f"answer {i} in full", f"The answer {i}"]
    row = {"id": f"{split}{i}", "title": f"Title_{i}", "context": f"It was {told}.", "question": f"What was {told}?"}
    return row | {"answers": {"text": answers, "answer_start": [0] * len(answers)}}


def _nq(split: str, i: int) -> dict[str, Any]:
    return {"question": f"what was {_told(split, i)}", "answer": [f"{i} Dogs", f"The {i} cats"]}


def _trivia(split: str, i: int) -> dict[str, Any]:
    names = dict.fromkeys(("matched_wiki_entity_name", "normalized_matched_wiki_entity_name"), "")
    value = {"value": f"Lake {i}", "normalized_value": f"lake {i}", "type": "WikipediaEntity"}
    aliases = {"aliases": [f"Lake {i}", f"Loch {i}"], "normalized_aliases": [f"lake {i}", f"loch {i}"]}
    pages = {"doc_source": [], "filename": [], "title": [], "wiki_context": []}
    row = {"question": f"Which lake was {_told(split, i)}?", "question_id": f"{split}{i}", "question_source": "s"}
    return row | {"entity_pages": pages, "answer": aliases | value | names}


def _drop(split: str, i: int) -> dict[str, Any]:
    blank = {"day": "", "month": "", "year": ""}
    kinds = [
        {"number": "3,500", "date": blank, "spans": []},
        {"number": "", "date": {"day": "4", "month": "May", "year": "1821"}, "spans": []},
        {"number": "", "date": blank, "spans": ["the Lions", "Bears"]},
    ]
    worker = {"worker_id": "", "hit_id": ""}
    checked = {
        "number": ["", "7"],
        "date": [blank, blank],
        "spans": [["one more"], []],
        "worker_id": ["", ""],
        "hit_id": ["", ""],
    }
    told = _told(split, i)
    row = {"section_id": "s", "query_id": f"{split}{i}", "passage": f"It was {told}.", "question": f"What was {told}?"}
    return row | {"answer": kinds[i % 3] | worker, "validated_answers": checked}


def _coqa(split: str, i: int) -> dict[str, Any]:
    def answers(texts: list[str]) -> dict[str, Any]:
        spans = {"span_start": [0] * len(texts), "span_end": [1] * len(texts), "span_text": texts}
        return {"input_text": texts, "turn_id": list(range(1, len(texts) + 1))} | spans

    told = _told(split, i)
    row: dict[str, Any] = {"id": f"{split}{i}", "source": "s", "story": f"It was {told}. Ann left."}
    row["questions"] = {"input_text": [f"What was {told}?", "Who left?"], "turn_id": [1, 2]}
    row["answers"] = answers([f"the answer {i}", "Ann"])
    others = [answers([f"answer {i} it was", "Ann did"]), answers(["", "She"]), answers([])]
    return row | {"additional_answers": dict(zip("012", others, strict=True))}
