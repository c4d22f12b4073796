"""The policy of "briefed", as data with a readable sentence, and a person's standing under it. Pure.

Đã quán triệt (B): came to a meeting point, or made it up, or completed the lessons, whichever the policy admits. Hoàn
thành (C): B, and what else the policy asks: the required tests, the reflection.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from msgspec import Struct, structs

from courses.catalog.rules import Outline, Settings
from courses.learning.rules import NOT_BEGUN, Reached, Record, Result, latest

POINT, ONLINE, MAKE_UP = "point", "online", "make_up"
WAYS = (POINT, MAKE_UP, ONLINE)
"""The ways of being briefed; of two that lead there at one moment the first is the one that counts."""

KINDS_OF_STANDING = (
    *("not_started", "in_progress", "briefed", "completed"),
    *("overdue", "exempt", "excused", "unexcused"),
)
"""The eight standings, by their codes; `standing_words` says which one is a person's."""

CATEGORIES = ("can_bo", "cong_chuc", "vien_chuc", "nguoi_lao_dong", "khac")
MEMBERS = frozenset({"chinh_thuc", "du_bi"})
"""Who is a member of the Party, in full or on probation."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of somebody. `ways`: any of them will do. `pass_mark`: 0 to 1; None: that of the course."""

    ways: frozenset[str] = frozenset({ONLINE})
    test: bool = True
    pass_mark: float | None = None
    reflection: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked of everyone, and of those staff categories of whom something else is asked.

    `counts_before`: what was studied before the briefing was opened counts too.
    """

    asked: Asked = Asked()
    by_category: Mapping[str, Asked] = field(default_factory=dict)
    counts_before: bool = True

    def of(self, category: str) -> Asked:
        """What is asked of people of this category."""
        return self.by_category.get(category, self.asked)


PLAIN = Policy()
"""Of a course that was assigned and nothing more: all its lessons, and its required tests."""


def policy_of(document: Mapping[str, Any]) -> Policy:
    """A policy as `document_of` wrote it; an empty document is that of a course that was merely assigned."""
    if not document:
        return PLAIN
    by_category = {category: asked_of(one) for category, one in document["by_category"].items()}
    return Policy(asked_of(document["asked"]), by_category, document["counts_before"])


def asked_of(document: Mapping[str, Any]) -> Asked:
    return Asked(frozenset(document["ways"]), document["test"], document["pass_mark"], document["reflection"])


def document_of(policy: Policy) -> dict[str, Any]:
    """The policy as plain JSON, always written the same."""
    return {
        "asked": written(policy.asked),
        "by_category": {category: written(policy.by_category[category]) for category in sorted(policy.by_category)},
        "counts_before": policy.counts_before,
    }


def written(asked: Asked) -> dict[str, Any]:
    return {**asdict(asked), "ways": sorted(asked.ways)}


@dataclass(frozen=True, slots=True)
class Attended:
    """What is known of a person and one sitting: `make_up` or a conference; the state of `Attendance`; and when."""

    make_up: bool
    state: str
    at: datetime


THERE = frozenset({"present", "late", "left_early"})


class Evidence(Struct, frozen=True, gc=False):
    """Everything a standing follows from, beside the policy. Moments are None until it is so.

    `leave`: somebody decided that the person was away with a reason. `opened_at` is that of the briefing.
    """

    online: Reached = NOT_BEGUN
    sittings: Sequence[Attended] = ()
    submitted_at: datetime | None = None
    accepted_at: datetime | None = None
    leave: bool = False
    opened_at: datetime | None = None


NEVER = datetime.max.replace(tzinfo=UTC)


class Stand(Struct, frozen=True, gc=False):
    """A person's standing: the columns of `Standing` that follow from evidence and policy."""

    state: str
    way: str = ""
    absence: str = ""
    started_at: datetime | None = None
    briefed_at: datetime | None = None
    tested_at: datetime | None = None
    submitted_at: datetime | None = None
    accepted_at: datetime | None = None
    completed_at: datetime | None = None
    score: float | None = None


STAND_COLUMNS = Stand.__struct_fields__
TOLD_OF = attrgetter(*STAND_COLUMNS)


def values_of(one: Stand) -> dict[str, Any]:
    """Its columns and their values. The library's `asdict` copies every value, and takes ten times as long."""
    return dict(zip(STAND_COLUMNS, TOLD_OF(one), strict=True))


ROLL_COLUMNS = ("unit_id", "assignment_id", "due_at", "exempt", "leave")
"""The columns of a standing that the roll says."""

COLUMNS = (*ROLL_COLUMNS, "member", *STAND_COLUMNS)
"""All columns of a standing that follow from others, in the order of a `Line`."""

