"""Getting in without a password: slips of paper for a unit's people, and a link by mail."""

import email
import email.policy
import re
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.actions import close_account, grant_role, issue_link, issue_reset, set_password, use_link
from lms.accounts.models import OneTimeLink, Person, SignInAccount
from lms.accounts.rules import LINK_LIFE
from lms.accounts.session import begin_step, step_of
from lms.audit.models import AuditEntry
from lms.authentication.actions import activate, begin_authenticator, issue_slip, make_activation_codes
from lms.authentication.models import ActivationCode, Authenticator
from lms.authentication.rules import as_made, in_groups
from lms.outbox.cli import Worker
from lms.outbox.models import Job
from tests.browser import ORIGIN, Browser
from tests.conftest import BACKENDS
from tests.counting import count_queries
from tests.make import Make
from tests.telephone import PASSWORD, connected, fill, is_in, sign_in

NEW = "Suối reo 3 tầng thác"


@pytest.fixture
def backend() -> str:
    """What no database changes runs on one; the ways of a slip and of a mail below ask for both."""
    return "sqlite"


def slips(browser: Browser) -> dict[str, str]:
    """User names and codes on the sheet."""
    return dict(re.findall(r"<dd><strong>(.+?)</strong></dd>.*?<code>(.+?)</code>", browser.text, re.DOTALL))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_slip_from_the_sheet_of_ones_unit_leads_to_a_password_once(make: Make) -> None:
    unit, other = make.unit("Xã Mẫu"), make.unit("Xã Khác")
    below = make.unit("Chi bộ thôn", under=unit)
    person = make.person("Ma Thị Sen", username="sen", unit=below)
    make.person("Đã Có Mật Khẩu", username="co", unit=unit, password=PASSWORD)
    make.person("Người Nơi Khác", username="khac", unit=other)
    administrator = make.browser(make.person("Quản Trị", role="administrator"))
    administrator.get("/people/activation")
    administrator.submit("/people/activation", unit=str(unit.public_id))
    assert "Ma Thị Sen" in administrator.text
    assert "Đã Có Mật Khẩu" not in administrator.text
    assert "Người Nơi Khác" not in administrator.text
    fill(administrator, people=str(person.public_id))
    [(username, code)] = slips(administrator).items()
    assert username == "sen"
    for told in ("Ma Thị Sen", "Chi bộ thôn", "http://localhost/activate"):
        assert told in administrator.text
    browser = make.browser()
    browser.get("/activate")
    fill(browser, username=" Sen ", code=code.lower().replace("-", " "))
    assert browser.path.startswith("/first-password/")
    assert 'data-reveal="new_password repeat"' in browser.text, "fourteen characters are not typed blindly twice"
    fill(browser, new_password=NEW, repeat=NEW)
    assert is_in(sign_in(make, "sen", NEW))
    browser.get("/activate")
    assert fill(browser, username="sen", code=code).status_code == 422
    administrator.get(f"/people/activation/{unit.public_id}")
    assert "Mọi người ở đây đã đặt mật khẩu" in administrator.text
    with make.reading() as session:
        noted = [entry for entry in session.scalars(select(AuditEntry)) if entry.action == "activation.print"]
        assert [entry.details for entry in noted] == [{"codes": 1, "tree": "state"}]
        lists = session.scalars(select(AuditEntry).filter_by(action="person.list").order_by(AuditEntry.id)).all()
        assert [one.details["rows"] for one in lists] == [1, 1, 0]
        assert session.scalar(select(ActivationCode.person_id)) is None


def codes_for(make: Make, *people: Person) -> dict[int, str]:
    with make.writing() as session:
        own = [session.get_one(Person, one.id) for one in people]
        return dict(make_activation_codes(session, own, unit=own[0].public_id, tree="state", by=own[0].public_id))


def works(make: Make, username: str, code: str) -> bool:
    with make.writing() as session:
        return activate(session, username, code) is not None


def test_a_code_opens_its_own_account_for_thirty_days_until_another_is_printed_or_the_account_closed(
    make: Make,
) -> None:
    person, other = make.person(username="sen"), make.person(username="mai")
    code = codes_for(make, person)[person.id]
    codes_for(make, other)
    assert works(make, "sen", code)
    assert not works(make, "mai", code)
    assert not works(make, "khongco", code)
    assert not works(make, "sen", code[:-1])
    with clock.moved_to(clock.now() + timedelta(days=30, seconds=1)):
        assert not works(make, "sen", code)
    again = codes_for(make, person)[person.id]
    assert not works(make, "sen", code)
    with make.writing() as session:
        close_account(session, session.get_one(Person, person.id))
    assert not works(make, "sen", again)


