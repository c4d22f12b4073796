"""The one table of roles and permissions, and the rules of passwords and throttling. Pure."""

from dataclasses import dataclass
from datetime import timedelta

EVERYONE = "learner"

PERMISSIONS: dict[str, frozenset[str]] = {
    "learner": frozenset({"course:study", "profile:own"}),
    "head": frozenset({"unit:read_figures", "unit:read_names"}),
    "trainer": frozenset({"module:edit", "module:publish", "record:browse"}),
    "administrator": frozenset(
        {
            "unit:read_figures",
            "unit:read_names",
            "unit:create",
            "person:create",
            "course:assign",
            "record:browse",
            "record:names",
            "record_client:keep",
            "forwarding:keep",
        }
    ),
}
"""Which role may do what. `learner` is everyone; the others are granted, over a unit and all below it or everywhere."""

SESSION_IDLE = timedelta(hours=2)
SESSION_LENGTH = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)
LINK_LIFE = timedelta(days=7)

THROTTLE_WINDOW = timedelta(minutes=5)
ATTEMPTS_PER_ACCOUNT = 10
ATTEMPTS_PER_ADDRESS = 60

PASSWORD_LENGTH = 14
"""domain.md §4.2: 14 characters where there is no second factor. Length is asked for, not a mixture of classes."""

TOO_COMMON = frozenset({"password", "matkhau", "123456", "qwerty", "tuyenquang", "chuyendoiso"})


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held today. `unit_id` None: everywhere."""

    role: str
    unit_id: int | None


def password_fault(password: str, *, username: str) -> str | None:
    """What is wrong with a new password: "short", "name", "simple" or None when it is good."""
    bare = "".join(password.lower().split())
    if len(password) < PASSWORD_LENGTH:
        return "short"
    if len(username) >= 3 and username.lower() in bare:
        return "name"
    if len(set(bare)) < 6 or any(bare.replace(word, "").isdecimal() or bare == word * 2 for word in TOO_COMMON):
        return "simple"
    return None
