"""Pages and commands of forwarding: whoever looks after it sees how it stands, and never a secret."""

import html
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms.audit.models import AuditEntry
from lms.forwarding import actions
from lms.forwarding.cli import forward
from lms.forwarding.forms import trouble_words
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.rules import (
    ADDRESS_REFUSED,
    INSIDE,
    NO_STORE,
    NO_SUCH_HOST,
    NOT_PROVEN,
    SECRET_LOST,
    TOO_LATE,
    TOO_LONG,
)
from lms.outbox.models import Job
from tests.browser import Browser
from tests.counting import count_queries
from tests.forwarding import SECRET, Sender, sending
from tests.make import Make
from tests.servers import answers, hangs_up, hostile, takes
from tests.store import Outsider

ADDRESS = "https://lrs.example.gov.vn/xapi"
TYPED: dict[str, Any] = {"name": "Kho của tỉnh", "address": ADDRESS, "key": "quan-triet", "secret": SECRET}


@pytest.fixture
def administrator(make: Make) -> Browser:
    return make.browser(make.person(role="administrator"))


def only_target(make: Make) -> ForwardTarget:
    with make.reading() as session:
        return session.scalars(select(ForwardTarget)).one()


def test_an_administrator_adds_a_target_and_the_secret_is_never_shown(make: Make, administrator: Browser) -> None:
    origin = Outsider(make, "all", name="Kho bạn")
    administrator.get("/forwarding")
    assert "Chưa có nơi nhận nào." in administrator.text
    administrator.get("/forwarding/new")
    changes: dict[str, Any] = {
        "which": "counted",
        "beginning": "all",
        "not_from": origin.key,
        "prefix": "https://example.vn/khoa-hoc",
    }
    administrator.submit("Lưu và bắt đầu gửi", **TYPED, **changes)
    assert "Đã thêm nơi nhận Kho của tỉnh." in administrator.text
    target = only_target(make)
    assert (target.counted_only, target.cursor, target.not_from) == (True, 0, origin.id)
    assert target.activity_prefix == "https://example.vn/khoa-hoc"
    pages = [administrator.text]
    for path in ("/forwarding", f"/forwarding/{target.public_id}", f"/forwarding/{target.public_id}/key"):
        pages.append(administrator.get(path).text)
    assert not any(SECRET in page for page in pages)
    assert "trừ bản ghi do Kho bạn đưa đến" in pages[2]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"address": "http://lrs.example.gov.vn/xapi"}, "Địa chỉ phải bắt đầu bằng https://"),
        ({"address": "http://localhost/xapi"}, "Đây là địa chỉ của chính hệ thống này"),
        ({"address": "lrs"}, "Địa chỉ có dạng"),
        ({"name": ""}, "Nhập tên gọi."),
        ({"key": "a:b"}, "Khóa không có dấu hai chấm."),
        ({"secret": ""}, "Nhập mật khẩu của khóa."),
        ({"prefix": "khoa hoc"}, "Nhập một IRI đầy đủ"),
    ],
)
def test_a_wrong_entry_is_told_and_what_was_typed_is_kept_but_the_secret(
    make: Make, administrator: Browser, changes: dict[str, str], told: str
) -> None:
    administrator.get("/forwarding/new")
    answer = administrator.submit("Lưu và bắt đầu gửi", **{**TYPED, **changes})
    assert answer.status_code == 422
    assert told in administrator.text
    assert SECRET not in administrator.text
    assert {**TYPED, **changes}["key"] in administrator.text
    with make.reading() as session:
        assert session.scalars(select(ForwardTarget)).all() == []


def test_a_form_sent_after_the_session_ended_is_kept_without_the_secret(make: Make, administrator: Browser) -> None:
    administrator.get("/forwarding/new")
    assert dict(administrator.form("Lưu và bắt đầu gửi").fields)["edition"] == "2.0"
    administrator.client.delete_cookie("session")
    administrator.client.delete_cookie("__Host-session")
    administrator.submit("Lưu và bắt đầu gửi", **TYPED)
    assert SECRET not in administrator.text


def page_of(sender: Sender) -> Browser:
    """The page of the one target, opened by an administrator."""
    browser = sender.make.browser(sender.make.person(role="administrator"))
    browser.get(f"/forwarding/{sender.row().public_id}")
    return browser


