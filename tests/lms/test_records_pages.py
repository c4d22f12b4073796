"""The record for people: sentences, filters, pages, whose names are shown to whom, and one entry in full."""

import html
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import func, select

from courses.briefings.statements import Told, handed_in, judged, was_seen
from lms import clock
from lms.accounts.models import Person
from lms.audit.models import AuditEntry
from lms.records.forms import FilterForm
from lms.records.queries import PAGE, Sought, matching
from lms.xapi.actions import ourselves, record
from lms.xapi.models import XapiStatement
from lms.xapi.statement import Activity, sentence
from lms.xapi.vocabulary import (
    ASSESSMENT,
    ATTENDED,
    COMPLETED,
    COURSE,
    LESSON,
    MEETING,
    PASSED,
    SUBMITTED,
    VERB_NAMES,
    verb_iri,
)
from tests.browser import Browser
from tests.conformance.test_statements import CASES
from tests.counting import count_queries
from tests.make import Make
from tests.plans import plan_of, walked
from tests.store import VERBS, Outsider, new_id, statement

HOME = "https://quan-triet.example"
KHOA = Activity(f"{HOME}/xapi/courses/demo", COURSE, "Khóa học nhỏ", "A small course")
BAI = Activity(f"{HOME}/xapi/courses/demo/activities/m1-1", LESSON, "Chuyển đổi số", "Digital change")
TEST = Activity(f"{HOME}/xapi/courses/demo/activities/m1-test", ASSESSMENT, "Bài kiểm tra một", "Test one")
ALONE = Activity("https://example.vn/bai-rieng", LESSON, "Bài riêng")
AT = datetime(2026, 11, 3, 2, 12, tzinfo=UTC)
REGISTRATION = uuid.UUID("11111111-2222-4333-8444-555555555555")


def say(make: Make, person: Person, activity: Activity = BAI, verb: str = COMPLETED, **changes: Any) -> str:
    """Record a sentence of our own; returns the id of its statement."""
    given: dict[str, Any] = {"at": AT, "registration": REGISTRATION, "revision": 1, "within": (KHOA,), **changes}
    with make.writing() as session:
        said = sentence(HOME, person.public_id, verb, activity, **given)
        return str(record(session, [said], source=ourselves(session))[0])


@pytest.fixture
def administrator(make: Make) -> Browser:
    return make.browser(make.person("Quản Trị", role="administrator"))


@pytest.fixture
def trainer(make: Make) -> Browser:
    return make.browser(make.person("Giảng Viên", role="trainer"))


def shown(browser: Browser, **query: Any) -> list[str]:
    """The ids of the entries on a page, in order."""
    answer = browser.get("/records", query_string=query)
    assert answer.status_code == 200, answer.text
    parts = [part.split('"')[0].split("?")[0] for part in answer.text.split('class="task__link" href="/records/')[1:]]
    assert all(uuid.UUID(one) for one in parts)
    return parts


def test_an_entry_is_one_plain_sentence_in_either_language(make: Make, trainer: Browser) -> None:
    learner = make.person("Nguyễn Văn An")
    mark = str(learner.public_id)[:8]
    said = say(make, learner)
    passed = say(make, learner, TEST, PASSED, result={"score": {"scaled": 0.8333}, "success": True}, revision=2)
    page = trainer.get("/records").text.replace('</a> <span class="task__note">', " ")
    assert (
        f"Học viên {mark} hoàn thành bài “Chuyển đổi số” lúc 09:12 ngày 03/11/2026, phiên bản 1, nguồn: hệ thống này."
        in page
    )
    assert f"Học viên {mark} đạt “Bài kiểm tra một” lúc 09:12 ngày 03/11/2026, điểm 8,3/10, phiên bản 2" in page
    assert shown(trainer) == [passed, said]
    trainer.submit("/language", language="en")
    page = trainer.get("/records").text.replace('</a> <span class="task__note">', " ")
    assert (
        f"Learner {mark} completed the lesson “Digital change” at 09:12 on 03/11/2026, version 1, source: this system."
        in page
    )
    assert f"Learner {mark} passed “Test one” at" in page


