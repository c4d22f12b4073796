"""Nothing of another agency reaches anybody outside: canaries of its own in every unit, every route, method, parameter.

Each unit's name and code, and the name, user name, address, telephone, position and staff code of each person in it,
are words that stand nowhere else. Answers are read as people read them: archives opened, JSON and HTML decoded, and
the headers, redirects and messages kept in the cookie with them.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from lms import clock
from lms.accounts.actions import create_person, grant_role
from lms.accounts.models import Membership, Person, SignInAccount
from lms.announcements.models import Announcement
from lms.organisation.actions import create_unit, move_unit
from lms.organisation.models import PARTY_TREE, STATE_TREE, Unit, UnitCode, UnitName
from lms.roster.models import StaffCode
from lms.text import fold, person_sort_key
from lms.web.forms import PageForm
from lms.web.gate import CLIENTS, PUBLIC
from tests.browser import ORIGIN, Browser, text_of
from tests.floor.test_policies import permissions, policies
from tests.floor.walk import FILE, Walk, build_walk, every_rule, token
from tests.floor.world import build_world
from tests.kept import kept
from tests.make import LONG_AGO, Make

BIRDS = ("Vành Khuyên", "Chích Chòe", "Chào Mào")
"""One for each unit in which canaries sit: the agency whose ids the walk uses, what is below it, and one beside it."""
KINDS = {"unit", "unit code", "name", "user name", "address", "telephone", "position", "staff code", "announcement"}
PART = "khuyen"
"""Is sought, and finds canaries; no canary itself, for pages repeat what was typed."""
ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""args(?:\.get(?:list)?)?[(\[]\s*"(\w+)\"""")
NO_IDS = {"page", "kind", "state", "on", "tree", "show", "answered", "names", "before", "next", "choose", "course"}
"""Parameters that choose among words or days: an id in them would make a page refuse before it looks at the others."""


@dataclass
class Aviary:
    """The walk, and of each canary its kind and whose it is: the public id of a person, or the id of a unit."""

    walk: Walk
    canaries: dict[str, tuple[str, object]]

    def foreign(self, actor: str) -> dict[str, str]:
        """The canaries that are neither of the actor nor of the unit the actor is counted in, with their kinds."""
        person = self.walk.world.people[actor]
        with self.walk.world.make.reading() as session:
            units = session.scalars(select(Membership.unit_id).where(Membership.person_id == person.id)).all()
        own = {person.public_id, *units}
        return {canary: kind for canary, (kind, whose) in self.canaries.items() if whose not in own}


@pytest.fixture
def aviary(make: Make, tmp_path: Path) -> Aviary:
    found = kept(make, tmp_path, with_canaries)
    return replace(found, walk=replace(found.walk, file=str(tmp_path / FILE)))


def with_canaries(make: Make, folder: Path) -> Aviary:
    walk = replace(build_walk(build_world(make, folder), folder), token="of-a-link-that-nobody-outside-holds")
    beside = make.unit("Sở Tài chính", under=walk.world.root)
    for unit in (walk.below, beside):
        make.person(unit=unit)
    found: dict[str, tuple[str, object]] = {"Người Trong Danh Sách": ("list", None), "Người Đề Nghị": ("request", None)}
    for bird, unit in zip(BIRDS, (walk.world.inside, walk.below, beside), strict=True):
        found |= planted(make, unit, bird)
    return Aviary(walk, found)


