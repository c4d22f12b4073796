"""Signed statements: JWS as attachments.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Data = part two): 4.2.6 / Data 2.6 throughout.
What a signature may be asks no database: the cases are judged as the view judges a request (`judge`), and a few tests
send theirs to the store on both databases.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lms.xapi.loader import check_data_are_named, read_statements
from lms.xapi.parts import taken_apart
from lms.xapi.rules import Malformed
from lms.xapi.signature import check_signatures
from tests.conformance.numbers import reproduces
from tests.make import Make
from tests.signing import HASHES, OCTETS, base64url, certificate, chain, jws, key, signature, signed
from tests.store import BOUNDARY, Outsider, mixed, new_id, paper, part, statement


@pytest.fixture(params=["1.0.3", "2.0.0"])
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


@pytest.fixture(params=[False, True], ids=["1.0.3", "2.0.0"])
def two(request: pytest.FixtureRequest) -> bool:
    """Whether the request speaks xAPI 2.0."""
    return bool(request.param)


def judge(body: bytes, *, two: bool) -> None:
    """What the store asks of a request in parts before it looks at any row; raises `Malformed`."""
    statements, data = taken_apart(body, f"multipart/mixed; boundary={BOUNDARY}")
    received, listed = read_statements(statements, two=two, data=data)
    check_data_are_named(received, data)
    check_signatures(received, data, listed=listed, two=two)


def refused(body: bytes, *, two: bool) -> str:
    """Why a request is refused."""
    with pytest.raises(Malformed) as caught:
        judge(body, two=two)
    error = str(caught.value)
    assert error.startswith("statement.attachments[0]"), error
    return error


@pytest.mark.parametrize("name", ["a payload that is no statement", "a line end after it"])
def test_a_request_that_is_refused_says_what_a_judge_says_and_leaves_nothing(outsider: Outsider, name: str) -> None:
    body = signed(statement(), MALFORMED[name]())
    answer = outsider.send(body)
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["error"] == refused(body, two=outsider.edition == "2.0.0")
    assert outsider.ids() == []


def certified_by(document: dict[str, Any], alg: str, certified: int) -> bytes:
    """A signature with so many certificates of the chain."""
    header: dict[str, Any] = {"x5c": list(chain()[:certified])} if certified else {}
    return jws(document, alg=alg, typ="JWT", **header)


@pytest.mark.parametrize("alg", HASHES)
@pytest.mark.parametrize("certified", [0, 1, 2])
@reproduces(115)
def test_a_signature_with_rsa_and_sha2_is_accepted(two: bool, alg: str, certified: int) -> None:
    document = statement(id=new_id(), timestamp="2026-03-01T08:30:00+07:00")
    judge(signed(document, certified_by(document, alg, certified)), two=two)


@pytest.mark.parametrize(("alg", "certified"), [("RS256", 0), ("RS384", 1), ("RS512", 2)])
def test_a_signature_with_rsa_and_sha2_comes_back(outsider: Outsider, alg: str, certified: int) -> None:
    document = statement(id=new_id(), timestamp="2026-03-01T08:30:00+07:00")
    data = certified_by(document, alg, certified)
    [sent] = outsider.send(signed(document, data)).get_json()
    answer = outsider.get(statementId=sent, attachments="true")
    assert answer.data.split(b"\r\n\r\n")[2].split(b"\r\n--")[0] == data


def test_signatures_are_looked_at_in_every_statement_of_a_batch(outsider: Outsider) -> None:
    good, bad = statement(id=new_id()), statement(id=new_id())
    one, two = jws(good), jws(good)[:-8] + b"?"
    batch = [{**good, "attachments": [signature(one)]}, statement(), {**bad, "attachments": [signature(two)]}]
    answer = outsider.send(mixed(batch, part(one, Content_Type=OCTETS), part(two, Content_Type=OCTETS)))
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("statements[2].attachments[0]: is no JWS")
    assert outsider.ids() == []


def test_put_looks_at_signatures_too(outsider: Outsider) -> None:
    chosen = new_id()
    good, bad = jws(statement(id=chosen)), jws(statement(id=new_id()))
    assert outsider.send(signed(statement(), bad), put=chosen).status_code == 400
    assert outsider.send(signed(statement(), good), put=chosen.upper()).status_code == 204


def test_a_signature_must_come_with_its_data(outsider: Outsider) -> None:
    """Nothing is fetched from a fileUrl, so nothing could be verified."""
    document = statement()
    elsewhere = {**document, "attachments": [signature(jws(document), fileUrl="https://example.vn/x")]}
    for answer in (outsider.post(elsewhere), outsider.send(mixed(elsewhere))):
        assert answer.status_code == 400
        assert "must come with the statement" in answer.get_json()["error"]


def test_the_type_of_a_signature_is_that_of_octets(two: bool) -> None:
    document = statement()
    error = refused(signed(document, jws(document), contentType="text/plain"), two=two)
    assert "contentType: expected application/octet-stream" in error


def hs256(document: Any) -> bytes:
    """A signature with a shared secret: the public key itself, as in the classic confusion of algorithms."""
    text = base64url(b'{"alg":"HS256"}') + b"." + base64url(json.dumps(document).encode())
    return text + b"." + base64url(hmac.digest(base64.b64decode(chain()[0]), text, hashlib.sha256))


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "HS512", "ES256", "PS256", "rs256", "", "RS1", None, 256, ["RS256"]]
)
@reproduces(117)
def test_other_algorithms_are_refused(two: bool, alg: Any) -> None:
    document = statement()
    text = (
        base64url(json.dumps({"alg": alg, "x5c": [chain()[0]]}).encode())
        + b"."
        + base64url(json.dumps(document).encode())
    )
    data = text + b"." + base64url(key().sign(text, PKCS1v15(), SHA256()))
    assert "alg: expected RS256 or RS384 or RS512" in refused(signed(document, data), two=two)
    assert "alg: expected" in refused(signed(document, hs256(document)), two=two)


MALFORMED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no points": lambda: b"abc",
    "two parts": lambda: b"e30.e30",
    "four parts": lambda: b"e30.e30.e30.e30",
    "an unsigned one": lambda: jws(statement()).rpartition(b".")[0] + b".",
    "an encrypted one of five parts": lambda: b"e30.e30.e30.e30.e30",
    "JSON serialization": lambda: json.dumps({"payload": "e30", "signature": "e30", "protected": "e30"}).encode(),
    "a line end after it": lambda: jws(statement()) + b"\n",
    "padding": lambda: jws(statement()) + b"=",
    "the alphabet of plain base64": lambda: b"e3+." + jws(statement()).partition(b".")[2],
    "a length base64 does not have": lambda: b"e3013." + jws(statement()).partition(b".")[2],
    "a header that is no JSON": lambda: base64url(b"{alg}") + b"." + jws(statement()).partition(b".")[2],
    "a header that is a list": lambda: base64url(b"[]") + b"." + jws(statement()).partition(b".")[2],
    "a header with two algorithms": lambda: (
        base64url(b'{"alg":"RS256","alg":"RS256"}') + b"." + jws(statement()).partition(b".")[2]
    ),
    "a header that demands the unknown": lambda: jws(statement(), crit=["b64"], b64=False),
    "a payload that is no JSON": lambda: jws(json.dumps(statement()).replace('"', "'", 1).encode()),
    "a payload of bytes": lambda: jws(b"\xff\xfe"),
    "a payload that is a list": lambda: jws([statement()]),
    "a payload that is a text": lambda: jws("statement"),
    "a payload that is no statement": lambda: jws({"actor": {}}),
    "a payload with a wrong duration": lambda: jws({**statement(), "result": {"duration": 5}}),
    "a payload nested deep": lambda: jws(b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    "a payload with a name twice": lambda: jws(
        json.dumps(statement()).replace("{", '{"id":"x",', 1).replace("{", '{"id":"x",', 1).encode()
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_signature_is_refused(two: bool, name: str) -> None:
    refused(signed(statement(), MALFORMED[name]()), two=two)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60) | st.from_regex(rb"[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,20}"))
def test_any_bytes_in_place_of_a_signature_are_refused_and_break_nothing(two: bool, data: bytes) -> None:
    refused(signed(statement(), data), two=two)


# the payload is the statement as it was before the signature was added


SAID = statement(
    id=new_id(),
    timestamp="2026-03-01T08:30:00+07:00",
    result={"duration": "PT1H0.12S", "score": {"scaled": 0.5}},
    context={"contextActivities": {"parent": {"id": "https://example.vn/khoa"}}},
)
SAME: dict[str, dict[str, Any]] = {
    "the statement": SAID,
    "another order": dict(reversed(SAID.items())),
    "no id yet": {name: value for name, value in SAID.items() if name != "id"},
    "no time yet": {name: value for name, value in SAID.items() if name != "timestamp"},
    "another case of the id": {**SAID, "id": SAID["id"].upper()},
    "another zone of the time": {**SAID, "timestamp": "2026-03-01T01:30:00.000Z"},
    "a finer duration": {**SAID, "result": {**SAID["result"], "duration": "PT1H0.1237S"}},
    "another writing of the fraction": {**SAID, "result": {**SAID["result"], "duration": "PT1H0,12S"}},
    "another authority and version": {**SAID, "authority": {"mbox": "mailto:x@example.vn"}, "version": "1.0.0"},
    "a list of activities": {**SAID, "context": {"contextActivities": {"parent": [{"id": "https://example.vn/khoa"}]}}},
    "no attachments": {**SAID, "attachments": []},
}


@pytest.mark.parametrize("name", SAME)
def test_what_says_the_same_may_have_been_signed(two: bool, name: str) -> None:
    judge(signed(SAID, jws(SAME[name], x5c=list(chain()))), two=two)


OTHER: dict[str, dict[str, Any]] = {
    "another actor": {**SAID, "actor": {"mbox": "mailto:binh@example.vn"}},
    "another verb": {**SAID, "verb": {"id": "https://example.vn/other"}},
    "another object": {**SAID, "object": {"id": "https://example.vn/bai-2"}},
    "another id": {**SAID, "id": new_id()},
    "another time": {**SAID, "timestamp": "2026-03-01T08:30:01+07:00"},
    "another duration": {**SAID, "result": {**SAID["result"], "duration": "PT1H0.13S"}},
    "another duration in hours": {**SAID, "result": {**SAID["result"], "duration": "PT1.001H"}},
    "another score": {**SAID, "result": {**SAID["result"], "score": {"scaled": 0.6}}},
    "no result": {name: value for name, value in SAID.items() if name != "result"},
    "attachments it does not have": {**SAID, "attachments": [paper(b"x", fileUrl="https://example.vn/x")]},
}


@pytest.mark.parametrize("name", OTHER)
@reproduces(116)
def test_what_says_something_else_was_not_signed(two: bool, name: str) -> None:
    assert "(JWS payload)" in refused(signed(SAID, jws(OTHER[name], x5c=list(chain()))), two=two)


def test_an_id_that_was_signed_stands_in_the_statement(two: bool) -> None:
    error = refused(signed(statement(), jws(statement(id=new_id()))), two=two)
    assert error.endswith("(JWS payload).id: is not the id of the statement")


@pytest.mark.parametrize(("short", "fine"), [("PT1S", "PT1.009S"), ("PT1.1S", "PT1.10S"), ("PT1.1S", "PT1.109S")])
def test_durations_are_compared_to_a_hundredth_of_a_second(outsider: Outsider, short: str, fine: str) -> None:
    """4.2.7 / Data 4.6."""
    document, other = (statement(id=new_id(), result={"duration": one}) for one in (short, fine))
    assert outsider.send(signed(document, jws({**other, "id": document["id"]}))).status_code == 200
    assert outsider.post(document | {"id": new_id()}).status_code == 200
    assert outsider.post(other).status_code == 200
    assert outsider.post({**other, "result": {"duration": short}}).status_code == 200
    assert outsider.post({**other, "result": {"duration": "PT1.11S"}}).status_code == 409


def test_a_hundredth_of_an_hour_is_more_than_one_of_a_second(outsider: Outsider) -> None:
    document = statement(id=new_id(), result={"duration": "PT1.234H"})
    assert outsider.post(document).status_code == 200
    assert outsider.post({**document, "result": {"duration": "PT1.239H"}}).status_code == 409


def test_other_attachments_were_signed_with_the_statement_or_not_at_all(two: bool) -> None:
    told = paper(b"told")
    for said in ({}, {"attachments": [told]}):
        document = statement(id=new_id())
        data = jws({**document, **said})
        whole = {**document, "attachments": [told, signature(data)]}
        judge(mixed(whole, part(b"told"), part(data, Content_Type=None)), two=two)
    other = jws({**SAID, "attachments": [paper(b"other", fileUrl="https://example.vn/x")]})
    whole = {**SAID, "attachments": [told, signature(other)]}
    with pytest.raises(Malformed, match=r"^statement\.attachments\[1\] \(JWS payload\)"):
        judge(mixed(whole, part(b"told"), part(other, Content_Type=None)), two=two)


def test_a_statement_that_contains_another_is_signed_whole(two: bool) -> None:
    inner = {"objectType": "SubStatement", **statement(context={"contextActivities": {"other": {"id": "x:y"}}})}
    document = statement(id=new_id(), object=inner)
    judge(signed(document, jws(document)), two=two)
    changed = {**document, "id": new_id()}
    data = jws({**changed, "object": {**inner, "actor": {"mbox": "mailto:binh@example.vn"}}})
    assert "(JWS payload)" in refused(signed(changed, data), two=two)


# x5c: the signature is that of the certificate


def test_a_signature_by_another_key_than_the_certificates_is_refused(two: bool) -> None:
    document = statement()
    data = jws(document, by=key("other"), x5c=[chain()[0]])
    assert refused(signed(document, data), two=two).endswith("the signature is not that of the certificate in x5c")
    head, payload, made = jws(document, x5c=[chain()[0]]).split(b".")
    changed = base64url(json.dumps({**document, "timestamp": "2026-03-01T08:30:00Z"}).encode())
    assert "certificate in x5c" in refused(signed(document, b".".join((head, changed, made))), two=two)
    assert "certificate in x5c" in refused(signed(document, b".".join((head, payload, made[:-12]))), two=two)
    relabelled = head_of(head, alg="RS512")
    assert "certificate in x5c" in refused(signed(document, b".".join((relabelled, payload, made))), two=two)


def head_of(head: bytes, **changes: Any) -> bytes:
    """A header with something changed after signing."""
    return base64url(json.dumps({**json.loads(base64.urlsafe_b64decode(head + b"==")), **changes}).encode())


def test_without_a_certificate_only_the_form_of_a_signature_is_judged(two: bool) -> None:
    document = statement()
    judge(signed(document, jws(document, by=key("nobody"))), two=two)


def version_of(one: str, version: int) -> str:
    """The certificate with another version."""
    changed = base64.b64decode(one).replace(b"\xa0\x03\x02\x01\x02", bytes([0xA0, 3, 2, 1, version]))
    return base64.b64encode(changed).decode()


WRONG_CHAINS: dict[str, Callable[[], Any]] = {
    "nothing": list,
    "a text": lambda: "abc",
    "null": lambda: None,
    "an object": dict,
    "numbers": lambda: [1],
    "no base64": lambda: ["***"],
    "no certificate": lambda: [base64.b64encode(b"certificate").decode()],
    "an empty one": lambda: [""],
    "letters that are no ASCII": lambda: ["giấy"],
    "a cut one": lambda: [chain()[0][:400]],
    "a version there is not": lambda: [version_of(chain()[0], 5)],
    "a chain that does not hold": lambda: [chain()[0], chain()[0]],
    "the wrong way round": lambda: [chain()[1], chain()[0]],
    "too many": lambda: [chain()[0], *[chain()[1]] * 10],
    "a key of another kind": lambda: [
        certificate("ec", ec.generate_private_key(ec.SECP256R1()).public_key(), issuer="authority", by=key("authority"))
    ],
    "a key too short": lambda: [
        certificate("short", key("short", 1024).public_key(), issuer="authority", by=key("authority"))
    ],
}


@pytest.mark.parametrize("name", WRONG_CHAINS)
def test_what_is_no_chain_of_certificates_is_refused(two: bool, name: str) -> None:
    document = statement()
    assert "x5c" in refused(signed(document, jws(document, x5c=WRONG_CHAINS[name]())), two=two)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_certificate_with_any_byte_changed_breaks_nothing(two: bool, place: int, byte: int) -> None:
    raw = bytearray(base64.b64decode(chain()[0]))
    raw[place % len(raw)] = byte
    document = statement(id=new_id())
    data = jws(document, x5c=[base64.b64encode(raw).decode()])
    with suppress(Malformed):
        judge(signed(document, data), two=two)
