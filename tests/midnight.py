"""No test begins so late that midnight falls into it: what it made yesterday would be of yesterday.

What a day's end does to the product has tests of its own, which say what time it is.
"""

import time
from datetime import datetime, timedelta

import pytest

from lms import clock

BROWSING, OTHERWISE = timedelta(minutes=3), timedelta(seconds=30)
"""How long a test may take: one with a browser, and any other."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for the new day where the old one is as good as over."""
    lasts = BROWSING if item.get_closest_marker("chromium") else OTHERWISE
    time.sleep(to_wait(datetime.now(clock.VIETNAM), lasts).total_seconds())


def to_wait(now: datetime, lasts: timedelta) -> timedelta:
    """How long, from `now` on, until something that lasts so long is over on the day on which it began."""
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return midnight - now if now + lasts > midnight else timedelta()
