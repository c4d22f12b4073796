"""The fictional people of `lms demo`: the same ones every time, spread over the sample organisation.

Their names are put together from parts common among the peoples of the province (sample.toml). No official's name is
ever made, and no age, address or contact is kept. Four of them have a password; all others can only be looked at.
"""

import random
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from lms import clock, text
from lms.accounts.actions import PeopleMoved, hasher
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.audit.actions import note
from lms.db import adds_identities
from lms.doors import tell
from lms.organisation.models import STATE_TREE, Unit

SAMPLE = Path(__file__).with_name("sample.toml")
SEED = 48
DEMO_PASSWORD = "Quan triet nghi quyet 48"  # noqa: S105 - told to whoever tries the product; it opens fictional people
LEARNER, HEAD, TRAINER, ADMINISTRATOR = "hocvien", "thutruong", "giangvien", "quantri"

LEADING = ("Trưởng", "Phó", "Chủ tịch", "Bí thư")

FIRST_DAY = date(2022, 1, 1)
"""The units of the sample begin on this day, and so do most memberships."""


@dataclass(frozen=True, slots=True)
class Post:
    """What somebody does at a unit. `opens`: this person may be tried, under this very user name."""

    position: str
    category: str
    _: KW_ONLY
    leads: bool = False
    heads: bool = False
    opens: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One fictional person before there are rows."""

    public_id: uuid.UUID
    name: str
    username: str
    unit: Unit
    post: Post
    party: str
    since: date


def load_fictional_people(session: Session, people: int) -> Iterator[str]:
    """Load about so many fictional people, unless there are some already or there is no sample organisation."""
    sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    units = list(session.scalars(select(Unit).where(Unit.counted, Unit.kind.in_(sample["staff"])).order_by(Unit.id)))
    loaded = session.scalar(select(exists().where(Person.fictional)))
    if loaded or not sample["named"].keys() <= {unit.code for unit in units}:
        return
    drawn = draw(sample, units, people, taken=session.scalars(select(SignInAccount.username)))
    write(session, drawn)
    yield f"Fictional people: {len(drawn)} in {len(units)} units."
    yield from sign_ins(session)


def draw(sample: Any, units: Sequence[Unit], people: int, *, taken: Iterable[str] = ()) -> list[Drawn]:
    """The same people for the same units and number: a head for each unit, the four who may be tried, colleagues."""
    dice = random.Random(SEED)  # noqa: S311 - chance for the eye, not for secrets
    names, free = Names(sample, dice), Usernames(taken)
    bounds = [sample["staff"][unit.kind]["size"] for unit in units]
    drawn = []
    for unit, size in zip(units, sizes(bounds, people, dice), strict=True):
        for post in posts(sample, unit, size, dice):
            name = names.draw("commune" if unit.kind == "commune" else "town")
            drawn.append(
                Drawn(
                    public_id=uuid.UUID(int=dice.getrandbits(128), version=4),
                    name=name,
                    username=free(post.opens or username(name)),
                    unit=unit,
                    post=post,
                    party=party_status(post, dice),
                    since=first_day(post, dice),
                )
            )
    return drawn


def sizes(bounds: Sequence[tuple[int, int]], people: int, dice: random.Random) -> list[int]:
    """How many people each unit has: within its bounds when the total allows, and `people` together."""
    least = [fewest for fewest, _ in bounds]
    room = [(most - fewest) * dice.uniform(0.3, 1.0) for fewest, most in bounds]
    if people < sum(least):
        least, room = [0] * len(bounds), [float(fewest) for fewest, _ in bounds]
    shares = [(people - sum(least)) * one / sum(room) for one in room]
    result = [start + int(share) for start, share in zip(least, shares, strict=True)]
    by_rest = sorted(range(len(result)), key=lambda i: (int(shares[i]) - shares[i], i))
    for i in by_rest[: people - sum(result)]:
        result[i] += 1
    return result


def posts(sample: Any, unit: Unit, size: int, dice: random.Random) -> list[Post]:
    """The posts of a unit: its head, the one who may be tried, and colleagues until there are `size`."""
    staff, named = sample["staff"][unit.kind], sample["named"].get(unit.code, {})
    heads_it = named.get("username", "") if "post" not in named else ""
    wanted = [Post(*staff["head"], leads=True, heads=True, opens=heads_it)]
    if "post" in named:
        wanted.append(Post(*named["post"], opens=named["username"], role=named.get("role", "")))
    leading, others = staff["leaders"], sample["posts"][staff["posts"]]
    choices = [Post(*leading[:2], leads=True), *(Post(*one[:2], leads=one[0].startswith(LEADING)) for one in others)]
    weights = [leading[2], *(one[2] for one in others)]
    return wanted + dice.choices(choices, weights, k=max(0, size - len(wanted)))


class Names:
    """Names as one hears them in the province, and no official's."""

    def __init__(self, sample: Any, dice: random.Random) -> None:
        self._dice = dice
        self._peoples = sample["peoples"]
        self._names = {people: {**sample["names"]["usual"], **own} for people, own in sample["names"].items()}
        self._real = frozenset(sample["real"]["names"])

    def draw(self, place: str) -> str:
        """A full name of somebody who works there."""
        dice, peoples = self._dice, self._peoples[place]
        while True:
            people = dice.choices(list(peoples), list(peoples.values()))[0]
            names = self._names[people]
            middles, givens = names["male" if dice.random() < 0.52 else "female"]
            parts = [dice.choice(words.split()) for words in (names["families"], middles, givens)]
            if parts[1] == "Thị" and people != "mong" and dice.random() < 0.4:
                parts.insert(2, dice.choice(names["between"].split()))
            name = text.nfc(" ".join(parts))
            if name not in self._real and len(set(parts)) == len(parts):
                return name


