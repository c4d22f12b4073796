"""The one table of roles and permissions, and the rules of passwords and sessions. Pure."""

import re
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from lms.config import PasswordPolicy, SessionLimits
from lms.organisation.models import STATE_TREE
from lms.text import composed as in_one_form
from lms.text import fold

EVERYONE = "learner"

PERMISSIONS: dict[str, frozenset[str]] = {
    "learner": frozenset({"course:study", "profile:own"}),
    "reviewer": frozenset({"reflection:read"}),
    "host": frozenset(),
    "head": frozenset({"unit:read_figures", "unit:read_names", "report:send", "report:accept", "reflection:read"}),
    "deputy": frozenset({"unit:read_figures", "unit:read_names", "report:send", "report:accept", "reflection:read"}),
    "trainer": frozenset(
        {
            "module:read",
            "module:edit",
            "module:publish",
            "question:read_quality",
            "record:browse",
            "briefing:read",
            "reflection:read",
        }
    ),
    "unit_administrator": frozenset(
        {
            "unit:read_figures",
            "unit:read_names",
            "report:send",
            "report:accept",
            "person:read",
            "person:create",
            "role:grant",
            "permission:read",
            "announcement:read",
            "announcement:write",
            "unit:read",
            "unit:create",
            "roll:read",
            "roll:decide",
            "reflection:read",
        }
    ),
    "auditor": frozenset(
        {
            "unit:read_figures",
            "unit:read_names",
            "reflection:read",
            "person:read",
            "person:view_as",
            "permission:read",
            "record:browse",
            "record:names",
            "audit:read",
            "unit:read",
            "assignment:read",
            "briefing:read",
            "module:read",
            "question:read_quality",
            "record_client:read",
            "forwarding:read",
            "announcement:read",
            "privacy:read",
            "roll:read",
            "sitting:read_names",
        }
    ),
    "administrator": frozenset(
        {
            "unit:read_figures",
            "unit:read_names",
            "report:send",
            "report:accept",
            "question:read_quality",
            "reflection:read",
            "unit:read",
            "unit:create",
            "person:read",
            "person:create",
            "person:view_as",
            "role:grant",
            "permission:read",
            "assignment:read",
            "announcement:read",
            "announcement:write",
            "briefing:read",
            "briefing:organise",
            "sitting:read_names",
            "course:assign",
            "roll:read",
            "roll:decide",
            "record:browse",
            "record:names",
            "record_client:read",
            "record_client:keep",
            "forwarding:read",
            "forwarding:keep",
            "audit:read",
            "privacy:read",
            "privacy:answer",
        }
    ),
}
"""Which role may do what. `learner` is everyone; the others are granted, over a unit and all below it or everywhere."""

ADMINISTRATOR, AUDITOR, UNIT_ADMINISTRATOR, DEPUTY = "administrator", "auditor", "unit_administrator", "deputy"

EVERYWHERE = frozenset({"trainer", AUDITOR, ADMINISTRATOR})
"""Roles that hold for the whole system; all others for a unit and what is below it."""

SOONER_ENDED = frozenset({ADMINISTRATOR, UNIT_ADMINISTRATOR, AUDITOR})
"""Roles that keep accounts or read everywhere: a session left open by one of them ends sooner."""
IN_PARTY_TREE = frozenset({"head", DEPUTY, UNIT_ADMINISTRATOR})
"""Roles that may hold over an organisation of the Party and what stands below it in that tree."""

WITH_AN_END = frozenset({DEPUTY})
"""Roles that cannot be granted without the day on which they end."""

OWN_ACCOUNT = "profile:own"
"""What belongs to one's own account; auditors too sign out, and keep a password of their own."""

SECOND_FACTOR = "second factor"
"""What has been shown by whoever has shown all that is ever asked for."""

SEEN_EVERY = timedelta(minutes=2)
LINK_LIFE = timedelta(days=7)
MAILED_LINK_LIFE = timedelta(minutes=30)
VIEWING_LIFE = timedelta(minutes=30)
"""How long one may look as somebody else sees the product before it ends by itself."""

STEP_LIFE = timedelta(minutes=10)
"""How long somebody whose password was right may take for what must follow before a session begins."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held today. `unit_id` None: everywhere; `tree`: in which of the two it holds over the unit."""

    role: str
    unit_id: int | None
    tree: str = STATE_TREE


Within: TypeAlias = Mapping[str, Container[int]]
"""Units by the tree in which a permission holds over them: what holds in one tree is no power in the other."""


def may_give(role: str, unit_id: int | None, *, within: Within | None, tree: str = STATE_TREE) -> bool:
    """Whether whoever keeps people `within` these units (None: everywhere) may grant or end this role there.

    Never a role that holds everywhere, none over a unit outside or in the other tree, and none that carries a
    permission which whoever keeps people of a unit lacks: nobody gives more than they hold.
    """
    if within is None:
        return True
    carried = PERMISSIONS[role] <= PERMISSIONS[UNIT_ADMINISTRATOR]
    here = unit_id is not None and unit_id in within.get(tree, ())
    return carried and role not in EVERYWHERE and here


def may_keep(held: Iterable[Grant], *, within: Within | None) -> bool:
    """Whether the people kept `within` these units may include somebody who holds these roles: none reaches further."""
    return all(may_give(one.role, one.unit_id, within=within, tree=one.tree) for one in held)


