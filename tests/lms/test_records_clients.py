"""Connected systems: made once, secrets shown once, rights changed and noted, revoked; and their last day of use."""

import json
import logging
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from lms import clock
from lms.audit.models import AuditEntry
from lms.db import Database
from lms.records.actions import AlreadyMade, create_client, revoke_client, rotate_secret
from lms.records.cli import xapi
from lms.records.forms import SCOPE_WORDS
from lms.throttle.rules import PER_ACCOUNT
from lms.xapi import protocol
from lms.xapi.access import BELIEVED_FOR, SCOPES, Unknown, access_client, secret_digest
from lms.xapi.models import XapiClient
from tests.browser import Browser
from tests.counting import count_queries
from tests.library_course import load_small_course
from tests.make import Make
from tests.store import Outsider, statement

COURSE = "https://quan-triet.example/xapi/courses/demo"


@pytest.fixture
def browser(make: Make) -> Browser:
    return make.browser(make.person("Quản Trị", role="administrator"))


def all_clients(make: Make) -> list[XapiClient]:
    with make.reading() as session:
        return list(session.scalars(select(XapiClient).order_by(XapiClient.id)))


def audited(make: Make) -> list[AuditEntry]:
    with make.reading() as session:
        return list(session.scalars(select(AuditEntry).filter_by(object_kind="xapi_client").order_by(AuditEntry.id)))


def value_of(page: str, field: str) -> str:
    found = re.search(rf'<input id="{field}"[^>]* value="([^"]*)"', page)
    assert found, page
    return found[1]


def add(browser: Browser, **changes: Any) -> str:
    """Add a system through the form; the page that answers."""
    browser.get("/clients/new")
    given = {"name": "Cổng học tập", "scopes": ["statements/write"], **changes}
    return browser.submit("Lưu và hiện khóa", **given, follow=False).text


def test_a_system_is_added_and_its_secret_is_shown_once_and_kept_nowhere(make: Make, browser: Browser) -> None:
    page = add(browser)
    assert browser.page is not None
    assert browser.page.status_code == 200
    assert "no-store" in browser.page.headers["Cache-Control"]
    key, secret = value_of(page, "key"), value_of(page, "secret")
    [client] = all_clients(make)
    assert (client.key, client.secret_digest) == (key, secret_digest(secret))
    assert (client.scopes, client.activity_prefix) == (["statements/write"], None)
    assert secret not in browser.path
    assert key not in browser.path
    with browser.client.session_transaction() as cookie:
        assert secret not in json.dumps({name: str(value) for name, value in cookie.items()})
    outsider = Outsider(make, "all")
    outsider.key, outsider.secret = key, secret
    assert outsider.post(statement()).status_code == 200
    for path in ("/clients", f"/clients/{client.id}", f"/clients/{client.id}/grant", f"/clients/{client.id}/rotate"):
        assert secret not in browser.get(path).text
    assert secret not in repr([(one.details, one.object_id) for one in audited(make)])


def test_a_form_sent_again_makes_no_second_system_and_shows_no_secret(make: Make, browser: Browser) -> None:
    browser.get("/clients/new")
    form = dict(browser.form("Lưu và hiện khóa").fields)
    sent = {**form, "name": "Cổng học tập", "scopes": "statements/write"}
    first = browser.post("/clients/new", data=sent, headers={"Origin": "http://localhost"})
    secret = value_of(first.text, "secret")
    again = browser.post("/clients/new", data=sent, headers={"Origin": "http://localhost"})
    assert "Biểu mẫu này đã được gửi" in again.text
    assert secret not in again.text
    [client] = all_clients(make)
    assert client.secret_digest == secret_digest(secret)
    assert [one.action for one in audited(make)] == ["xapi.client.create"]
    add(browser)
    assert len(all_clients(make)) == 2  # another form is another system


