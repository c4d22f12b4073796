"""Reading reflections: whom they are asked of, what waits for a reader, and what was handed in."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from assessments.reflections.models import Reflection, ReflectionTakenBack, ReflectionTask, ReflectionVersion
from assessments.reflections.rules import asks
from courses.briefings.models import Standing
from courses.briefings.rules import policy_of
from courses.briefings.statements import Told, reflection_activity
from courses.enrolment.models import Briefing
from lms.accounts.models import Person, PersonLink
from lms.accounts.queries import all_links
from lms.doors import OwnData
from lms.organisation.models import Unit
from lms.organisation.queries import subtree
from lms.web.acting import Actor
from lms.xapi.models import XapiActivity, XapiAgent, XapiStatement, XapiVerb
from lms.xapi.statement import agent_digest
from lms.xapi.vocabulary import PASSED


@dataclass(frozen=True, slots=True)
class Asked:
    """A briefing that asks somebody for a reflection. `task` None: its questions are not set yet."""

    briefing: Briefing
    standing: Standing
    task: ReflectionTask | None
    reflection: Reflection | None


def asked_of(session: Session, person_id: int, *, code: str | None = None) -> list[Asked]:
    """The briefings (or the one of that code) that ask this person, the one opened last first. Who is exempt is not."""
    query = (
        select(Briefing, Standing, ReflectionTask, Reflection, Person.category)
        .join(Standing, Standing.briefing_id == Briefing.id)
        .join(Person, Person.id == Standing.person_id)
        .outerjoin(ReflectionTask, ReflectionTask.briefing_id == Briefing.id)
        .outerjoin(Reflection, and_(Reflection.briefing_id == Briefing.id, Reflection.person_id == Standing.person_id))
        .where(Standing.person_id == person_id, ~Standing.exempt)
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
        .execution_options(populate_existing=True)
    )
    if code is not None:
        query = query.where(Briefing.code == code)
    return [
        Asked(briefing, standing, task, reflection)
        for briefing, standing, task, reflection, category in session.execute(query)
        if policy_of(briefing.policy).of(category).reflection
    ]


def versions_of(reflection_id: int) -> Select[ReflectionVersion]:
    """What was handed in, the latest first."""
    return (
        select(ReflectionVersion)
        .where(ReflectionVersion.reflection_id == reflection_id)
        .order_by(ReflectionVersion.number.desc())
    )


def taken_back_of(reflection_id: int) -> Select[ReflectionTakenBack]:
    """Verdicts that were taken back, the latest first."""
    return (
        select(ReflectionTakenBack)
        .where(ReflectionTakenBack.reflection_id == reflection_id)
        .order_by(ReflectionTakenBack.id.desc())
    )


def acceptance_of(told: Told, person: uuid.UUID) -> Select[uuid.UUID]:
    """The statement of ours by which this person's reflection is accepted."""
    account = agent_digest({"account": {"homePage": told.home, "name": str(person)}})
    return (
        select(XapiStatement.statement_id)
        .join(XapiAgent, XapiAgent.id == XapiStatement.actor_id)
        .join(XapiVerb, XapiVerb.id == XapiStatement.verb_id)
        .join(XapiActivity, XapiActivity.id == XapiStatement.activity_id)
        .where(XapiAgent.digest == account, XapiVerb.iri == PASSED, XapiActivity.iri == reflection_activity(told).iri)
        .where(XapiStatement.client_id.is_(None), XapiStatement.counts, ~XapiStatement.voided)
        .order_by(XapiStatement.sequence.desc())
        .limit(1)
    )


def readable(actor: Actor, permission: str, *, on: date) -> Select[Reflection, Person, Unit, Briefing]:
    """What was handed in by people counted in units where the permission holds; never one's own, in any record."""
    own = all_links().with_only_columns(PersonLink.person_id).where(PersonLink.duplicate_id == actor.person_id)
    others = all_links().with_only_columns(PersonLink.duplicate_id).where(PersonLink.person_id == actor.person_id)
    scope = (
        true()
        if actor.everywhere(permission)
        else or_(False, *(Standing.unit_id.in_(subtree(top, on=on)) for top in actor.unit_ids(permission)))
    )
    return (
        select(Reflection, Person, Unit, Briefing)
        .join(Person, Person.id == Reflection.person_id)
        .join(Briefing, Briefing.id == Reflection.briefing_id)
        .join(
            Standing,
            and_(Standing.briefing_id == Reflection.briefing_id, Standing.person_id == Reflection.person_id),
        )
        .join(Unit, Unit.id == Standing.unit_id)
        .where(
            Reflection.handed_in_at.is_not(None),
            Reflection.person_id != actor.person_id,
            Reflection.person_id.not_in(own),
            Reflection.person_id.not_in(others),
            scope,
        )
    )


def numbers_by_state(query: Select[*tuple[Any, ...]]) -> Select[str, int]:
    """How many of `readable` there are in each state."""
    return query.with_only_columns(Reflection.state, func.count()).group_by(Reflection.state)


def briefings_that_ask(session: Session) -> list[tuple[Briefing, ReflectionTask | None]]:
    """Every briefing whose policy asks for a reflection, and its questions if they are set; the latest first."""
    rows = session.execute(
        select(Briefing, ReflectionTask)
        .outerjoin(ReflectionTask, ReflectionTask.briefing_id == Briefing.id)
        .order_by(Briefing.opened_at.desc(), Briefing.id.desc())
    )
    return [(briefing, task) for briefing, task in rows if asks(policy_of(briefing.policy))]


def data_of(session: Session, person_id: int) -> Iterator[OwnData]:
    """The reflections of a person: the text under way, and what was handed in, with what the reader said."""
    columns = {
        "briefing": _l("Đợt học tập, quán triệt"),
        "number": _l("Lần nộp"),
        "handed_in": _l("Nộp lúc"),
        "verdict": _l("Kết quả"),
        "comment": _l("Nhận xét"),
        "text": _l("Nội dung"),
    }
    rows: list[list[Any]] = []
    mine = (
        select(Reflection, Briefing.code)
        .join(Briefing, Briefing.id == Reflection.briefing_id)
        .where(Reflection.person_id == person_id)
        .order_by(Reflection.id)
    )
    for reflection, code in session.execute(mine).all():
        rows.append([code, None, None, None, None, "\n\n".join(reflection.answers)])
        for one in session.scalars(versions_of(reflection.id)):
            rows.append([code, one.number, one.handed_in_at, one.verdict, one.comment, "\n\n".join(one.answers)])
        for gone in session.scalars(taken_back_of(reflection.id)):
            rows.append([code, gone.number, gone.taken_back_at, "taken back", gone.reason, gone.comment])
    yield OwnData("reflections", _l("Bài thu hoạch"), columns, rows)
