"""The numbers that the public suite gives to requirements, XAPI-00001 and so on, and which tests reproduce them.

Sections are those of IEEE 9274.1.1, then of xAPI 1.0.3, then these numbers: "4.2.2.2 / Data 2.4.3 / XAPI-00044".
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

NAMED = frozenset(range(1, 337))  # by the public suite, in either edition
LEFT_OUT = {
    95: "withdrawn: that contextActivities may not be empty; the standard lets them, and so do we",
    136: "named only to say that there is none",
    137: "withdrawn: that a request in parts needs MIME-Version; the standard wants none",
    138: "withdrawn: another word for 127 and 131",
    152: "withdrawn: that nothing returned was stored after Consistent-Through; an open transaction holds that back",
    320: "a permission, and nothing to refuse: About may have extensions; ours has none",
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
