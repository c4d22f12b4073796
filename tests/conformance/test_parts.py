"""The form of multipart/mixed: what RFC 2046 asks of it, and what hostile senders make of it.

Sections are those of IEEE 9274.1.1, then of xAPI 1.0.3: 4.1.3 / Comm 1.5.2 throughout.
"""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.xapi.parts import LONGEST_HEAD, MOST_PARTS, boundary_of, parts_of
from lms.xapi.rules import Malformed
from tests.conformance.multipart import TEXT, apart, refused
from tests.conformance.numbers import reproduces
from tests.make import Make
from tests.store import BOUNDARY, Outsider, mixed, paper, part, statement


@pytest.fixture(params=["1.0.3", "2.0.0"])
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


@pytest.fixture
def first(make: Make) -> Outsider:
    """A client that may do everything, in 1.0.3."""
    return Outsider(make, "all")


BOUNDARIES: list[tuple[str, str | None]] = [
    ("multipart/mixed; boundary=abc", "abc"),
    ('multipart/mixed; charset=utf-8; Boundary="a b\'()+_,-./:=?c"', "a b'()+_,-./:=?c"),
    ("multipart/mixed;boundary=-------314159; charset=x", "-------314159"),
    ("multipart/mixed; boundary=" + "a" * 70, "a" * 70),
    ("multipart/mixed; boundary=" + "a" * 71, None),
    ("multipart/mixed", None),
    ("multipart/mixed;", None),
    ("multipart/mixed; boundary=", None),
    ('multipart/mixed; boundary=""', None),
    ('multipart/mixed; boundary="abc', None),
    ('multipart/mixed; boundary="abc "', None),
    ("multipart/mixed; boundary=a\nb", None),
    ("multipart/mixed; boundary=ranh-giới", None),
    ("multipart/mixed; xboundary=abc", None),
]


@pytest.mark.parametrize(("content_type", "expected"), BOUNDARIES)
def test_the_boundary_is_that_of_the_header(content_type: str, expected: str | None) -> None:
    if expected is not None:
        assert boundary_of(content_type) == expected.encode()
        return
    with pytest.raises(Malformed, match="Content-Type"):
        boundary_of(content_type)


def test_what_stands_before_the_first_boundary_and_after_the_last_is_nobodys(outsider: Outsider) -> None:
    body = mixed(statement(attachments=[paper(TEXT)]), part(TEXT))
    for whole in (
        b"\r\n" + body,
        b"for old readers\r\n" + body,
        body + b"epilogue\r\n--" + BOUNDARY.encode(),
        body[:-2],
    ):
        assert outsider.send(whole).status_code == 200


LINE = b"--" + BOUNDARY.encode()
JSON_PART = b"Content-Type: application/json\r\n\r\n" + json.dumps(statement()).encode()
WHOLE = mixed(statement(attachments=[paper(TEXT)]), part(TEXT))
ILL_FORMED = {
    "nothing": b"",
    "JSON alone": json.dumps(statement()).encode(),
    "no part": LINE + b"--\r\n",
    "an empty part": LINE + b"\r\n" + LINE + b"--\r\n",
    "no first boundary": WHOLE[len(LINE) + 2 :],
    "no last boundary": WHOLE[: -len(LINE) - 6],
    "an end cut off": WHOLE[:-4],
    "bare line feeds": WHOLE.replace(b"\r\n", b"\n"),
    "a first part of another type": WHOLE.replace(b"application/json", b"text/plain", 1),
    "a first part of no type": LINE + b"\r\n\r\n" + json.dumps(statement()).encode() + b"\r\n" + LINE + b"--\r\n",
    "a first part that is no JSON": WHOLE.replace(b"{", b"{{", 1),
    "no boundary before the second part": WHOLE.replace(b"\r\n" + LINE + b"\r\n", b"\r\n"),
    "statements in two parts": LINE
    + b"\r\n"
    + JSON_PART
    + b"\r\n"
    + LINE
    + b"\r\n"
    + JSON_PART
    + b"\r\n"
    + LINE
    + b"--",
    "a boundary that goes on": WHOLE.replace(LINE + b"\r\nContent-Type: text", LINE + b"x\r\nContent-Type: text"),
    "a header without end": LINE + b"\r\nContent-Type: application/json\r\n" + LINE + b"--\r\n",
    "a header too long": WHOLE.replace(
        b"Content-Type: text", b"X-A: " + b"a" * LONGEST_HEAD + b"\r\nContent-Type: text"
    ),
    "too many headers": WHOLE.replace(b"Content-Type: text", b"".join(b"X-%d: a\r\n" % n for n in range(30)) + b"A: b"),
    "a header twice": WHOLE.replace(
        b"Content-Type: text/plain", b"Content-Type: text/plain\r\ncontent-type: text/plain"
    ),
    "a folded header": WHOLE.replace(b"Content-Type: text/plain", b"Content-Type:\r\n text/plain"),
    "no colon": WHOLE.replace(b"Content-Type: text/plain", b"Content-Type text/plain"),
    "letters that are no ASCII": WHOLE.replace(b"text/plain", b"text/pl\xe1in"),
    "parts within parts": LINE
    + b"\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n"
    + JSON_PART
    + b"\r\n--in--\r\n"
    + LINE
    + b"--",
}