def test_the_page_tells_how_it_stands_and_mends_it(database_url: str, tmp_path: Path) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(3)
        sender.run()
        browser = page_of(sender)
        assert "Đang gửi" in browser.text
        assert "3 bản ghi" in browser.text
        browser.submit("/pause")
        assert "Đang tạm dừng" in browser.text
        waiting = sender.post(2)
        sender.run()
        assert "2 bản ghi" in browser.get(browser.path).text
        other.behaviours[:] = [answers(401, b"<b>who?</b>")]
        browser.submit("/resume")
        sender.run()
        browser.get(browser.path)
        assert "Đã ngừng, cần xử lý" in browser.text
        assert "401 &lt;b&gt;who?&lt;/b&gt;" in browser.text
        other.behaviours[:] = [answers(400, b"<i>bad</i>")]
        browser.get(f"{browser.path}/key")
        browser.submit("Lưu và gửi tiếp", key="another", secret="other")
        sender.run()
        browser.get(browser.path)
        assert browser.text.count("400 &lt;i&gt;bad&lt;/i&gt;") == 2
        assert all(f'href="/records/{one}"' in browser.text for one in waiting)  # what it is, is one press away
        other.behaviours[:] = [takes]
        browser.submit(f"/letters/{sender.letters()[0].id}/replay")
        sender.run()
        assert len(sender.letters()) == 1
        browser.get(browser.path)
        browser.submit("Gửi lại tất cả")
        sender.run()
        assert "Không có bản ghi nào bị từ chối." in browser.get(browser.path).text
        assert sender.row().sent == 5


CAUSES = {
    TOO_LATE: "quá chậm",
    TOO_LONG: "quá dài",
    NO_SUCH_HOST: "Không tìm thấy máy chủ",
    INSIDE: "LMS_FORWARD_TO",
    NOT_PROVEN: "Chứng thư",
    f"200 {NO_STORE}": "không phải của một kho bản ghi",
    "no answer (ConnectionRefusedError)": "Không kết nối được",
    "429 slow down": "gửi chậm lại",
    "503": "có sự cố",
    "500 <b>oh</b>": "có sự cố",
    "302": "Không có gì nhận",
    "404 not here": "Không có gì nhận",
    SECRET_LOST: "không đọc được khóa",
    ADDRESS_REFUSED: "không còn cho phép",
}


def test_what_keeps_statements_from_being_taken_is_told_in_the_language_of_the_reader(
    app: Flask, database_url: str, tmp_path: Path
) -> None:
    told = {}
    for language in ("vi", "en"):
        with app.test_request_context(), force_locale(language):
            told[language] = [trouble_words(one) for one in CAUSES]
            assert [trouble_words(one) for one in ("400 bad", "401", "409 other", "what they say", "")] == [""] * 5
    assert [cause for cause, words in zip(CAUSES.values(), told["vi"], strict=True) if cause not in words] == []
    assert all(one and one not in told["vi"] for one in told["en"])
    with hostile(hangs_up) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        sender.run()
        text, trouble = page_of(sender).text, str(sender.row().trouble)
    assert "<dd>Không kết nối được; nếu kéo dài, hỏi bên giữ nơi nhận.<br>" in text
    assert f'<code lang="en">{trouble}</code>' in html.unescape(text)  # for whoever runs the server


def test_a_target_is_removed_after_a_second_look_and_what_it_refused_stays_readable(
    database_url: str, tmp_path: Path
) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        [refused] = sender.post(1)
        other.behaviours[:] = [answers(400, b"<i>bad</i>")]
        sender.run()
        browser = page_of(sender)
        page = browser.path
        browser.submit("Gửi lại tất cả")
        sender.post(3)
        other.requests.clear()
        browser.get(f"{page}/remove")
        assert "Gỡ bỏ nơi nhận Kho của tỉnh?" in browser.text
        assert "Còn chờ: 3 bản ghi." in browser.text
        assert sender.row().state == "active"
        browser.submit("Gỡ bỏ")
        assert "Đã gỡ bỏ Kho của tỉnh." in browser.text
        row = sender.row()
        assert (row.state, row.key, row.sealed_secret, row.sent) == ("removed", "", b"", 0)
        for after in (0, 1, 2):
            sender.run(timedelta(days=after))  # also the work of the night
        assert other.requests == []
        assert refused in browser.get(page).text
        assert "400 &lt;i&gt;bad&lt;/i&gt;" in browser.text
        assert not [one for one in browser.forms if "/forwarding/" in one.action]
        assert "Đã gỡ bỏ" in browser.get("/forwarding").text
        with sender.make.reading() as session:
            noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "forwarding.remove")).one()
            assert (noted.object_id, noted.details) == (
                str(row.public_id),
                {"unsent": 3, "changes": {"state": ["active", "removed"]}},
            )
            assert not session.scalar(select(func.count()).where(Job.kind == actions.FORWARD, Job.done_at.is_(None)))


def test_the_list_of_ten_times_the_targets_takes_as_many_queries(make: Make, administrator: Browser) -> None:
    counted = []
    administrator.get("/forwarding")
    for more, shown in ((2, 2), (18, 20)):
        with make.writing() as session:
            for _ in range(more):
                add_target(session)
        with count_queries(make.app) as asked:
            assert administrator.get("/forwarding").text.count("Đang gửi") == shown
        counted.append(len(asked))
    assert counted[0] == counted[1] <= 6


def test_nothing_is_done_to_a_target_that_was_removed(make: Make, administrator: Browser, world_target: str) -> None:
    administrator.get(world_target)
    token = {"csrf_token": dict(administrator.form("/pause").fields)["csrf_token"]}
    with make.writing() as session:
        actions.remove_target(session, session.scalars(select(ForwardTarget)).one())
    for what in ("pause", "resume", "replay", "remove", "key"):
        data = {**token, "key": "new", "secret": "new"}
        answer = administrator.post(f"{world_target}/{what}", data=data, headers={"Origin": "http://localhost"})
        assert answer.status_code == 404, what
    assert [administrator.get(f"{world_target}/{one}").status_code for one in ("remove", "key")] == [404, 404]
    assert (only_target(make).state, only_target(make).key) == ("removed", "")