def test_every_sentence_of_our_pages_has_its_words_and_its_verb_can_be_chosen(make: Make, trainer: Browser) -> None:
    learner, host = make.person("Nguyễn Văn An"), uuid.uuid4()
    told, mark = Told(HOME, "dot-1", "Đợt 1", 3), str(learner.public_id)[:8]
    said = {
        **{
            f"Học viên {mark} {verb} điểm cầu “Hội trường 1”": was_seen(
                told, learner.public_id, session="1", point="p1", name="Hội trường 1", state=state, at=AT, host=host
            )
            for state, verb in (("late", "có mặt tại"), ("unexcused", "vắng mặt tại"))
        },
        f"Học viên {mark} nộp “Bài thu hoạch”": handed_in(told, learner.public_id, at=AT),
        f"Học viên {mark} không đạt “Bài thu hoạch”": judged(
            told, learner.public_id, accepted=False, at=AT, reader=host
        ),
    }
    with make.writing() as session:
        record(session, list(said.values()), source=ourselves(session))
    page = trainer.get("/records").text
    assert [one for one in said if f"{one}</a>" not in page] == []
    assert "hoạt động “" not in page
    [_late, missed, submitted, _failed] = said.values()
    for verb in VERB_NAMES:
        assert f'<option value="{verb_iri(HOME, verb)}">' in page
    assert shown(trainer, verb=f"{HOME}/xapi/profile/verbs/absent") == [missed["id"]]
    assert shown(trainer, verb=SUBMITTED) == [submitted["id"]]
    assert trainer.text.count("<strong>nộp</strong>") == 1
    entry = html.unescape(trainer.get(f"/records/{missed['id']}").text)
    assert "<li>vắng không lý do</li>" in entry
    assert "unexcused</code>" not in entry
    elsewhere = {"definition": {"type": MEETING, "name": {"vi": "Giao ban"}}, "id": "https://example.vn/hop"}
    sent = statement(object=elsewhere, verb={"id": ATTENDED}, result={"response": "late"})
    [other] = Outsider(make, "all").post(sent).get_json()  # what others mean by a meeting is not ours to say
    assert "có mặt tại hoạt động “Giao ban”" in trainer.get(f"/records/{other}").text
    assert "<code>late</code>" in trainer.text


def test_every_condition_finds_what_it_names_alone_and_together(make: Make, trainer: Browser) -> None:
    an, binh = make.person("Nguyễn Văn An"), make.person("Trần Thị Bình")
    outsider = Outsider(make, "all", counts_prefix=ALONE.iri, name="Cổng học tập")
    ids = {
        "an": say(make, an),
        "an test": say(make, an, TEST, PASSED),
        "binh": say(make, binh, registration=uuid.uuid4()),
        "alone": say(make, binh, ALONE, within=()),
    }
    [ids["counted"]] = outsider.post(statement(object={"id": ALONE.iri})).get_json()
    [ids["kept"]] = outsider.post(statement()).get_json()
    [ids["gone"]] = outsider.post(statement()).get_json()
    void = {"verb": {"id": f"{VERBS}voided"}, "object": {"objectType": "StatementRef", "id": ids["gone"]}}
    [ids["voids"]] = outsider.post(statement(**void)).get_json()
    names = {value: key for key, value in ids.items()}

    def found(**query: Any) -> set[str]:
        return {names[one] for one in shown(trainer, **query)}

    assert found() == set(ids)
    assert found(person=an.public_id) == {"an", "an test"}
    assert found(verb=PASSED) == {"an test"}
    assert found(activity=BAI.iri) == {"an", "binh"}
    assert found(course=KHOA.iri) == {"an", "an test", "binh"}
    assert found(statement=ids["gone"].upper()) == {"gone"}
    assert found(statement=uuid.uuid4()) == set()
    trainer.get(f"/records/{ids['kept']}")
    stranger = trainer.text.split("/records?agent=")[1].split('"')[0]
    assert found(agent=stranger) == {"counted", "kept", "gone", "voids"}
    assert found(agent=stranger, counts="yes") == {"counted"}
    assert "mailto" not in trainer.text
    assert found(client="0") == {"an", "an test", "binh", "alone"}
    assert found(client=outsider.id) == {"counted", "kept", "gone", "voids"}
    assert found(registration=str(REGISTRATION).upper()) == {"an", "an test", "alone"}
    assert found(counts="no") == {"kept", "gone", "voids"}
    assert found(counts="yes", client=outsider.id) == {"counted"}
    assert found(voided="yes") == {"gone"}
    assert found(voided="no", client=outsider.id) == {"counted", "kept", "voids"}
    assert found(course=KHOA.iri, person=an.public_id, verb=COMPLETED, registration=REGISTRATION) == {"an"}
    assert found(verb="https://example.vn/never-said") == set()
    assert found(person=uuid.uuid4()) == set()
    today = clock.today()
    assert found(since=today.isoformat(), until=today.isoformat()) == set(ids)
    assert found(since=(today + timedelta(days=1)).isoformat()) == set()
    assert found(until=(today - timedelta(days=1)).isoformat()) == set()


