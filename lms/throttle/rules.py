"""How many attempts, in how long, and how the wait grows. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60))
"""How long a window lasts: five minutes, and twice as long after each that was filled, up to an hour."""

FORGOTTEN_AFTER = timedelta(days=1)
"""After so long without an attempt everything begins anew."""

PER_ACCOUNT = 10
PER_ADDRESS = 60
PER_RESET = 3
PER_CODE = 5
"""Guesses at six digits, of somebody who has the password already."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many attempts under one key. `subject`: what they are about, when an administrator may forgive them."""

    kind: str
    value: str
    limit: int
    subject: str = ""


def window_of(strikes: int) -> timedelta:
    """How long the window lasts after so many that were filled."""
    return WINDOWS[min(strikes, len(WINDOWS) - 1)]


def minutes_until(moment: datetime, now: datetime) -> int:
    """For people who wait: whole minutes, rounded up, at least one."""
    return max(1, -int((now - moment).total_seconds() // 60))
