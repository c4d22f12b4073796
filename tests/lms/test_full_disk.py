"""When the disk of the database is full nothing is half written or lost, reading goes on, and nobody restarts it."""

import json
import logging
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from lms import clock
from lms.cli import check_projections
from lms.outbox.actions import settled_day
from tests.browser import Browser
from tests.conformance.multipart import apart, rows
from tests.conformance.numbers import reproduces
from tests.courses.learner import HOME, Learner
from tests.disk import Disk
from tests.library_course import CODE, load_small_course
from tests.make import Make
from tests.store import Outsider, mixed, new_id, paper, part, statement

FULL = HTTPStatus.INSUFFICIENT_STORAGE
LESSON = "/authoring/demo/m1/m1-1"
LONG = "Lời của một người viết dài. " * 1_500
STATE = {"activityId": "https://example.vn/bai-1", "agent": '{"mbox":"mailto:an@example.vn"}', "stateId": "ghi"}


@pytest.fixture
def disk(app: Flask, make: Make) -> Disk:
    """The disk of the product. Bugs are answered as in production."""
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    return Disk(make.database)


def batch(account: str = "ai-do") -> list[dict[str, Any]]:
    """Statements that take some pages, of somebody with this account name."""
    return [
        statement(
            id=new_id(),
            actor={"account": {"homePage": HOME, "name": account}},
            object={"id": f"{HOME}/xapi/courses/{CODE}/m1-1"},
            result={"response": LONG[:2_000]},
        )
        for _ in range(10)
    ]


def fill_up(outsider: Outsider, disk: Disk, account: str = "ai-do") -> tuple[list[str], list[dict[str, Any]]]:
    """Write until the disk is full: the ids that were acknowledged, and the batch that was refused."""
    acknowledged: list[str] = outsider.post(batch(account)).get_json()
    disk.fill()
    for _ in range(50):
        sent = batch(account)
        answer = outsider.post(sent)
        if answer.status_code == FULL:
            return acknowledged, sent
        assert answer.status_code == HTTPStatus.OK, answer.text
        acknowledged += answer.get_json()
    raise AssertionError("the disk never was full")


@pytest.mark.parametrize("counts", [False, True])
def test_what_a_full_disk_refuses_is_507_what_was_acknowledged_is_read_and_the_refused_is_taken_when_there_is_room(
    make: Make, tmp_path: Path, disk: Disk, counts: bool
) -> None:
    load_small_course(make, tmp_path)
    learner = Learner(make)
    prefix = f"{HOME}/xapi/courses/{CODE}" if counts else None
    outsider = Outsider(make, "all", counts_prefix=prefix)
    acknowledged, refused = fill_up(outsider, disk, str(learner.person.public_id))
    for _ in range(3):
        assert outsider.post(refused).status_code == FULL
    assert outsider.ids(ascending="true") == acknowledged
    assert outsider.get(statementId=acknowledged[-1]).status_code == 200
    assert outsider.get(statementId=refused[0]["id"]).status_code == 404
    assert outsider.ask("GET", "about", {}).status_code == 200
    assert sum(map(len, check_projections(make.database).values())) == 0
    disk.free()
    assert outsider.post(refused).get_json() == [one["id"] for one in refused]
    assert outsider.ids(ascending="true") == acknowledged + [one["id"] for one in refused]
    assert sum(map(len, check_projections(make.database).values())) == 0


