"""The read API answers by token what its document says, of the token's units alone, and the same as the dashboards."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from analytics.api.models import ApiToken
from analytics.api.render import as_page, document
from analytics.api.rules import cursor_of, key_in, limit_in, tally_of
from analytics.facts.rules import FEWEST, Count
from courses.catalog.models import Course
from courses.enrolment.models import Briefing
from lms import clock
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.organisation.actions import merge_units
from lms.organisation.models import Unit
from tests.analytics.agency import Staff, assigned, staffed
from tests.briefed import come, open_briefing
from tests.counting import count_queries
from tests.kept import kept
from tests.library_course import load_small_course
from tests.make import Make
from tests.organisation import own

PAGE = Path(__file__).resolve().parents[2] / "docs" / "read-api.md"


@pytest.mark.parametrize(
    ("text", "limit"), [("", 100), ("1", 1), ("500", 500), ("0", None), ("501", None), ("x", None)]
)
def test_how_many_may_be_asked_for(text: str, limit: int | None) -> None:
    if limit is not None:
        assert limit_in(text) == limit
    else:
        with pytest.raises(ValueError, match=text):
            limit_in(text)


@pytest.mark.parametrize("key", ["", "nq48", "đợt-1", "~/?"])
def test_a_cursor_holds_its_key(key: str) -> None:
    assert key_in(cursor_of(key)) == key


@pytest.mark.parametrize(("scored", "mean"), [(0, None), (FEWEST - 1, None), (FEWEST, 7.333)])
def test_a_mean_score_is_answered_only_of_enough_people(scored: int, mean: float | None) -> None:
    told = tally_of(Count(people=9, scored=scored, score=round(7_333.3 * scored)))
    assert (told.scored, told.mean_score) == (scored, mean)


def test_what_is_no_cursor_is_refused() -> None:
    for text in ("a", "/w==", "_w", "AA"):
        with pytest.raises(ValueError, match=text):
            key_in(text)


def test_the_page_of_documentation_is_made_from_the_document() -> None:
    assert PAGE.read_text("utf-8") == as_page(document("https://hoc.example.gov.vn")), "lms api > docs/read-api.md"


def faults(value: Any, schema: Mapping[str, Any], known: Mapping[str, Any], at: str = "") -> list[str]:
    """Where a value is not as a schema of the document says: the words of JSON Schema that the document uses."""
    if "$ref" in schema:
        return faults(value, known[schema["$ref"].rsplit("/", 1)[-1]], known, at)
    if "anyOf" in schema:
        return [] if any(not faults(value, one, known, at) for one in schema["anyOf"]) else [f"{at}: none of anyOf"]
    kinds: dict[str, Any] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    if not isinstance(value, kinds[schema["type"]]) or (schema["type"] == "integer" and isinstance(value, bool)):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if schema.get("format") == "uuid":
        uuid.UUID(value)
    if schema.get("format") == "date":
        date.fromisoformat(value)
    if schema.get("format") == "date-time":
        datetime.fromisoformat(value)
    if schema["type"] == "array":
        return [
            one for place, each in enumerate(value) for one in faults(each, schema["items"], known, f"{at}/{place}")
        ]
    if schema["type"] == "object":
        found = [f"{at}: {name} is missing" for name in schema["required"] if name not in value]
        found += [f"{at}: {name} is not in the document" for name in value if name not in schema["properties"]]
        for name, each in value.items():
            found += faults(each, schema["properties"].get(name, {"type": "null"}), known, f"{at}/{name}")
        return found
    return []


def test_the_check_of_answers_finds_what_is_amiss() -> None:
    known = document("")["components"]["schemas"]
    unit = {"id": str(uuid.uuid4()), "code": "a", "name": "A", "parent": None}
    schema = {"$ref": "#/components/schemas/Units"}
    page = {"on": "2026-11-21", "tree": "state", "next": None}
    assert faults({**page, "items": [unit]}, schema, known) == []
    for wrong in ({**unit, "more": 1}, {**unit, "code": 1}, {"code": "a"}):
        assert faults({**page, "items": [wrong]}, schema, known) != []


def answer_to(make: Make, path: str, token: str, **headers: str) -> TestResponse:
    """The answer of the API, which must be as the document says, and be asked by parameters that it names."""
    answer = make.app.test_client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}", **headers})
    told, parts = document(""), path.partition("?")[0].split("/")
    rule = "/".join("{briefing}" if at == 2 else part for at, part in enumerate(parts))
    about = told["paths"][rule]["get"]
    if answer.status_code == 200:
        assert set(dict(parse_qsl(path.partition("?")[2]))) <= {one["name"] for one in about["parameters"]}, path
    if answer.status_code != 304:
        said = about["responses"][str(answer.status_code)]["content"]
        assert faults(answer.json, said["application/json"]["schema"], told["components"]["schemas"]) == []
    return answer


@dataclass(frozen=True)
class Scene:
    """Two agencies under the province, a briefing to both, of each somebody who came; an administrator."""

    make: Make
    root: Unit
    inside: Unit
    office: Unit
    outside: Unit
    people: Mapping[str, Person]
    code: str

    def token(self, *scopes: str, unit: Unit | None = None) -> str:
        """A token as the page of administrators makes one."""
        browser = self.make.browser(self.people["administrator"])
        browser.get("/api-tokens/new")
        browser.submit("Tạo và hiện", name="Cổng", scopes=list(scopes), unit=str(unit.public_id) if unit else "")
        assert browser.page is not None
        assert browser.page.headers["Cache-Control"] == "no-store"
        return browser.text.split('id="secret" readonly value="')[1].split('"')[0]

    def get(self, path: str, token: str, **headers: str) -> TestResponse:
        """The answer, which must be as the document says."""
        return answer_to(self.make, path, token, **headers)


def set_up(make: Make, folder: Path) -> Scene:
    root = make.unit("Tỉnh", code="tinh")
    inside, outside = make.unit("Sở Y tế", under=root, code="syt"), make.unit("Sở Nội vụ", under=root, code="snv")
    office = make.unit("Phòng Một", under=inside, code="syt-1")
    load_small_course(make, folder)
    people = {
        "one": make.person("Người Một", unit=inside),
        "two": make.person("Người Hai", unit=office),
        "three": make.person("Người Ba", unit=outside),
        "administrator": make.person("Quản Trị", unit=root, role="administrator"),
    }
    code = open_briefing(make, root)
    come(make, code, people["one"], people["three"])
    return Scene(make, root, inside, office, outside, people, code)


@pytest.fixture
def scene(make: Make, tmp_path: Path) -> Scene:
    return kept(make, tmp_path, set_up)


def test_tallies_are_those_of_the_dashboard_and_parts_are_the_sum(scene: Scene) -> None:
    token = scene.token("tallies", unit=scene.inside)
    told = scene.get(f"/briefings/{scene.code}/tallies", token).get_json()
    browser = scene.make.browser(scene.people["administrator"])
    shown = browser.get(
        f"/dashboard/units/{scene.inside.public_id}.json", query_string={"briefing": scene.code}
    ).get_json()
    assert {name: told["total"][name] for name in ("people", "briefed", "completed", "overdue")} == {
        name: shown["total"][name] for name in ("people", "briefed", "completed", "overdue")
    }
    assert (told["total"]["people"], told["total"]["completed"]) == (2, 1)
    assert [(one["unit"]["code"], one["itself"], one["tally"]["people"]) for one in told["parts"]] == [
        ("syt-1", False, 1),
        ("syt", True, 1),
    ]
    assert [one["code"] for one in scene.get("/briefings", token).get_json()["items"]] == [scene.code]


def test_scores_of_units_are_told_to_whoever_reads_the_score_of_each_anyway(scene: Scene) -> None:
    """Else those of the few people of one unit would be left when all others are taken from the whole."""
    make = scene.make
    with make.reading() as session:
        course_id = session.scalars(select(Course.id)).one()
    assigned(make, course_id, scene.inside)
    staffed(make, course_id, scene.inside, Staff(completed=FEWEST + 2))
    staffed(make, course_id, scene.office, Staff(completed=1))
    with make.reading() as session:
        code = session.scalars(select(Briefing.code).where(Briefing.plain)).one()
    told = []
    for scopes in (("tallies",), ("tallies", "standings")):
        answer = scene.get(f"/briefings/{code}/tallies", scene.token(*scopes, unit=scene.inside)).get_json()
        figures = answer["total"], *(part["tally"] for part in answer["parts"])
        told.append([(one["scored"], one["mean_score"]) for one in figures])
    assert told == [[(8, None), (1, None), (7, None)], [(8, 10.0), (1, None), (7, 10.0)]]


def test_a_token_opens_its_units_and_scopes_and_nothing_else(scene: Scene) -> None:
    token, everywhere = scene.token("tallies", unit=scene.inside), scene.token("tallies", "standings")
    found = scene.get("/units", token).get_json()["items"]
    assert [(one["code"], one["parent"]) for one in found] == [("syt", None), ("syt-1", str(scene.inside.public_id))]
    base = f"/briefings/{scene.code}"
    refused = {
        f"{base}/standings": (token, 403),
        f"{base}/tallies?unit={scene.outside.public_id}": (token, 404),
        f"{base}/tallies?unit={scene.root.public_id}": (token, 404),
        f"{base}/tallies?unit={uuid.uuid4()}": (everywhere, 404),
        "/briefings/khong-co/tallies": (token, 404),
        f"{base}/tallies": (everywhere, 400),
        f"{base}/tallies?unit=x": (token, 400),
        f"{base}/standings?unit={scene.root.public_id}&after=x": (everywhere, 400),
        f"{base}/standings?unit={scene.root.public_id}&limit=0": (everywhere, 400),
    }
    assert {path: scene.get(path, one).status_code for path, (one, _status) in refused.items()} == {
        path: status for path, (_one, status) in refused.items()
    }
    assert scene.get(f"{base}/tallies?unit={scene.outside.public_id}", everywhere).get_json()["total"]["people"] == 1


def test_a_token_of_a_unit_that_merged_away_opens_nothing_of_another_and_its_page_says_so(scene: Scene) -> None:
    token = scene.token("tallies", unit=scene.outside)
    with scene.make.writing() as session:
        away, into = own(session, scene.outside), own(session, scene.inside)
        merge_units(session, [away], into, on=clock.today())
    assert scene.get(f"/briefings/{scene.code}/tallies", token).status_code == 404
    assert scene.get("/units", token).get_json()["items"] == []
    told = "khóa không đọc được số liệu hiện nay"
    page = scene.make.browser(scene.people["administrator"]).get("/api-tokens").text
    assert page.count(told) == 1


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("foo=1", "parameter"),
        ("standing=overdue", "parameter"),
        ("Unit=x", "parameter"),
        ("until=2026-01-01", "until"),
        ("month=2026-11", "month"),
        ("limit=1&limit=2", "limit"),
        ("after=AA", "after"),
    ],
)
def test_what_an_address_does_not_take_is_refused_and_never_passed_over(scene: Scene, query: str, error: str) -> None:
    token = scene.token("standings", "tallies", unit=scene.inside)
    for path in ("/briefings", f"/briefings/{scene.code}/standings"):
        answer = scene.get(f"{path}?{query}", token)
        assert (answer.status_code, answer.get_json()["error"]) == (400, error)
    assert scene.get(f"/briefings?{query}", "qt_none").status_code == 401  # who asks comes first


def test_standings_come_page_by_page_and_names_only_with_their_scope_and_noted(scene: Scene) -> None:
    plain, named = scene.token("standings"), scene.token("standings", "names", unit=scene.inside)
    seen, after = dict[str, str](), ""
    for _page in range(5):
        answer = scene.get(f"/briefings/{scene.code}/standings?unit={scene.root.public_id}&limit=3{after}", plain)
        assert "Người" not in answer.text
        seen |= {one["person"]: one["standing"] for one in answer.get_json()["items"]}
        if answer.get_json()["next"] is None:
            break
        after = f"&after={answer.get_json()['next']}"
    wanted = {"one": "completed", "two": "not_started", "three": "completed", "administrator": "not_started"}
    assert seen == {str(scene.people[one].public_id): standing for one, standing in wanted.items()}
    answer = scene.get(f"/briefings/{scene.code}/standings", named)
    assert {one["name"] for one in answer.get_json()["items"]} == {"Người Một", "Người Hai"}
    with scene.make.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "api.names")).all()
    assert [(one.object_id, one.details["count"]) for one in noted] == [(str(scene.inside.public_id), 2)]
    assert "hệ thống khác" in scene.make.browser(scene.people["two"]).get("/my-data/seen").text


def test_an_answer_that_is_known_is_not_sent_again(scene: Scene) -> None:
    token, path = scene.token("tallies", unit=scene.inside), f"/briefings/{scene.code}/tallies"
    first = scene.get(path, token)
    again = scene.get(path, token, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    come(scene.make, scene.code, scene.people["two"])
    assert scene.get(path, token, **{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_absent_wrong_revoked_and_expired_tokens_look_the_same_and_guessing_has_to_wait(scene: Scene) -> None:
    revoked, expired = scene.token("tallies"), scene.token("tallies")
    administrator = scene.make.browser(scene.people["administrator"])
    with scene.make.writing() as session:
        old, late = session.scalars(select(ApiToken).order_by(ApiToken.id)).all()
        late.expires_on = clock.today() - timedelta(days=1)
    administrator.get(f"/api-tokens/{old.public_id}/revoke")
    administrator.submit("Thu hồi")
    answers = [scene.get("/briefings", one) for one in ("", "qt_x", revoked, expired)]
    assert [one.status_code for one in answers] == [401] * 4
    assert len({one.data for one in answers}) == 1
    assert answers[0].headers["WWW-Authenticate"].startswith("Bearer ")
    for _guess in range(57):
        scene.get("/briefings", "qt_x")
    waiting = scene.get("/briefings", "qt_x")
    assert waiting.status_code == 429
    assert 0 < int(waiting.headers["Retry-After"]) <= 301


def test_whoever_asks_too_often_waits(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.api.views.PER_TOKEN", 2)
    token = scene.token("tallies")
    assert [scene.get("/briefings", token).status_code for _request in range(3)] == [200, 200, 429]


def test_the_token_is_kept_as_a_digest_and_stands_in_no_log(scene: Scene) -> None:
    token = scene.token("tallies", unit=scene.inside)
    with scene.make.reading() as session:
        row = session.scalars(select(ApiToken)).one()
        details = str([one.details for one in session.scalars(select(AuditEntry))])
    assert token not in str(vars(row))
    assert token.removeprefix("qt_")[:12] not in details


def test_names_are_asked_for_with_standings_and_an_end_is_near(scene: Scene) -> None:
    browser = scene.make.browser(scene.people["administrator"])
    browser.get("/api-tokens/new")
    browser.submit("Tạo và hiện", name="Cổng", scopes=["names"], expires="31/12/2099")
    assert "thì phải được đọc kết quả từng người" in browser.text
    assert "trong vòng hai năm" in browser.text


def test_the_site_describes_the_api_to_everybody(scene: Scene) -> None:
    anybody = scene.make.browser()
    assert anybody.get("/api/v1/openapi.json").get_json()["openapi"] == "3.1.0"
    page = anybody.get("/api").text
    assert "/api/v1/briefings/{briefing}/standings" in page
    assert "Số phải học (A)" in page


def test_a_page_of_standings_costs_the_same_with_ten_times_the_people(scene: Scene) -> None:
    token, costs = scene.token("standings", unit=scene.inside), []
    path = f"/briefings/{scene.code}/standings"
    for number in (1, 12):
        for _each in range(number):
            scene.make.person(unit=scene.office)
        scene.get(path, token)
        with count_queries(scene.make.app) as counted:
            scene.get(path, token)
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 9
