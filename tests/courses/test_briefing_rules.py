"""Thirty hand-made people under several policies: where each stands, by which way, and why."""

from datetime import UTC, datetime, timedelta

import pytest

from courses.briefings.rules import (
    KINDS_OF_STANDING,
    MAKE_UP,
    ONLINE,
    PLAIN,
    POINT,
    Asked,
    Attended,
    Evidence,
    Policy,
    document_of,
    lacking,
    policy_of,
    reasons,
    stand,
    standing_words,
)
from courses.learning.rules import NOT_BEGUN, Reached

OPENED = datetime(2026, 11, 2, tzinfo=UTC)
DUE = OPENED + timedelta(days=20)
NOW = OPENED + timedelta(days=10)
LATE = DUE + timedelta(days=1)


def on(day: int) -> datetime:
    """So many days after the briefing was opened."""
    return OPENED + timedelta(days=day)


ANY = frozenset({POINT, ONLINE, MAKE_UP})
CONFERENCE = Policy(Asked(ANY, test=True, pass_mark=0.7, reflection=True))
SEEN = Policy(Asked(frozenset({POINT, MAKE_UP}), test=False))
BY_CATEGORY = Policy(
    Asked(ANY, test=True, pass_mark=0.7), {"nguoi_lao_dong": Asked(ANY, test=False), "can_bo": Asked(ANY, True, 0.9)}
)
ANEW = Policy(Asked(frozenset({ONLINE})), counts_before=False)

HALF = Reached(started_at=on(1))
READ = Reached(on(1), lessons_at=on(3))
PASSED = Reached(on(1), on(3), on(4), 0.8, ((0.75, on(4)),), on(4))
FAILED = Reached(on(1), on(3), None, 0.6, ((0.4, on(4)),), on(4))
ONLY_TESTED = Reached(on(1), None, on(4), 0.9, ((0.9, on(4)),), on(4))
EARLIER = Reached(on(-30), on(-20), on(-19), 0.9, ((0.9, on(-19)),), on(-19))
PARTLY_EARLIER = Reached(on(-30), on(-20), on(2), 0.9, ((0.9, on(2)),), on(2))


def at_point(state: str = "present", day: int = 2) -> Attended:
    return Attended(False, state, on(day))


def in_class(state: str = "present", day: int = 6) -> Attended:
    return Attended(True, state, on(day))


PEOPLE = [
    # (who, policy, category, evidence, due, now, exempt) -> (standing, way, completed on)
    ("nothing known", CONFERENCE, "", Evidence(), DUE, NOW, False, "not_started", "", None),
    ("nothing known, due", CONFERENCE, "", Evidence(), DUE, LATE, False, "overdue", "", None),
    ("nothing known, never due", CONFERENCE, "", Evidence(), None, LATE, False, "not_started", "", None),
    ("on the last second", CONFERENCE, "", Evidence(), DUE, DUE, False, "not_started", "", None),
    ("exempt", CONFERENCE, "", Evidence(), DUE, LATE, True, "exempt", "", None),
    ("exempt, though done", PLAIN, "", Evidence(PASSED), DUE, NOW, True, "exempt", "online", 4),
    ("begun online", CONFERENCE, "", Evidence(HALF), DUE, NOW, False, "in_progress", "", None),
    ("at the point", CONFERENCE, "", Evidence(sittings=[at_point()]), DUE, NOW, False, "briefed", "point", None),
    ("came late", CONFERENCE, "", Evidence(sittings=[at_point("late")]), DUE, NOW, False, "briefed", "point", None),
    ("left early", SEEN, "", Evidence(sittings=[at_point("left_early")]), DUE, NOW, False, "completed", "point", 2),
    ("at the point, due", CONFERENCE, "", Evidence(sittings=[at_point()]), DUE, LATE, False, "overdue", "point", None),
    ("away", CONFERENCE, "", Evidence(sittings=[at_point("unexcused")]), DUE, NOW, False, "unexcused", "", None),
    ("excused", CONFERENCE, "", Evidence(sittings=[at_point("excused")]), DUE, NOW, False, "excused", "", None),
    ("on leave, by decision", CONFERENCE, "", Evidence(leave=True), DUE, NOW, False, "excused", "", None),
    (
        *("away, excused later", CONFERENCE, ""),
        *(Evidence(sittings=[at_point("unexcused")], leave=True), DUE, NOW, False, "excused", "", None),
    ),
    (
        *("away, made up", CONFERENCE, ""),
        *(Evidence(sittings=[at_point("unexcused"), in_class()]), DUE, NOW, False, "briefed", "make_up", None),
    ),
    (
        *("away, studies online", CONFERENCE, ""),
        *(Evidence(HALF, [at_point("excused")]), DUE, NOW, False, "excused", "", None),
    ),
    (
        *("away, all lessons read", CONFERENCE, ""),
        *(Evidence(READ, [at_point("excused")]), DUE, NOW, False, "briefed", "online", None),
    ),
    (
        *("away at both", SEEN, ""),
        *(Evidence(sittings=[at_point("excused"), in_class("unexcused")]), DUE, NOW, False, "unexcused", "", None),
    ),
    ("read, where only points count", SEEN, "", Evidence(READ), DUE, NOW, False, "in_progress", "", None),
    ("read and tested", CONFERENCE, "", Evidence(PASSED), DUE, NOW, False, "briefed", "online", None),
    (
        *("reflection handed in", CONFERENCE, ""),
        *(Evidence(PASSED, submitted_at=on(7)), DUE, NOW, False, "briefed", "online", None),
    ),
    (
        *("reflection accepted", CONFERENCE, ""),
        *(Evidence(PASSED, submitted_at=on(7), accepted_at=on(8)), DUE, LATE, False, "completed", "online", 8),
    ),
    (
        *("at the point, tested without the lessons, accepted", CONFERENCE, ""),
        *(Evidence(ONLY_TESTED, [at_point()], on(7), on(8)), DUE, NOW, False, "completed", "point", 8),
    ),
    ("below the mark", BY_CATEGORY, "cong_chuc", Evidence(FAILED), DUE, NOW, False, "briefed", "online", None),
    ("above the mark", BY_CATEGORY, "cong_chuc", Evidence(PASSED), DUE, NOW, False, "completed", "online", 4),
    ("no test for staff", BY_CATEGORY, "nguoi_lao_dong", Evidence(FAILED), DUE, NOW, False, "completed", "online", 3),
    ("a higher mark for cadres", BY_CATEGORY, "can_bo", Evidence(PASSED), DUE, NOW, False, "briefed", "online", None),
    (
        *("studied before, counts", PLAIN, ""),
        *(Evidence(EARLIER, opened_at=OPENED), DUE, LATE, False, "completed", "online", -19),
    ),
    (
        *("studied before, counts not", ANEW, ""),
        *(Evidence(EARLIER, opened_at=OPENED), DUE, NOW, False, "not_started", "", None),
    ),
    (
        *("tested since, read before", ANEW, ""),
        *(Evidence(PARTLY_EARLIER, opened_at=OPENED), DUE, NOW, False, "in_progress", "", None),
    ),
]


