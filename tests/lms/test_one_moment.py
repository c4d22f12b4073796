"""Whoever only reads sees one moment on either database: a page never joins figures of two."""

from sqlalchemy import func, select

from lms.organisation.models import Unit
from tests.make import Make


def test_what_is_committed_meanwhile_is_for_whoever_asks_next(make: Make) -> None:
    make.unit("Tỉnh")
    number = select(func.count()).select_from(Unit)
    with make.reading() as session:
        before = session.scalar(number)
        make.unit("Sở Nội vụ")
        assert session.scalar(number) == before
    with make.reading() as session:
        assert session.scalar(number) == (before or 0) + 1
