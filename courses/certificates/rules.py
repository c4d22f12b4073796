"""What a certificate says and is signed over, when one is issued or falls, and how its codes are written. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: none is mistaken for another when it is typed from paper."""

NUMBER_LENGTH, CODE_LENGTH = 8, 12
ISSUE, FALL = "issue", "fall"
STANDING, REPLACED, MISTAKE, MISUSE, OTHER = "standing", "replaced", "mistake", "misuse", "other"
REASONS = (REPLACED, MISTAKE, MISUSE, OTHER)
"""Why somebody revokes one; STANDING is the product's own reason. Only what is replaced is issued anew."""

FOR_GOOD = (MISTAKE, MISUSE, OTHER)

PRINTED_AT_ONCE = 60
"""So many are printed while one waits; more by the worker."""

KEPT_DAYS = 2
"""So long a print of many waits to be fetched: it holds names."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a certificate is signed over. The person is the opaque id: names stand in one place and can be erased."""

    number: str
    person: UUID
    subject: str
    documents: tuple[str, ...]
    policy: int
    unit: str
    issuer: str
    completed_on: date
    issued_on: date

    def content(self) -> bytes:
        """All of it as bytes, always the same for the same."""
        told = {
            "number": self.number,
            "person": str(self.person),
            "subject": self.subject,
            "documents": list(self.documents),
            "policy": self.policy,
            "unit": self.unit,
            "issuer": self.issuer,
            "completed_on": self.completed_on.isoformat(),
            "issued_on": self.issued_on.isoformat(),
        }
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def follows(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What becomes of a certificate when a standing changes: ISSUE, FALL or nothing ("").

    It falls when somebody who is on the roll has no longer completed; who leaves the roll keeps it. Whoever comes onto
    the roll may hold one from before, and has not completed what is asked by now.
    """
    was, is_now = completed(before), completed(after)
    if is_now and not was:
        return ISSUE
    return FALL if after is not None and not is_now and (was or before is None) else ""


def completed(row: Mapping[str, Any] | None) -> bool:
    return row is not None and row["state"] == "completed"


def written(number: int, length: int) -> str:
    """The last so many figures of a number in the alphabet of codes."""
    letters = []
    for _place in range(length):
        number, rest = divmod(number, len(LETTERS))
        letters.append(LETTERS[rest])
    return "".join(reversed(letters))


def grouped(code: str) -> str:
    """In groups of four, as people read codes."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


AS_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1"})


def as_made(typed: str) -> str:
    """A number or code as it was made, however it is typed."""
    return "".join(letter for letter in typed.upper().translate(AS_MEANT) if letter in LETTERS)
