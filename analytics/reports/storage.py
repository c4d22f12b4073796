"""The register of a briefing: persons × activities, read row by row in constant memory, whatever their number."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, and_, case, cast, func, select
from sqlalchemy.orm import Session

from analytics.reports.queries import Subject
from analytics.reports.vocabulary import WORDS_OF_CODES
from courses.briefings.models import Standing
from courses.catalog.rules import Settings
from courses.learning.models import ActivityProgress
from courses.learning.queries import Edition, editions
from lms.accounts.models import Person
from lms.clock import day_of
from lms.organisation.models import Unit
from lms.organisation.queries import subtree
from lms.web.wording import day, scale10

HEAD = (
    "TT",
    "Họ và tên",
    "Chức vụ",
    "Đơn vị",
    "Loại cán bộ",
    "Đảng viên",
    "Trạng thái",
    "Hình thức",
    "Hạn",
    "Ngày quán triệt",
    "Ngày hoàn thành",
    "Điểm kiểm tra",
)
CATEGORIES = {
    "can_bo": "Cán bộ",
    "cong_chuc": "Công chức",
    "vien_chuc": "Viên chức",
    "nguoi_lao_dong": "Người lao động",
    "khac": "Khác",
}
WAYS = {"point": "Tại điểm cầu", "online": "Trực tuyến", "make_up": "Học bù"}
AT_ONCE = 1_000
TEN_THOUSAND = 10_000


def register(session: Session, of: Subject, *, told: Callable[[int], None] = lambda _done: None) -> Iterator[list[str]]:
    """The head, then a row for each person on the roll of the unit and below, in the order of names. Three statements.

    `told` is called with the number of each row. Of a lesson it says whether it is finished, of a test the score that
    counts.
    """
    newest = editions(session, of.course_id)[-1]
    places = {one.activity_id: place for place, one in enumerate(activities(newest))}
    yield [*HEAD, *(f"{one.code}. {one.title}" for one in activities(newest))]
    rows = session.execute(people(of, newest.settings), execution_options={"yield_per": AT_ONCE})
    for number, row in enumerate(rows, 1):
        yield [str(number), *told_of(row, of), *done(row.done, places)]
        told(number)


def activities(edition: Edition) -> list[Any]:
    """Lessons and required tests, in the order of the course."""
    return [*edition.outline.lessons(), *edition.outline.required_tests()]


def told_of(row: Any, of: Subject) -> list[str]:
    """What is known of the person's standing."""
    late = row.due_at is not None and row.due_at < of.now and row.state != "completed"
    state = "Được miễn" if row.exempt else "Quá hạn" if late else WORDS_OF_CODES[row.state][0]
    moments = (row.due_at, row.briefed_at, row.completed_at)
    return [
        row.full_name,
        row.position,
        row.unit,
        CATEGORIES[row.category],
        "x" if row.member else "",
        state,
        WAYS.get(row.way, ""),
        *(day(one) if one is not None else "" for one in moments),
        scale10(row.score) if row.score is not None else "",
    ]


def done(said: str | None, places: dict[int, int]) -> Sequence[str]:
    """ "12:-1,13:8333" as cells in the places of the activities."""
    cells = [""] * len(places)
    for one in said.split(",") if said else ():
        activity, score = one.split(":")
        if (place := places.get(int(activity))) is not None:
            cells[place] = scale10(int(score) / TEN_THOUSAND) if score != "-1" else "x"
    return cells


def people(of: Subject, settings: Settings) -> Select[*tuple[Any, ...]]:
    """Everybody on the roll, each with all activities in one text: the database puts it together from its index."""
    columns = (Standing.exempt, Standing.member, Standing.state, Standing.way, Standing.due_at, Standing.briefed_at)
    return (
        select(Person.full_name, Person.position, Person.category, Unit.name.label("unit"), *columns)
        .add_columns(Standing.completed_at, Standing.score, told_by_activity(of, settings).label("done"))
        .select_from(Standing)
        .join(Person, Person.id == Standing.person_id)
        .join(Unit, Unit.id == Standing.unit_id)
        .where(Standing.briefing_id == of.briefing_id, Standing.unit_id.in_(subtree(of.unit.id, on=day_of(of.now))))
        .order_by(Person.sort_key, Person.id)
    )


def told_by_activity(of: Subject, settings: Settings) -> ColumnElement[str]:
    """Of a person: each activity with the score that counts in ten-thousandths, or -1 for a lesson that is finished."""
    table = ActivityProgress.__table__.c
    score = table[f"{settings.attempt}_score"]
    points = case((score.is_not(None), cast(func.round(score * TEN_THOUSAND), Integer)), else_=-1)
    one = cast(table.activity_id, String) + ":" + cast(points, String)
    something = and_(
        table.person_id == Standing.person_id,
        table.course_id == of.course_id,
        (score.is_not(None)) | (table.completed_at.is_not(None)),
    )
    return select(func.aggregate_strings(one, ",")).where(something).correlate(Standing).scalar_subquery()
