"""What a number of the catalogue opens to, and how units of equal kind compare without telling of any of them. Pure."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from analytics.facts.rules import Count, whole_percent
from analytics.facts.vocabulary import BY_CODE, FROZEN, MEAN, METRICS, Metric
from analytics.reports.rules import shown_ratio
from courses.meetings.rules import Numbers
from lms.web.wording import exact_percent, number

OPENED = tuple(one for one in METRICS if hasattr(Count(), one.numerator) or one.code in FROZEN)
"""The metrics of people: those a tally answers, and those of the frozen roll. Points and the state of a unit have
pages of their own."""

COMPARED = ("briefed_rate", "completed_rate")
"""The rates that are compared with those of other units."""

LEAST_PEOPLE = 10
"""A unit with fewer people who must study is counted in no comparison: one person would show in its rate."""

LEAST_PEERS = 5
"""From so many other units on a comparison is shown; of fewer one could tell whose rate is which."""


SUMMED = ("called", "unanswered", "late", "left_early", "excused", "unexcused")


def opened(code: str) -> Metric | None:
    """The metric with this code, if it opens."""
    metric = BY_CODE.get(code)
    return metric if metric in OPENED else None


@dataclass(frozen=True, slots=True)
class Kept:
    """The roll that was frozen last: how many of some units were on it, who has left them since, and who has come."""

    public_id: uuid.UUID
    frozen_at: datetime
    frozen: int
    exempt: int
    frozen_members: int
    left: int
    joined: int

    @property
    def frozen_others(self) -> int:
        """On it and not members of the Party."""
        return self.frozen - self.frozen_members


def shown(metric: Metric, count: Count, kept: Kept | None, untold: Collection[str] = ()) -> str:
    """The number as pages show it; a mean with how many were counted, as files have it.

    "–" where it is not told, and of a frozen roll where none was kept.
    """
    if metric.numerator in untold:
        return "–"
    if metric.code in FROZEN:
        return number(getattr(kept, metric.numerator)) if kept else "–"
    if metric.shown == MEAN:
        return shown_ratio(MEAN, getattr(count, metric.numerator), getattr(count, metric.denominator))
    if metric.denominator:
        return exact_percent(getattr(count, metric.numerator), getattr(count, metric.denominator))
    return number(getattr(count, metric.numerator))


@dataclass(frozen=True, slots=True)
class Peer:
    """A unit of the same kind and level with everything below it. `sibling`: below the same parent.

    `own`: the unit one looks at. `seen`: one may open its page anyway.
    """

    public_id: uuid.UUID
    name: str
    count: Count
    own: bool
    sibling: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """A rate of the unit and the quartiles of its group, in whole percent. `own` None: nobody must study."""

    code: str
    own: tuple[int, int] | None
    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """So many other units below the same parent (`near`) or in the province, and the spread of each rate.

    The unit itself is one of its group, so that all who may look at units of a group are told the same. `within`: only
    units one may see anyway are counted, for the others are too few. `named` are those one may see.
    """

    peers: int
    near: bool
    within: bool
    spreads: tuple[Spread, ...]
    named: tuple[Peer, ...]


def compared(units: Sequence[Peer]) -> Comparison | None:
    """The unit among its equals: below its parent where these are enough, else in the province; None: too few."""
    for near in (True, False):
        group, within = protected([one for one in units if one.sibling or one.own or not near])
        others = sum(not one.own for one in group)
        if others >= LEAST_PEERS:
            own = next((one.count for one in units if one.own), Count())
            named = tuple(one for one in units if one.seen and not one.own and (one.sibling or not near))
            return Comparison(others, near, within, tuple(spread(code, own, group) for code in COMPARED), named)
    return None


def protected(units: Sequence[Peer]) -> tuple[list[Peer], bool]:
    """Those whose rates may enter a comparison, and whether the units one may not see had to stay out of it.

    A few unseen units among many seen ones could be worked out from what one knows: then none of them is counted.
    """
    large = [one for one in units if one.count.people >= LEAST_PEOPLE]
    unseen = sum(not one.seen and not one.own for one in large)
    if 0 < unseen < LEAST_PEERS:
        return [one for one in large if one.seen or one.own], True
    return large, False


def spread(code: str, own: Count, group: Sequence[Peer]) -> Spread:
    """The quartiles of a rate in a group, between its values and in whole percent, so that none is a unit's own."""
    metric = BY_CODE[code]
    rates = [getattr(one.count, metric.numerator) / getattr(one.count, metric.denominator) for one in group]
    low, middle, high = quantiles(rates, n=4, method="inclusive")
    part, whole = getattr(own, metric.numerator), getattr(own, metric.denominator)
    return Spread(code, (part, whole) if whole else None, *(whole_percent(one) for one in (low, middle, high)))


def summed(numbers: Iterable[Numbers], *, there: int) -> Numbers:
    """The numbers of several points together. `headcount`: of those at which heads were counted.

    `there`: so many people were there, each counted once however many points saw them.
    """
    known = list(numbers)
    heads = [one.headcount for one in known if one.headcount is not None]
    sums = {name: sum(getattr(one, name) for one in known) for name in SUMMED}
    return Numbers(**sums, there=there, headcount=sum(heads) if heads else None)
