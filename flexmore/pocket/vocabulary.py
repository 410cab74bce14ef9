"""The pocket family's words: one token each, split at white space."""

from types import MappingProxyType
from typing import NamedTuple

PAD, EOS, UNKNOWN = "<pad>", "<eos>", "<unk>"


class FactWords(NamedTuple):
    """The words in which one source states its facts."""

    relations: tuple[str, ...]
    answers: tuple[str, ...]


def _words(relations: str, answers: str) -> FactWords:
    return FactWords(tuple(relations.split()), tuple(answers.split()))


FACTS = MappingProxyType(
    {
        "public": _words(
            "job pet drink garden holiday",
            "red blue green pink gold silver black white brown purple orange gray amber ivory jade coral",
        ),
        "news": _words(
            "party election",
            "wheat steel cotton copper timber cattle silk tin wool salt sugar rubber coal barley flax zinc",
        ),
        "reddit": _words(
            "hobby snack band game",
            "chess pizza jazz tennis noodles rock poker pasta blues soccer tacos metal checkers curry disco golf",
        ),
        "pes2o": _words(
            "source method effect target site phase state class",
            "light heat pressure charge mass spin growth decay fusion binding flow shear strain torque plasma vapor",
        ),
    }
)

SUBJECTS = tuple(
    "ada agnes albert alice amos amy anna arthur basil ben bella boris bruno carl carol cecil celia chloe "
    "clara cora cyril daisy dan david dean della dennis dora dorian edgar edith edna elias ella elmer "
    "elsa emil emma enid eric ernest esther eva ezra faye felix fern finn flora floyd frank freda gemma "
    "george gina gloria grace greta gus hanna harold harry hazel hector heidi helen henry hilda homer "
    "hugo ida igor ingrid irene iris irma isaac ivan jack jane jasper jenny joel john jonas joyce judy "
    "julia karl kate keith kim kurt lars laura leah leo lena lewis lily linda lloyd lola louis lucy luke "
    "lydia mabel mara marco maria mark martha max mia miles mona nadia nancy neil nina noah nora olga "
    "oliver oscar otto pablo paul peggy perry petra philip quinn ralph rex rita robin rosa roy ruth".split()
)
DIGITS = tuple("0123456789")
OPERATIONS = tuple("inc dec inc2 dec2 inc3 dbl tri sq half neg flip rot".split())
LIST_WORDS = tuple(
    "apple bread cloud dance earth flame ghost house ink joker knife lemon "
    "moon night ocean paper queen river storm table uncle voice water yarn".split()
)
PUBLIC_WORDS, DOMAIN_WORDS = LIST_WORDS[0::2], LIST_WORDS[1::2]
FORMAT = tuple("the of is which has ? : = + -> ; . so steps sum run sort echo".split())


def vocabulary() -> tuple[str, ...]:
    """All words in the order of their token ids; padding is 0, end of text 1, unknown 2."""
    words = (PAD, EOS, UNKNOWN, *FORMAT, *DIGITS, *OPERATIONS, *LIST_WORDS, *SUBJECTS)
    return words + tuple(word for source in FACTS.values() for part in source for word in part)
