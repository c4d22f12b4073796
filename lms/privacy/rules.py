"""When a request must be answered, and what must be typed before somebody is erased. Pure."""

from datetime import date, timedelta

from lms.text import fold

WORKING_DAYS = 2
"""Within so many working days a person is answered (domain.md §4.1)."""

SATURDAY = 5
WORD = "XÓA"


def due_day(asked_on: date, days: int = WORKING_DAYS) -> date:
    """The last working day of the answer. Saturdays and Sundays do not count; public holidays are not known here."""
    day = asked_on
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < SATURDAY
    return day


def is_word(typed: str) -> bool:
    """Whether somebody has typed the word that erases, with or without marks, in whatever case."""
    return fold(typed) == fold(WORD)