def test_the_same_form_at_the_same_moment_makes_one_system(make: Make) -> None:
    with make.writing() as session:
        create_client(session, name="Một", scopes=["all"], once="0" * 32)
    with make.writing() as session, pytest.raises(AlreadyMade):
        create_client(session, name="Một", scopes=["all"], once="0" * 32)
    assert len(all_clients(make)) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "Nhập tên của hệ thống."),
        ({"scopes": []}, "Chọn ít nhất một việc được phép."),
        ({"trusted": "address", "prefix": "khong phai"}, "Nhập một địa chỉ đầy đủ"),
        ({"trusted": "address", "prefix": ""}, "Nhập một địa chỉ đầy đủ"),
        ({"once": "x"}, "Mở lại trang này rồi nhập lại."),
    ],
)
def test_what_is_missing_is_told_and_nothing_is_made(
    make: Make, browser: Browser, changes: dict[str, Any], words: str
) -> None:
    page = add(browser, **changes)
    assert browser.page is not None
    assert browser.page.status_code == 422
    assert words in page
    assert all_clients(make) == []


def test_what_counts_is_chosen_from_the_courses_or_typed(make: Make, browser: Browser, tmp_path: Path) -> None:
    load_small_course(make, tmp_path)
    add(browser, trusted=COURSE)
    add(browser, trusted="address", prefix="https://example.vn/khoa-hoc/1")
    first, second = all_clients(make)
    assert first.activity_prefix == COURSE
    assert second.activity_prefix == "https://example.vn/khoa-hoc/1"
    assert "khóa học “Khóa học nhỏ”" in browser.get(f"/clients/{first.id}").text
    browser.get(f"/clients/{second.id}/grant")
    fields = dict(browser.form("Lưu quyền").fields)
    assert (fields["trusted"], fields["prefix"]) == ("address", "https://example.vn/khoa-hoc/1")


def test_other_rights_are_given_and_noted_with_what_they_were(make: Make, browser: Browser) -> None:
    add(browser)
    [client] = all_clients(make)
    browser.get(f"/clients/{client.id}/grant")
    browser.submit("Lưu quyền", scopes=["all/read", "define"], trusted="address", prefix="https://example.vn/a")
    assert "Đã lưu quyền mới." in browser.text
    [changed] = all_clients(make)
    assert (changed.scopes, changed.activity_prefix) == (["all/read", "define"], "https://example.vn/a")
    assert changed.secret_digest == client.secret_digest
    entry = audited(make)[-1]
    assert (entry.action, entry.details) == (
        "xapi.client.grant",
        {
            "changes": {
                "scopes": [["statements/write"], ["all/read", "define"]],
                "counts_prefix": [None, "https://example.vn/a"],
            }
        },
    )
    assert entry.actor is not None
    browser.get(f"/clients/{client.id}/grant")
    browser.submit("Lưu quyền")
    assert "Không có gì thay đổi." in browser.text
    assert len(audited(make)) == 2


def test_a_new_secret_ends_the_old_one_and_a_form_sent_again_renews_nothing(make: Make, browser: Browser) -> None:
    outsider = Outsider(make, "all")
    browser.get(f"/clients/{outsider.id}/rotate")
    form = dict(browser.form("Cấp khóa mới").fields)
    secret = value_of(browser.submit("Cấp khóa mới").text, "secret")
    assert outsider.get().status_code == 401
    again = browser.post(f"/clients/{outsider.id}/rotate", data=form, headers={"Origin": "http://localhost"})
    assert "Khóa bí mật đã được đổi" in again.text
    outsider.secret = secret
    assert outsider.get().status_code == 200
    assert [one.action for one in audited(make)] == ["xapi.client.create", "xapi.client.rotate"]


def test_a_system_is_revoked_after_one_more_question(make: Make, browser: Browser) -> None:
    outsider = Outsider(make, "all", name="Cổng dịch vụ công")
    assert "không hoàn tác được" in browser.get(f"/clients/{outsider.id}/revoke").text
    assert outsider.get().status_code == 200
    browser.submit("Thu hồi")
    assert "Cổng dịch vụ công không còn kết nối được." in browser.text
    assert "Đã thu hồi" in browser.text
    assert outsider.get().status_code == 401
    assert "Đổi quyền" not in browser.get(f"/clients/{outsider.id}").text
    for path in ("grant", "rotate", "revoke"):
        assert browser.get(f"/clients/{outsider.id}/{path}").status_code == 404


def test_only_administrators_keep_systems(make: Make) -> None:
    outsider = Outsider(make, "all")
    for role in (None, "trainer", "head"):
        other = make.browser(make.person(role=role))
        for path in ("/clients", "/clients/new", f"/clients/{outsider.id}"):
            assert other.get(path).status_code == 404


