"""Nobody but this system, and whom the administrator trusts with an activity, says that somebody has completed it."""

import hashlib
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lms.cli import check_projections
from lms.db import Base
from lms.xapi.actions import ourselves, record
from lms.xapi.statement import Activity, sentence
from lms.xapi.vocabulary import COMPLETED, LESSON, VOIDED, activity_iri
from tests.floor.world import World, build_world
from tests.kept import kept
from tests.make import Make
from tests.signing import chain, jws, signed
from tests.store import Outsider, new_id, statement

BASE = "https://quan-triet.example"
FIRST, SECOND = (activity_iri(BASE, "demo", code) for code in ("m1-1", "m1-2"))
PROJECTIONS = ("course_progress", "activity_progress", "standing", "tally")


class Scene:
    """A learner who has finished the first lesson of an assigned course, and a client with every scope but no trust."""

    def __init__(self, make: Make, folder: Path) -> None:
        self.world: World = kept(make, folder, build_world)
        self.make = make
        self.learner = self.world.people["learner"]
        self.outsider = Outsider(make, "all")
        self.account = {"homePage": BASE, "name": str(self.learner.public_id)}
        self.registration = new_id()
        self.own = self.finish(FIRST)

    def finish(self, lesson: str) -> str:
        """Our own pages saw it; returns the id of the statement."""
        with self.make.writing() as session:
            document = sentence(
                BASE,
                self.learner.public_id,
                COMPLETED,
                Activity(lesson, LESSON, "Bài"),
                at=self.learner.created_at,
                registration=uuid.UUID(self.registration),
                revision=1,
            )
            record(session, [document], source=ourselves(session))
        return str(document["id"])

    def claim(self, **changes: Any) -> dict[str, Any]:
        """A statement that the learner completed the second lesson, made to look like ours."""
        return (
            statement(
                id=new_id(),
                actor={"objectType": "Agent", "account": self.account},
                verb={"id": COMPLETED},
                object={"objectType": "Activity", "id": SECOND},
                context={"registration": self.registration, "revision": "1"},
                result={"completion": True, "success": True, "score": {"scaled": 1}},
            )
            | changes
        )

    def tables(self) -> dict[str, list[Any]]:
        """All rows of the projections."""
        with self.make.reading() as session:
            return {
                name: [
                    tuple(row)
                    for row in session.execute(sa.select(Base.metadata.tables[name]).order_by(sa.text("1, 2, 3")))
                ]
                for name in PROJECTIONS
            }


@pytest.fixture
def scene(make: Make, tmp_path: Path) -> Scene:
    return Scene(make, tmp_path)


def another_actor(scene: Scene) -> Any:
    head = scene.world.people["head_inside"]
    return scene.claim(actor={"account": {"homePage": BASE, "name": str(head.public_id)}})


def authority(scene: Scene) -> Any:
    return scene.claim(authority={"objectType": "Agent", "account": {"homePage": BASE, "name": "quan-triet"}})


def voiding(scene: Scene) -> Any:
    return statement(
        actor={"account": scene.account}, verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": scene.own}
    )


def aliases(scene: Scene) -> Any:
    address = f"mailto:{scene.learner.public_id}@example.vn"
    names = [
        {"mbox": address},
        {"mbox_sha1sum": hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()},
        {"openid": f"{BASE}/{scene.learner.public_id}"},
        {"account": {"homePage": f"{BASE}/", "name": scene.account["name"]}},
        {"account": {"homePage": BASE, "name": scene.account["name"].upper()}},
    ]
    return [scene.claim(actor=name, id=new_id()) for name in names]


def group(scene: Scene) -> Any:
    member = {"account": scene.account}
    return [
        scene.claim(actor={"objectType": "Group", "member": [member]}),
        scene.claim(actor={"objectType": "Group", **member}, id=new_id()),
    ]


def substatement(scene: Scene) -> Any:
    inner = {name: value for name, value in scene.claim().items() if name != "id"}
    return scene.claim(object={"objectType": "SubStatement", **inner}, context=None) | {"context": {}}


