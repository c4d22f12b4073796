"""What the pages of a unit list: reports that were kept, sent and received, and schedules of mail."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer, joinedload

from analytics.reports.access import NAMES
from analytics.reports.models import ReportSchedule, ReportSnapshot, ReportSubmission
from analytics.reports.queries import LISTED, Subject, category_of, decided_by
from lms.clock import day_of
from lms.organisation.access import units_within
from lms.web.acting import Actor

DOCUMENT = ReportSnapshot.document


def snapshots_of(of: Subject) -> Select[ReportSnapshot]:
    """Reports of the unit about the briefing that were kept, the latest first."""
    return (
        select(ReportSnapshot)
        .options(defer(ReportSnapshot.document))
        .where(ReportSnapshot.unit_id == of.unit.id, ReportSnapshot.briefing_id == of.briefing_id)
        .order_by(ReportSnapshot.taken_at.desc(), ReportSnapshot.id.desc())
        .limit(LISTED)
    )


def kept_for(session: Session, actor: Actor, of: Subject) -> list[ReportSnapshot]:
    """The same as somebody is shown them: with their codes, of a staff category only where names may be seen."""
    found = list(session.scalars(snapshots_of(of)))
    if not any(category_of(one.period) for one in found):
        return found
    within = units_within(session, actor, NAMES)
    return [one for one in found if not category_of(one.period) or within is None or one.unit_id in within]


def beside(kept: ReportSnapshot, *, after: bool) -> Select[ReportSnapshot]:
    """The next report of the same form about the same thing, or the one before."""
    order = ReportSnapshot.taken_at
    return (
        select(ReportSnapshot)
        .where(
            ReportSnapshot.unit_id == kept.unit_id,
            ReportSnapshot.briefing_id == kept.briefing_id,
            ReportSnapshot.form == kept.form,
            ReportSnapshot.period == kept.period,
            order > kept.taken_at if after else order < kept.taken_at,
        )
        .order_by(order if after else order.desc())
        .limit(1)
    )


def by_code(typed: str) -> Select[ReportSnapshot]:
    """The reports whose digest begins so: one, or none."""
    return select(ReportSnapshot).where(ReportSnapshot.digest.startswith(typed, autoescape=True)).limit(2)


def sent_by(of: Subject) -> Select[ReportSubmission]:
    """What the unit has sent up about the briefing, the latest first."""
    return (
        select(ReportSubmission)
        .options(joinedload(ReportSubmission.to_unit), joinedload(ReportSubmission.snapshot).defer(DOCUMENT))
        .where(ReportSubmission.unit_id == of.unit.id, ReportSubmission.briefing_id == of.briefing_id)
        .order_by(ReportSubmission.sent_at.desc(), ReportSubmission.id.desc())
        .limit(LISTED)
    )


def sent_to(of: Subject) -> Select[ReportSubmission]:
    """What units have sent up about the briefing to this one, or to one that has ended and in whose place this one
    decides: what waits for a decision first, then the latest.
    """
    return (
        select(ReportSubmission)
        .options(joinedload(ReportSubmission.unit), joinedload(ReportSubmission.snapshot).defer(DOCUMENT))
        .where(decided_by([of.unit.id], on=day_of(of.now)), ReportSubmission.briefing_id == of.briefing_id)
        .order_by(ReportSubmission.state != "sent", ReportSubmission.sent_at.desc(), ReportSubmission.id.desc())
        .limit(LISTED)
    )


def submission_waiting(kept: ReportSnapshot) -> Select[ReportSubmission]:
    """The sending of a kept report that waits for a decision, with the unit that decides; none when nothing waits."""
    return (
        select(ReportSubmission)
        .options(joinedload(ReportSubmission.to_unit))
        .where(ReportSubmission.snapshot_id == kept.id, ReportSubmission.state == "sent")
    )


def schedules_of(of: Subject) -> Select[ReportSchedule]:
    """By what schedules the summary is mailed to the heads of the unit in the tree of the subject."""
    return (
        select(ReportSchedule)
        .where(
            ReportSchedule.unit_id == of.unit.id,
            ReportSchedule.briefing_id == of.briefing_id,
            ReportSchedule.tree == of.by.tree,
            ReportSchedule.ended_at.is_(None),
        )
        .order_by(ReportSchedule.id)
    )
