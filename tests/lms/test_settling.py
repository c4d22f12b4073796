"""How a request ends: kept whole when it went well, gone whole when it was refused or the commit failed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, flash, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy import func, orm, select
from sqlalchemy.exc import OperationalError

from courses.learning.models import ActivityProgress
from lms.audit.actions import note
from lms.audit.models import AuditEntry
from lms.db import apart, get_session
from lms.web.gate import public
from lms.xapi.models import XapiStatement
from tests.courses.learner import COURSE, FINISH, Learner
from tests.library_course import load_small_course
from tests.make import Make
from tests.store import Outsider, statement

CommitFails = Callable[[], None]


@pytest.fixture
def commit_fails(app: Flask, monkeypatch: pytest.MonkeyPatch) -> CommitFails:
    """From the call on, the database goes away at each commit. Bugs are answered as in production."""
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)

    def fail(session: orm.Session) -> None:
        raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    return lambda: monkeypatch.setattr(orm.Session, "commit", fail)


def noted(make: Make) -> list[str]:
    with make.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.mark.parametrize("status", [200, 302, 303, 399, 400, 403, 404, 409, 422, 499, 500, 503])
def test_what_a_view_wrote_is_kept_below_400_only_and_what_goes_apart_always(
    app: Flask, make: Make, status: int
) -> None:
    @public
    def view() -> ResponseReturnValue:
        note(get_session(), "its own", actor=None, object_kind="test", object_id=1)
        get_session().flush()
        apart(lambda own: note(own, "apart", actor=None, object_kind="test", object_id=1))
        return "", status

    app.config.update(WTF_CSRF_ENABLED=False)
    app.add_url_rule("/a-view", "a view", view, methods=["POST"])
    assert make.browser().client.post("/a-view").status_code == status
    assert noted(make) == (["its own", "apart"] if status < 400 else ["apart"])


def test_a_commit_that_fails_is_answered_with_the_page_that_says_so(
    make: Make, tmp_path: Path, commit_fails: CommitFails, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_small_course(make, tmp_path)
    learner = Learner(make)
    browser = learner.browser
    browser.get(f"{COURSE}/lessons/m1-1")
    form = browser.form(FINISH)
    commit_fails()
    answer = browser.post(form.action, data=dict(form.fields), headers={"Origin": "http://localhost"}, follow=False)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "Chưa có gì được ghi" in answer.text
    assert answer.headers.getlist("Content-Type") == ["text/html; charset=utf-8"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    monkeypatch.undo()
    with make.reading() as session:
        assert session.scalar(select(func.count()).select_from(ActivityProgress)) == 0
    learner.read("m1-1")  # the same, sent again, is done once
    assert learner.said() == [("completed", "m1-1")]


def test_a_message_that_all_is_well_does_not_outlive_a_commit_that_fails(
    app: Flask, make: Make, commit_fails: CommitFails, monkeypatch: pytest.MonkeyPatch
) -> None:
    @public
    def view() -> ResponseReturnValue:
        note(get_session(), "its own", actor=None, object_kind="test", object_id=1)
        flash("Đã lưu.", "success")
        return redirect("/sign-in")

    app.config.update(WTF_CSRF_ENABLED=False)
    app.add_url_rule("/a-view", "a view", view, methods=["POST"])
    browser = make.browser()
    browser.get("/sign-in")
    commit_fails()
    answer = browser.client.post("/a-view")
    assert answer.status_code == 503
    assert "Đã lưu." not in answer.text
    assert "Set-Cookie" not in answer.headers
    monkeypatch.undo()
    assert "Đã lưu." not in browser.get("/sign-in").text


def test_a_client_is_told_in_json_that_a_commit_failed(
    make: Make, commit_fails: CommitFails, monkeypatch: pytest.MonkeyPatch
) -> None:
    outsider = Outsider(make, "all")
    outsider.get()  # the day has come: it is the commit of the statement that fails
    defined = statement(object={"id": "https://example.vn/bai-1", "definition": {"name": {"vi": "Bài 1"}}})
    commit_fails()
    answer = outsider.post(defined)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert json.loads(answer.text)
    monkeypatch.undo()
    with make.reading() as session:
        assert session.scalar(select(func.count()).select_from(XapiStatement)) == 0
    assert outsider.post(defined).status_code == 200
