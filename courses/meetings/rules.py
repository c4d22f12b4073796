"""Codes that change, what may be said of somebody at a point, and what is amiss with a point's numbers. Pure."""

import hashlib
import hmac
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lms.clock import day_of, start_of_day
from lms.text import fold

STATES = ("present", "late", "left_early", "excused", "unexcused")
THERE = frozenset({"present", "late", "left_early"})

SLOT = 30
"""For how many seconds a code is shown. It is accepted in the following slot too, for whoever is slow."""

DIGITS = 8
REMEMBERED = 20
"""So many slots back a code is still known as one that has expired."""

LATE_AFTER = timedelta(minutes=15)
OPENS_BEFORE = timedelta(hours=2)
"""Nobody is seen at a sitting longer before it begins than this."""

KEPT_AFTER, KEPT_AT_MOST = timedelta(hours=4), timedelta(hours=24)
"""So long after its sitting has ended, and after it was seen, the page of a point is on its host's phone."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a sitting, by the opaque ids that codes are made of."""

    sitting: uuid.UUID
    point: uuid.UUID


def code_key(secret: str) -> bytes:
    """The key of codes, made of the product's secret and good for nothing else."""
    return hmac.new(secret.encode(), b"codes of meeting points", hashlib.sha256).digest()


def slot_of(now: datetime) -> int:
    return int(now.timestamp()) // SLOT


def seconds_left(now: datetime) -> int:
    """Until another code is shown: 1 to 30."""
    return SLOT - int(now.timestamp()) % SLOT


def code_of(key: bytes, place: Place, slot: int) -> str:
    """The eight digits of a point in a slot of time; another sitting, point or slot has others."""
    told = place.sitting.bytes + place.point.bytes + slot.to_bytes(8, "big")
    made = hmac.new(key, told, hashlib.sha256).digest()
    return f"{int.from_bytes(made[:8], 'big') % 10**DIGITS:0{DIGITS}d}"


def digits_in(typed: str) -> str:
    """What was typed, without the blanks and points with which people group digits."""
    return re.sub(r"[\s.\-]+", "", typed)


def good(typed: str, key: bytes, place: Place, slot: int) -> bool:
    """Whether these digits are the code of the point now, or were in the slot before."""
    return any(hmac.compare_digest(typed.encode(), code_of(key, place, one).encode()) for one in (slot, slot - 1))


def fault_of(typed: str, key: bytes, place: Place | None, others: Iterable[Place], slot: int) -> str:
    """Why a code that is not good is refused: expired, elsewhere (of another point), or wrong."""
    places = [place] if place is not None else list(others)
    if any(typed == code_of(key, one, slot - back) for one in places for back in range(2, REMEMBERED)):
        return "expired"
    if place is not None and any(good(typed, key, one, slot) for one in others if one != place):
        return "elsewhere"
    return "wrong"


def arrival(now: datetime, starts_at: datetime) -> str:
    """What a code says of whoever comes now: a quarter of an hour after the beginning they are late."""
    return "present" if now <= starts_at + LATE_AFTER else "late"


def not_yet(now: datetime, starts_at: datetime) -> bool:
    """Whether it is too early to take the roll: it opens with the day of the sitting. Nobody is seen before."""
    return now < min(start_of_day(day_of(starts_at)), starts_at - OPENS_BEFORE)


def kept_for(now: datetime, ends_at: datetime) -> int:
    """For how many seconds a phone may keep the page of a point that is seen now; 0: not at all."""
    return max(0, int(min(KEPT_AT_MOST, ends_at + KEPT_AFTER - now).total_seconds()))


def moment_of(age: float, now: datetime, starts_at: datetime) -> datetime:
    """When something was seen that was seen so many seconds ago: never ahead, never long before the sitting."""
    seen = now - timedelta(seconds=min(max(age, 0.0), 30 * 86_400.0))
    return min(now, max(seen, starts_at - OPENS_BEFORE))