@pytest.mark.parametrize("one", PEOPLE, ids=lambda one: one[0])
def test_where_a_person_stands(one: tuple[object, ...]) -> None:
    _who, policy, category, seen, due_at, now, exempt, words, way, completed = one
    assert isinstance(policy, Policy)
    assert isinstance(seen, Evidence)
    found = stand(policy, str(category), seen)
    assert standing_words(found, exempt=bool(exempt), due_at=due_at, now=now) == words  # type: ignore[arg-type]
    assert found.way == way
    assert found.completed_at == (None if completed is None else on(completed))  # type: ignore[arg-type]


def test_the_people_are_thirty_and_show_every_standing() -> None:
    assert len(PEOPLE) >= 30
    assert {one[7] for one in PEOPLE} == set(KINDS_OF_STANDING)


@pytest.mark.parametrize("one", PEOPLE, ids=lambda one: one[0])
def test_the_conditions_that_are_told_are_those_that_were_judged(one: tuple[object, ...]) -> None:
    policy, category, seen = one[1], str(one[2]), one[3]
    assert isinstance(policy, Policy)
    assert isinstance(seen, Evidence)
    told, found = reasons(policy, category, seen), stand(policy, category, seen)
    ways = [reason for reason in told if reason.code in ANY]
    assert {reason.code for reason in ways} == policy.of(category).ways
    assert min((way.at for way in ways if way.at), default=None) == found.briefed_at
    rest = [reason for reason in told if reason.code not in ANY]
    assert (found.briefed_at is not None and all(reason.done for reason in rest)) == (found.state == "completed")
    briefed, tested = found.briefed_at is not None, found.tested_at is not None
    handed_in, accepted = seen.submitted_at is not None, found.accepted_at is not None
    asked = policy.of(category)
    lacks = lacking(asked, briefed=briefed, tested=tested, submitted=handed_in, accepted=accepted)
    undone = {reason.code for reason in rest if not reason.done} | (set() if briefed else {"ways"})
    assert {one.replace("reading", "reflection") for one in lacks} == undone


def test_the_conditions_carry_marks_and_what_is_waiting() -> None:
    told = {one.code: one for one in reasons(CONFERENCE, "", Evidence(FAILED, [at_point()], submitted_at=on(7)))}
    assert [told["test"].score, told["test"].mark, told["test"].done] == [0.4, 0.7, False]
    assert [told["reflection"].handed_in, told["reflection"].done] == [on(7), False]
    assert [told["point"].at, told["make_up"].at, told["online"].at] == [on(2), None, on(3)]
    assert reasons(PLAIN, "", Evidence(NOT_BEGUN))[-1].mark is None


@pytest.mark.parametrize("policy", [CONFERENCE, SEEN, BY_CATEGORY, ANEW, PLAIN])
def test_a_policy_is_read_as_it_was_written(policy: Policy) -> None:
    assert policy_of(document_of(policy)) == policy
    assert policy_of({}) == PLAIN
