"""What other systems state of our people: heeded as far as it may be believed, and taken back without harm."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from courses.learning.models import ActivityProgress
from lms.accounts.models import Person
from lms.cli import check_projections
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
