"""What charts show beside the figures of a unit: its days, the modules its people have finished, their scores."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, func, or_, select, true, union_all
from sqlalchemy.orm import Session

from analytics.charts.rules import PER_STEP, STEPS, Day, added_up
from analytics.dashboard.queries import Overview
from analytics.facts import queries as facts
from analytics.facts.projection import Structure, by, conditions, exempt
from analytics.facts.queries import BELOW, BRANCH, stands_below, stands_in
from analytics.facts.rules import Count
from courses.briefings.models import Standing
from courses.briefings.rules import policy_of
from courses.enrolment.models import Briefing
from courses.learning.models import ActivityProgress, CourseProgress
from courses.learning.queries import Edition, editions
from lms.accounts.models import PersonLink
from lms.organisation.models import Unit


def history(session: Session, shown: Overview[Count]) -> list[Day]:
    """The days on which somebody who counts in the unit now was briefed or completed the briefing."""
    rows = session.execute(facts.days_of(shown.unit.id, shown.briefing.id, shown.structure))
    return added_up((row.day, row.briefed, row.completed) for row in rows)


def known_editions(session: Session, shown: Overview[Count]) -> list[Edition]:
    """All versions of the course of the briefing, the oldest first."""
    return editions(session, shown.briefing.course_id)


def finished_modules(
    session: Session, shown: Overview[Count], versions: Sequence[Edition]
) -> dict[uuid.UUID, list[int]]:
    """How many people have completed every lesson of each module of the newest version, by branch (its public id).

    Each by the version that person studies. Whoever was briefed online has read all there is in it: as long as every
    version has these modules they are not looked at, and what this costs follows from those who are under way.
    """
    codes = [module.code for module in versions[-1].outline.modules]
    in_all = all({one.code for one in version.outline.modules} >= set(codes) for version in versions)
    on, tree = shown.structure.on, shown.structure.tree
    people = people_by_module(shown, versions, codes, online=not in_all).subquery()
    sums = [func.coalesce(cast(func.sum(people.c[f"m{place}"]), Integer), 0) for place in range(len(codes))]
    query = (
        select(Unit.public_id, *sums)
        .select_from(BRANCH)
        .join(Unit, Unit.id == BRANCH.descendant_id)
        .join(BELOW, and_(stands_below(on, tree), or_(BRANCH.depth == 1, BELOW.depth == 0)))
        .join(people, people.c.unit_id == BELOW.descendant_id)
        .where(stands_in(shown.unit.id, on, tree), BRANCH.depth <= 1)
        .group_by(Unit.public_id)
    )
    read = {public_id: list(found) for public_id, *found in session.execute(query)}
    return {
        branch.public_id: [
            number + (branch.count.online if in_all else 0) for number in read.get(branch.public_id, [0] * len(codes))
        ]
        for branch in shown.branches
    }


def people_by_module(
    shown: Overview[Count], versions: Sequence[Edition], codes: Sequence[str], *, online: bool
) -> Select[*tuple[Any, ...]]:
    """Unit and, for each module, whether they have finished it (1 or 0), of everybody under way or briefed elsewhere,
    and with `online` of those briefed online too.

    Records that are one person with theirs count as well.
    """
    until = shown.structure.until
    unit_id, counted = must_study(shown.structure, shown.unit.id, shown.briefing.id)
    told = conditions(until)
    under_way = counted.where(told["started"], true() if online else ~told["online"])
    finished = [module_finished(code, versions).label(f"m{place}") for place, code in enumerate(codes)]
    begun, done = CourseProgress, ActivityProgress
    course = begun.course_id == shown.briefing.course_id
    linked = and_(PersonLink.person_id == Standing.person_id, PersonLink.same, PersonLink.undone_at.is_(None))
    records = [
        under_way.join(begun, and_(begun.person_id == Standing.person_id, course)),
        under_way.join(PersonLink, linked).join(begun, and_(begun.person_id == PersonLink.duplicate_id, course)),
    ]
    each = union_all(
        *(
            query.join(done, and_(done.person_id == begun.person_id, done.course_id == begun.course_id))
            .where(done.completed_at.is_not(None), *by(until, done.completed_at))
            .with_only_columns(unit_id.label("unit_id"), Standing.person_id.label("person_id"), *finished)
            .group_by(unit_id, Standing.person_id, begun.person_id, begun.course_version_id)
            for query in records
        )
    ).subquery()
    best = [func.max(each.c[f"m{place}"]).label(f"m{place}") for place in range(len(codes))]
    return select(each.c.unit_id, *best).group_by(each.c.unit_id, each.c.person_id)


def must_study(
    structure: Structure, unit_id: int, briefing_id: int
) -> tuple[ColumnElement[int], Select[*tuple[Any, ...]]]:
    """Where somebody counts, and the standings of all who must study in the unit and below."""
    place, standings = structure.standings(structure.below(unit_id), briefing_id)
    return place, standings.where(~exempt(structure.until))


def module_finished(code: str, versions: Sequence[Edition]) -> ColumnElement[int]:
    """1 when the lessons of this module that stand in a group are all there are in the version studied, else 0."""
    kinds: dict[tuple[int, ...], list[int]] = {}
    for version in versions:
        lessons = [
            one.activity_id for module in version.outline.modules if module.code == code for one in module.lessons
        ]
        if lessons:
            kinds.setdefault(tuple(sorted(lessons)), []).append(version.id)
    studied = CourseProgress.course_version_id
    read = case(
        *((and_(studied.in_(ids), ActivityProgress.activity_id.in_(lessons)), 1) for lessons, ids in kinds.items()),
        else_=0,
    )
    asked = case(*((studied.in_(ids), len(lessons)) for lessons, ids in kinds.items()), else_=len(kinds) + 10_000)
    return case((func.sum(read) >= asked, 1), else_=0)


def scores(session: Session, shown: Overview[Count]) -> dict[int, int]:
    """How many people have each score, in thousandths of a point of ten, of those who have taken all required tests."""
    _unit_id, counted = must_study(shown.structure, shown.unit.id, shown.briefing.id)
    score = cast(func.round(Standing.score * STEPS * PER_STEP), Integer)
    query = counted.where(Standing.score.is_not(None)).with_only_columns(score, func.count()).group_by(score)
    return dict(session.execute(query).all())


def pass_marks(session: Session, shown: Overview[Count], versions: Sequence[Edition]) -> tuple[float, dict[str, float]]:
    """From which share of the score a test is passed, by the policy of the briefing or else by the course.

    For everyone, and for those staff categories of whom another mark is asked.
    """
    policy, own = policy_of(session.get_one(Briefing, shown.briefing.id).policy), versions[-1].settings.pass_mark
    mark = own if policy.asked.pass_mark is None else policy.asked.pass_mark
    others = {
        category: own if asked.pass_mark is None else asked.pass_mark
        for category, asked in policy.by_category.items()
        if asked.test
    }
    return mark, {category: other for category, other in others.items() if other != mark}
