"""Reading notices."""

from collections.abc import Iterator

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from lms.doors import OwnData
from lms.notices.models import Notice

MOST = 3
"""So many stand on a first page, the latest first."""

LISTED = 50
"""So many stand on the page of all of them."""


def unseen(person_id: int | InstrumentedAttribute[int]) -> Select[Notice]:
    """The notices that the person has not seen."""
    return select(Notice).where(Notice.person_id == person_id, Notice.seen_at.is_(None))


def latest_unseen(person_id: int) -> Select[Notice]:
    """The latest of them."""
    return unseen(person_id).order_by(Notice.id.desc()).limit(MOST)


def latest(person_id: int) -> Select[Notice]:
    """The latest notices of the person, seen or not."""
    return select(Notice).where(Notice.person_id == person_id).order_by(Notice.id.desc()).limit(LISTED)


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """What the product has told a person."""
    columns = {"at": _l("Lúc"), "text": _l("Nội dung"), "seen": _l("Đã xem lúc")}
    query = select(Notice.created_at, Notice.text, Notice.seen_at).where(Notice.person_id == person_id)
    rows = session.execute(query.order_by(Notice.id))
    yield OwnData("notices", _l("Nhắc việc"), columns, [list(row) for row in rows])
