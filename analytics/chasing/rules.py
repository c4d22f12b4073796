"""When heads are told, and in which words: figures as the catalogue calls and shows them, never a name. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from analytics.facts.rules import Count
from analytics.facts.vocabulary import BY_CODE
from analytics.reports.rules import Column, Figures, Words, shown, value_of
from courses.reminders.rules import Occasion
from lms.clock import day_of

DIGEST, ABOVE = "digest", "above"
"""What heads are told: the daily mail about what is open, and that people stay overdue in units below."""

IN_DIGEST = ("people", "briefed", "briefed_rate", "completed", "overdue")
MOST_BRIEFINGS, MOST_UNITS, MOST_IN_NOTICE = 20, 50, 3
"""So many briefings of a unit, and units with people overdue, stand in a mail; so many units in a notice."""


@dataclass(frozen=True, slots=True)
class Daily:
    """Whether heads get a mail a day, and the hours of the day in which it goes out."""

    daily: bool = True
    from_hour: int = 7
    to_hour: int = 19


STANDARD = Daily()


@dataclass(frozen=True, slots=True)
class Open:
    """A briefing in which people of a unit, or of units below it, have something left to do.

    `title` in Vietnamese and English. `undated`: how many of these have no due date; `due_at`: the next one of these,
    or the last when all have passed; None: nobody has one. `address`: of its dashboard.
    """

    title: tuple[str, str]
    count: Count
    due_at: datetime | None
    undated: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Remaining:
    """A unit with people still overdue, of so many."""

    unit: str
    overdue: int
    people: int


@dataclass(frozen=True, slots=True)
class Step:
    """Units below one's own in which people remain on an occasion of a briefing's plan."""

    title: tuple[str, str]
    above: str
    occasion: Occasion
    units: tuple[Remaining, ...]


def figures(count: Count, *, english: bool) -> str:
    """The figures of the digest on one line."""
    found = []
    for metric in (BY_CODE[code] for code in IN_DIGEST):
        value = value_of(Figures(count), metric.numerator, metric.denominator)
        words = shown(Column(metric.code, metric.name[english], metric.shown), value, Words({}))
        found.append(f"{metric.name[english]}: {words}")
    return "; ".join(found)


def time_left(one: Open, today: date, *, english: bool) -> str:
    """How long people have, and that some have no due date: what is never due is never passed over in silence."""
    if one.due_at is None:
        return "no due date is set" if english else "chưa đặt hạn"
    day = day_of(one.due_at)
    n, due = (day - today).days, f"{day:%d/%m/%Y}"
    if n > 0:
        told = f"{n} days left (due {due})" if english else f"còn {n} ngày (hạn {due})"
    elif n == 0:
        told = f"due today, {due}" if english else f"hôm nay, {due}, là hạn"
    else:
        told = f"{-n} days overdue (due {due})" if english else f"quá hạn {-n} ngày (hạn {due})"
    if one.undated:
        told += f"; {one.undated} people without a due date" if english else f"; {one.undated} người chưa đặt hạn"
    return told


def unit_text(unit: str, briefings: Sequence[Open], today: date, *, english: bool) -> str:
    """What a mail says of one unit."""
    lines = [unit]
    for one in briefings[:MOST_BRIEFINGS]:
        lines.append(f"- {one.title[english] or one.title[0]}")
        lines.append(f"  {figures(one.count, english=english)}")
        lines.append(f"  {time_left(one, today, english=english)}")
        lines.append(f"  {one.address}")
    if (more := len(briefings) - MOST_BRIEFINGS) > 0:
        lines.append(f"- and {more} more briefings" if english else f"- và {more} đợt khác")
    return "\n".join(lines)


def step_text(step: Step, today: date, *, english: bool) -> str:
    """What a mail says of units below in which people remain."""
    lines = [f"- {opening(step, today, english=english)}:"]
    lines += [f"  {one.unit}: {remaining(one, english=english)}" for one in step.units[:MOST_UNITS]]
    if (more := len(step.units) - MOST_UNITS) > 0:
        lines.append(f"  and {more} more units" if english else f"  và {more} đơn vị khác")
    return "\n".join(lines)


def step_line(step: Step, today: date, *, english: bool) -> str:
    """The same as one line, for a notice."""
    listed = [f"{one.unit} ({remaining(one, english=english)})" for one in step.units[:MOST_IN_NOTICE]]
    if (more := len(step.units) - MOST_IN_NOTICE) > 0:
        listed.append(f"and {more} more units" if english else f"và {more} đơn vị khác")
    return f"{opening(step, today, english=english)}: {'; '.join(listed)}."


def opening(step: Step, today: date, *, english: bool) -> str:
    """Which briefing, how late, below which unit."""
    n, due = (today - step.occasion.day).days, f"{step.occasion.day:%d/%m/%Y}"
    if english:
        return f"“{step.title[1] or step.title[0]}”, {n} days overdue (due {due}), still open below {step.above}"
    return f"“{step.title[0]}”, quá hạn {n} ngày (hạn {due}), còn người chưa hoàn thành dưới {step.above}"


def remaining(one: Remaining, *, english: bool) -> str:
    """How many of a unit are overdue."""
    return f"{one.overdue} of {one.people} overdue" if english else f"quá hạn {one.overdue}/{one.people} người"