def step(before: str | None, said: str, *, elsewhere: bool) -> str:
    """What becomes of saying this of somebody of whom `before` stands at this point.

    say: it is stated; same: it stands already; correct: only a correction with its reason changes it; elsewhere: the
    person was seen at another point of the sitting, and is not stated to be away here.
    """
    if before == said:
        return "same"
    if said not in THERE and elsewhere:
        return "elsewhere"
    if before is None or (said == "left_early" and before in {"present", "late"}):
        return "say"
    return "correct"


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a point. `called`: on its roll; `unanswered`: of whom nothing is known yet at any point.

    There are present, late and left_early together; `twice`: people there who were there at another point too.
    """

    called: int = 0
    unanswered: int = 0
    there: int = 0
    late: int = 0
    left_early: int = 0
    excused: int = 0
    unexcused: int = 0
    twice: int = 0
    headcount: int | None = None
    reported: bool = False

    @property
    def difference(self) -> int:
        """Heads counted in the room beyond the names; below zero, names beyond the heads. 0 while none were counted."""
        return self.headcount - self.there if self.headcount is not None else 0

    @property
    def faults(self) -> tuple[str, ...]:
        """What is amiss: twice, heads, unanswered. A point that has not reported may still be at work."""
        found = ["twice"] if self.twice else []
        if self.reported:
            found += ["heads"] if self.difference else []
            found += ["unanswered"] if self.unanswered else []
        return tuple(found)

    @property
    def uncounted(self) -> bool:
        """Has reported without counting heads: there is nothing yet with which the names could disagree."""
        return self.reported and self.headcount is None

    @property
    def state(self) -> str:
        """amiss, silent (has not reported), uncounted or reported."""
        if self.faults:
            return "amiss"
        if not self.reported:
            return "silent"
        return "uncounted" if self.uncounted else "reported"


URGENCY = ("amiss", "silent", "uncounted", "reported")


def urgency(numbers: Numbers) -> tuple[int, int]:
    """What the board is sorted by: what is amiss first, people seen twice before all; then who has not reported."""
    return URGENCY.index(numbers.state), -len(numbers.faults) - 10 * bool(numbers.twice)


def sheet_mark(people: Sequence[uuid.UUID]) -> str:
    """Six letters that tell whether the lines of a printed sheet are still those of the roll."""
    return hashlib.sha256(b"".join(one.bytes for one in people)).hexdigest()[:6].upper()


class NoNumber(ValueError):
    """A text that is no list of line numbers; the argument is the piece that is none."""


def lines_in(typed: str, most: int) -> list[int]:
    """Line numbers as people write them ("3, 7-9 12"), each once, in order. Raises `NoNumber`."""
    found: set[int] = set()
    tidy = re.sub(r"\s*[-–]\s*", "-", typed)
    for piece in re.split(r"[\s,;.]+", tidy):
        if not piece:
            continue
        shape = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", piece)
        if shape is None:
            raise NoNumber(piece)
        first, last = int(shape[1]), int(shape[2] or shape[1])
        if not 1 <= first <= last <= most:
            raise NoNumber(piece)
        found.update(range(first, last + 1))
    return sorted(found)


SPELT: Mapping[str, tuple[str, ...]] = {
    "present": ("co mat", "co", "x", "1", "present", "du", "dung gio"),
    "late": ("den muon", "muon", "tre", "den tre", "late"),
    "left_early": ("ve som", "left early", "left_early"),
    "excused": ("vang co ly do", "co phep", "vang co phep", "p", "cp", "excused"),
    "unexcused": ("vang khong ly do", "khong phep", "vang khong phep", "vang", "kp", "0", "unexcused"),
}
BY_SPELLING = {spelt: state for state, words in SPELT.items() for spelt in words}


def state_spelt(cell: str) -> str | None:
    """The state that a cell of a list means, with marks or without; None: the cell says nothing we know."""
    return BY_SPELLING.get(fold(cell).strip(" ."))


HEADS = {
    "code": ("ma can bo", "so hieu", "ma nhan vien", "ma", "staff code", "so hieu can bo"),
    "name": ("ho va ten", "ho ten", "ten", "full name", "name"),
    "unit": ("don vi", "co quan, don vi", "co quan", "unit"),
    "state": ("tinh trang", "trang thai", "diem danh", "co mat", "state", "ket qua"),
}


def columns_of(line: Sequence[str]) -> dict[str, int]:
    """Which column holds what, if this line is the head of a list: at least a state, and a code or a name."""
    found: dict[str, int] = {}
    for place, cell in enumerate(line):
        for field, words in HEADS.items():
            if field not in found and fold(cell).strip(" .*") in words:
                found[field] = place
                break
    return found if "state" in found and ("code" in found or "name" in found) else {}