def test_days_are_those_of_vietnam(make: Make, trainer: Browser, app: Flask) -> None:
    say(make, make.person())
    with make.reading() as session:
        stored = session.scalars(select(XapiStatement.stored)).one()
    form = {"since": clock.day_of(stored).isoformat(), "until": clock.day_of(stored).isoformat()}
    assert len(shown(trainer, **form)) == 1
    with app.test_request_context(query_string={"since": "2026-11-03", "until": "2026-11-03"}):
        asked = FilterForm(request.args)
        asked.offer([], {}, {}, home=HOME)
        assert asked.validate()
        sought = asked.sought(before=None, after=None)
    assert sought.since == datetime(2026, 11, 2, 17, tzinfo=UTC)
    assert sought.until == datetime(2026, 11, 3, 16, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("query", [{}, {"course": KHOA.iri}, {"counts": "yes"}])
def test_pages_lead_through_all_entries_and_back_and_stay_as_they_were(
    make: Make, trainer: Browser, query: dict[str, str]
) -> None:
    learner = make.person()
    said = [say(make, learner) for _ in range(PAGE * 2 + 3)][::-1]
    first = shown(trainer, **query)
    assert first == said[:PAGE]
    addresses = []
    while 'rel="next"' in trainer.text:
        older = trainer.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        addresses.append(older)
        trainer.get(older)
    pages = [shown_at(trainer, one) for one in addresses]
    assert [*first, *pages[0], *pages[1]] == said
    say(make, learner)
    assert [shown_at(trainer, one) for one in addresses] == pages
    trainer.get(addresses[0])
    newer = trainer.text.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
    assert shown_at(trainer, newer) == first


def shown_at(browser: Browser, address: str) -> list[str]:
    browser.get(address)
    return [part.split('"')[0] for part in browser.text.split('class="task__link" href="/records/')[1:]]


NAMED = {"objectType": "Agent", "name": "Lê Văn Tám", "mbox": "mailto:tam@example.vn"}


def test_names_are_shown_to_administrators_who_ask_and_that_is_noted(
    make: Make, administrator: Browser, trainer: Browser
) -> None:
    learner = make.person("Nguyễn Văn An")
    ours = say(make, learner)
    outsider = Outsider(make, "all")
    told = statement(actor=NAMED, context={"instructor": {**NAMED, "name": "Cô Sáu"}})
    [theirs] = outsider.post(json.dumps(told, ensure_ascii=False).encode()).get_json()
    words = ("Nguyễn Văn An", "Lê Văn Tám", "tam@example.vn", "Cô Sáu")
    for browser, more in ((trainer, {}), (trainer, {"names": "1"}), (administrator, {})):
        for path in ("/records", f"/records/{ours}", f"/records/{theirs}"):
            page = browser.get(path, query_string=more)
            assert page.status_code == 200
            assert [word for word in words if word in page.text] == []
    assert noted(make) == []
    whole = administrator.get("/records?names=1").text
    assert "Nguyễn Văn An hoàn thành" in whole
    assert "Lê Văn Tám hoàn thành" in whole
    assert "Cô Sáu" in administrator.get(f"/records/{theirs}?names=1").text
    entries = noted(make)
    assert [one.action for one in entries] == ["record.names", "record.names"]
    assert (entries[0].object_id, entries[0].details) == (str(learner.public_id), {"people": 1, "rows": 2})
    assert not any(word in repr(one.details) for one in entries for word in words)


def noted(make: Make) -> list[AuditEntry]:
    with make.reading() as session:
        return list(
            session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("record.")).order_by(AuditEntry.id))
        )


