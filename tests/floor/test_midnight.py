"""A test begins on the day on which it ends."""

from datetime import datetime, timedelta

import pytest

from lms.clock import VIETNAM
from tests.midnight import BROWSING, OTHERWISE, to_wait


@pytest.mark.parametrize(
    ("time", "lasts", "seconds"),
    [
        ((0, 0, 0), BROWSING, 0),
        ((12, 0, 0), BROWSING, 0),
        ((23, 57, 0), BROWSING, 0),
        ((23, 57, 1), BROWSING, 179),
        ((23, 57, 1), OTHERWISE, 0),
        ((23, 59, 59), OTHERWISE, 1),
    ],
)
def test_what_would_last_beyond_midnight_waits_for_it(
    time: tuple[int, int, int], lasts: timedelta, seconds: int
) -> None:
    assert to_wait(datetime(2026, 2, 28, *time, tzinfo=VIETNAM), lasts) == timedelta(seconds=seconds)


def test_every_test_is_asked(request: pytest.FixtureRequest) -> None:
    plugins = request.config.pluginmanager
    known = [hook.function.__module__ for hook in plugins.hook.pytest_runtest_setup.get_hookimpls()]
    assert "tests.midnight" in known
