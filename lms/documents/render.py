"""The person behind an agent, as the standard wants it: lists of what is known.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lms.xapi.rules import IDENTIFIERS


def person(agent: Mapping[str, Any], names: Sequence[str], *, home: str) -> dict[str, Any]:
    """A Person object: the identifier asked for, with the name given there and names seen (4.1.6.3 / Comm 2.4).

    Of our own people, whose accounts are at `home`, nothing but the account is ever told, whoever has named them.
    """
    found: dict[str, Any] = {"objectType": "Person"}
    known = [agent["name"], *names] if "name" in agent else list(names)
    if known and not is_ours(agent, home=home):
        found["name"] = list(dict.fromkeys(known))
    return {**found, **{name: [agent[name]] for name in IDENTIFIERS if name in agent}}


def is_ours(agent: Mapping[str, Any], *, home: str) -> bool:
    """Whether this is an account of our own: one of our people, or a client of the store."""
    home_page = str(agent.get("account", {}).get("homePage", ""))
    return home_page == home or home_page.startswith(f"{home}/")
