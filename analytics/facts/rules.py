"""People counted by where they stand, as values that can be added. Pure."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from itertools import chain
from operator import add, attrgetter
from typing import Any, Generic, TypeVar

from lms.clock import day_of

NEVER_DUE = datetime(9999, 1, 1, tzinfo=UTC)
"""The due date of what is never due, where a moment must stand."""

COUNTS = (
    "people",
    "started",
    "briefed",
    "completed",
    "by_point",
    "online",
    "made_up",
    "excused",
    "unexcused",
    "submitted",
    "accepted",
    "tested",
    "scored",
    "score",
    "exempt",
    "members",
)
"""What is counted in a tally (`analytics/facts/models.py`)."""

PEOPLE = frozenset({*COUNTS, "roll", "non_members", "overdue"} - {"score"})
"""Attributes of `Count` that say how many people are something: each can be asked who they are."""

SCORES = frozenset({"score"})
"""What is not told of some of the people of a unit: taken from all of them it would tell of the few others."""

OF_NOW = frozenset({"scored"}) | SCORES
"""What is told of now alone: the scores of one day, taken from those of the next, would be a single person's."""

MEMBERSHIP = frozenset({"members", "non_members"})
"""What is told of a day that is over as far back as the log has every change of it."""

PER_POINT = 1_000
"""Scores are added up in thousandths of a point of ten, so that sums are exact and the same in every order."""

FEWEST = 5
"""What is told of scores is told of at least so many people, so that none can be told to be somebody's."""


def counted(row: Mapping[str, Any]) -> dict[str, int]:
    """What a person whose standing this is adds to the tally of a unit. Who is exempt is that, and perhaps a member.

    Completed includes briefed, briefed includes started. What is not there is nought.
    """
    members = int(row["member"])
    if row["exempt"]:
        return {"members": members, "exempt": 1}
    found = {"people": 1, "members": members, "started": int(row["state"] != "not_started")}
    for name in MOMENTS:
        if row[f"{name}_at"] is not None:
            found[name] = 1
    if row["way"]:
        found[BY_WAY[row["way"]]] = 1
    if row["absence"]:
        found[row["absence"]] = 1
    if row["score"] is not None:
        found["scored"], found["score"] = 1, round(row["score"] * 10 * PER_POINT)
    return found


MOMENTS = ("briefed", "completed", "submitted", "accepted", "tested")
BY_WAY = {"point": "by_point", "online": "online", "make_up": "made_up"}

COUNTED = ("exempt", "member", "state", "way", "absence", "score")
"""The columns of a standing that `counted` reads."""
COUNTED_AT = tuple(f"{name}_at" for name in MOMENTS)
"""Those of which it reads whether there is anything in them."""


DAYS = ("briefed", "completed")
"""What is counted for each day (`TallyDay`)."""


def days(row: Mapping[str, Any]) -> Iterator[tuple[date, str]]:
    """In which days of a unit a person whose standing this is counts, and as what: when briefed, when completed.

    Who is exempt counts in none.
    """
    for name in DAYS:
        moment = row[f"{name}_at"]
        if moment is not None and not row["exempt"]:
            yield day_of(moment), name


@dataclass(frozen=True, slots=True)
class Change:
    """So many of those who count now were briefed, and completed, since a day."""

    briefed: int = 0
    completed: int = 0

    def __add__(self, other: "Change") -> "Change":
        return Change(self.briefed + other.briefed, self.completed + other.completed)


@dataclass(frozen=True, slots=True)
class Headline:
    """So many people must study; so many have begun, been briefed, completed; so many are late, or exempt.

    `people` is A, `briefed` B, `completed` C. Each includes the next; `overdue` are those of A without C whose due date
    has passed.
    """

    people: int = 0
    started: int = 0
    briefed: int = 0
    completed: int = 0
    overdue: int = 0
    exempt: int = 0

    @property
    def roll(self) -> int:
        """Sĩ số: everybody on the roll, the exempt too."""
        return self.people + self.exempt

    @property
    def not_briefed(self) -> int:
        """Must be briefed and are not yet."""
        return self.people - self.briefed

    @property
    def not_completed(self) -> int:
        """Have something left to do."""
        return self.people - self.completed

    @property
    def by_state(self) -> dict[str, int]:
        """The people by the state of their standing: each is in one of the four."""
        return {
            "not_started": self.people - self.started,
            "in_progress": self.started - self.briefed,
            "briefed": self.briefed - self.completed,
            "completed": self.completed,
        }


