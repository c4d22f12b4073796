"""Mail: queued with what asked for it, sent by the worker to the mail server, or written to a folder."""

import email
import email.policy
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from lms import clock
from lms.accounts.models import Person
from lms.outbox.actions import MAIL, MailFailed, by_smtp, send_mail, template_text
from lms.outbox.cli import Worker
from lms.outbox.models import Job
from lms.outbox.rules import Between
from tests.make import Make
from tests.smtp import SmtpServer, mail_server, sends_by

TEXT = "Kính gửi $name,\n\nKhóa học $course chờ tại $site/courses.\n"


@pytest.fixture(autouse=True)
def template(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail template, as a feature would keep it."""
    monkeypatch.setattr("lms.outbox.actions.template_text", lambda _name: TEXT)


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    """A mail server on this machine."""
    with mail_server() as server:
        yield server


def addressed(make: Make, address: str | None = "hoa@example.vn") -> Person:
    person = make.person("Lý A Hoa")
    with make.writing() as session:
        session.get_one(Person, person.id).email = address
    return person


def remind(make: Make, person: Person, **when: Any) -> None:
    with make.writing() as session:
        send_mail(
            session,
            person.id,
            subject="Nhắc học tập, quán triệt Nghị quyết",
            template="some.feature/reminder.txt",
            topic="study",
            values={"course": "Nghị quyết 48"},
            **when,
        )


def work(make: Make) -> None:
    worker = Worker(make.database)
    while worker.step():
        pass


def mail_job(make: Make) -> Job:
    with make.reading() as session:
        return session.scalars(select(Job).where(Job.kind == MAIL)).one()


def test_without_a_mail_server_the_mail_is_a_file_only_its_owner_may_read(make: Make, tmp_path: Path) -> None:
    remind(make, addressed(make))
    folder = tmp_path / "mail"
    assert not folder.exists()
    work(make)
    (path,) = folder.iterdir()
    assert path.suffix == ".eml"
    assert path.stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["Subject"] == "Nhắc học tập, quán triệt Nghị quyết"
    assert mail["To"] == "hoa@example.vn"
    assert mail["From"] == "no-reply@localhost"
    lines = mail.get_content().splitlines()
    assert lines == ["Kính gửi Lý A Hoa,", "", "Khóa học Nghị quyết 48 chờ tại http://localhost/courses."]
    assert mail_job(make).done_at is not None


def test_the_job_carries_neither_name_nor_address(make: Make) -> None:
    remind(make, addressed(make))
    assert "Hoa" not in str(mail_job(make).payload)
    assert "example.vn" not in str(mail_job(make).payload)


def test_somebody_without_an_address_gets_none_and_nothing_fails(make: Make, tmp_path: Path) -> None:
    remind(make, addressed(make, None))
    work(make)
    assert not (tmp_path / "mail").exists()
    assert mail_job(make).done_at is not None


def test_mail_goes_to_the_configured_server(make: Make, smtp: SmtpServer, tmp_path: Path) -> None:
    sends_by(make, smtp, mail_from="Quán triệt <hoc@example.gov.vn>")
    remind(make, addressed(make))
    work(make)
    (mail,) = smtp.mails
    assert mail["To"] == "hoa@example.vn"
    assert mail["From"] == "Quán triệt <hoc@example.gov.vn>"
    assert "Lý A Hoa" in mail.get_content()
    assert not (tmp_path / "mail").exists()


def test_a_refusal_of_the_server_is_tried_again_and_named_without_the_address(make: Make, smtp: SmtpServer) -> None:
    smtp.refuses = True
    sends_by(make, smtp)
    remind(make, addressed(make))
    work(make)
    job = mail_job(make)
    assert job.done_at is None
    assert job.last_error == "MailFailed: the mail server refused: SMTPRecipientsRefused"
    assert not smtp.mails


@pytest.mark.parametrize("of_today", [False, True])
def test_mail_that_fails_until_the_hours_are_over_waits_for_the_morning_or_for_none(
    make: Make, smtp: SmtpServer, of_today: bool
) -> None:
    evening = datetime(2026, 11, 27, 18, 59, tzinfo=clock.VIETNAM)
    sends_by(make, smtp)
    smtp.refuses = True
    with clock.moved_to(evening):
        remind(make, addressed(make), hours=Between(7, 19), of_today=of_today)
        work(make)
    smtp.refuses = False
    for hours in (1, 4, 11):  # 19:59, 22:59, 5:59
        with clock.moved_to(evening + timedelta(hours=hours)):
            work(make)
        assert not smtp.mails
    with clock.moved_to(evening + timedelta(hours=13)):
        work(make)
    assert len(smtp.mails) == (0 if of_today else 1)
    assert mail_job(make).done_at is not None


def message() -> EmailMessage:
    one = EmailMessage()
    one["From"], one["To"], one["Subject"] = "a@example.vn", "b@example.vn", "x"
    one.set_content("x")
    return one


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("smtp://127.0.0.1:1", "did not answer: ConnectionRefusedError"),
        ("http://127.0.0.1", "must look like smtps://"),
        ("mail.example.vn", "must look like smtps://"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named(url: str, reason: str) -> None:
    with pytest.raises(MailFailed, match=reason):
        by_smtp(url, message())


def test_a_password_is_never_sent_over_an_open_line(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lms.outbox.actions.LOOPBACK", frozenset())
    with pytest.raises(MailFailed, match="not sent over an open line"):
        by_smtp(smtp.url.replace("//", "//hoa:secret@"), message())
    assert not smtp.mails


def test_a_word_missing_from_a_template_is_an_error_of_the_caller(make: Make) -> None:
    person = addressed(make)
    with pytest.raises(KeyError), make.writing() as session:
        send_mail(session, person.id, subject="x", template="some.feature/reminder.txt", topic="study")


def test_templates_are_found_in_the_mail_folder_of_their_feature() -> None:
    with pytest.raises(FileNotFoundError, match="mail"):
        template_text("lms.outbox/nothing.txt")
