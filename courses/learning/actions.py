"""What a learner does. Each act is a statement; progress follows from it and from nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from courses.catalog.rules import OutlineLesson, OutlineModule
from courses.learning import queries, rules
from courses.learning.access import Study, counts_since
from courses.learning.statements import (
    began_course,
    completed_course,
    completed_lesson,
    course_activity,
    lesson_activity,
    module_activity,
)
from lms import clock
from lms.db import config_of
from lms.web.acting import Actor
from lms.xapi.actions import ourselves, record
from lms.xapi.statement import Activity


def start_course(session: Session, actor: Actor, study: Study) -> None:
    """The learner begins: from now on this version is the one studied. Beginning twice changes nothing."""
    if known(session, actor, study) is not None:
        return
    statement = began_course(
        config_of(session).iri_base,
        actor.public_id,
        this_course(study),
        at=clock.now(),
        registration=study.registration,
        revision=study.version.number,
    )
    record(session, [statement], source=ourselves(session))


def finish_lesson(
    session: Session, actor: Actor, study: Study, module: OutlineModule, lesson: OutlineLesson
) -> rules.Record:
    """The learner has finished a lesson. Returns what is known now.

    Finishing it again changes nothing, unless the first time does not count (`rules.counting`).
    """
    mine = known(session, actor, study)
    if mine is not None and finished(mine.results, lesson):
        since = counts_since(session, actor, study)
        if finished(rules.counting(study.outline, study.settings, mine, since), lesson):
            return mine
    home, now = config_of(session).iri_base, clock.now()
    statement = completed_lesson(
        home,
        actor.public_id,
        lesson_activity(home, study.course.code, lesson),
        within=(module_activity(home, study.course.code, module), this_course(study)),
        at=now,
        registration=study.registration,
        revision=study.version.number,
    )
    heard = [(statement["verb"]["id"], lesson.activity_id, None)]
    return say(session, actor, study, mine, [statement], heard, at=now)


def finished(results: Mapping[int, rules.Result], lesson: OutlineLesson) -> bool:
    """Whether the lesson is finished by these results."""
    return results.get(lesson.activity_id, rules.NOTHING).completed_at is not None


def say(
    session: Session,
    actor: Actor,
    study: Study,
    mine: rules.Record | None,
    statements: Sequence[dict[str, Any]],
    heard: Sequence[tuple[str, int, float | None]],
    *,
    at: datetime,
) -> rules.Record:
    """Record what happened and, when it completes the course, that too, in one batch. Returns what is known then.

    `heard` is what the statements mean for progress: verb, activity and scaled score of each that counts. `mine` is
    what `known` returned in this transaction.
    """
    after = mine or rules.Record(study.version.id, study.registration, at)
    for verb, activity_id, scaled in heard:
        after = rules.heeded(after, verb, activity_id, at, scaled, study.settings.pass_mark)
    come = rules.reached(study.outline, study.settings, after)
    batch = list(statements)
    if come.lessons_at and come.tests_at and after.concluded_at is None:
        batch.append(
            completed_course(
                config_of(session).iri_base,
                actor.public_id,
                this_course(study),
                at=at,
                registration=study.registration,
                revision=study.version.number,
            )
        )
    session.info["records"] = {(actor.person_id, study.course.id): mine}  # spares the projector the same query
    record(session, batch, source=ourselves(session))
    return after


def known(session: Session, actor: Actor, study: Study) -> rules.Record | None:
    """What is known of the learner in this course, under the lock that `access_course(to_change=True)` took."""
    return queries.known(session, actor.person_id, study.course.id)


def this_course(study: Study) -> Activity:
    """The course of this study as statements name it."""
    return course_activity(study.course.iri, study.version.title, study.version.title_en)
