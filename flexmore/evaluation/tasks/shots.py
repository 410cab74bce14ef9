"""Few-shot examples: no document is shown its own answer, wherever its examples come from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flexmore.errors import FlexmoreError

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

Question = tuple[Any, ...]


def show_no_own_answer(task: "ConfigurableTask") -> None:
    """Let a task show each document only examples that ask something else.

    lm-eval leaves a document out of its examples where `fewshot_split` is `test_split` and both have the same fields;
    but not where examples are the same rows in another way (no `fewshot_split`, a validation split that is asked,
    samples in the YAML, a `process_docs` of their own), nor where a question is in both splits. Here what counts is the
    question as the model sees it, its text and its choices. An example that asks the same is replaced: by the next one
    if the first ones are shown, otherwise by another that is drawn. All others stay as lm-eval draws them.

    Building a prompt then raises a FlexmoreError if there are fewer other examples than the task shows.
    """
    if not task.get_config("num_fewshot"):
        return
    sampler, asked = task.sampler, _Asked(task)
    sample, context = sampler.sample, task.fewshot_context

    def sample_others(n: int, eval_doc: Any = None, **given: Any) -> Any:
        try:
            shown = sample(n, eval_doc, **given)
        except (AssertionError, ValueError):  # too few for lm-eval
            shown = []
        kept = [example for example in shown if not asked.is_asked_by(example)]
        if len(kept) == n:
            return kept
        others = [example for example in sampler.fewshot_docs() if not asked.is_asked_by(example)]
        if len(others) < n:
            raise FlexmoreError(
                f"{task.config.task}: found {len(others)} few-shot examples that do not ask what the document itself "
                f"asks ({asked.text[:60]!r}), expected num_fewshot: {n}; take them from another split, give more, or "
                "lower num_fewshot"
            )
        if task.fewshot_cfg.sampler == "first_n":
            return others[:n]
        return kept + sampler.rnd.sample([other for other in others if other not in kept], n - len(kept))

    def context_of(document: Any, *args: Any, **given: Any) -> Any:
        asked.ask(document)
        return context(document, *args, **given)

    sampler.sample = sample_others
    task.fewshot_context = context_of


class _Asked:
    """Hold what the document asks whose prompt is being built, and tell whether an example asks the same."""

    def __init__(self, task: "ConfigurableTask") -> None:
        self._task = task
        self._examples: dict[int, tuple[Any, Question]] = {}
        self._question: Question = ()

    @property
    def text(self) -> str:
        return str(self._question[0])

    def ask(self, document: Any) -> None:
        """Take the document whose prompt is built next."""
        task = self._task
        choices = task.doc_to_choice(document) if task.config.doc_to_choice else ()
        self._question = _question(task.doc_to_text(document), choices, document)

    def is_asked_by(self, example: Any) -> bool:
        if id(example) not in self._examples:  # kept with its question, so that no other object gets its id
            shown = self._task.fewshot_cfg
            choices = self._task.doc_to_choice(example, shown.doc_to_choice) if shown.doc_to_choice else ()
            question = _question(self._task.doc_to_text(example, shown.doc_to_text), choices, example)
            self._examples[id(example)] = (example, question)
        return self._examples[id(example)][1] == self._question


def _question(text: Any, choices: Sequence[Any], document: Any) -> Question:
    """Return text and choices; where choices alone ask (WinoGrande), these; where neither does, the whole document."""
    offered = sorted(map(str, choices))
    if isinstance(text, str) and text.strip():
        return (text, offered)
    return ("", offered) if offered else ("", document)