def opens_no_more(held: Collection[Grant], own: Callable[[str], Within | None]) -> bool:
    """Whether an account with these roles opens nothing that one's own roles do not, there: else a link to it would.

    `own` tells the units where one holds a permission (None: everywhere).
    """
    reaches = {permission: own(permission) for one in held for permission in PERMISSIONS[one.role]}
    return all(
        (within := reaches[permission]) is None or (one.unit_id is not None and one.unit_id in within.get(one.tree, ()))
        for one in held
        for permission in PERMISSIONS[one.role]
    )


def same_place(one: Grant, other: Grant) -> bool:
    """Whether two roles hold over the same unit in the same tree."""
    return (one.unit_id, one.tree) == (other.unit_id, other.tree)


SHOWN_ANYWAY = frozenset({"report:send", "report:accept"})
"""What these open beside changes, which nobody makes while looking as somebody else, whoever reads figures sees too."""


def may_see_as(own: Iterable[Grant], other: Iterable[Grant]) -> bool:
    """Whether somebody may look at the product as another sees it: only who holds all that the other holds, there."""
    own = tuple(own)
    everywhere = frozenset().union(*(PERMISSIONS[one.role] for one in own if one.unit_id is None))
    return "person:view_as" in everywhere and all(
        permission in everywhere or any(permission in PERMISSIONS[one.role] and same_place(one, grant) for one in own)
        for grant in other
        for permission in PERMISSIONS[grant.role] - SHOWN_ANYWAY
    )


def limits_for(roles: Iterable[str | None], limits: SessionLimits) -> tuple[timedelta, timedelta]:
    """After how long without use, and after how long in any case, a session of somebody with these roles ends."""
    if SOONER_ENDED.isdisjoint(roles):
        return limits.idle, limits.length
    return limits.admin_idle, limits.admin_length


def may_go_on(
    roles: Iterable[str | None], *, created_at: datetime, seen_at: datetime, now: datetime, limits: SessionLimits
) -> bool:
    """Whether a session is neither too old nor idle too long; those of administrators end sooner."""
    idle, length = limits_for(roles, limits)
    return seen_at > now - idle and created_at > now - length


def is_required(roles: Iterable[str | None], *, of: Collection[str]) -> bool:
    """Whether one of these roles must have a second factor; `learner` is everyone."""
    return not {EVERYONE, *roles}.isdisjoint(of)


def composed(password: str) -> str:
    """A password as it is hashed: the same whichever keyboard composed its letters. Spaces stay."""
    return in_one_form(password)


def length_needed(policy: PasswordPolicy, *, second_factor: bool) -> int:
    """How long a new password must be; shorter where a second factor is asked for after it."""
    return policy.length_with_second_factor if second_factor else policy.length


def classes_in(password: str) -> int:
    """How many of four kinds of characters there are: small letters, capitals, figures, and all others with spaces."""
    kinds = (str.islower, str.isupper, str.isdecimal, lambda c: not c.isalpha() and not c.isdecimal())
    return sum(any(kind(c) for c in composed(password)) for kind in kinds)


def password_fault(
    password: str, *, username: str, policy: PasswordPolicy, second_factor: bool, common: Container[str]
) -> str | None:
    """What is wrong with a new password: "short", "classes", "name", "simple", or None when it is good.

    A mixture of kinds is asked for only where the password stands alone.
    """
    bare = "".join(composed(password).lower().split())
    if len(composed(password)) < length_needed(policy, second_factor=second_factor):
        return "short"
    if not second_factor and classes_in(password) < policy.classes:
        return "classes"
    if len(username) >= 3 and username.lower() in bare:
        return "name"
    if len(set(bare)) < 5 or any(guess in common for guess in guesses(bare)):
        return "simple"
    return None


def stands_not_alone(password: str, policy: PasswordPolicy) -> bool:
    """Whether a password is good only together with a second factor."""
    return len(composed(password)) < policy.length or classes_in(password) < policy.classes


LOOK_ALIKES = str.maketrans({"@": "a", "4": "a", "0": "o", "3": "e", "1": "i", "$": "s", "5": "s", "!": "i"})


def guesses(bare: str) -> Collection[str]:
    """What a guesser tries on the way to it: without marks, without what is hung on, look-alikes, a word said twice."""
    plain = "".join(fold(bare).split())
    found = {bare, plain}
    for one in (plain, plain.translate(LOOK_ALIKES)):
        core = re.sub(r"^[^a-z]+|[^a-z]+$", "", one)
        found |= {one, core}
        if len(core) % 2 == 0 and core[: len(core) // 2] == core[len(core) // 2 :]:
            found.add(core[: len(core) // 2])
    hung_on = re.sub(r"^[^a-z]+|[^a-z]+$", "", plain)
    found.add(hung_on.translate(LOOK_ALIKES))
    return {one for one in found if len(one) >= 5}


def must_renew(changed_at: datetime | None, *, administers: bool, policy: PasswordPolicy, now: datetime) -> bool:
    """Whether the password has served its days. By default none ever has: only administrators', only when set so."""
    if not administers or policy.admin_days == 0:
        return False
    return changed_at is None or changed_at < now - timedelta(days=policy.admin_days)


BROWSERS = (
    ("Edg", "Edge"),
    ("coc_coc", "Cốc Cốc"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_named(user_agent: str) -> tuple[str, str]:
    """Browser and system as people call them; "" for what cannot be told."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    return browser, next((name for mark, name in SYSTEMS if mark in user_agent), "")
