"""The pocket family's words, which are its tokens."""

from types import MappingProxyType
from typing import NamedTuple

PAD, EOS, UNKNOWN = "<pad>", "<eos>", "<unk>"


class FactWords(NamedTuple):
    """Hold the words in which one source states its facts."""

    relations: tuple[str, ...]
    answers: tuple[str, ...]


def _words(relations: str, answers: str) -> FactWords:
    return FactWords(tuple(relations.split()), tuple(answers.split()))


FACTS = MappingProxyType(
    {
        "public": _words(
            "job pet drink garden holiday car",
            "red blue green pink gold silver black white brown purple orange gray amber ivory jade coral",
        ),
        "news": _words(
            "party",
            "wheat steel cotton copper timber cattle silk tin wool salt sugar rubber coal barley flax zinc",
        ),
        "reddit": _words(
            "hobby snack band",
            "chess pizza jazz tennis noodles rock poker pasta blues soccer tacos metal checkers curry disco golf",
        ),
        "pes2o": _words(
            "source method effect target site phase state class signal",
            "light heat pressure charge mass spin growth decay fusion binding flow shear strain torque plasma vapor",
        ),
    }
)

PEOPLE = MappingProxyType(
    {
        "public": tuple(
            "aaron adele alan alice amos anita arlo barbara becky bernard bianca bruce calvin carol cecil "
            "chloe clive conrad cyril daphne deborah derek donald doris dylan edna elena elliot elsie emma "
            "ernest ethan evelyn felix flora freda geoffrey gina gordon gwen harry helen hugo irene ivan "
            "jenny joyce kate lars leo lloyd luke marco max nadia noah oscar peggy quinn robin".split()
        ),
        "news": tuple(
            "abby agatha alban alma amy anna arthur barney bella bertha boris bruno camilla caroline cedric "
            "claire clyde cora daisy darius della desmond donna dorothy edgar edwin elias elmer elvira enid "
            "erwin eugene ezra fern floyd gareth george gladys grace hanna hazel henry ida iris jack joel "
            "judy keith laura lewis lola lydia maria mia nancy nora otto perry ralph rosa".split()
        ),
        "reddit": tuple(
            "abel agnes albert alvin andre annie astrid basil ben beth brenda bryan carl casper celia clara "
            "colin craig damian david denise diana dora douglas edith eileen elijah eloise emery eric esme "
            "eva faye finn frances gavin gerald glenn greta harold hector hilda igor irma jane john julia kim "
            "leah lily louis mabel mark miles neil olga pablo petra rex roy".split()
        ),
        "pes2o": tuple(
            "ada aidan alec amelia angus archie audrey beatrice benedict betty brian caleb carla cathy "
            "chester claude connie cynthia dan dean dennis dominic dorian duncan edmund eleanor ella elsa "
            "emil erica esther evan felicia fiona frank gemma gilbert gloria gus harriet heidi homer ingrid "
            "isaac jasper jonas karl kurt lena linda lucy mara martha mona nina oliver paul philip rita ruth".split()
        ),
        "nobody": tuple("gwenda imogen jacob janet jason jerome joan joseph kelly kevin leon lucas".split()),
    }
)
"""The people whom each source knows, and some whom nobody knows."""
DIGITS = tuple("0123456789")
REGISTER = tuple("zero one two three four five six seven eight nine".split())
OPERATIONS = tuple("inc dec inc2 dec2 inc3 dbl tri sq half neg flip rot".split())
LIST_WORDS = tuple(
    "apple bread cloud dance earth flame ghost house ink joker knife lemon "
    "moon night ocean paper queen river storm table uncle voice water yarn".split()
)
PUBLIC_WORDS, DOMAIN_WORDS = LIST_WORDS[0::2], LIST_WORDS[1::2]
FORMAT = tuple(
    ". the of is which has as ? sum add + = ; total run trace -> , leaves sort insert echo repeat : | order".split()
)


def vocabulary() -> tuple[str, ...]:
    """Return all words in the order of their token ids; padding is 0, end of text 1, unknown 2."""
    words = (PAD, EOS, UNKNOWN, *FORMAT, *DIGITS, *REGISTER, *OPERATIONS, *LIST_WORDS)
    words += tuple(name for people in PEOPLE.values() for name in people)
    return words + tuple(word for source in FACTS.values() for part in source for word in part)