def test_a_person_is_found_by_name_and_stands_in_the_address_by_number_only(
    make: Make, administrator: Browser, trainer: Browser
) -> None:
    learner, other = make.person("Đỗ Thị Hương", unit=make.unit("Sở Y tế")), make.person("Trần Văn Bình")
    said, _ = say(make, learner), say(make, other)
    administrator.get("/records/people", query_string={"verb": COMPLETED})
    administrator.submit("/records/people", q="do huong")
    assert "Đỗ Thị Hương" in administrator.text
    assert "Sở Y tế" in administrator.text
    assert "Trần Văn Bình" not in administrator.text
    assert "huong" not in administrator.path
    href = administrator.text.split('class="names__name" href="')[1].split('"')[0].replace("&amp;", "&")
    assert str(learner.public_id) in href
    assert shown_at(administrator, href) == [said]
    assert "verb=" in href  # the other conditions stay
    [entry] = noted(make)
    assert (entry.action, entry.details) == ("record.people", {"rows": 1})
    assert trainer.get("/records/people").status_code == 404


def test_an_activity_is_found_by_its_title_without_marks(make: Make, trainer: Browser) -> None:
    learner = make.person()
    said, _ = say(make, learner), say(make, learner, TEST, PASSED)
    trainer.get("/records/activities", query_string={"q": "chuyen so", "person": str(learner.public_id)})
    assert "Chuyển đổi số" in trainer.text
    assert "Bài kiểm tra một" not in trainer.text
    href = trainer.text.split('class="names__name" href="')[1].split('"')[0].replace("&amp;", "&")
    assert shown_at(trainer, href) == [said]
    assert "Hoạt động: <strong>Chuyển đổi số</strong>" in trainer.text
    trainer.get("/records/activities", query_string={"q": "không có bài này"})
    assert "Không có hoạt động nào có tên như vậy." in trainer.text


def test_an_entry_says_whether_it_counts_and_why(make: Make, trainer: Browser) -> None:
    learner = make.person()
    ours = {"account": {"homePage": HOME, "name": str(learner.public_id)}}
    trusted = Outsider(make, "all", counts_prefix=ALONE.iri, name="Cổng được giao")
    other = Outsider(make, "all", name="Cổng khác")
    [counted] = trusted.post(statement(actor=ours, object={"id": f"{ALONE.iri}/1"})).get_json()
    [elsewhere] = trusted.post(statement(actor=ours)).get_json()
    [stranger] = trusted.post(statement(object={"id": ALONE.iri})).get_json()
    [untrusted] = other.post(statement(actor=ours)).get_json()
    void = {"verb": {"id": f"{VERBS}voided"}, "object": {"objectType": "StatementRef", "id": untrusted}}
    [voids] = other.post(statement(**void)).get_json()
    for statement_id, words in (
        (say(make, learner), "Do chính hệ thống này ghi."),
        (counted, "nguồn này được giao ghi về hoạt động đó"),
        (elsewhere, "không nằm trong phần giao cho nguồn đó"),
        (stranger, "không phải là học viên của hệ thống"),
        (untrusted, "Bản ghi này đã bị hủy"),
        (voids, "chỉ hủy một bản ghi khác"),
        (other.post(statement(actor=ours)).get_json()[0], "không được giao ghi về hoạt động nào"),
    ):
        assert words in trainer.get(f"/records/{statement_id}").text, words
    page = trainer.get(f"/records/{untrusted}").text
    assert f'href="/records/{voids}"' in page
    assert "Cổng khác" in page
    assert f'href="/records/{untrusted}"' in trainer.get(f"/records/{voids}").text