@dataclass(frozen=True, slots=True)
class Count(Headline):
    """All that is counted: a headline, and what else stands in a `Tally`."""

    by_point: int = 0
    online: int = 0
    made_up: int = 0
    excused: int = 0
    unexcused: int = 0
    submitted: int = 0
    accepted: int = 0
    tested: int = 0
    scored: int = 0
    score: int = 0
    members: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(*map(add, numbers_of(self), numbers_of(other)))

    @property
    def non_members(self) -> int:
        """On the roll and not members of the Party."""
        return self.roll - self.members

    @property
    def few_scored(self) -> bool:
        """Whether some have taken all required tests, but so few that neither their mean nor its sum is told."""
        return 0 < self.scored < FEWEST

    @property
    def mean_score(self) -> float | None:
        """The mean score of those who have taken all required tests, 0 to 10; None when fewer than `FEWEST` have."""
        return self.score / PER_POINT / self.scored if self.scored >= FEWEST else None

    def told(self, untold: Collection[str] = ()) -> dict[str, int | None]:
        """Its fields, for programs; None for what is not told, as is the sum of scores of too few people."""
        known = {**asdict(self), "score": None if self.few_scored else self.score}
        return {name: None if name in untold else value for name, value in known.items()}


N = TypeVar("N", bound=Headline)
N_co = TypeVar("N_co", bound=Headline, covariant=True)

NAMES: dict[type[Headline], tuple[str, ...]] = {
    one: tuple(each.name for each in fields(one)) for one in (Headline, Count)
}
"""The fields of each kind of count, in their order."""
COUNT_NAMES = NAMES[Count]
numbers_of = attrgetter(*COUNT_NAMES)
"""The numbers of a `Count`, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Branch(Generic[N_co]):
    """A unit directly below the one looked at with everything below it, or (`itself`) the one looked at alone.

    `open`: there is a page of it for whoever looks. `change`: what is new of the last days.
    """

    public_id: uuid.UUID
    code: str
    name: str
    short_name: str
    itself: bool
    count: N_co
    next_due: datetime | None
    last_due: datetime | None
    open: bool = True
    change: Change = Change()


@dataclass(frozen=True, slots=True)
class UnitsBelow:
    """Of the units at any depth below: how many have people who must study, all briefed, or nobody who has begun."""

    concerned: int = 0
    briefed: int = 0
    not_begun: int = 0


SOME, BEHIND, BEGUN, TOLD = 1, 2, 4, 8
"""What is to be known of a unit with all below it: whether there are people, some not briefed, some who have begun."""


def units_below(told: Iterable[str | None], above: Mapping[int, int], top: int) -> UnitsBelow:
    """Counts the units below one, `top`, each with its own subtree, from what is known of each alone, in any order.

    `told`: of units with people, separated by commas, the id times `TOLD` and what is known of it. One may come several
    times with parts of its people. `above`: the unit above each; all stand below `top` by it.
    """
    known: dict[int, int] = {}
    for code in chain.from_iterable(map(int, some.split(",")) for some in told if some):
        unit, said = divmod(code, TOLD)
        known[unit] = known.get(unit, 0) | said
    each = Counter(rolled_up(known, above, top).values())
    briefed, idle = (sum(number for said, number in each.items() if not said & lacks) for lacks in (BEHIND, BEGUN))
    return UnitsBelow(each.total(), briefed, idle)


def rolled_up(known: Mapping[int, int], above: Mapping[int, int], top: int) -> dict[int, int]:
    """What is known of each with all below it."""
    whole = dict(known)
    for unit, said in known.items():
        one = above[unit]
        while one != top and (so_far := whole.get(one, 0)) | said != so_far:
            whole[one] = so_far | said
            one = above[one]
    return whole


def total(branches: Iterable[Branch[N]], kind: type[N]) -> N:
    """Everybody in the branches. A parent is the sum of its children's people, never a mean of their rates."""
    numbers = attrgetter(*NAMES[kind])
    return kind(*map(sum, zip(*(numbers(branch.count) for branch in branches), strict=True)))


def whole_percent(share: float) -> int:
    """A share in whole percent; 100 only where it is all, 0 only where it is nothing."""
    return min(max(round(100 * share), 1), 99) if 0 < share < 1 else round(100 * share)


def due_date(branches: Iterable[Branch[Headline]]) -> datetime | None:
    """The next due date to come, or the last one when all have passed; None when nothing is assigned."""
    known = list(branches)
    coming = [branch.next_due for branch in known if branch.next_due is not None]
    passed = [branch.last_due for branch in known if branch.last_due is not None]
    return min(coming) if coming else max(passed, default=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A briefing on whose roll people of a unit are: how many (A), how many have begun, and who is due next."""

    code: str
    closed: bool
    people: int
    started: int
    next_due: datetime | None


def opened_first(choices: Sequence[Choice]) -> str:
    """The code of the briefing that a page opens on where nobody has chosen one; of equals the first.

    An open one before one that is closed; one in which somebody has begun before one that was only just given; then the
    nearest due date that has not passed; then the one with the most people.
    """
    return min(
        choices,
        key=lambda one: (one.closed, not one.started, one.next_due is None, one.next_due or NEVER_DUE, -one.people),
    ).code