Line = tuple[Any, ...]
"""A standing as the values of `COLUMNS`: where there are a million, their names take longer than all the rest."""


def row_of_line(line: Line) -> dict[str, Any]:
    """The row that a line says."""
    return dict(zip(COLUMNS, line, strict=True))


def stand(policy: Policy, category: str, seen: Evidence) -> Stand:
    """Where somebody of this staff category stands, of whom this is known."""
    asked, online = policy.of(category), counted(policy, seen)
    way, briefed = briefed_by(asked, online, seen.sittings)
    tested = tested_at(asked, online)
    begun = [one.at for one in seen.sittings if one.state in THERE]
    begun += [moment for moment in (online.started_at, seen.submitted_at) if moment is not None]
    wanted = [briefed]
    if asked.test:
        wanted.append(tested)
    if asked.reflection:
        wanted.append(seen.accepted_at)
    known = [moment for moment in wanted if moment is not None]
    completed = max(known) if len(known) == len(wanted) else None
    if completed is not None:
        state = "completed"
    elif briefed is not None:
        state = "briefed"
    else:
        state = "in_progress" if begun else "not_started"
    return Stand(
        state=state,
        way=way,
        absence="" if briefed is not None else absence(seen),
        started_at=min(begun, default=None),
        briefed_at=briefed,
        tested_at=tested,
        submitted_at=seen.submitted_at,
        accepted_at=seen.accepted_at,
        completed_at=completed,
        score=online.score,
    )


def counted(policy: Policy, seen: Evidence) -> Reached:
    """What was studied online, as far as it counts: all of it, or what was finished since the briefing was opened.

    A score that was reached before, and counts because a test was taken again since, counts from the last attempt on.
    """
    online, since = seen.online, seen.opened_at
    if policy.counts_before or since is None:
        return online
    begun = online.started_at is not None and online.started_at >= since
    lessons_at, resumed_at = read_since(online, since)
    taken = online.taken_at is not None and online.taken_at >= since
    return Reached(
        started_at=online.started_at if begun or lessons_at or taken else resumed_at,
        lessons_at=lessons_at,
        tests_at=online.tests_at if taken or (lessons_at and online.taken_at is None) else None,
        score=online.score if taken else None,
        risen=(tuple(one for one in online.risen if one[1] >= since) or again(online)) if taken else (),
        taken_at=online.taken_at if taken else None,
    )


def read_since(online: Reached, since: datetime) -> tuple[datetime | None, datetime | None]:
    """When all lessons had been read since that moment, the last of them or each of them again; and the first again."""
    if online.lessons_at is not None and online.lessons_at >= since:
        return online.lessons_at, None
    each = [one.finished(since) for one in online.again]
    return latest(each), min((at for at in each if at is not None), default=None)


def again(online: Reached) -> tuple[tuple[float, datetime], ...]:
    """The lowest score of all required tests, as of the last attempt at any."""
    if online.lowest is None or online.taken_at is None:
        return ()
    return ((online.lowest, online.taken_at),)


def briefed_by(asked: Asked, online: Reached, sittings: Iterable[Attended]) -> tuple[str, datetime | None]:
    """The way by which somebody was briefed first, and when; no way and None when not at all."""
    moments = [(one.at, MAKE_UP if one.make_up else POINT) for one in sittings if one.state in THERE]
    if online.lessons_at is not None:
        moments.append((online.lessons_at, ONLINE))
    admitted = [(at, WAYS.index(way)) for at, way in moments if way in asked.ways]
    if not admitted:
        return "", None
    at, place = min(admitted)
    return WAYS[place], at


def tested_at(asked: Asked, online: Reached) -> datetime | None:
    """When the required tests had all been passed: by the marks of the course, or by that of the policy."""
    return online.tests_at if asked.pass_mark is None else online.passed(asked.pass_mark)


def absence(seen: Evidence) -> str:
    """excused or unexcused, as was decided or the last sitting says; "" for whoever was never missed."""
    if seen.leave:
        return "excused"
    if not seen.sittings:
        return ""
    away = max(seen.sittings, key=lambda one: one.at)
    return away.state if away.state not in THERE else ""


def joined(records: Iterable[Evidence]) -> Evidence:
    """What is known of somebody of whom there are several records: online, the furthest; of all else, everything.

    Among records that have come equally far, the one that got there first; begun since the first of all.
    """
    known = list(records)
    best = min((one.online for one in known), key=distance)
    begun = [one.online.started_at for one in known if one.online.started_at is not None]
    return Evidence(
        online=structs.replace(best, started_at=min(begun, default=None)),
        sittings=tuple(sitting for one in known for sitting in one.sittings),
        submitted_at=max((one.submitted_at for one in known if one.submitted_at is not None), default=None),
        accepted_at=min((one.accepted_at for one in known if one.accepted_at is not None), default=None),
        leave=any(one.leave for one in known),
        opened_at=known[0].opened_at,
    )