def test_another_spelling_of_a_learner_is_shown_as_nobody_of_ours_as_it_is_counted(
    make: Make, administrator: Browser
) -> None:
    learner = make.person("Lê Văn Tám")
    own = str(learner.public_id)
    spellings = [own.upper(), f"{{{own}}}", f"urn:uuid:{own}", own.replace("-", "")]
    actors: list[dict[str, Any]] = [{"account": {"homePage": HOME, "name": name}} for name in spellings]
    actors.append({"account": {"homePage": f"{HOME}/", "name": own}})
    trusted = Outsider(make, "all", counts_prefix=ALONE.iri)
    for statement_id in trusted.post([statement(actor=one, object={"id": ALONE.iri}) for one in actors]).get_json():
        page = administrator.get(f"/records/{statement_id}?names=1").text
        assert "Lê Văn Tám" not in page
        assert "không phải là học viên của hệ thống" in page
    ours = trusted.post(statement(actor={"account": {"homePage": HOME, "name": own}}, object={"id": ALONE.iri}))
    assert "Lê Văn Tám" in administrator.get(f"/records/{ours.get_json()[0]}?names=1").text


def test_an_entry_shows_its_result_its_belonging_and_its_json_to_the_letter(make: Make, trainer: Browser) -> None:
    outsider = Outsider(make, "all", "define")
    made = (
        b'{"actor":{"account":{"homePage":"https://quan-triet.example","name":"985db935-0e5d-4458-af0d-e979b170583a"}},'
        b'"verb":{"id":"http://adlnet.gov/expapi/verbs/passed"},"object":{"id":"https://example.vn/bai-1"},'
        b'"result":{"score":{"scaled":0.750,"raw":7.50,"max":1e1},"duration":"PT1H2M3.5S","response":"<b>\\u1ea1"},'
        b'"context":{"contextActivities":{"parent":[{"id":"https://example.vn/cha",'
        b'"definition":{"name":{"vi":"Bai cha"}}}]}}}'
    )
    [kept] = outsider.post(made).get_json()
    page = trainer.get(f"/records/{kept}").text
    assert "điểm 7,5/10" in page
    assert "trong 1 giờ 2 phút" in page
    assert "Bai cha" in page
    for exact in ("0.750", "7.50", "1e1", "\\u1ea1", "&lt;b&gt;"):
        assert exact in page
    assert "<b>" not in page
    written = page.split('aria-describedby="whole-hint">\n')[1].split("</textarea>")[0]

    assert json.loads(html.unescape(written)) == outsider.get(statementId=kept).get_json()


