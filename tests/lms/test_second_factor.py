"""The second step of signing in: codes of a telephone, codes for emergencies, and of whom they are asked."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from lms import clock
from lms.accounts.actions import end_role, grant_role, set_password
from lms.accounts.models import Person, RoleGrant, SignInAccount, UserSession
from lms.accounts.rules import SECOND_FACTOR, is_required
from lms.audit.models import AuditEntry
from lms.authentication.actions import code_fits, reset_second_factors, secret_of
from lms.authentication.models import Authenticator, RecoveryCode
from lms.authentication.rules import CODE, ENROL, PROVIDER, matching_step, page_after
from lms.authentication.rules import PASSWORD as BY_PASSWORD
from tests.conftest import BACKENDS, SECRET
from tests.make import Make
from tests.telephone import A_MINUTE, PASSWORD, account_of, connected, fill, is_in, scanned, set_up_anew, sign_in
from tests.together import at_once

RFC_SECRET = b"12345678901234567890"
HALF_A_MINUTE = timedelta(seconds=30)


@pytest.fixture
def backend() -> str:
    """What no database changes runs on one; some tests below ask for both."""
    return "sqlite"


@pytest.fixture
def settings() -> dict[str, Any]:
    """As in production."""
    return {"second_factor": frozenset({"administrator", "head", "trainer"})}


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B, in six figures."""
    now = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(RFC_SECRET, code, now=now, last=None) == seconds // 30
    assert matching_step(RFC_SECRET, f" {code[:3]} {code[3:]} ", now=now, last=None) == seconds // 30


def test_a_code_is_good_half_a_minute_early_and_late_and_no_longer() -> None:
    now = datetime.fromtimestamp(1234567890, UTC)
    found = [
        matching_step(RFC_SECRET, "005924", now=now + steps * HALF_A_MINUTE, last=None) is not None
        for steps in (-2, -1, 0, 1, 2)
    ]
    assert found == [False, True, True, True, False]


@pytest.mark.parametrize("last", [41152263, 41152264])
def test_a_code_is_not_taken_again_nor_an_earlier_one_after_it(last: int) -> None:
    now = datetime.fromtimestamp(1234567890, UTC)
    assert matching_step(RFC_SECRET, "005924", now=now, last=last) is None
    assert matching_step(RFC_SECRET, "005924", now=now, last=41152262) == 41152263


