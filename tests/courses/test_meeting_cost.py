"""What a tap of the roll and a typed code cost, and that the shorter ways say what the longer ones do."""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from courses.briefings.models import MeetingPoint, Standing
from courses.meetings.access import access_point
from courses.meetings.actions import Mark, RollClosed, report, take
from lms.accounts.models import Person
from lms.cli import check_projections
from tests.browser import ORIGIN, Browser
from tests.counting import Counted, count_queries
from tests.courses.gathering import Gathering, gather
from tests.courses.learner import Someone
from tests.kept import kept
from tests.make import Make
from tests.together import until_somebody_waits

TAP, CODE = 20, 22
"""So many statements a tap of the roll and a typed code need, of somebody nobody has spoken of before."""


@pytest.fixture
def world(make: Make, tmp_path: Path) -> Gathering:
    return kept(make, tmp_path, gather)


def tap(make: Make, browser: Browser, world: Gathering, people: list[Person]) -> Counted:
    """As the script of the roll sends it; every one of them is entered."""
    fields = {**dict(browser.form("/marks").fields), "mark": [f"{one.public_id}:present:0" for one in people]}
    path, headers = world.path(rest="/marks"), {"Origin": ORIGIN, "Accept": "application/json"}
    with count_queries(make.app) as counted:
        answer: Any = browser.client.post(path, data=fields, headers=headers).json
    assert [one["result"] for one in answer["people"].values()] == ["say"] * len(people)
    return counted


def test_a_tap_costs_few_statements_and_a_list_of_many_no_more(make: Make, world: Gathering) -> None:
    crowd = [make.person(f"Người Số {number}", unit=world.north) for number in range(12)]
    browser = world.browser(world.host)
    browser.get(world.path())
    tap(make, browser, world, [world.binh])  # what all taps of a point ask is remembered from the first one
    one, many = tap(make, browser, world, [world.an]), tap(make, browser, world, crowd)
    assert len(one) <= TAP, one
    assert len(many) <= len(one), many
    assert [line for lines in check_projections(make.database).values() for line in lines] == []


def test_a_typed_code_costs_few_statements(make: Make, world: Gathering) -> None:
    host = world.browser(world.host)
    host.get(world.path(rest="/code"))
    host.submit("/check-in", then="open")
    for person in (world.binh, world.an):
        browser = world.browser(person)
        browser.get(f"/meetings/check-in?code={world.code()}")
        fields = dict(browser.form("Ghi có mặt").fields)
        with count_queries(make.app) as counted:
            browser.client.post("/meetings/check-in", data=fields, headers={"Origin": ORIGIN})
    assert world.attended(world.an) == "present"
    assert len(counted) <= CODE, counted


def test_who_is_of_a_point_is_the_same_asked_of_a_few_and_of_all(make: Make, world: Gathering) -> None:
    guest, exempt = make.person("Khách", unit=world.south), make.person("Miễn", unit=world.north)
    browser = world.browser(world.organiser)
    for name, person in (("south", guest), ("south", world.an), ("main", world.chi)):
        with make.writing() as session:
            point = session.get_one(MeetingPoint, world.points[name].id)
            take(session, point, [Mark(person.public_id, "present")], by=world.host.public_id)
    tap(make, opened(browser, world), world, [world.binh])
    with make.writing() as session:
        session.execute(update(Standing).where(Standing.person_id == exempt.id).values(exempt=True))
    world.told_alike()


def opened(browser: Browser, world: Gathering) -> Browser:
    browser.get(world.path())
    return browser


@pytest.mark.parametrize("to_enter", [True, False])
def test_who_comes_to_a_roll_while_it_is_being_closed_finds_it_closed(
    make: Make, world: Gathering, to_enter: bool
) -> None:
    """Whether the point was held as it was read, or is held as something is entered."""
    host = Someone(world.host.id, world.host.public_id)

    def enter() -> Any:
        with make.writing() as session:
            point = access_point(session, host, world.points["north"].public_id, to_enter=to_enter)
            with pytest.raises(RollClosed):
                take(session, point, [Mark(world.an.public_id, "present")], by=host.public_id)

    with ThreadPoolExecutor(1) as pool:
        with make.writing() as session:
            report(session, session.get_one(MeetingPoint, world.points["north"].id), by=host.public_id)
            session.flush()  # before the other comes
            running: Future[Any] = pool.submit(partial(enter))
            until_somebody_waits(make)
        running.result()
    assert world.said() == {}
