"""Why two records may be one person, and what must hold before they are linked; pure."""

BORN, CODE, UNIT = "born", "code", "unit"
"""Same name and date of birth; same staff code; same name in the same unit."""

LIKELIEST = (CODE, BORN, UNIT)

Pair = tuple[int, int]


def pair(one: int, other: int) -> Pair:
    """Two records, whichever was named first."""
    return (one, other) if one < other else (other, one)


def problem(*, duplicate_linked: bool, duplicate_has_links: bool, person_linked: bool) -> str:
    """Why a record cannot be set aside for another now: "linked", "stands for others"; "" when it can."""
    if duplicate_linked or person_linked:
        return "linked"
    return "stands for others" if duplicate_has_links else ""