def test_a_code_holds_until_a_password_is_set_so_that_a_page_closed_too_early_loses_nothing(make: Make) -> None:
    person = make.person(username="sen")
    code = codes_for(make, person)[person.id]
    assert works(make, "sen", code)
    assert works(make, "sen", code)
    with make.writing() as session:
        set_password(session, session.get_one(SignInAccount, person.id), NEW)
    assert not works(make, "sen", code)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_slip_in_place_of_a_link_opens_an_account_whose_password_is_forgotten(make: Make) -> None:
    unit = make.unit("Xã Mẫu")
    person = make.person("Ma Thị Sen", username="sen", unit=unit, password=PASSWORD)
    keeper = make.person("Giữ Danh Sách", unit=unit, role="unit_administrator", over=unit)
    before = codes_for(make, person)[person.id]
    administrator, address = make.browser(keeper), f"/people/{person.public_id}"
    administrator.get(address)
    assert f"{address}/slip" in administrator.text
    administrator.get(f"{address}/slip")
    assert "Mật khẩu cũ vẫn dùng được cho đến khi đặt mật khẩu mới." in administrator.text
    assert works(make, "sen", before), "asking has done nothing"
    with make.writing() as session:
        link = issue_link(session, session.get_one(Person, person.id))
    administrator.submit("/slip")
    [(username, code)] = slips(administrator).items()
    assert username == "sen"
    assert f"đến hết ngày {later(7):%d/%m/%Y}" in administrator.text
    assert make.browser().get(f"/first-password/{link}").status_code == 404
    assert not works(make, "sen", before)
    inside = sign_in(make, "sen", PASSWORD)
    assert is_in(inside), "the password stays until there is another"
    browser = make.browser()
    browser.get("/activate")
    fill(browser, username="sen", code=code)
    fill(browser, new_password=NEW, repeat=NEW)
    assert is_in(sign_in(make, "sen", NEW))
    assert not is_in(sign_in(make, "sen", PASSWORD))
    inside.get("/profile")
    assert inside.path.startswith("/sign-in"), "every session ends with the old password"
    assert not works(make, "sen", code)
    with make.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "slip.issue")).all()
        assert [(one.actor, one.object_id, one.details) for one in noted] == [
            (keeper.public_id, str(person.public_id), {})
        ]


def test_a_slip_in_place_of_a_link_is_good_as_long_as_one_and_another_ends_it(make: Make) -> None:
    person = make.person(username="sen", password=PASSWORD)
    codes = []
    for _ in range(2):
        with make.writing() as session:
            codes.append(issue_slip(session, session.get_one(Person, person.id), by=person.public_id))
    assert [works(make, "sen", code) for code in codes] == [False, True]
    with clock.moved_to(clock.now() + LINK_LIFE + timedelta(seconds=1)):
        assert not works(make, "sen", codes[1])


def test_nobody_prints_a_slip_for_themselves_or_for_an_account_they_may_not_reset(make: Make) -> None:
    unit = make.unit("Xã Mẫu")
    keeper = make.person("Giữ Danh Sách", unit=unit, role="unit_administrator", over=unit, password=PASSWORD)
    above = make.person("Quản Trị", unit=unit, role="administrator", password=PASSWORD)
    elsewhere = make.person("Người Nơi Khác", unit=make.unit("Xã Khác"), password=PASSWORD)
    for reader, others in ((keeper, (keeper, above, elsewhere)), (above, (above,))):
        browser = make.browser(reader)
        for person in others:
            browser.get(f"/people/{person.public_id}")
            assert "/slip" not in browser.text, person.full_name
            browser.get("/profile")
            token = dict(browser.form("/sign-out").fields)["csrf_token"]
            assert browser.get(f"/people/{person.public_id}/slip").status_code == 404, person.full_name
            sent = {"csrf_token": token}
            browser.post(f"/people/{person.public_id}/slip", data=sent, headers={"Origin": ORIGIN})
            assert browser.page is not None
            assert browser.page.status_code == 404, person.full_name
    with make.reading() as session:
        assert session.scalar(select(ActivationCode.person_id)) is None


