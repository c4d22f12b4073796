"""Another time of day for the tests, to find those that lean on it:

    LMS_TEST_HOUR=23:58 python -m pytest -p tests.hour -m "not chromium and not node"

The clock of the product then starts at that time in Vietnam, on the day it is, in the process of the tests only.
Browsers, other programs and PostgreSQL keep the machine's clock, and what time_machine sets is moved once more: a test
that has to do with these may fail for that reason alone.
"""

import os
from datetime import datetime, time, tzinfo
from typing import Any

from lms import clock

WANTED = time.fromisoformat(os.environ["LMS_TEST_HOUR"])
AHEAD = datetime.combine(clock.today(), WANTED, clock.VIETNAM) - clock.true_now()


class Elsewhen:
    """Stands where the product's clock reads the machine's; makes nothing but plain datetimes."""

    def __call__(self, *given: Any, **named: Any) -> datetime:
        return datetime(*given, **named)  # noqa: DTZ001 - whoever asks names the zone

    @staticmethod
    def now(zone: tzinfo | None = None) -> datetime:
        return datetime.now(zone) + AHEAD


vars(clock)["datetime"] = Elsewhen()