@pytest.fixture
def world_target(make: Make) -> str:
    """The address of the page of a target."""
    with make.writing() as session:
        return f"/forwarding/{add_target(session).public_id}"


def add_target(session: Session) -> ForwardTarget:
    return actions.add_target(
        session, name="Kho", address=ADDRESS, edition="2.0", key="k", secret=SECRET, wish=actions.Wish()
    )


def test_a_target_that_is_removed_while_statements_are_on_their_way_stays_removed(
    database_url: str, tmp_path: Path
) -> None:
    with hostile(takes) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(2)

        def remove_meanwhile(handler: Any, request: Any) -> None:
            with sender.make.writing() as session:
                actions.remove_target(session, session.scalars(select(ForwardTarget)).one())
            answers(401)(handler, request)

        other.behaviours[:] = [remove_meanwhile, takes]
        sender.run()
        sender.run(timedelta(days=1))
        assert (sender.row().state, len(other.requests)) == ("removed", 1)


def test_a_letter_of_another_target_is_not_found(database_url: str, tmp_path: Path) -> None:
    with hostile(answers(400)) as other, sending(database_url, tmp_path, other.port) as sender:
        first = sender.target(other.port)
        sender.post(1)
        sender.run()
        second = sender.target(other.port)
        with sender.make.reading() as session:
            address = session.get_one(ForwardTarget, second).public_id
            letter = session.scalars(select(DeadLetter)).one()
        assert letter.target_id == first
        browser = sender.make.browser(sender.make.person(role="administrator"))
        token = {"Origin": "http://localhost"}
        browser.get(f"/forwarding/{address}")
        data = {"csrf_token": dict(browser.form("/pause").fields)["csrf_token"]}
        answer = browser.post(f"/forwarding/{address}/letters/{letter.id}/replay", data=data, headers=token)
        assert answer.status_code == 404
        assert not sender.letters()[0].again


def lms(make: Make, *arguments: str, typed: str = "") -> str:
    result = CliRunner().invoke(forward, list(arguments), obj=lambda: make.database, input=typed)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_adds_lists_pauses_resumes_and_replays(make: Make, app: Flask) -> None:
    options = ("--name", "Kho của tỉnh", "--address", ADDRESS, "--key", "quan-triet")
    told = lms(make, "add", *options, "--secret-file", "-", "--from-beginning", typed=f"{SECRET}\n")
    target = only_target(make)
    assert told == f"{target.public_id}  Kho của tỉnh\n"
    assert target.edition == "2.0"
    assert actions.sealing(app.extensions["database"].config).decrypt(target.sealed_secret).decode() == SECRET
    assert "active   sent 0, waiting 0, refused 0  Kho của tỉnh" in lms(make, "list")
    lms(make, "pause", str(target.public_id))
    assert "paused" in lms(make, "list")
    lms(make, "resume", str(target.public_id))
    lms(make, "renew", str(target.public_id), "--key", "new", "--secret-file", "-", typed="another\n")
    assert (only_target(make).key, only_target(make).state) == ("new", "active")
    assert lms(make, "replay", str(target.public_id)) == "0 to be sent once more.\n"
    declined = CliRunner().invoke(forward, ["remove", str(target.public_id)], obj=lambda: make.database, input="n\n")
    assert "0 waiting will not be sent. This cannot be undone. Remove it? [y/N]" in declined.output
    assert only_target(make).state == "active"
    lms(make, "remove", str(target.public_id), "--yes")
    assert "removed  sent 0" in lms(make, "list")
    again = CliRunner().invoke(forward, ["resume", str(target.public_id)], obj=lambda: make.database)
    assert "There is no target" in again.output


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (("--address", "http://lrs.example.gov.vn"), "must begin with https://"),
        (("--prefix", "x y"), "--prefix"),
        (("--not-from", "nobody"), "no client with the key nobody"),
    ],
)
def test_the_command_refuses_in_one_line(make: Make, changes: tuple[str, str], told: str) -> None:
    options = ["add", "--name", "K", "--address", ADDRESS, "--key", "k", "--secret-file", "-", *changes]
    result = CliRunner().invoke(forward, options, obj=lambda: make.database, input="s\n")
    assert result.exit_code != 0
    assert told in result.output
    unknown = CliRunner().invoke(forward, ["pause", "0" * 32], obj=lambda: make.database)
    assert "There is no target" in unknown.output


def test_the_log_names_neither_secret_nor_statement(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with hostile(answers(500, SECRET.encode())) as other, sending(database_url, tmp_path, other.port) as sender:
        sender.target(other.port)
        sender.post(1)
        sender.run()
    assert SECRET not in caplog.text
    assert "mailto:" not in caplog.text
