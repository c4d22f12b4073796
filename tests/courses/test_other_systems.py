"""What other systems state of our people: heeded as far as it may be believed, and taken back without harm."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from courses.briefings.models import Standing
from courses.learning.models import ActivityProgress
from lms import clock
from lms.accounts.models import Person
from lms.cli import check_projections
from lms.web.wording import day, moment
from lms.xapi import vocabulary
from tests.courses.learner import HOME, Learner, give
from tests.library_course import CODE, load_small_course
from tests.make import Make
from tests.store import Outsider, new_id


@pytest.fixture
def learner(make: Make, tmp_path: Path) -> Learner:
    """Somebody of an agency to which the small course is assigned."""
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    return Learner(make, make.person("Hoàng Thị Cúc", unit=unit))


@pytest.fixture
def outsider(make: Make, learner: Learner) -> Outsider:
    """A system whose statements about the course count."""
    return Outsider(make, "statements/write", "statements/read", counts_prefix=f"{HOME}/xapi/courses/{CODE}")


def completed(account: str, lesson: str, **more: Any) -> dict[str, Any]:
    """A statement that whoever has this account name has finished the lesson."""
    return {
        "actor": {"account": {"homePage": HOME, "name": account}},
        "verb": {"id": vocabulary.COMPLETED},
        "object": {"id": vocabulary.activity_iri(HOME, CODE, lesson)},
        **more,
    }


def lessons_done(make: Make, person: Person) -> int:
    with make.reading() as session:
        mine = ActivityProgress.person_id == person.id, ActivityProgress.completed_at.is_not(None)
        return session.scalar(select(func.count()).select_from(ActivityProgress).where(*mine)) or 0


def differences(make: Make) -> list[str]:
    return [line for lines in check_projections(make.database).values() for line in lines]


@pytest.mark.parametrize("spelling", ["upper", "hex", "urn", "braces"])
def test_another_spelling_of_an_account_is_nobody_of_ours_and_voiding_it_takes_nothing(
    make: Make, learner: Learner, outsider: Outsider, spelling: str
) -> None:
    person = learner.person
    learner.read("m1-1", "m1-2")
    mine = person.public_id
    name = {"upper": str(mine).upper(), "hex": mine.hex, "urn": mine.urn, "braces": f"{{{mine}}}"}[spelling]
    stated = new_id()
    assert outsider.post(completed(name, "m2-1", id=stated)).status_code == 200
    assert lessons_done(make, person) == 2
    assert differences(make) == []
    voiding = {
        "actor": {"mbox": "mailto:x@example.vn"},
        "verb": {"id": vocabulary.VOIDED},
        "object": {"objectType": "StatementRef", "id": stated},
    }
    assert outsider.post(voiding).status_code == 200
    assert lessons_done(make, person) == 2
    assert differences(make) == []


def test_two_spellings_in_one_batch_are_two_people_also_when_all_is_read_again(
    make: Make, learner: Learner, outsider: Outsider
) -> None:
    mine = str(learner.person.public_id)
    learner.read("m1-1")
    assert outsider.post([completed(mine, "m1-2"), completed(mine.upper(), "m2-1")]).status_code == 200
    assert lessons_done(make, learner.person) == 2
    make.database.write_sessions.kw["info"]["identities"].clear()
    assert differences(make) == []


@pytest.mark.parametrize("ahead", ["2031-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_to_come_is_believed_as_far_as_the_moment_of_arrival(
    make: Make, learner: Learner, outsider: Outsider, ahead: str
) -> None:
    """What another system says counts, but nobody is briefed in a year that has not begun, and no page breaks."""
    name = str(learner.person.public_id)
    before = clock.true_now()
    batch = [completed(name, lesson, timestamp=ahead) for lesson in ("m1-1", "m1-2", "m2-1", "m2-2")]
    passed = completed(name, "m1-test", timestamp=ahead, result={"score": {"scaled": 0.9}})
    passed["verb"] = {"id": vocabulary.PASSED}
    assert outsider.post([*batch, passed]).status_code == 200
    with make.reading() as session:
        stand = session.scalars(select(Standing)).one()
    assert stand.state == "briefed"
    assert stand.briefed_at is not None
    assert before <= stand.briefed_at <= clock.true_now()
    assert differences(make) == []
    for path in ("/learning", f"/courses/{CODE}", "/my-record"):
        assert learner.browser.get(path).status_code == 200
    assert ahead[:4] not in learner.browser.text


def test_a_time_gone_by_is_believed(make: Make, learner: Learner, outsider: Outsider) -> None:
    outsider.post(completed(str(learner.person.public_id), "m1-1", timestamp="2025-05-05T08:00:00Z"))
    with make.reading() as session:
        assert session.scalars(select(Standing.started_at)).one() == datetime(2025, 5, 5, 8, tzinfo=UTC)
    assert differences(make) == []


@pytest.mark.parametrize("written", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_every_moment_can_be_written_down(written: datetime) -> None:
    assert day(written) in moment(written)
    assert day(written).endswith(f"{written.year:04}")
    assert clock.day_of(written).year == written.year