@pytest.mark.parametrize("typed", ["", "00592", "0059244", "abcdef", "٠٠٥٩٢٤", "-05924"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    assert matching_step(RFC_SECRET, typed, now=datetime.fromtimestamp(1234567890, UTC), last=None) is None


@pytest.mark.parametrize(
    ("proof", "required", "telephone", "passkey", "page"),
    [
        (BY_PASSWORD, False, False, False, None),
        (BY_PASSWORD, False, False, True, None),
        (BY_PASSWORD, False, True, False, CODE),
        (BY_PASSWORD, True, True, False, CODE),
        (BY_PASSWORD, True, False, True, CODE),
        (BY_PASSWORD, True, False, False, ENROL),
        (PROVIDER, False, True, False, CODE),
        (PROVIDER, True, False, False, ENROL),
        (SECOND_FACTOR, True, True, True, None),
        (SECOND_FACTOR, True, False, False, None),
    ],
)
def test_what_follows_a_right_password(
    proof: str, required: bool, telephone: bool, passkey: bool, page: str | None
) -> None:
    assert page_after(proof, required=required, has_authenticator=telephone, has_passkey=passkey) == page


def test_a_second_factor_is_asked_of_the_roles_the_settings_name() -> None:
    assert is_required(["head"], of={"administrator", "head"})
    assert not is_required(["trainer"], of={"administrator", "head"})
    assert not is_required([], of={"administrator"})
    assert is_required([], of={"learner"})


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_head_sets_the_telephone_up_on_the_way_in_and_is_asked_for_a_code_from_then_on(make: Make) -> None:
    unit = make.unit()
    make.person(username="an", password=PASSWORD, unit=unit, role="head", over=unit)
    browser = sign_in(make, "an")
    assert browser.path == "/sign-in/telephone"
    assert not is_in(browser)
    browser.get("/sign-in/telephone")
    browser.submit("/sign-in/telephone", begin="1")
    assert 'src="data:image/svg+xml' in browser.text
    telephone = scanned(browser)
    assert fill(browser, code="000000" if telephone.code() != "000000" else "111111").status_code == 422
    assert scanned(browser) == telephone
    fill(browser, code=telephone.code())
    assert browser.text.count("<code>") == 10
    assert "Mã cũ" not in browser.text, "there are none before the first"
    assert is_in(browser)
    with clock.moved_to(clock.now() + A_MINUTE):
        again = sign_in(make, "an")
        assert again.path == "/sign-in/code"
        assert not is_in(again)
        fill(again, code=telephone.code())
        assert is_in(again)


def test_a_learner_may_turn_it_on_with_the_password_and_off_with_password_and_code(make: Make) -> None:
    browser = sign_in(make, make_learner(make))
    browser.get("/profile/protection/telephone")
    assert fill(browser, password="sai").status_code == 422
    fill(browser, password=PASSWORD)
    telephone = scanned(browser)
    fill(browser, code=telephone.code())
    assert "Mã cũ" not in browser.text, "there are none before the first"
    browser.get("/profile/protection")
    assert "Đang bật" in browser.text
    with clock.moved_to(clock.now() + A_MINUTE):
        browser.get("/profile/protection/telephone/remove")
        assert fill(browser, password=PASSWORD, code="000 000").status_code == 422
        fill(browser, password=PASSWORD, code=telephone.code())
    assert "Đã tắt" in browser.text
    assert is_in(sign_in(make, "hoc"))


def test_a_telephone_in_use_is_replaced_only_with_a_code_of_it_or_one_for_emergencies(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    _telephone, codes = connected(make, person)
    browser = make.browser(person)
    browser.get("/profile/protection/telephone")
    assert fill(browser, password=PASSWORD, code="000 000").status_code == 422
    assert "Mã không đúng" in browser.text
    token = dict(browser.form("/sign-out").fields)["csrf_token"]
    sent = {"password": PASSWORD, "csrf_token": token}
    browser.post("/profile/protection/telephone", data=sent, headers={"Origin": "http://localhost"})
    with make.reading() as session:
        assert session.scalar(select(Authenticator.id).where(Authenticator.confirmed_at.is_(None))) is None
    fill(browser, password=PASSWORD, code=codes[0])
    telephone = scanned(browser)
    fill(browser, code=telephone.code())
    assert "Mã cũ đã hết hiệu lực." in browser.text
    with clock.moved_to(clock.now() + A_MINUTE), make.writing() as session:
        assert code_fits(session, person.id, telephone.code())


def make_learner(make: Make, username: str = "hoc") -> str:
    make.person(username=username, password=PASSWORD)
    return username


def test_whose_role_asks_for_it_cannot_turn_it_off_and_a_stranger_reaches_no_step(make: Make) -> None:
    unit = make.unit()
    head = make.person(username="an", password=PASSWORD, unit=unit, role="head", over=unit)
    telephone, _codes = connected(make, head)
    browser = make.browser(head)
    browser.get("/profile/protection/telephone/remove")
    assert "không tắt được" in browser.text
    token = {"csrf_token": dict(browser.form("/sign-out").fields)["csrf_token"]}
    sent = {**token, "password": PASSWORD, "code": telephone.code()}
    browser.post("/profile/protection/telephone/remove", data=sent, headers={"Origin": "http://localhost"})
    with make.reading() as session:
        assert session.scalar(select(Authenticator.id)) is not None
    for path in ("/sign-in/code", "/sign-in/telephone", "/sign-in/new-password"):
        stranger = make.browser()
        stranger.get(path)
        assert stranger.path == "/sign-in"


def test_the_step_in_the_cookie_opens_no_page_and_ends_after_ten_minutes_and_with_a_new_password(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    connected(make, person)
    browser = sign_in(make, "an")
    assert browser.get("/profile", follow=False).status_code == 302
    with clock.moved_to(clock.now() + timedelta(minutes=11)):
        browser.get("/sign-in/code")
        assert browser.path == "/sign-in"
    browser = sign_in(make, "an")
    with make.writing() as session:
        set_password(session, session.get_one(SignInAccount, person.id), "Suối reo 3 tầng thác")
    browser.get("/sign-in/code")
    assert browser.path == "/sign-in"


def test_whoever_is_asked_for_a_code_reaches_no_other_step_and_sets_up_no_other_telephone(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD, role="trainer")
    connected(make, person)
    browser = sign_in(make, "an")
    token = next(value for form in browser.forms for name, value in form.fields if name == "csrf_token")
    for path in ("/sign-in/telephone", "/sign-in/new-password"):
        sent = {"csrf_token": token, "begin": "1", "code": "1", "new_password": "Suối reo 3 tầng thác"}
        answer = browser.post(path, data=sent, headers={"Origin": "http://localhost"}, follow=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in")
        browser.get("/sign-in")
        assert browser.get(path, follow=False).status_code == 302
    with make.reading() as session:
        assert len(session.scalars(select(Authenticator)).all()) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_code_enters_once_even_at_the_same_moment(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    telephone, _codes = connected(make, person)
    code = telephone.code()

    def enters() -> bool:
        with make.writing() as session:
            return code_fits(session, person.id, code)

    assert sorted(at_once(*[enters] * 4)) == [False, False, False, True]


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_recovery_code_enters_once_however_it_is_typed_and_new_ones_end_the_old(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    _telephone, codes = connected(make, person)
    assert len(set(codes)) == 10
    first = sign_in(make, "an")
    fill(first, code=f" {codes[0].lower().replace('-', ' ')} ")
    assert is_in(first)
    second = sign_in(make, "an")
    assert fill(second, code=codes[0]).status_code == 422
    first.get("/profile/protection")
    assert "còn 9 trong 10" in first.text
    first.get("/profile/protection/codes")
    assert "Các mã cũ hết hiệu lực ngay." in first.text
    for wrong in ("000 000", codes[0]):
        assert fill(first, password=PASSWORD, code=wrong).status_code == 422  # the password alone renews nothing
    fill(first, password=PASSWORD, code=codes[2])
    assert codes[1] not in first.text
    assert "Mã cũ đã hết hiệu lực." in first.text
    assert fill(second, code=codes[1]).status_code == 422
    other = make.person(username="binh", password=PASSWORD)
    connected(make, other)
    with make.writing() as session:
        assert not code_fits(session, other.id, codes[3])  # a code of somebody else


def test_neither_secrets_nor_codes_can_be_read_in_the_database(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    telephone, codes = connected(make, person)
    with make.reading() as session:
        sealed = session.scalars(select(Authenticator.sealed_secret)).one()
        digests = session.scalars(select(RecoveryCode.code_digest)).all()
        entries = [str(entry.details) for entry in session.scalars(select(AuditEntry))]
    assert telephone.secret not in sealed
    assert base64.b32encode(telephone.secret) not in sealed
    assert all(len(one) == 32 for one in digests)
    assert not any(code in entry for code in codes for entry in entries)


def test_a_new_secret_key_keeps_telephones_and_codes_when_the_old_one_is_named_and_only_then(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    telephone, codes = connected(make, person)
    old, new = SECRET, "another secret for tests only: 9x8c7v6b5n4m"
    set_up_anew(make, secret_key=new, former_secret_keys=(old,))
    with make.writing() as session:
        assert code_fits(session, person.id, telephone.code())
        assert code_fits(session, person.id, codes[0])
    set_up_anew(make, former_secret_keys=())
    with make.writing() as session:
        row = session.scalars(select(Authenticator)).one()
        assert secret_of(session, row) == telephone.secret  # sealed anew when the code was used
        assert not code_fits(session, person.id, codes[1])
    set_up_anew(make, secret_key="a third secret for tests only: 1q2w3e4r5t6y7u")
    with clock.moved_to(clock.now() + A_MINUTE), make.writing() as session:
        assert not code_fits(session, person.id, telephone.code())


def test_an_administrator_removes_it_for_somebody_which_is_noted_and_ends_every_session(make: Make) -> None:
    administrator = make.person("Quản Trị", username="qt", password=PASSWORD, role="administrator")
    person = make.person("Người Mất Máy", username="an", password=PASSWORD)
    connected(make, person)
    victim, helper = make.browser(person), make.browser(administrator)
    assert is_in(victim)
    helper.get(f"/people/{person.public_id}/protection")
    helper.get(f"/people/{person.public_id}/protection/reset")
    helper.submit("/protection/reset")
    assert "Đã xóa bước xác nhận thứ hai" in helper.text
    assert not is_in(victim)
    assert is_in(sign_in(make, "an"))
    with make.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "second_factor.reset")).one()
        assert (entry.actor, entry.object_id) == (administrator.public_id, str(person.public_id))
        assert session.scalar(select(RecoveryCode.id)) is None
    helper.get(f"/people/{administrator.public_id}/protection/reset")
    helper.submit("/protection/reset")
    assert "quản trị viên khác" in helper.text


def test_guesses_at_codes_are_counted_and_the_right_code_of_another_browser_waits_too(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    telephone, _codes = connected(make, person)
    browser = sign_in(make, "an")
    for _ in range(5):
        assert fill(browser, code="123 45").status_code == 422
    answer = fill(browser, code=telephone.code())
    assert answer.status_code == 422
    assert "Chờ 5 phút" in answer.text
    elsewhere = sign_in(make, "an")
    assert fill(elsewhere, code=telephone.code()).status_code == 422
    with clock.moved_to(clock.now() + timedelta(minutes=5, seconds=1)):
        elsewhere = sign_in(make, "an")
        fill(elsewhere, code=telephone.code())
        assert is_in(elsewhere)


def test_a_shorter_password_will_do_beside_a_telephone_and_must_be_replaced_when_that_is_gone(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    telephone, _codes = connected(make, person)
    browser = make.browser(person)
    browser.get("/profile/password")
    assert "Ít nhất 8 ký tự" in browser.text
    browser.submit("/profile/password", password=PASSWORD, new_password="suoi reo", repeat="suoi reo")
    assert account_of(make, person).short_password
    browser.get("/profile/protection/telephone/remove")
    assert "Đổi mật khẩu dài hơn trước" in fill(browser, password="suoi reo", code=telephone.code()).text
    with make.writing() as session:
        reset_second_factors(session, session.get_one(Person, person.id), by=person.public_id)
    browser = sign_in(make, "an", "suoi reo")
    assert browser.path == "/sign-in/new-password"
    assert not is_in(browser)
    assert fill(browser, new_password="suoi reo 2", repeat="suoi reo 2").status_code == 422
    fill(browser, new_password="Suối reo 3 tầng!", repeat="Suối reo 3 tầng!")
    assert is_in(browser)
    assert not account_of(make, person).short_password


def test_a_role_that_ends_no_longer_asks(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD, role="trainer")
    assert sign_in(make, "an").path == "/sign-in/telephone"
    with make.writing() as session:
        end_role(session, session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)).one())
    assert is_in(sign_in(make, "an"))


@pytest.mark.parametrize("settings", [{}])
def test_a_trial_asks_nobody_and_says_so_on_the_profile(make: Make) -> None:
    make.person(username="an", password=PASSWORD, role="trainer")
    browser = sign_in(make, "an")
    browser.get("/profile")
    assert "không bắt buộc bước xác nhận thứ hai" in browser.text
    browser = sign_in(make, make_learner(make))
    browser.get("/profile")
    assert "không bắt buộc bước xác nhận thứ hai" not in browser.text


def test_nothing_typed_is_lost_on_the_way_through_the_second_step(make: Make) -> None:
    person = make.person(username="an", password=PASSWORD)
    telephone, _codes = connected(make, person)
    browser = make.browser(person)
    browser.get("/profile/password")
    with clock.moved_to(clock.now() + timedelta(hours=3)):
        token = dict(browser.form("/profile/password").fields)["csrf_token"]
        essay = "Bài thu hoạch: chuyển đổi số ở xã tôi…\nĐoạn hai."
        sent = {"csrf_token": token, "Bài viết": essay}
        answer = browser.post("/profile/sessions/end", data=sent, headers={"Origin": "http://localhost"})
        assert answer.status_code == 401
        browser.submit("/sign-in", username="an", password=PASSWORD)
        assert "vẫn được giữ lại" in browser.text
        browser.submit("Tiếp tục")
        browser.submit("/sign-in/code", code=telephone.code())
        assert essay.split("\n")[0] in browser.text
        assert browser.form("/profile/sessions/end").method == "post"


@pytest.mark.parametrize("where", ["code", "telephone", "picture"])
def test_nothing_typed_is_lost_when_the_second_step_takes_too_long(make: Make, where: str) -> None:
    person = make.person(username="an", role="head", over=make.unit("Sở Y tế"), password=PASSWORD)
    if where == "code":
        connected(make, person)
    browser = make.browser()
    sent = {"Bài viết": "Ba việc tôi sẽ làm"}
    browser.post("/profile/sessions/end", data=sent, headers={"Origin": "http://localhost"})
    browser.submit("/sign-in", username="an", password=PASSWORD)
    browser.submit("Tiếp tục")
    if where == "picture":
        browser.submit("/sign-in/telephone", begin="1")
    page, path = browser.page, browser.path
    with clock.moved_to(clock.now() + timedelta(minutes=40)):
        browser.page, browser.path = page, path
        if where == "telephone":
            browser.submit("/sign-in/telephone", begin="1")
        else:
            fill(browser, code="123456")
        assert "được giữ lại" in browser.text, "back at the sign-in, with what was typed"
        browser.submit("/sign-in", username="an", password=PASSWORD)
        assert "vẫn được giữ lại" in browser.text


def test_a_role_that_begins_at_midnight_opens_nothing_in_a_session_begun_with_a_password_alone(make: Make) -> None:
    unit = make.unit("Xã Mẫu")
    person = make.person(username="sen", unit=unit, password=PASSWORD)
    with make.writing() as session:
        tomorrow = clock.today() + timedelta(days=1)
        grant_role(session, session.get_one(Person, person.id), "head", unit=session.merge(unit), since=tomorrow)
    dashboard, midnight = f"/dashboard/units/{unit.public_id}", clock.end_of_day(clock.today())
    with clock.moved_to(midnight - timedelta(minutes=10)):
        browser = sign_in(make, "sen")
        assert is_in(browser)
    with clock.moved_to(midnight + timedelta(minutes=10)):
        assert browser.get(dashboard).status_code == 200
        assert browser.path.startswith("/sign-in")
        browser.submit("/sign-in", username="sen", password=PASSWORD)
        assert browser.path.startswith("/sign-in/telephone")
        browser.submit("/sign-in/telephone", begin="1")
        fill(browser, code=scanned(browser).code())
        assert browser.get(dashboard, follow=False).status_code == 200


def test_a_session_keeps_what_was_shown_through_a_change_of_password(make: Make) -> None:
    person = make.person(username="sen", role="administrator", password=PASSWORD)
    telephone, _codes = connected(make, person)
    browser = sign_in(make, "sen")
    fill(browser, code=telephone.code())
    browser.get("/profile/password")
    fill(browser, password=PASSWORD, new_password="Suối reo 3 tầng thác", repeat="Suối reo 3 tầng thác")
    assert is_in(browser)
    with make.reading() as session:
        assert set(session.scalars(select(UserSession.proof))) == {SECOND_FACTOR}