def opens(make: Make, token: str) -> bool:
    return make.browser().get(f"/first-password/{token}").status_code == 200


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_way_to_a_password_is_open_at_a_time_the_one_handed_over_last(make: Make) -> None:
    unit = make.unit("Xã Mẫu")
    person, other = (make.person(username=username, unit=unit) for username in ("sen", "mai"))
    administrator, address = make.browser(make.person(role="administrator")), f"/people/{person.public_id}"
    code, beside = codes_for(make, person)[person.id], codes_for(make, other)[other.id]
    administrator.get(f"{address}/link/new")
    assert "Liên kết và phiếu đã cấp trước đó hết hiệu lực" in administrator.text
    assert works(make, "sen", code), "asking has done nothing"
    administrator.submit("/link")
    [link] = re.findall(r"/first-password/([\w-]+)", administrator.text)
    assert not works(make, "sen", code)
    assert opens(make, link)
    assert works(make, "mai", beside)
    administrator.get(f"/people/activation/{unit.public_id}?person={person.public_id}")
    assert "Phiếu và liên kết đã cấp trước đó cho những người này hết hiệu lực" in administrator.text
    fill(administrator, people=str(person.public_id))
    [code] = slips(administrator).values()
    assert not opens(make, link)
    with make.writing() as session:
        exchanged = activate(session, "sen", code)
    assert exchanged is not None
    assert works(make, "sen", code), "a slip that was exchanged holds until a password is set"
    with make.writing() as session:
        exchanged = activate(session, "sen", code)
        issue_link(session, session.get_one(Person, person.id))
    assert not works(make, "sen", code)
    assert not opens(make, str(exchanged))


@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_whoever_changes_how_somebody_gets_in_takes_the_account_before_slips_and_links(make: Make) -> None:
    """Else somebody who uses a link and somebody who hands out a slip wait for each other, and one of them fails."""
    person, by = make.person(username="sen"), uuid.uuid4()
    code, tokens = codes_for(make, person)[person.id], list[str]()
    ways: dict[str, Callable[[Session, Person], object]] = {
        "exchange a slip": lambda session, _own: tokens.append(str(activate(session, "sen", code))),
        "use a link": lambda session, own: use_link(
            session, tokens[0], session.get_one(SignInAccount, own.id), "Suối reo 3 tầng thác"
        ),
        "hand out a slip": lambda session, own: issue_slip(session, own, by=by),
        "hand out a link": lambda session, own: issue_link(session, own),
        "print a sheet": lambda session, own: make_activation_codes(session, [own], unit=by, tree="state", by=by),
        "grant a role": lambda session, own: grant_role(session, own, "trainer", unit=None, since=clock.today()),
    }
    for way, work in ways.items():
        with make.writing() as session:
            own = session.get_one(Person, person.id)
            with count_queries(make.app) as counted:
                work(session, own)
        taking = [one for one in counted.statements if HOLDS.search(one)]
        assert "FROM sign_in_account" in taking[0], (way, taking[0])
        assert any("one_time_link" in one or "activation_code" in one for one in taking[1:]), way


HOLDS = re.compile(r"^(UPDATE|DELETE)|^INSERT INTO (one_time_link|activation_code)|FOR UPDATE")


def test_only_a_digest_of_a_code_is_kept(make: Make) -> None:
    person = make.person(username="sen")
    code = codes_for(make, person)[person.id]
    with make.reading() as session:
        kept = session.scalars(select(ActivationCode.code_digest)).one()
    assert len(kept) == 32
    assert as_made(code).encode() not in kept


@pytest.mark.parametrize(("typed", "made"), [("abcde-fghjk", "ABCDEFGHJK"), (" ab cde\u2013fghjk", "ABCDEFGHJK")])
def test_a_code_is_the_same_however_it_is_typed(typed: str, made: str) -> None:
    assert as_made(typed) == made
    assert as_made(in_groups(made)) == made


def test_an_administrator_of_a_unit_prints_for_that_unit_and_not_for_people_who_hold_a_role(make: Make) -> None:
    unit, other = make.unit("Xã Mẫu"), make.unit("Xã Khác")
    make.person("Ma Thị Sen", unit=unit)
    make.person("Quản Trị Mới", unit=unit, role="administrator")
    browser = make.browser(make.person("Quản Trị Xã", role="administrator", over=unit))
    browser.get(f"/people/activation/{unit.public_id}")
    assert "Ma Thị Sen" in browser.text
    assert "Quản Trị Mới" not in browser.text
    assert browser.get(f"/people/activation/{other.public_id}").status_code == 404


