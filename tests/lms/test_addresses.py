"""After signing in one stays on this site, whatever `next` says."""

import pytest

from lms.web.addresses import local_path
from tests.make import Make

HOSTILE = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    "/%0d%0aLocation:http://evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "http://evil.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "http:evil.example",
    "http:/evil.example",
    "http:///evil.example",
    "https:\\\\evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "mailto:a@evil.example",
    "evil.example",
    "evil.example/path",
    "@evil.example",
    "user@evil.example",
    "http://localhost@evil.example",
    "http://localhost:80@evil.example",
    "http://localhost.evil.example",
    "//localhost@evil.example",
    "//evil.example:80",
    "//evil.example%2f..",
    "//[::1]",
    "//127.0.0.1",
    "/\x00/evil.example",
    "/\x01/evil.example",
    "/\x1f/evil.example",
    "?next=//evil.example",
    "#//evil.example",
    ".//evil.example",
    "../evil.example",
    "..//evil.example",
    "",
    " ",
    "\\",
    "/\\",
    "//",
    "///",
    "/%5c%5cevil.example",
]


@pytest.mark.parametrize("candidate", HOSTILE)
def test_another_site_is_never_an_address_to_go_to(candidate: str) -> None:
    assert local_path(candidate) is None


@pytest.mark.parametrize("path", ["/", "/courses/nq48", "/courses/nq48?x=1&y=/a//b", "/tìm-kiếm?q=số", "/a/%20b"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize("candidate", ["//evil.example", "/\\evil.example", "https://evil.example/profile"])
def test_signing_in_never_leads_to_another_site(make: Make, candidate: str) -> None:
    make.person(username="an", password="bon muoi tam nghi quyet")
    browser = make.browser()
    browser.get("/sign-in", query_string={"next": candidate})
    answer = browser.submit("/sign-in", username="an", password="bon muoi tam nghi quyet", follow=False)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"