FORGERIES: dict[str, Callable[[Scene], Any]] = {
    "another actor": another_actor,
    "the learner himself": lambda scene: scene.claim(),
    "our authority": authority,
    "voiding what we stated": voiding,
    "a time long ago": lambda scene: scene.claim(timestamp="2020-01-01T00:00:00+07:00"),
    "another registration": lambda scene: scene.claim(context={"registration": new_id(), "revision": "1"}),
    "aliases of one person": aliases,
    "a group the learner is in": group,
    "a statement inside a statement": substatement,
    "hidden in a batch": lambda scene: [*(statement() for _ in range(20)), scene.claim(), statement()],
    "signed, with a certificate of one's own": lambda scene: signed(
        claim := scene.claim(), jws(claim, x5c=list(chain()))
    ),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_statement_changes_no_progress_and_no_figure(scene: Scene, forge: Callable[[Scene], Any]) -> None:
    before = scene.tables()
    assert before["activity_progress"]  # something to lose
    forged = forge(scene)
    answer = scene.outsider.send(forged) if isinstance(forged, bytes) else scene.outsider.post(forged)
    assert answer.status_code in {200, 403}
    assert scene.tables() == before
    assert drift(scene) == []


def test_the_twelfth_forgery_under_an_id_of_ours_changes_nothing_either(scene: Scene) -> None:
    before = scene.tables()
    assert scene.outsider.put(scene.own, scene.claim(id=scene.own)).status_code == 409
    assert scene.outsider.put(scene.own.upper(), scene.claim(id=scene.own)).status_code == 409
    chosen = new_id()
    assert scene.outsider.put(chosen, scene.claim(id=chosen)).status_code == 204
    assert scene.tables() == before
    assert drift(scene) == []


def test_a_client_trusted_with_another_activity_is_not_believed_about_this_one(scene: Scene) -> None:
    before = scene.tables()
    for prefix in (FIRST, SECOND[:-1], f"{BASE}/xapi/courses/dem", f"{SECOND}/"):
        trusted = Outsider(scene.make, "all", counts_prefix=prefix)
        assert trusted.post(scene.claim(id=new_id())).status_code == 200
    assert scene.tables() == before


@pytest.mark.parametrize("prefix", [SECOND, f"{BASE}/xapi/courses/demo", f"{BASE}/xapi/courses/demo/"])
def test_a_client_trusted_with_this_activity_is_believed_and_may_take_it_back(scene: Scene, prefix: str) -> None:
    before = scene.tables()
    trusted = Outsider(scene.make, "statements/write", counts_prefix=prefix)
    [claimed] = trusted.post(scene.claim()).get_json()
    assert scene.tables() != before
    assert drift(scene) == []
    answer = trusted.post(statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": claimed}))
    assert answer.status_code == 200
    assert scene.tables() == before
    assert drift(scene) == []


def test_what_is_taught_here_keeps_its_name_whoever_defines_it_otherwise(scene: Scene) -> None:
    other = f"{BASE}.vn/bai"  # begins like ours, and is another site

    def names(*iris: str) -> list[Any]:
        found = [scene.outsider.ask("GET", "activities", {"activityId": iri}).get_json() for iri in iris]
        return [one.get("definition", {}).get("name", {}).get("vi") for one in found]

    def defined(iri: str, name: str) -> dict[str, Any]:
        return {"id": iri, "definition": {"name": {"vi": name, "en": name}, "type": "x:y"}}

    def renames(client: Outsider, name: str) -> list[dict[str, Any]]:
        """As the object of a statement, of one inside it, and in the context; the object has been met, the rest not."""
        places: list[dict[str, Any]] = [
            {"object": defined(FIRST, name)},
            {"object": defined(other, name), "context": {"contextActivities": {"parent": [defined(SECOND, name)]}}},
            {"object": {"objectType": "SubStatement", **statement(object=defined(f"{BASE}/#x", name))}},
        ]
        return [statement(id=new_id(), **one) for one in places]

    ours = (FIRST, SECOND, f"{BASE}/#x")
    assert names(*ours, other) == ["Bài", None, None, None]
    for scopes in (("statements/write", "define"), ("all",)):
        client = Outsider(scene.make, *scopes)
        assert client.post(renames(client, "Tên giả")).status_code == 200
        assert names(*ours, other) == ["Bài", None, None, "Tên giả"]
    page = scene.make.browser(scene.make.person(role="administrator")).get(f"/records?activity={FIRST}").text
    assert "Tên giả" not in page
    trusted = Outsider(scene.make, "statements/write", "define", counts_prefix=FIRST)
    assert trusted.post(renames(trusted, "Bài mới")).status_code == 200
    assert names(*ours, other) == ["Bài mới", None, None, "Bài mới"]


def test_who_voids_first_and_states_later_is_not_counted(scene: Scene) -> None:
    before = scene.tables()
    trusted = Outsider(scene.make, "all", counts_prefix=SECOND)
    claim = scene.claim()
    void = statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": claim["id"]})
    scene.outsider.post(void)  # what another voids of ours does not count either, known or not
    assert trusted.post(scene.claim(id=new_id(), verb={"id": f"{VOIDED}-not"})).status_code == 200
    assert trusted.post(void).status_code == 200
    assert trusted.post(claim).status_code == 200
    assert scene.tables() == before
    together = scene.claim(id=new_id())
    batch = [together, statement(verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": together["id"]})]
    for one in (batch, list(reversed(batch))):
        assert trusted.post(one).status_code == 200
        assert scene.tables() == before
    assert drift(scene) == []


def test_voiding_what_another_stated_is_refused_and_it_still_counts(scene: Scene) -> None:
    answer = scene.outsider.post([statement(), voiding(scene)])
    assert answer.status_code == 403
    assert scene.outsider.get(statementId=scene.own).status_code == 200
    assert scene.outsider.ids() == [scene.own, scene.world.statement]


def test_signed_in_people_have_no_way_to_write_statements(scene: Scene) -> None:
    browser = scene.make.browser(scene.learner)
    answer = browser.client.post(
        "/xapi/statements",
        data=json.dumps(scene.claim()),
        content_type="application/json",
        headers={"X-Experience-API-Version": "1.0.3"},
    )
    assert answer.status_code == 401


def drift(scene: Scene) -> list[str]:
    """How the projections differ from what they would be if computed anew."""
    return [line for lines in check_projections(scene.make.database).values() for line in lines]