@pytest.mark.parametrize("name", ILL_FORMED)
@reproduces(129)
def test_what_is_no_multipart_is_refused_and_leaves_nothing(make: Make, first: Outsider, name: str) -> None:
    assert refused(make, first, ILL_FORMED[name])


def test_parts_within_an_attachment_are_its_data(first: Outsider) -> None:
    inner = b"--in\r\n" + JSON_PART + b"\r\n--in--\r\n"
    body = mixed(
        statement(attachments=[paper(inner, kind="multipart/mixed; boundary=in")]),
        part(inner, Content_Type="multipart/mixed; boundary=in"),
    )
    [sent] = first.send(body).get_json()
    _, [(head, data)] = apart(first.get(statementId=sent, attachments="true"))
    assert (head[0], data) == ("Content-Type: multipart/mixed; boundary=in", inner)


@reproduces(131)
def test_a_boundary_is_needed_and_form_data_is_another_thing(make: Make, outsider: Outsider) -> None:
    for content_type in (
        "multipart/mixed",
        "multipart/mixed;",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=zz",
    ):
        refused(make, outsider, WHOLE, content_type)
    for content_type in (f"multipart/form-data; boundary={BOUNDARY}", f"multipart/related; boundary={BOUNDARY}"):
        assert "expected application/json or multipart/mixed" in refused(make, outsider, WHOLE, content_type)


def test_a_hundred_thousand_parts_are_refused_when_the_bound_is_reached(make: Make, first: Outsider) -> None:
    many = mixed(statement(), *[b"A: b\r\n\r\n"] * 100_000)
    before = time.process_time()
    assert refused(make, first, many) == f"body: has more than {MOST_PARTS} parts"
    assert time.process_time() - before < 5
    for hostile in (
        LINE + (b"\r\n" + LINE) * 100_000,
        LINE + b" " * 1_000_000,
        (LINE + b"\r\n" + b"A:" + b" " * 4_000 + b"\xff\r\n\r\n\r\n") * 100,
    ):
        assert refused(make, first, hostile)


@settings(max_examples=200, deadline=None)
@given(
    given_parts=st.lists(st.binary(max_size=60) | st.text("\r\n-:aX ", max_size=30).map(str.encode), max_size=4),
    before=st.text("\r\n-aX", max_size=10),
)
def test_what_is_put_between_boundaries_is_what_is_found_between_them(given_parts: list[bytes], before: str) -> None:
    line = b"--" + BOUNDARY.encode()
    body = b"".join(line + b" \t\r\nA: b\r\n\r\n" + one + b"\r\n" for one in (b"first", *given_parts)) + line + b"--"
    for whole in (body, f"{before}\r\n".encode() + body + b"  \r\nwhatever follows"):
        found = parts_of(whole, BOUNDARY.encode())
        assert [one.data for one in found] == [b"first", *given_parts]