def test_a_role_that_begins_later_keeps_its_holder_off_the_sheet_of_the_unit(make: Make) -> None:
    unit = make.unit("Xã Mẫu")
    make.person("Ma Thị Sen", unit=unit)
    person = make.person("Quản Trị Mai", unit=unit)
    with make.writing() as session:
        grant_role(session, session.get_one(Person, person.id), "administrator", unit=None, since=later(1))
    browser = make.browser(make.person("Giữ Danh Sách", unit=unit, role="unit_administrator", over=unit))
    browser.get(f"/people/activation/{unit.public_id}")
    assert "Ma Thị Sen" in browser.text
    assert "Quản Trị Mai" not in browser.text


@pytest.mark.parametrize("days", [0, 90])
def test_what_was_handed_out_for_an_account_ends_when_a_role_is_granted(make: Make, days: int) -> None:
    person = make.person(username="sen")
    code = codes_for(make, person)[person.id]
    with make.writing() as session:
        exchanged = activate(session, "sen", code)
        begin_authenticator(session, person.id)
        step = begin_step(session, person.id, proof="password")
    with make.writing() as session:
        grant_role(session, session.get_one(Person, person.id), "administrator", unit=None, since=later(days))
        assert step_of(session, step) is None
    with make.reading() as session:
        assert session.scalar(select(Authenticator.id)) is None
    assert not works(make, "sen", code)
    assert not opens(make, str(exchanged))


def test_a_link_that_was_handed_over_ends_when_a_role_is_granted(make: Make) -> None:
    person = make.person(username="sen")
    with make.writing() as session:
        own = session.get_one(Person, person.id)
        by_hand = issue_link(session, own)
        grant_role(session, own, "administrator", unit=None, since=later(90))
    assert not opens(make, by_hand)


def test_a_telephone_in_use_outlives_a_grant(make: Make) -> None:
    person = make.person(username="sen")
    connected(make, person)
    with make.writing() as session:
        grant_role(session, session.get_one(Person, person.id), "administrator", unit=None, since=later(0))
    with make.reading() as session:
        assert session.scalar(select(Authenticator.confirmed_at)) is not None


def later(days: int) -> date:
    return clock.today() + timedelta(days=days)