@reproduces(329)
def test_a_client_is_told_in_json_that_the_disk_is_full_and_when_to_come_back(
    make: Make, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    outsider = Outsider(make, "all")
    _, refused = fill_up(outsider, disk)
    caplog.clear()
    posted, put = outsider.post(refused), outsider.put(new_id(), statement(result={"response": LONG}))
    kept = outsider.ask("PUT", "activities/state", STATE, LONG.encode(), content_type="text/plain")
    for answer in (posted, put, kept):
        assert answer.status_code == FULL
        assert json.loads(answer.text) == {"error": "the disk of the database is full; nothing was stored"}
        assert answer.content_type == "application/json"
        assert answer.headers["Retry-After"] == "60"
        assert answer.headers["X-Experience-API-Version"] == "1.0.3"
        assert "X-Experience-API-Consistent-Through" not in answer.headers
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == [
        "the disk of the database is full"
    ] * 3
    assert outsider.ask("GET", "activities/state", STATE).status_code == 404
    disk.free()
    assert outsider.ask("PUT", "activities/state", STATE, LONG.encode(), content_type="text/plain").status_code == 204
    assert outsider.ask("GET", "activities/state", STATE).data == LONG.encode()


def test_data_and_documents_that_find_no_room_leave_nothing_and_what_stood_stands_until_there_is_some(
    make: Make, disk: Disk
) -> None:
    outsider = Outsider(make, "all")
    assert outsider.ask("PUT", "activities/state", STATE, {"a": 1}).status_code == 204
    fill_up(outsider, disk)
    one, data = statement(id=new_id()), LONG.encode()
    body = mixed({**one, "attachments": [paper(data)]}, part(data))
    merge = {"b": LONG}
    for _ in range(2):
        assert outsider.send(body).status_code == FULL
        assert outsider.ask("POST", "activities/state", STATE, merge).status_code == FULL
    assert outsider.get(statementId=one["id"]).status_code == 404
    assert rows(make) == (0, 0)
    assert outsider.ask("GET", "activities/state", STATE).get_json() == {"a": 1}
    disk.free()
    assert outsider.send(body).get_json() == [one["id"]]
    assert apart(outsider.get(statementId=one["id"], attachments="true"))[1][0][1] == data
    assert outsider.ask("POST", "activities/state", STATE, merge).status_code == 204
    assert outsider.ask("GET", "activities/state", STATE).get_json() == {"a": 1, "b": LONG}


def test_a_form_that_found_no_room_is_shown_again_and_sent_with_one_press_when_there_is_some(
    make: Make, tmp_path: Path, disk: Disk
) -> None:
    load_small_course(make, tmp_path)
    trainer = make.browser(make.person(role="trainer"))
    trainer.get(LESSON)
    disk.fill()
    body = f"{dict(trainer.form('Nội dung bài').fields)['body']}\n\n{LONG[:9_000]}"
    answer = trainer.submit("Nội dung bài", title="Tên mới", body=body)
    assert answer.status_code == FULL
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Ổ đĩa của cơ sở dữ liệu đã đầy. Chưa có gì được ghi" in answer.text
    assert "Set-Cookie" not in answer.headers
    again = dict(trainer.form("Gửi lại").fields)
    assert (again["title"], again["body"].strip()) == ("Tên mới", body.strip())
    assert trainer.submit("Gửi lại").status_code == FULL
    disk.free()
    assert trainer.submit("Gửi lại").status_code == 200
    trainer.get(LESSON)
    assert dict(trainer.form("Nội dung bài").fields)["title"] == "Tên mới"


def test_pages_are_read_on_a_full_disk_after_a_pause_and_on_a_new_day_and_the_day_is_settled_when_there_is_room(
    app: Flask, make: Make, tmp_path: Path, disk: Disk
) -> None:
    load_small_course(make, tmp_path)
    midnight = clock.end_of_day(clock.today())
    with clock.moved_to(midnight - timedelta(minutes=20)):
        learner = Learner(make)
        assert learner.browser.get("/learning").status_code == 200
    fill_up(Outsider(make, "all"), disk)
    for minutes in (-5, 5, 10):
        assert opened(learner.browser, midnight + timedelta(minutes=minutes)) == [200, 200, 200]
    disk.free()
    assert opened(learner.browser, midnight + timedelta(minutes=15)) == [200, 200, 200]
    with make.reading() as session:
        assert settled_day(session) == clock.today() + timedelta(days=1)


def opened(browser: Browser, moment: datetime) -> list[int]:
    """What some pages answer at this moment."""
    with clock.moved_to(moment):
        return [browser.get(path).status_code for path in ("/learning", f"/courses/{CODE}", "/my-record")]


def test_names_are_not_shown_when_the_note_of_it_finds_no_room(make: Make, tmp_path: Path, disk: Disk) -> None:
    load_small_course(make, tmp_path)
    learner = Learner(make, make.person("Hoàng Thị Cúc"))
    learner.read("m1-1")
    admin = make.browser(make.person(role="administrator"))
    assert "Hoàng Thị Cúc" in admin.get("/records?names=1").text
    disk.fill()
    for _ in range(100):  # SQLite finds room for some more notes
        if admin.get("/records?names=1").status_code == FULL:
            break
        assert "Hoàng Thị Cúc" in admin.text
    assert "Máy chủ hết chỗ lưu" in admin.text
    assert "Hoàng Thị Cúc" not in admin.text
    assert admin.get("/records").status_code == 200
