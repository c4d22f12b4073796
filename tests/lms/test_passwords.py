"""What a new password must be, which are refused, and when one must be replaced."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lms import clock
from lms.accounts.actions import opens, password_reused, set_password
from lms.accounts.loader import common_passwords
from lms.accounts.models import SignInAccount
from lms.accounts.rules import classes_in, composed, must_renew, password_fault, stands_not_alone
from lms.config import PasswordPolicy
from tests.make import Make
from tests.shared import STRENGTH
from tests.telephone import PASSWORD, fill, is_in, set_up_anew, sign_in

POLICY = PasswordPolicy()
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("Nghị quyết 48 của tỉnh", None),
        ("Ngõ 7, suối reo!", None),
        ("Ngắn 1 câu", "short"),
        ("Mười ba ký 13", "short"),
        ("nghị quyết 48 của tỉnh", "classes"),
        ("Nghị quyết của tỉnh ủy", "classes"),
        ("NghịQuyết48CủaTỉnh", "classes"),
        ("Tôi là hoala, 48 tuổi", "name"),
        ("H O A L A tên tôi 1", "name"),
        ("Password 12345678!", "simple"),
        ("P@ssw0rd 2024 2024", "simple"),
        ("Mật khẩu 123456789", "simple"),
        ("Tuyên Quang 2026 !!", "simple"),
        ("Tuyên Quang Tuyên Quang 1", "simple"),
        ("Aa1 Aa1 Aa1 Aa1 Aa1", "simple"),
    ],
)
def test_where_it_stands_alone_it_is_long_mixed_and_nobody_elses_first_idea(password: str, fault: str | None) -> None:
    found = password_fault(password, username="hoala", policy=POLICY, second_factor=False, common=common_passwords())
    assert found == fault


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("suoi reo", None),
        ("suối reo", None),
        ("suoireo", "short"),
        ("password", "simple"),
        ("iloveyou", "simple"),
        ("12345678", "simple"),
        ("matkhau1", "simple"),
        ("hoala 12", "name"),
    ],
)
def test_beside_a_second_factor_eight_characters_will_do(password: str, fault: str | None) -> None:
    found = password_fault(password, username="hoala", policy=POLICY, second_factor=True, common=common_passwords())
    assert found == fault


def test_whoever_guesses_at_a_stolen_hash_needs_nineteen_megabytes_and_two_passes_for_each_word() -> None:
    assert (STRENGTH.type.name, STRENGTH.memory_cost, STRENGTH.time_cost) == ("ID", 19 * 1024, 2)


def test_the_settings_decide_on_length_and_mixture() -> None:
    easy = PasswordPolicy(length=10, classes=0)
    assert password_fault("suối reo ngoài ngõ", username="x", policy=easy, second_factor=False, common=set()) is None
    assert stands_not_alone("suối reo", easy)
    assert not stands_not_alone("suối reo ngoài ngõ", easy)


@pytest.mark.parametrize(
    ("text", "classes"), [("", 0), ("ă", 1), ("ăĂ", 2), ("ăĂ1", 3), ("ăĂ1 ", 4), ("ăĂ1-", 4), ("12 3", 2)]
)
def test_vietnamese_letters_are_letters_and_a_space_counts_as_a_sign(text: str, classes: int) -> None:
    assert classes_in(text) == classes


def test_the_same_password_opens_whichever_keyboard_composed_its_letters(make: Make) -> None:
    decomposed = "Nghi\u0323 quye\u0302\u0301t 48 cu\u0309a ti\u0309nh"
    assert composed(decomposed) == "Nghị quyết 48 của tỉnh"
    make.person(username="an", password="Nghị quyết 48 của tỉnh")
    assert is_in(sign_in(make, "an", decomposed))
    make.person(username="binh", password=decomposed)
    assert is_in(sign_in(make, "binh", "Nghị quyết 48 của tỉnh"))


def test_spaces_at_the_ends_belong_to_it(make: Make) -> None:
    make.person(username="an", password=" Nghị quyết 48 của tỉnh ")
    assert is_in(sign_in(make, "an", " Nghị quyết 48 của tỉnh "))
    assert not is_in(sign_in(make, "an", "Nghị quyết 48 của tỉnh"))


def test_it_may_be_pasted(make: Make) -> None:
    page = make.browser().get("/sign-in").text
    assert "onpaste" not in page
    assert 'autocomplete="current-password"' in page


@pytest.mark.parametrize(
    ("administers", "days", "age", "due"),
    [(True, 0, 9999, False), (True, 60, 61, True), (True, 60, 59, False), (False, 60, 9999, False)],
)
def test_a_password_ends_with_time_only_for_administrators_and_only_when_set_so(
    administers: bool, days: int, age: int, due: bool
) -> None:
    policy, changed = PasswordPolicy(admin_days=days), NOW - timedelta(days=age)
    assert must_renew(changed, administers=administers, policy=policy, now=NOW) == due


def set_anew(make: Make, person_id: int, password: str) -> bool:
    """Whether the password could be set."""
    with make.writing() as session:
        account = session.get_one(SignInAccount, person_id)
        if password_reused(session, account, password):
            return False
        set_password(session, account, password)
        return True


@pytest.mark.parametrize("settings", [{"passwords": PasswordPolicy(remembered=3)}])
def test_an_administrator_uses_none_of_the_last_again_and_others_only_not_the_present_one(
    make: Make, settings: dict[str, Any]
) -> None:
    administrator = make.person(password="một", role="administrator").id
    found = [set_anew(make, administrator, word) for word in ("một", "hai", "một", "ba", "hai", "một", "bốn", "một")]
    assert found == [False, True, False, True, False, False, True, True]
    learner = make.person(password="một").id
    assert [set_anew(make, learner, word) for word in ("một", "hai", "một")] == [False, True, True]


@pytest.mark.parametrize("settings", [{"passwords": PasswordPolicy(admin_days=60)}])
def test_an_administrator_whose_password_has_served_chooses_another_on_the_way_in(
    make: Make, settings: dict[str, Any]
) -> None:
    make.person(username="qt", password=PASSWORD, role="administrator")
    make.person(username="hv", password=PASSWORD)
    with clock.moved_to(clock.now() + timedelta(days=61)):
        assert is_in(sign_in(make, "hv"))
        browser = sign_in(make, "qt")
        assert browser.path == "/sign-in/new-password"
        assert "đã dùng rồi" in fill(browser, new_password=PASSWORD, repeat=PASSWORD).text
        fill(browser, new_password="Suối reo 3 tầng thác", repeat="Suối reo 3 tầng thác")
        assert is_in(browser)
        assert is_in(sign_in(make, "qt", "Suối reo 3 tầng thác"))
        set_up_anew(make, passwords=PasswordPolicy())


def test_a_digest_of_another_kind_opens_nothing() -> None:
    assert not opens("not a digest", PASSWORD)