def test_guesses_at_codes_are_counted_and_a_stranger_uses_up_none_of_whoever_holds_the_slip(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lms.accounts.protocol.PER_ADDRESS", 13)
    person = make.person(username="sen")
    code = codes_for(make, person)[person.id]
    browser = make.browser()
    browser.get("/activate")
    for _ in range(10):
        fill(browser, username="sen", code="AAAAA-AAAAA")
    assert "Có quá nhiều lần thử" in fill(browser, username="sen", code="AAAAA-AAAAA").text
    holder = make.browser()
    holder.get("/activate")
    fill(holder, username="sen", code=code)
    assert holder.path.startswith("/first-password/")
    for _ in range(3):
        fill(browser, username="mai", code="AAAAA-AAAAA")
    for guesser in (browser, holder):
        guesser.get("/activate")
        refused = fill(guesser, username="mai", code="AAAAA-AAAAA")
        assert "Có quá nhiều lần thử" in refused.text  # one address has its limit
    fill(holder, username="sen", code=code)
    assert holder.path.startswith("/first-password/")  # a right code is no guess


def ask(make: Make, who: str, **headers: str) -> str:
    """What the page says to whoever has forgotten the password."""
    browser = make.browser()
    browser.get("/sign-in/forgotten")
    token = next(value for form in browser.forms for name, value in form.fields if name == "csrf_token")
    sent = {"csrf_token": token, "who": who}
    browser.post("/sign-in/forgotten", data=sent, headers={"Origin": ORIGIN, **headers})
    return re.sub(r'value="[^"]{30,}"', "", browser.text)


def mailed(make: Make) -> list[str]:
    """The mails of the worker, oldest first."""
    worker = Worker(make.database)
    while worker.step():
        pass
    folder = Path(make.database.config.data_dir) / "mail"
    found = []
    for path in sorted(folder.glob("*.eml")) if folder.exists() else []:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found.append(f"{message['To']}\n{message.get_content()}")
    return found


def with_address(make: Make, username: str, address: str) -> Person:
    person = make.person("Lý A Hoa", username=username, password=PASSWORD)
    with make.writing() as session:
        session.get_one(Person, person.id).email = address
    return person


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_link_by_mail_sets_a_password_once_within_half_an_hour(make: Make) -> None:
    with_address(make, "hoa", "hoa@example.gov.vn")
    ask(make, "Hoa", Host="localhost")
    [mail] = mailed(make)
    assert mail.startswith("hoa@example.gov.vn")
    [link] = re.findall(r"http://localhost(/first-password/\w+)", mail)
    browser = make.browser()
    with clock.moved_to(clock.now() + timedelta(minutes=31)):
        assert browser.get(link).status_code == 404
    browser.get(link)
    fill(browser, new_password=NEW, repeat=NEW)
    assert is_in(sign_in(make, "hoa", NEW))
    assert browser.get(link).status_code == 404


def test_the_answer_is_the_same_for_whoever_is_there_and_whoever_is_not(make: Make) -> None:
    with_address(make, "hoa", "hoa@example.gov.vn")
    make.person(username="khongthu", password=PASSWORD)
    pages = {ask(make, who) for who in ("hoa", "hoa@example.gov.vn", "khongthu", "khongai", "ai@example.gov.vn")}
    assert len(pages) == 1
    with make.reading() as session:
        assert len(session.scalars(select(Job)).all()) == 5  # and so is what is done at once
    assert len(mailed(make)) == 1  # the later question ended the link of the earlier


def test_no_link_can_be_made_of_what_is_in_the_database(make: Make) -> None:
    with_address(make, "hoa", "hoa@example.gov.vn")
    ask(make, "hoa")
    [mail] = mailed(make)
    [token] = re.findall(r"/first-password/(\w+)", mail)
    with make.reading() as session:
        kept = str([job.payload for job in session.scalars(select(Job))])
        digests = session.scalars(select(OneTimeLink.token_digest)).all()
    assert token not in kept
    assert "hoa" not in kept
    assert token.encode() not in digests


def test_somebody_elses_questions_fill_no_mailbox_and_a_closed_account_gets_no_mail(make: Make) -> None:
    with_address(make, "hoa", "hoa@example.gov.vn")
    for _ in range(5):
        page = ask(make, "hoa")
    assert "Có quá nhiều lần thử" in page
    closed = with_address(make, "dong", "dong@example.gov.vn")
    with make.writing() as session:
        close_account(session, session.get_one(Person, closed.id))
    ask(make, "dong")
    assert {mail.partition("\n")[0] for mail in mailed(make)} == {"hoa@example.gov.vn"}


def test_a_later_link_ends_the_earlier_mail(make: Make) -> None:
    person = with_address(make, "hoa", "hoa@example.gov.vn")
    with make.writing() as session:
        issue_reset(session, {"person_ids": [person.id]})
        issue_link(session, session.get_one(Person, person.id))
    assert mailed(make) == []


def test_whoever_asks_for_a_mail_ends_no_link_that_was_handed_over(make: Make) -> None:
    person = with_address(make, "hoa", "hoa@example.gov.vn")
    with make.writing() as session:
        handed = issue_link(session, session.get_one(Person, person.id))
    code = codes_for(make, beside := make.person(username="sen"))[beside.id]
    with make.writing() as session:
        session.get_one(Person, beside.id).email = "sen@example.gov.vn"
        issue_reset(session, {"person_ids": [person.id]})
        issue_reset(session, {"person_ids": [beside.id]})
    mail = next(one for one in mailed(make) if one.startswith("hoa@"))
    assert works(make, "sen", code), "nor a slip"
    [link] = re.findall(r"http://localhost(/first-password/\w+)", mail)
    browser = make.browser()
    assert browser.get(link).status_code == 200
    assert browser.get(f"/first-password/{handed}").status_code == 200
    fill(browser, new_password=NEW, repeat=NEW)
    assert browser.get(link).status_code == 404  # a password ends them all


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example"])
def test_another_host_in_the_request_is_refused_and_reaches_no_mail(make: Make, host: str) -> None:
    with_address(make, "hoa", "hoa@example.gov.vn")
    browser = make.browser()
    assert browser.client.post("/sign-in/forgotten", data={"who": "hoa"}, headers={"Host": host}).status_code == 400
    assert mailed(make) == []
