"""A passkey in a real browser, whose device is made of software: added with the password, used without it."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site
from tests.journeys.province import LEARNER, PASSWORD
from tests.journeys.windows import Windows, sign_in

pytestmark = pytest.mark.chromium

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def device_of(page: Page) -> tuple[Any, str]:
    """A device with a fingerprint reader, in this window."""
    told = page.context.new_cdp_session(page)
    told.send("WebAuthn.enable")
    return told, told.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]


def test_a_passkey_is_added_and_opens_the_account_and_without_it_the_page_says_what_else_to_do(site: Site) -> None:
    windows = Windows(site.windows.browser, site.address.replace("127.0.0.1", "localhost"))
    page = windows.open()
    told, device = device_of(page)
    page.goto("/sign-in")
    sign_in(page, LEARNER, PASSWORD)
    page.goto("/profile/passkeys/new")
    page.get_by_label("Tên của khóa").fill("Điện thoại của tôi")
    page.get_by_label("Mật khẩu hiện nay").fill("sai mật khẩu")
    page.get_by_role("button", name="Thêm khóa").click()
    expect(page.get_by_role("alert")).to_have_text("Mật khẩu hiện nay không đúng.")
    windows.excuse("422")
    page.get_by_label("Mật khẩu hiện nay").fill(PASSWORD)
    page.get_by_role("button", name="Thêm khóa").click()
    expect(page.get_by_text("Đã thêm khóa")).to_be_visible()
    page.get_by_role("button", name="Đăng xuất").click()
    page.get_by_role("button", name="vân tay").click()
    expect(page.locator("details.account")).to_be_visible()
    page.get_by_role("button", name="Đăng xuất").click()
    told.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="vân tay").click()
    expect(page.get_by_role("alert")).to_have_text("Thiết bị chưa xác nhận được. Thử lại, hoặc dùng mật khẩu.")
    sign_in(page, LEARNER, PASSWORD)
    assert windows.troubles == []
    without = windows.open(java_script_enabled=False)
    without.goto("/sign-in")
    expect(without.get_by_role("button", name="vân tay")).to_be_hidden()
