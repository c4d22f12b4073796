"""How long a job is held, when it is tried again, when it is given up, and at which hours mail goes out. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from lms.clock import VIETNAM

LEASE = timedelta(minutes=15)
"""How long a worker holds a job: after it another worker may take the job, for the first is taken to be dead."""

MOST_ATTEMPTS = 10
FIRST_WAIT = timedelta(seconds=30)
KEPT = timedelta(days=30)
"""How long a job that is done can still be looked at."""

NIGHTLY_AT = timedelta(minutes=5)
"""After midnight in Vietnam."""


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: twice as long each time, some four hours in all."""
    return FIRST_WAIT * int(2 ** (max(attempts, 1) - 1))


STUDY, UNIT_NEWS = "study", "unit news"
TOPICS = (STUDY, UNIT_NEWS)
"""What mail may be about: one's study, and what one's unit announces. Each person chooses."""


class Hours(Protocol):
    """Between which hours of the day in Vietnam mail and messages go out."""

    @property
    def from_hour(self) -> int:
        """The first."""

    @property
    def to_hour(self) -> int:
        """That at which no more goes out."""


@dataclass(frozen=True, slots=True)
class Between:
    """Such hours, as values."""

    from_hour: int
    to_hour: int


DAYTIME = Between(7, 19)
"""When mail goes out for which nobody has chosen hours."""


def mail_at(hours: Hours, now: datetime) -> datetime:
    """The next moment at which mail may go out: now, or when the hours of the day begin."""
    here = now.astimezone(VIETNAM)
    if hours.from_hour <= here.hour < hours.to_hour:
        return now
    day = here.date() if here.hour < hours.from_hour else here.date() + timedelta(days=1)
    return datetime.combine(day, time(hours.from_hour), tzinfo=VIETNAM)