def party_status(post: Post, dice: random.Random) -> str:
    """Leaders are members; of others three in four are members or about to be."""
    if post.leads or post.category == "can_bo":
        return "chinh_thuc"
    return dice.choices(("chinh_thuc", "du_bi", "quan_chung"), (66, 8, 26))[0]


def first_day(post: Post, dice: random.Random) -> date:
    """Most have been there since the sample begins, one in four came later."""
    if post.heads or post.opens or dice.random() < 0.75:
        return FIRST_DAY
    return FIRST_DAY + timedelta(days=dice.randrange(1, 1200))


def username(name: str) -> str:
    """Given name and initials: Nguyễn Thị Thu Hà is hantt."""
    *before, given = text.fold(name).split()
    return given + "".join(part[0] for part in before)


class Usernames:
    """Hands out user names, each once: hantt, hantt2, hantt3."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def __call__(self, wanted: str) -> str:
        free = next(one for n in count(1) if (one := f"{wanted}{n if n > 1 else ''}") not in self._taken)
        self._taken.add(free)
        return free


def write(session: Session, drawn: Sequence[Drawn]) -> None:
    """Add them all, as `create_person` and `grant_role` would one by one, and tell it once."""
    adds_identities(session)
    now = clock.now()
    ids = session.scalars(
        insert(Person).returning(Person.id, sort_by_parameter_order=True), [person_row(one, now) for one in drawn]
    ).all()
    password = hasher.hash(DEMO_PASSWORD)
    opened = {"password_hash": password, "password_changed_at": now}
    closed = dict.fromkeys(opened)
    accounts, members, roles = [], [], []
    for person_id, one in zip(ids, drawn, strict=True):
        whose = {"person_id": person_id}
        accounts.append({**whose, "username": one.username, **(opened if one.post.opens else closed)})
        members.append({**whose, "unit_id": one.unit.id, "tree": STATE_TREE, "valid_from": one.since})
        if one.post.heads:
            roles.append({**whose, "role": "head", "unit_id": one.unit.id, "valid_from": one.since})
        if one.post.role:
            roles.append({**whose, "role": one.post.role, "unit_id": None, "valid_from": one.since})
    session.execute(insert(SignInAccount), accounts)
    session.execute(insert(Membership), members)
    session.execute(insert(RoleGrant), roles)
    note(session, "demo.load", actor=None, object_kind="person", object_id="-", people=len(drawn))
    tell(session, PeopleMoved(tuple(ids)))


def person_row(one: Drawn, now: datetime) -> dict[str, Any]:
    """The row of `person`: marked as fictional, which every page then says."""
    return {
        "public_id": one.public_id,
        "full_name": one.name,
        "sort_key": text.person_sort_key(one.name),
        "search_key": text.fold(one.name),
        "position": one.post.position,
        "category": one.post.category,
        "party": one.party,
        "language": "vi",
        "fictional": True,
        "created_at": now,
    }


WORDS = {"head": "thủ trưởng đơn vị", "trainer": "giảng viên", "administrator": "quản trị viên"}
"""The roles the demo gives; whoever tries the product may give others."""


def sign_ins(session: Session) -> Iterator[str]:
    """The user names of fictional people who can sign in, and their password; nothing when there are none.

    Each with the roles the demo has given; a role given later is no reason not to start.
    """
    rows = session.execute(
        select(SignInAccount.username, RoleGrant.role)
        .join(Person, Person.id == SignInAccount.person_id)
        .outerjoin(RoleGrant, RoleGrant.person_id == Person.id)
        .where(Person.fictional, SignInAccount.password_hash.is_not(None), SignInAccount.disabled_at.is_(None))
        .order_by(Person.id)
    ).all()
    if rows:
        yield f"Demo sign-ins, all with the password:  {DEMO_PASSWORD}"
    for username, grants in groupby(rows, key=lambda row: row.username):
        words = ", ".join(WORDS[row.role] for row in grants if row.role in WORDS)
        yield f"  {username:<10} {words or 'học viên'}"
