"""The numbers that the public suite gives to requirements, XAPI-00001 and so on, and which tests reproduce them.

Sections are those of IEEE 9274.1.1, then of xAPI 1.0.3, then these numbers: "4.2.2.2 / Data 2.4.3 / XAPI-00044".
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

NAMED = frozenset(range(1, 337))  # by the public suite, in either edition
LEFT_OUT = {
    95: "withdrawn by the authors of the standard",
    136: "named only to say that there is none",
    137: "withdrawn",
    138: "withdrawn",
    140: "that there are resources at all: it is what all the others say",
    152: "withdrawn",
    185: "untestable, says the suite: whether metadata are fetched",
    186: "untestable, says the suite: whether metadata are fetched",
    205: "a parameter that requests of this kind do not have",
    223: "a parameter that requests of this kind do not have",
    304: "a parameter that requests of this kind do not have",
    320: "wrong, says the suite: what it asks for is optional",
    323: "that no other codes of errors are used: no single case",
}

Test = TypeVar("Test", bound=Callable[..., Any])
REPRODUCED: dict[int, str] = {}


def reproduces(*numbers: int) -> Callable[[Test], Test]:
    """Says which requirements a test reproduces."""

    def note(test: Test) -> Test:
        REPRODUCED.update(dict.fromkeys(numbers, test.__name__))
        return test

    return note


def numbers_in(sections: Iterable[str]) -> set[int]:
    """The numbers beside these sections."""
    return {int(one) for section in sections for one in re.findall(r"XAPI-(\d{5})", section)}
