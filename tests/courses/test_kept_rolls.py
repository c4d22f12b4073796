"""What the page of a point tells its host's phone: for how long it may be kept, for whom, and by which script."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from courses.briefings.models import BriefingSession, MeetingPoint
from courses.meetings.rules import KEPT_AFTER
from lms import clock
from tests.courses.gathering import Gathering, gather
from tests.kept import kept
from tests.make import Make


@pytest.fixture
def world(make: Make, tmp_path: Path) -> Gathering:
    return kept(make, tmp_path, gather)


def told(world: Gathering) -> tuple[str | None, str | None]:
    """The two headers of the roll as its host is answered."""
    headers = world.browser(world.host).get(world.path()).headers
    return headers.get("Keep-Seconds"), headers.get("Keep-For")


def test_a_roll_that_is_open_may_be_kept_by_its_host_until_hours_after_the_sitting(
    make: Make, world: Gathering
) -> None:
    with make.reading() as session:
        ends_at = session.get_one(BriefingSession, world.sitting.id).ends_at
    seconds, owner = told(world)
    assert owner == str(world.host.public_id)
    assert 0 <= (ends_at + KEPT_AFTER - clock.now()).total_seconds() - int(seconds or 0) + 60 < 120
    with time_machine.travel(ends_at + KEPT_AFTER + timedelta(seconds=1), tick=False):
        assert told(world) == ("0", str(world.host.public_id))


def test_a_roll_that_takes_nothing_is_not_kept(make: Make, world: Gathering) -> None:
    with make.writing() as session:
        session.get_one(MeetingPoint, world.points["north"].id).reported_at = clock.now()
    assert told(world)[0] == "0"
    with make.writing() as session:
        session.get_one(MeetingPoint, world.points["north"].id).reported_at = None
        sitting = session.get_one(BriefingSession, world.sitting.id)
        sitting.starts_at, sitting.ends_at = (one + timedelta(days=2) for one in (sitting.starts_at, sitting.ends_at))
    assert told(world)[0] == "0"


def test_a_part_of_the_roll_or_a_form_that_was_refused_leaves_what_is_kept_as_it_is(world: Gathering) -> None:
    browser = world.browser(world.host)
    browser.get(world.path())
    assert 'data-keep="' in browser.text
    refused = browser.submit("/numbers", headcount="nhiều")
    assert refused.status_code == 422
    assert "Keep-Seconds" not in refused.headers
    assert 'data-keep="' not in browser.text
    sought = browser.submit("/search", q="an")
    assert world.an.full_name in sought.text
    assert "Keep-Seconds" not in sought.headers
    assert 'data-keep="' not in browser.text


def test_whoever_looks_as_the_host_keeps_nothing(make: Make, world: Gathering) -> None:
    browser = world.browser(world.organiser)
    browser.get(f"/people/{world.host.public_id}/view-as")
    browser.submit(f"/people/{world.host.public_id}/view-as", follow=True)
    answer = browser.get(world.path())
    assert answer.status_code == 200
    assert answer.headers["Keep-Seconds"] == "0"


def test_the_script_stands_beside_the_points_and_is_asked_for_again_each_time(world: Gathering) -> None:
    browser = world.browser(world.host)
    answer = browser.get("/meetings/points/worker.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
    again = browser.get("/meetings/points/worker.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
