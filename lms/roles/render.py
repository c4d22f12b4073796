"""The table of permissions as a document."""

from collections.abc import Iterator

from lms.accounts.rules import PERMISSIONS
from lms.accounts.vocabulary import ABOUT_ROLES, EVERYONE, ROLES
from lms.accounts.vocabulary import PERMISSIONS as WORDS

HEAD = """# Bảng quyền

Made from `PERMISSIONS` in `lms/accounts/rules.py` by `lms permissions > docs/permissions.md`; a test compares. In the
product the same table is the page **Bảng quyền** under **Cán bộ**.

A role is granted over a unit and all below it, or everywhere, from a day, to a day. Scope and dates are computed anew
at every request.
"""


def columns() -> dict[str, object]:
    """The roles in the order of the table, with what they are called; everyone first."""
    return {"learner": EVERYONE, **ROLES}


def rows() -> list[tuple[str, object, frozenset[str]]]:
    """Each permission, what it is for, and the roles that carry it."""
    return [
        (permission, word, frozenset(role for role, held in PERMISSIONS.items() if permission in held))
        for permission, word in WORDS.items()
    ]


def document() -> str:
    """The table as Markdown."""
    return "\n".join(lines()) + "\n"


def lines() -> Iterator[str]:
    yield HEAD
    yield "| vai trò | mã | phạm vi và ghi chú |"
    yield "|---|---|---|"
    for role, word in columns().items():
        yield f"| {word} | `{role}` | {ABOUT_ROLES[role]} |"
    yield ""
    yield "| quyền | mã | " + " | ".join(f"`{role}`" for role in columns()) + " |"
    yield "|---|---|" + "---|" * len(columns())
    for permission, word, roles in rows():
        yield f"| {word} | `{permission}` | " + " | ".join("x" if one in roles else "" for one in columns()) + " |"
