"""Setting questions, keeping what is written, handing it in, judging it, and taking a verdict back.

Callers hold the writer's lock.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from assessments.reflections import rules
from assessments.reflections.access import Read
from assessments.reflections.models import Reflection, ReflectionTakenBack, ReflectionTask, ReflectionVersion
from assessments.reflections.queries import Asked, acceptance_of, versions_of
from assessments.reflections.rules import Merged, Question, Sent
from courses.briefings.queries import told_of
from courses.briefings.statements import handed_in, judged
from courses.enrolment.models import Briefing
from courses.meetings.statements import taken_back
from lms import clock
from lms.audit.actions import note
from lms.privacy.actions import PersonErased
from lms.web.acting import Actor
from lms.xapi.actions import ourselves, record


class NotNow(Exception):
    """The reflection is not in the hands of whoever wants to change it: it waits for its reader, or is accepted."""


class NotReady(Exception):
    """It cannot be handed in; `problems` says why, by question."""

    def __init__(self, problems: Mapping[int, str]) -> None:
        super().__init__(", ".join(f"{number}: {why}" for number, why in problems.items()))
        self.problems = problems


def set_questions(session: Session, briefing: Briefing, questions: Sequence[Question], *, by: uuid.UUID) -> None:
    """Ask these from now on. What was handed in keeps the questions it answered."""
    task = session.get(ReflectionTask, briefing.id)
    before = len(task.questions) if task is not None else 0
    if task is None:
        task = ReflectionTask(briefing_id=briefing.id)
        session.add(task)
    task.questions, task.set_at, task.set_by = rules.document_of(questions), clock.now(), by
    numbers = {"questions": (before, len(questions))}
    note(session, "reflection.questions", actor=by, object_kind="briefing", object_id=briefing.code, changes=numbers)


def drafted(asked: Asked) -> list[str]:
    """The answers as they are kept, one for each question there is now."""
    number = len(asked.task.questions) if asked.task is not None else 0
    kept = list(asked.reflection.answers) if asked.reflection is not None else []
    return (kept + [""] * number)[: max(number, 0)]


def keep(session: Session, actor: Actor, asked: Asked, sent: Mapping[int, Sent]) -> Merged:
    """Keep what was written. What was changed elsewhere too is told and not overwritten. Raises `NotNow`."""
    reflection = asked.reflection
    if reflection is not None and not rules.may_write(reflection.state):
        raise NotNow
    merge = rules.merged(drafted(asked), sent)
    if reflection is None:
        reflection = Reflection(briefing_id=asked.briefing.id, person_id=actor.person_id, state=rules.WRITING)
        session.add(reflection)
    reflection.answers, reflection.saved_at = merge.answers, clock.now()
    return merge


def hand_in(session: Session, actor: Actor, asked: Asked) -> ReflectionVersion:
    """Hand in what is kept, as the next version. Raises `NotNow` and `NotReady`."""
    reflection, task = asked.reflection, asked.task
    if reflection is None or task is None:
        raise NotReady({1: rules.EMPTY})
    if not rules.may_write(reflection.state):
        raise NotNow
    questions, answers, now = rules.questions_of(task.questions), drafted(asked), clock.now()
    if problems := rules.problems(questions, answers):
        raise NotReady(problems)
    before = select(func.max(ReflectionVersion.number)).where(ReflectionVersion.reflection_id == reflection.id)
    version = ReflectionVersion(
        reflection_id=reflection.id,
        number=(session.scalar(before) or 0) + 1,
        questions=[one.text for one in questions],
        answers=answers,
        handed_in_at=now,
        verdict="",
        comment="",
    )
    session.add(version)
    reflection.state, reflection.handed_in_at = rules.WAITING, now
    told = told_of(session, asked.briefing)
    record(session, [handed_in(told, actor.public_id, at=now)], source=ourselves(session))
    return version


def judge(session: Session, actor: Actor, read: Read, *, number: int, accepted: bool, comment: str) -> None:
    """Say of the version with that number: đạt, or viết lại with the comment. Raises `NotNow` when it is not waiting.

    Nobody judges what is not the latest any more, or has been judged.
    """
    reflection, now = read.reflection, clock.now()
    version = session.scalars(versions_of(reflection.id).limit(1)).one()
    if reflection.state != rules.WAITING or version.number != number or version.verdict:
        raise NotNow
    verdict = rules.ACCEPTED if accepted else rules.RETURNED
    version.verdict, version.comment, version.read_at, version.read_by = verdict, comment, now, actor.public_id
    reflection.state = verdict
    told = told_of(session, read.briefing)
    statement = judged(told, read.person.public_id, accepted=accepted, at=now, reader=actor.public_id)
    record(session, [statement], source=ourselves(session))
    note_reading(session, "judge", actor, read, number=number, changes={"state": (rules.WAITING, verdict)})


def note_reading(session: Session, action: str, actor: Actor, read: Read, **told: Any) -> None:
    """Note what a reader has done with somebody's reflection."""
    note(
        session,
        f"reflection.{action}",
        actor=actor.public_id,
        object_kind="person",
        object_id=read.person.public_id,
        briefing=read.briefing.code,
        **told,
    )


def take_back(session: Session, actor: Actor, read: Read, *, reason: str) -> None:
    """It was accepted by mistake: the statement that says so is voided, and the version waits for a reader again.

    Standing and certificate follow. Raises `NotNow` when it is not accepted.
    """
    reflection, now, told = read.reflection, clock.now(), told_of(session, read.briefing)
    statement_id = session.scalar(acceptance_of(told, read.person.public_id))
    if reflection.state != rules.ACCEPTED or statement_id is None:
        raise NotNow
    version = session.scalars(versions_of(reflection.id).limit(1)).one()
    session.add(
        ReflectionTakenBack(
            reflection_id=reflection.id,
            number=version.number,
            comment=version.comment,
            read_at=version.read_at,
            read_by=version.read_by,
            reason=reason,
            taken_back_at=now,
            taken_back_by=actor.public_id,
            statement_id=statement_id,
        )
    )
    version.verdict, version.comment, version.read_at, version.read_by = "", "", None, None
    reflection.state = rules.WAITING
    changes = {"state": (rules.ACCEPTED, rules.WAITING)}
    told_too = {"number": version.number, "statement": str(statement_id), "why": reason}
    note_reading(session, "take_back", actor, read, changes=changes, **told_too)
    record(session, [taken_back(told.home, statement_id, at=now, by=actor.public_id)], source=ourselves(session))


def forget_texts(session: Session, event: PersonErased) -> None:
    """What somebody wrote, and what was said of it, goes with the person; that it was handed in stays a figure."""
    mine = select(Reflection.id).where(Reflection.person_id == event.person_id)
    session.execute(delete(ReflectionTakenBack).where(ReflectionTakenBack.reflection_id.in_(mine)))
    session.execute(delete(ReflectionVersion).where(ReflectionVersion.reflection_id.in_(mine)))
    session.execute(delete(Reflection).where(Reflection.person_id == event.person_id))
