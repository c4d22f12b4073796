"""Where people stand by what is known of them, of whom there may be several records."""

from collections.abc import Iterator, Mapping

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from courses.briefings.models import Standing
from courses.briefings.rules import POLICIES, Policy, Stand, rank, stand
from courses.catalog.models import Course
from courses.enrolment.models import Assignment
from courses.learning.queries import edition, records_with_linked
from courses.learning.rules import NOT_BEGUN, Record, reached
from lms.accounts.models import Person
from lms.doors import OwnData


def standing_of(session: Session, policy: Policy, record: Record | None) -> Stand:
    """Where the progress of one person leads under a policy."""
    if record is None:
        return stand(policy, NOT_BEGUN)
    known = edition(session, record.version_id)
    return stand(policy, reached(known.outline, known.settings, record))


def furthest_record(session: Session, policy: Policy, records: Mapping[int, Record], own: int) -> int:
    """Whose record it is by which a person stands, of several by the id of whose they are: `own` unless another's has
    come further (decision 0022).
    """
    stands = {one: standing_of(session, policy, record) for one, record in records.items()}
    stands.setdefault(own, standing_of(session, policy, None))
    return min(stands, key=lambda one: (rank(stands[one]), one != own))


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """Where the person stands in each course given to them, as heads see it, and by which record."""
    rows = session.execute(
        select(
            Course.id,
            Course.code,
            Standing.state,
            Standing.briefed_at,
            Standing.completed_at,
            Assignment.policy_version,
        )
        .select_from(Standing)
        .join(Course, Course.id == Standing.course_id)
        .join(Assignment, Assignment.id == Standing.assignment_id)
        .where(Standing.person_id == person_id)
        .order_by(Course.id)
    ).all()
    known = records_with_linked(session, [person_id]) if rows else {}
    counts = [
        furthest_record(session, POLICIES[row.policy_version], known.get((person_id, row.id), {}), person_id)
        for row in rows
    ]
    by = dict(session.execute(select(Person.id, Person.public_id).where(Person.id.in_(counts))).all()) if rows else {}
    columns = {
        "course": _l("Khóa học"),
        "standing": _l("Được tính là"),
        "briefed": _l("Quán triệt lúc"),
        "completed": _l("Hoàn thành lúc"),
        "record": _l("Theo hồ sơ (mã trong bản ghi học tập)"),
    }
    told = [[row.code, row.state, row.briefed_at, row.completed_at] for row in rows]
    yield OwnData(
        "standings",
        _l("Kết quả được tính"),
        columns,
        [[*one, str(by[own])] for one, own in zip(told, counts, strict=True)],
    )
