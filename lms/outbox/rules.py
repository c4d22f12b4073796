"""How long a job is held, when it is tried again, and when it is given up. Pure."""

from datetime import timedelta

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
