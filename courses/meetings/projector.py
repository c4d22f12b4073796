"""What was seen at each point follows from statements, as they come and as they are voided."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from courses.briefings.projection import heard_of
from courses.meetings import projection
from courses.meetings.models import PointSighting
from lms.db import config_of
from lms.xapi.projection import StatementsRecorded, StatementsVoided, recorded_about


def project_sightings(session: Session, event: StatementsRecorded) -> None:
    """Fold new statements. Whoever states something about people has locked them."""
    if heard := heard_of(session, event.statements):
        projection.write(session, projection.folded(config_of(session).iri_base, heard))


def take_back_sightings(session: Session, event: StatementsVoided) -> None:
    """Compute anew what each point says of those whose statements count no more."""
    heard = heard_of(session, event.statements)
    if not heard:
        return
    people = {one.person_id for one in heard}
    gone = [one.account for one in event.statements]
    left = [one for one in heard_of(session, recorded_about(session, gone)) if one.person_id in people]
    after = projection.folded(config_of(session).iri_base, left)
    for point_id, person_id in projection.rows_of(session, people).keys() - after.keys():
        session.execute(
            delete(PointSighting).where(PointSighting.point_id == point_id, PointSighting.person_id == person_id)
        )
    projection.write(session, after)