def planted(make: Make, unit: Unit, bird: str) -> dict[str, tuple[str, object]]:
    """Words of its own for a unit and for all who are counted in it."""
    name, code = f"Sở {bird}", fold(bird).replace(" ", "-").upper()
    found: dict[str, tuple[str, object]] = {name: ("unit", unit.id), code: ("unit code", unit.id)}
    with make.writing() as session:
        for table, key in ((Unit, Unit.id), (UnitName, UnitName.unit_id)):
            session.execute(update(table).where(key == unit.id).values(name=name, code=code, short_name=name))
        session.execute(update(UnitCode).where(UnitCode.unit_id == unit.id).values(code=code.lower()))
        said = f"Tin của {bird}"
        if session.execute(update(Announcement).where(Announcement.unit_id == unit.id).values(text=said)).rowcount:  # type: ignore[attr-defined]
            found[said] = ("announcement", unit.id)
        counted = {"unit_id": unit.id, "tree": STATE_TREE, "kind": "main"}
        for person in session.scalars(
            select(Person).join(Membership, Membership.person_id == Person.id).filter_by(**counted)
        ).all():
            mark = f"{code}-{person.id:03}"
            words = {
                "name": f"{bird} Con {person.id:03}",
                "user name": mark.lower(),
                "address": f"{mark.lower()}@chim.example.vn",
                "telephone": f"0987 000 {person.id:03}",
                "position": f"Chức vụ {mark}",
                "staff code": f"MA-{mark}",
            }
            person.full_name, person.email, person.phone = words["name"], words["address"], words["telephone"]
            person.position = words["position"]
            person.sort_key, person.search_key = person_sort_key(words["name"]), fold(words["name"])
            here = (Membership.person_id == person.id, Membership.unit_id == unit.id)
            session.execute(update(Membership).where(*here).values(position=words["position"]))
            of_theirs = SignInAccount.person_id == person.id
            session.execute(update(SignInAccount).where(of_theirs).values(username=words["user name"]))
            staff = {"person_id": person.id, "unit_id": unit.id, "valid_from": clock.today()}
            session.add(StaffCode(**staff, code=words["staff code"], code_key=words["staff code"].lower()))
            found |= {word: (kind, person.public_id) for kind, word in words.items()}
    return found


def parameters() -> set[str]:
    """Whatever the product reads of an address or a form, by the code of its views and the fields of its forms."""
    found = {
        name
        for package in ("lms", "courses", "assessments", "analytics")
        for file in (ROOT / package).rglob("*.py")
        for name in READ.findall(file.read_text("utf-8"))
    }
    forms = [PageForm]
    while forms:
        form = forms.pop()
        forms += form.__subclasses__()
        found |= {name for name in dir(form) if hasattr(getattr(form, name, None), "_formfield")}
    return found - {"csrf_token"}


def queries(walk: Walk) -> list[dict[str, str]]:
    """Nothing; a foreign unit, a foreign person or a word that finds them wherever one fits; a unit everywhere."""
    names, unit, person = parameters(), str(walk.world.inside.public_id), str(walk.unopened.public_id)
    ids = names - NO_IDS
    return [
        {},
        dict.fromkeys(ids, unit),
        dict.fromkeys(ids, person),
        dict.fromkeys(ids, PART),
        dict.fromkeys(names, unit),
    ]


def answers(app: Flask, walk: Walk, actor: str, *, only_reads: bool = False) -> Iterator[tuple[str, str]]:
    """What everything says that the actor can send, or can read without sending anything: where, and what was said."""
    browser, forms, asked = walk.world.browser(actor), walk.forms(), queries(walk)
    declared, held = policies(app), permissions(actor)
    for rule in sorted(every_rule(app), key=lambda rule: rule.endpoint.startswith(("accounts.", "auth", "ways."))):
        is_open = declared[rule.endpoint] in {PUBLIC, CLIENTS, *held}
        for path in sorted({walk.path(rule, actor), walk.path(rule, actor, attempts_of="learner")}):
            if "GET" in (rule.methods or ()):  # whoever lacks the permission is sent away before parameters are read
                for query in asked[:2] if only_reads or not is_open else asked:
                    yield sent(browser, "GET", f"{path}{'&' if '?' in path else '?'}{urlencode(query)}")
            if not only_reads:
                yield from unsafe(browser, rule, path, forms.get(rule.endpoint, {}), asked[1])