def test_every_scope_has_words() -> None:
    assert set(SCOPE_WORDS) == set(SCOPES)


def test_the_command_gives_other_rights_as_the_page_does(make: Make) -> None:
    outsider = Outsider(make, "statements/write")

    def run(*words: str, status: int = 0) -> str:
        result = CliRunner().invoke(xapi, ["client", "grant", outsider.key, *words], obj=lambda: make.database)
        assert result.exit_code == status, result.output
        return result.output

    run("--scope", "all/read", "--counts-prefix", "https://example.vn/a")
    assert (outsider.row.scopes, outsider.row.activity_prefix) == (["all/read"], "https://example.vn/a")
    assert "counts below https://example.vn/a" in run("--scope", "define")
    assert outsider.row.scopes == ["define"]
    assert "counts nothing" in run("--counts-nothing")
    assert outsider.row.activity_prefix is None
    assert "as before" in run()
    run("--counts-prefix", "not an iri", status=2)
    run("--counts-prefix", "https://example.vn/a", "--counts-nothing", status=2)
    assert [one.action for one in audited(make)] == ["xapi.client.create"] + ["xapi.client.grant"] * 3


def test_the_last_day_of_use_is_marked_once_a_day_after_the_answer(app: Flask, make: Make, browser: Browser) -> None:
    outsider = Outsider(make, "all", name="Cổng học tập")
    assert "chưa dùng" in browser.get("/clients").text
    outsider.post(statement()).close()
    assert outsider.row.last_used_on == clock.today()
    with count_queries(app) as counted:
        outsider.get().close()
        outsider.post(statement()).close()
    assert not any("UPDATE xapi_client" in one for one in counted.statements)
    with clock.moved_to(clock.now() + timedelta(days=1)):
        outsider.get(statementId="x").close()  # refused, but used
        assert outsider.row.last_used_on == clock.today()
    outsider.get().close()
    assert outsider.row.last_used_on == clock.today() + timedelta(days=1)  # a mark never goes back
    wrong = Outsider(make, "all")
    wrong.secret = outsider.secret
    wrong.post(statement()).close()
    assert wrong.row.last_used_on is None


def test_a_mark_that_cannot_be_written_harms_nobody(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outsider = Outsider(make, "all")

    def full(*_words: object, **_more: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("disk is full"))

    monkeypatch.setattr(protocol, "mark_used", full)
    with caplog.at_level(logging.WARNING):
        answer = outsider.post(statement())
        answer.close()
    assert answer.status_code == 200
    assert "was not marked" in caplog.text
    assert outsider.row.last_used_on is None


def test_a_new_secret_opens_at_once_in_every_process_and_the_old_one_for_a_second_at_most(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    outsider = Outsider(make, "all")
    key, old = outsider.key, outsider.secret
    elsewhere = Database(make.database.config, make.database.doors)
    for database in (make.database, elsewhere):
        assert access_client(database, key, old).key == key
    with make.writing() as session:
        new = rotate_secret(session, session.get_one(XapiClient, outsider.id))
        assert access_client(make.database, key, old).key == key  # it is not committed yet
    with pytest.raises(Unknown):
        access_client(make.database, key, old)
    assert access_client(elsewhere, key, old).key == key  # what was read a moment ago is believed
    assert access_client(elsewhere, key, new).key == key
    with pytest.raises(Unknown):
        access_client(elsewhere, key, old)
    with make.writing() as session:
        revoke_client(session, session.get_one(XapiClient, outsider.id))
    later = time.monotonic() + BELIEVED_FOR
    monkeypatch.setattr(time, "monotonic", lambda: later)
    for database in (make.database, elsewhere):
        with pytest.raises(Unknown):
            access_client(database, key, new)
    elsewhere.dispose()


def test_what_was_guessed_before_keeps_nobody_from_working_with_the_new_secret(make: Make) -> None:
    outsider, other = Outsider(make, "all"), Outsider(make, "all")
    for one in (outsider, other):
        right, one.secret = one.secret, "wrong"
        assert [one.get().status_code for _ in range(PER_ACCOUNT + 1)] == [401] * PER_ACCOUNT + [429]
        one.secret = right
    with make.writing() as session:
        outsider.secret = rotate_secret(session, session.get_one(XapiClient, outsider.id))
    assert (outsider.get().status_code, other.get().status_code) == (200, 429)