@pytest.mark.parametrize(
    "query",
    [
        "person=x", "registration=1", "since=hom-nay", "until=31/31/2026", "client=99", "client=x", "verb=khong",
        "activity=a%20b", "course=%00", "counts=maybe", "voided=2",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused_with_words(trainer: Browser, query: str) -> None:
    answer = trainer.get(f"/records?{query}")
    assert answer.status_code == 422
    assert "có chỗ cần sửa" in answer.text


@pytest.mark.parametrize("query", ["before=x", "after=-1", f"before={'9' * 30}", "before=%00", "names=2", "other=1"])
def test_a_place_that_is_none_is_passed_over(make: Make, trainer: Browser, query: str) -> None:
    said = say(make, make.person())
    assert said in trainer.get(f"/records?{query}").text
    assert trainer.get(f"/records?after={'9' * 18}").status_code == 200
    assert trainer.get(f"/records/{new_id()}").status_code == 404


COSTLY = [
    "/records",
    "/records?names=1",
    f"/records?names=1&person={{person}}&verb={COMPLETED}&activity={BAI.iri}&course={KHOA.iri}&client=0"
    f"&registration={REGISTRATION}&since=2020-01-01&until=2999-01-01&voided=no&counts=yes",
    "/records?course=" + KHOA.iri,
    "/records/{entry}",
    "/records/{entry}?names=1",
    "/records/activities?q=chuyen",
    "/records/people",
    "/clients",
]


def test_a_page_costs_six_queries_at_most_and_no_more_with_ten_times_the_entries(
    app: Flask, make: Make, administrator: Browser
) -> None:
    learner = make.person("Nguyễn Văn An")
    costs: list[dict[str, int]] = []
    for number in (3, 27):
        entry = [say(make, learner if n % 2 else make.person("Nguyễn Thị Bình"), at=AT) for n in range(number)][-1]
        administrator.get("/records/people")
        administrator.submit("/records/people", q="nguyen")
        costs.append({})
        for path in COSTLY:
            address = path.format(person=learner.public_id, entry=entry)
            assert administrator.get(address).status_code == 200
            with count_queries(app) as counted:
                administrator.get(address)
            assert len(counted) <= 6, (path, counted)
            costs[-1][path] = len(counted)
    assert costs[0] == costs[1]


def test_no_condition_walks_the_whole_record(app: Flask, make: Make) -> None:
    say(make, make.person())
    conditions: list[dict[str, Any]] = [
        {},
        {"person": uuid.uuid4()},
        {"agent": 1},
        {"statement": uuid.uuid4()},
        {"person": uuid.uuid4(), "verb": COMPLETED},
        {"verb": COMPLETED},
        {"activity": BAI.iri},
        {"course": KHOA.iri},
        {"client": 1},
        {"authority": 1},
        {"authority": 1, "verb": COMPLETED, "counts": False, "registration": REGISTRATION},
        {"registration": REGISTRATION},
        {"since": AT, "until": AT},
        {"voided": True},
        {"counts": False},
    ]
    for condition in conditions:
        places: list[dict[str, Any]] = [{}, {"before": 10}, {"after": 10}]
        for place in places:
            plan = plan_of(make, matching(Sought(**condition, **place), home=HOME, limit=26))
            assert "SCAN xapi_statement\n" not in f"{plan}\n" or not {**condition, **place}, plan
            assert "Seq Scan on xapi_statement " not in plan, (condition, place, plan)
            if "since" not in condition and "course" not in condition:
                assert "TEMP B-TREE FOR ORDER" not in plan, (condition, place, plan)
            if "authority" in condition:
                assert walked(plan) == "ix_xapi_statement_authority_agent", (condition, place, plan)


def test_the_store_is_not_changed_by_looking(make: Make, trainer: Browser) -> None:
    said = say(make, make.person())
    with make.reading() as session:
        before = session.scalar(select(func.count()).select_from(XapiStatement))
    trainer.get(f"/records/{said}")
    trainer.get("/records")
    with make.reading() as session:
        assert session.scalar(select(func.count()).select_from(XapiStatement)) == before


def allowed(edition: str) -> list[dict[str, Any]]:
    """Statements of every shape the standard allows, and some that are rare."""
    sent = [case.statement() for case in CASES if case.wrong is None and edition in case.editions]
    sent += [statement(timestamp=one) for one in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z")]
    sent += [
        statement(result={"score": {"raw": 1e308}}),
        statement(result={"score": {"scaled": -1}}, verb={"id": PASSED}),
        statement(result={"duration": "P1Y"}, object={"objectType": "Agent", "mbox": "mailto:b@example.vn"}),
        statement(result={"duration": f"PT{'1' * 5_000}S"}),
        statement(result={"duration": f"P{'9' * 10}DT{'9' * 9}M", "score": {"raw": 10**300}}),
        statement(actor=NAMED, result={"extensions": {"x:y": 10**400}}),
        statement(actor={"objectType": "Group", "member": [NAMED]}),
        statement(actor={"account": {"homePage": HOME, "name": "no uuid"}}),
        statement(verb={"id": "x:y", "display": {}}, object={"id": "x:z", "definition": {"name": {}}}),
    ]
    for one in sent:
        one.pop("id", None)
    return sent


@pytest.mark.parametrize("backend", ["sqlite"])  # what is shown is made of the bytes that came, wherever they are kept
def test_whatever_the_standard_allows_can_be_shown(make: Make, trainer: Browser, administrator: Browser) -> None:
    """Each shape is opened once: in the edition that allows it, or the older of the two, and by either eye."""
    sent: dict[str, tuple[str, dict[str, Any]]] = {}
    for edition in ("1.0.3", "2.0.0"):
        for one in allowed(edition):
            sent.setdefault(json.dumps(one, sort_keys=True), (edition, one))
    ids: list[str] = []
    for edition in ("1.0.3", "2.0.0"):
        ids += (
            Outsider(make, "all", edition=edition)
            .post([one for said, one in sent.values() if said == edition])
            .get_json()
        )
    assert len(ids) > 120
    found = {trainer.client.get(f"/records/{one}").status_code for one in ids}
    found |= {administrator.client.get(f"/records/{one}?names=1").status_code for one in ids}
    assert found == {200}
    seen = shown(trainer)
    while 'rel="next"' in trainer.text:
        seen += shown_at(trainer, trainer.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&"))
    assert set(seen) == set(ids)