def unsafe(
    browser: Browser, rule: Rule, path: str, form: Mapping[str, object], foreign: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Every other method: a form as it should be but of somebody else's, and one in which every field is foreign."""
    for method in ("HEAD", "PUT", "DELETE"):
        yield sent(browser, method, path)
    if "POST" in (rule.methods or ()):
        for data in (form, {**form, **foreign}):
            yield sent(browser, "POST", path, {"csrf_token": token(browser), **data})


def sent(browser: Browser, method: str, path: str, data: Mapping[str, object] | None = None) -> tuple[str, str]:
    answer = browser.client.open(path, method=method, data=data, headers={"Origin": ORIGIN}, follow_redirects=True)
    where = f"{method} {path[:120]}"
    assert answer.status_code < 500, where
    return where, "\n".join(read(browser, one) for one in (*answer.history, answer))


def read(browser: Browser, answer: TestResponse) -> str:
    """All that an answer says, as whoever gets it can read it."""
    body = text_of(answer)
    if answer.is_json and body:
        body = json.dumps(json.loads(body), ensure_ascii=False)
    kept_for_later = ""
    if "Set-Cookie" in answer.headers:
        with browser.client.session_transaction() as cookie:
            kept_for_later = str(dict(cookie))
    return "\n".join((html.unescape(body), unquote(str(answer.headers)), kept_for_later))


@pytest.mark.parametrize(
    ("actor", "backend"),
    [
        ("head_outside", "sqlite"),
        ("unit_administrator_outside", "sqlite"),
        ("former_deputy", "sqlite"),
    ],
)
def test_no_canary_of_another_unit_or_person_is_met_by_whoever_is_outside(
    app: Flask, aviary: Aviary, actor: str
) -> None:
    foreign = aviary.foreign(actor)
    assert set(foreign.values()) >= KINDS - ({"announcement"} if actor == "former_deputy" else set())
    asked = list(answers(app, aviary.walk, actor))
    assert len(asked) > 800
    assert {(where, canary) for where, said in asked for canary in foreign if canary in said} == set()


@pytest.mark.parametrize("backend", ["sqlite"])
def test_no_canary_is_met_by_whoever_keeps_a_party_organisation_to_which_none_belongs(
    app: Flask, make: Make, aviary: Aviary
) -> None:
    """One that stands in the Party tree alone, beside the agency whose ids are asked for, which stands in both."""
    with make.writing() as session:
        party = [
            create_unit(session, code=code, name=name, kind="party_body", parent=None, since=LONG_AGO, tree=PARTY_TREE)
            for code, name in (("db", "Đảng bộ"), ("cb", "Chi bộ"))
        ]
        inside = session.get_one(Unit, aviary.walk.world.inside.id)
        move_unit(session, inside, party[0], on=clock.today(), tree=PARTY_TREE)
        keeper = make_keeper(session, party[1])
    aviary.walk.world.people["party_keeper"] = keeper
    foreign, asked = aviary.foreign("party_keeper"), list(answers(app, aviary.walk, "party_keeper", only_reads=True))
    assert {(where, canary) for where, said in asked for canary in foreign if canary in said} == set()
    assert any("Chi bộ" in said for _where, said in asked)


def make_keeper(session: Session, unit: Unit) -> Person:
    """Somebody who is counted in a Party organisation and keeps its people."""
    where: dict[str, Any] = {"unit": unit, "since": LONG_AGO, "tree": PARTY_TREE}
    keeper = create_person(session, full_name="Giữ Chi Bộ", username="giuchibo", party="chinh_thuc", **where)
    grant_role(session, keeper, "unit_administrator", **where)
    return keeper


@pytest.mark.parametrize("backend", ["sqlite"])
def test_whoever_may_see_them_meets_canaries_of_every_kind_and_unit(app: Flask, aviary: Aviary) -> None:
    """The walk above can fail: what it looks for is there, and is asked for."""
    said = "\n".join(said for _where, said in answers(app, aviary.walk, "administrator", only_reads=True))
    met = {canary for canary in aviary.canaries if canary in said}
    assert {aviary.canaries[canary][0] for canary in met} >= KINDS
    assert all(f"Sở {bird}" in met for bird in BIRDS)
    assert {bird for bird in BIRDS if any(canary.startswith(f"{bird} Con") for canary in met)} == set(BIRDS)
