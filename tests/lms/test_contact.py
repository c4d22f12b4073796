"""One's own contact: what is kept, what opens the account, and that mail nobody wants is not sent."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

import wsgi
from lms.accounts.models import Person
from lms.app import create_app
from lms.audit.models import AuditEntry
from lms.config import Misconfigured
from lms.outbox.actions import send_mail
from lms.outbox.cli import Worker
from tests.make import Make

PASSWORD = "Bon muoi tam, nghi quyet 1"
SECRET = "7q2m9x4k1zPw8sT3vB6nY0cR5eU2hJ4gL9dF1aZ"


def kept(make: Make, person: Person) -> tuple[str | None, str | None, str, list[str]]:
    with make.reading() as session:
        one = session.get_one(Person, person.id)
        return one.email, one.phone, one.language, one.muted


def test_language_telephone_and_mail_are_kept_and_the_log_says_only_which(make: Make) -> None:
    person = make.person("Lý A Hoa")
    browser = make.browser(person)
    browser.get("/profile/contact")
    browser.submit("/profile/contact", phone="0912 abc", wanted=[])
    assert "Số điện thoại chỉ gồm chữ số" in browser.text
    assert 'value="0912 abc"' in browser.text
    browser.submit("/profile/contact", phone="0912 345 678", language="en", wanted=["study"])
    assert kept(make, person) == (None, "0912 345 678", "en", ["unit news"])
    assert "0912 345 678" in browser.text
    assert "My profile" in browser.text
    with make.reading() as session:
        [entry] = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.change"))
    assert entry.details == {"fields": ["language", "muted", "phone"]}


def test_another_address_of_mail_is_taken_only_with_the_password(make: Make) -> None:
    person = make.person("Lý A Hoa", password=PASSWORD)
    browser = make.browser(person)
    browser.get("/profile/contact")
    for password, reason in (("", "Nhập mật khẩu hiện nay"), ("sai mat khau", "Mật khẩu hiện nay không đúng.")):
        browser.submit("/profile/contact", email="hoa@example.vn", password=password)
        assert reason in browser.text
        assert kept(make, person)[0] is None
    browser.submit("/profile/contact", email="Hoa@Example.vn", password=PASSWORD)
    assert kept(make, person)[0] == "hoa@example.vn"


def test_whom_to_ask_for_help_stands_at_the_sign_in_on_every_page_and_on_errors(make: Make) -> None:
    made = make.database.config
    told = replace(made, help_contact="Phòng Chuyển đổi số, 0207 3 822 000")
    other = create_app(told, wsgi.PACKAGES)
    product = other.test_client()
    for path, status in (("/sign-in", 200), ("/khong-co", 404)):
        page = product.get(path)
        assert page.status_code == status
        assert page.text.count("Liên hệ: Phòng Chuyển đổi số, 0207 3 822 000") == 2  # there, and at the foot
    other.extensions["database"].dispose()
    assert "Liên hệ:" not in make.app.test_client().get("/sign-in").text
    with pytest.raises(Misconfigured, match="LMS_HELP_CONTACT"):
        replace(made, help_contact="x" * 201, secret_key=SECRET).check()


def test_a_slip_of_paper_is_printed_for_one_person_alone(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    person, other = make.person("Lý A Hoa", unit=unit, username="hoala"), make.person("Ma Thị Bình", unit=unit)
    browser = make.browser(make.person(role="administrator"))
    browser.get(f"/people/{person.public_id}")
    address = f"/people/activation/{unit.public_id}?person={person.public_id}"
    assert address in browser.text
    browser.get(address)
    assert other.full_name not in browser.text
    browser.submit("/people/activation", people=[str(person.public_id)])
    assert "Mã kích hoạt" in browser.text
    assert "hoala" in browser.text


def test_mail_about_what_somebody_does_not_want_is_not_sent(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.outbox.actions.template_text", lambda _name: "Kính gửi $name")
    willing, unwilling = make.person("Lý A Hoa"), make.person("Ma Thị Bình")
    with make.writing() as session:
        for person, muted in ((willing, ["unit news"]), (unwilling, ["study"])):
            one = session.get_one(Person, person.id)
            one.email, one.muted = f"p{one.id}@example.vn", muted
            send_mail(session, one.id, subject="Nhắc học tập", template="a.b/c.txt", topic="study")
    worker = Worker(make.database)
    while worker.step():
        pass
    [mail] = (tmp_path / "mail").iterdir()
    assert f"p{willing.id}@example.vn" in mail.read_text()
    with pytest.raises(ValueError, match="no topic"), make.writing() as session:
        send_mail(session, willing.id, subject="x", template="a.b/c.txt", topic="anything")
