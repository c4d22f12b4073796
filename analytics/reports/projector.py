"""Reports are of the unit they were made for: one that never was has none."""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.reports.models import ReportEntry, ReportSnapshot, ReportSubmission
from lms.doors import BuiltOn, Succession, Touched
from lms.organisation.models import Unit

REPORTS = "reports"
OF_UNITS = (ReportEntry.unit_id, ReportSnapshot.unit_id, ReportSubmission.to_unit_id)


class ReportsOfUnits:
    """Reports that were kept, what was entered for them, and those that were sent (`Belonging` in lms/doors.py)."""

    def follow(self, session: Session, succession: Succession) -> None:
        """Nothing follows: what a unit said stays what it said."""

    def go_back(self, session: Session, succession: Succession) -> None:
        """Raises `BuiltOn`, with the unit, when a unit that was made has or was sent a report."""
        for column in OF_UNITS:
            held = select(Unit.name).join(column.class_, column == Unit.id).where(Unit.id.in_(succession.made))
            if (name := session.scalar(held.limit(1))) is not None:
                raise BuiltOn(REPORTS, name)

    def touched(self, session: Session, operation_id: int) -> Iterable[Touched]:
        """Nothing."""
        return ()

    def totals(self, session: Session, *, on: date) -> Mapping[str, int]:
        """Nothing is counted."""
        return {}