def distance(online: Reached) -> tuple[object, ...]:
    """What records are compared by: lessons and tests before lessons, these before anything; then the earlier."""
    far = (online.lessons_at is not None) + (online.lessons_at is not None and online.tests_at is not None)
    return -far, -(online.started_at is not None), *(one or NEVER for one in (online.tests_at, online.lessons_at))


def days_overdue(due_at: datetime | None, now: datetime) -> int:
    """Whole days since the due date; 0 while it has not passed or there is none, 1 on the first day after."""
    return 0 if due_at is None or now <= due_at else (now - due_at) // timedelta(days=1) + 1


def standing_words(stand_of: Stand, *, exempt: bool, due_at: datetime | None, now: datetime) -> str:
    """The one of the eight standings a person is in, by its code: what is decided first, then what is done, then late.

    exempt, completed, briefed, overdue, excused, unexcused, in_progress or not_started. Somebody who is briefed and
    late with the rest stands at overdue.
    """
    if exempt:
        return "exempt"
    if stand_of.state == "completed":
        return "completed"
    if due_at is not None and due_at < now:
        return "overdue"
    if stand_of.state == "briefed":
        return "briefed"
    if stand_of.state == "not_started" or stand_of.absence:
        return stand_of.absence or "not_started"
    return stand_of.state


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition of the policy, and whether and when somebody has met it.

    `code`: one of the ways, of which any will do; test; reflection. `score` and `mark` (0 to 1) are those of the test:
    the lowest required one where the policy has a mark, else the mean; `mark` None: that of the course. `handed_in`:
    the reflection waits to be read, or was returned. `scored` False: scores are not told of it.
    """

    code: str
    at: datetime | None
    score: float | None = None
    mark: float | None = None
    handed_in: datetime | None = None
    scored: bool = True

    @property
    def done(self) -> bool:
        """Whether it is met."""
        return self.at is not None


def reasons(policy: Policy, category: str, seen: Evidence) -> list[Reason]:
    """Every condition that the policy has for this staff category: first those of being briefed, then the rest."""
    asked, online = policy.of(category), counted(policy, seen)
    found = [Reason(way, briefed_by(replace(asked, ways=frozenset({way})), online, seen.sittings)[1]) for way in WAYS]
    found = [one for one in found if one.code in asked.ways]
    if asked.test:
        score = online.score if asked.pass_mark is None else online.lowest
        found.append(Reason("test", tested_at(asked, online), score, asked.pass_mark))
    if asked.reflection:
        found.append(Reason("reflection", seen.accepted_at, handed_in=seen.submitted_at))
    return found


@dataclass(frozen=True, slots=True)
class Past:
    """A moment that is over, and what sittings had said of somebody by then, in rows of `filters.attended`."""

    until: datetime
    sittings: Sequence[Any]


def met_by(reason: Reason, until: datetime, handed_in: datetime | None) -> Reason:
    """The condition as it was met at a moment that is over. Scores are those of now, so none is told."""
    at = reason.at if reason.at is not None and reason.at <= until else None
    return replace(reason, at=at, score=None, handed_in=handed_in, scored=False)


@dataclass(frozen=True, slots=True)
class Short:
    """A required test that falls short of a mark: of the module at that place, from 1, or (0) the final one.

    `score` is the one that counts; None: not taken.
    """

    place: int
    score: float | None


def short(outline: Outline, settings: Settings, record: Record, mark: float | None) -> list[Short]:
    """The required tests that have not reached the mark (None: that of the course), in order."""
    mark = settings.pass_mark if mark is None else mark
    tests = [(place, module.test) for place, module in enumerate(outline.modules, 1)] + [(0, outline.final)]
    found = []
    for place, test in tests:
        score = record.results.get(test.activity_id, Result()).score(settings)
        if test.required and (score is None or score < mark):
            found.append(Short(place, score))
    return found


def lacking(asked: Asked, *, briefed: bool, tested: bool, submitted: bool, accepted: bool) -> list[str]:
    """What somebody lacks to complete, by code: ways, test, reflection; reading: it was handed in, but not accepted."""
    lacks = [] if briefed else ["ways"]
    if asked.test and not tested:
        lacks.append("test")
    if asked.reflection and not accepted:
        lacks.append("reading" if submitted else "reflection")
    return lacks
