"""Attachments with their data: requests and answers in parts.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three, Data = part two). Expected
answers are taken apart by simple means here, not by the code under test.
"""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Executable, delete, update
from sqlalchemy.exc import DatabaseError

from lms.xapi import filters, queries, views
from lms.xapi.models import XapiAttachment, XapiStatementAttachment
from tests.conformance.multipart import TEXT, apart, refused, rows
from tests.conformance.numbers import reproduces
from tests.counting import count_queries
from tests.make import Make
from tests.store import BOUNDARY, Outsider, mixed, new_id, paper, part, statement

AWKWARD = (
    b"\x00\xff\r\n--\r\n\r\n--" + BOUNDARY[:-1].encode() + b"\r\n--x--\n\n--" + BOUNDARY.encode() + b"\n\r\r\n\r\n",
    b"",
    b"\r\n",
    b"-- --" + BOUNDARY.encode() + b"--\r",
    bytes(range(256)),
)
INSIDE = {"objectType": "SubStatement", **statement()}


@pytest.fixture(params=["1.0.3", "2.0.0"])
def outsider(make: Make, request: pytest.FixtureRequest) -> Outsider:
    """A client that may do everything, in each edition."""
    return Outsider(make, "all", edition=request.param)


@pytest.fixture
def first(make: Make) -> Outsider:
    """A client that may do everything, in 1.0.3."""
    return Outsider(make, "all")


# 4.1.3 / Comm 1.5.2: what comes back


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_data_sent_with_a_statement_come_back_with_the_headers_of_the_standard(
    outsider: Outsider, algorithm: str
) -> None:
    one = paper(TEXT, kind="text/plain; charset=utf-8", algorithm=algorithm)
    answer = outsider.send(mixed(statement(attachments=[one]), part(TEXT, sha2=one["sha2"])))
    assert answer.status_code == 200, answer.text
    found, parts = apart(outsider.get(statementId=answer.get_json()[0], attachments="true"))
    assert found["attachments"] == [one]
    [(head, data)] = parts
    assert data == TEXT
    assert head == [
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: binary",
        f"X-Experience-API-Hash: {one['sha2']}",
    ]


def test_any_bytes_that_look_like_line_ends_and_boundaries_come_back_unchanged(outsider: Outsider) -> None:
    papers = [paper(data) for data in AWKWARD]
    [sent] = outsider.send(mixed(statement(attachments=papers), *(part(data) for data in AWKWARD))).get_json()
    _, parts = apart(outsider.get(statementId=sent, attachments="true"))
    assert sorted(data for _, data in parts) == sorted(AWKWARD)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.text("\r\n-aA0", max_size=60).map(str.encode))
def test_any_bytes_at_all_come_back_unchanged(first: Outsider, data: bytes) -> None:
    [sent] = first.send(mixed(statement(attachments=[paper(data)]), part(data))).get_json()
    _, [(_, found)] = apart(first.get(statementId=sent, attachments="true"))
    assert found == data


@reproduces(161)
def test_attachments_false_answers_in_json_and_true_in_parts_with_each_data_once(outsider: Outsider) -> None:
    shared, own = paper(TEXT), paper(b"own")
    batch = [statement(attachments=[shared, own]), statement(attachments=[shared, shared]), statement()]
    ids = outsider.send(mixed(batch, part(TEXT), part(b"own"))).get_json()
    for query in ({}, {"attachments": "false"}):
        answer = outsider.get(**query)
        assert answer.content_type == "application/json"
        assert TEXT not in answer.data
    found, parts = apart(outsider.get(attachments="true"))
    assert found == outsider.get().get_json()
    assert sorted(data for _, data in parts) == sorted([TEXT, b"own"])
    _, [(_, alone)] = apart(outsider.get(statementId=ids[1], attachments="true"))
    assert alone == TEXT
    assert apart(outsider.get(statementId=ids[2], attachments="true"))[1] == []


def test_data_are_stored_once_whoever_sends_them_and_each_statement_says_their_type(make: Make) -> None:
    one, other = Outsider(make, "all"), Outsider(make, "all")
    [told] = one.send(mixed(statement(attachments=[paper(TEXT)]), part(TEXT))).get_json()
    picture = paper(TEXT, kind="image/png", sha2=paper(TEXT)["sha2"].upper())
    body = mixed(statement(attachments=[picture]), part(TEXT, Content_Type="image/png"), part(TEXT, Content_Type=None))
    [shown] = other.send(body).get_json()
    assert rows(make) == (1, 2)
    for sent, kind in ((told, "text/plain"), (shown, "image/png")):
        _, [(head, data)] = apart(other.get(statementId=sent, attachments="true"))
        assert (head[0], data) == (f"Content-Type: {kind}", TEXT)


def test_a_repeat_keeps_nothing_twice_and_a_voided_statement_keeps_its_data(make: Make, first: Outsider) -> None:
    body = mixed(statement(id=new_id(), attachments=[paper(TEXT)]), part(TEXT))
    [sent] = first.send(body).get_json()
    assert first.send(body).status_code == 200
    assert rows(make) == (1, 1)
    void = {"id": "http://adlnet.gov/expapi/verbs/voided"}
    first.post(statement(verb=void, object={"objectType": "StatementRef", "id": sent}))
    _, [(_, data)] = apart(first.get(voidedStatementId=sent, attachments="true"))
    assert data == TEXT


def test_attachments_of_a_contained_statement_are_attachments_too(outsider: Outsider) -> None:
    inside = {**INSIDE, "attachments": [paper(TEXT)]}
    [sent] = outsider.send(mixed(statement(object=inside), part(TEXT))).get_json()
    _, [(_, data)] = apart(outsider.get(statementId=sent, attachments="true"))
    assert data == TEXT
    for answer in (outsider.post(statement(object=inside)), outsider.send(mixed(statement(object=inside)))):
        assert answer.status_code == 400
        assert answer.get_json()["error"].startswith("statement.object.attachments[0]: fileUrl is missing")


def test_put_takes_parts_too(outsider: Outsider) -> None:
    chosen = new_id()
    assert outsider.send(mixed(statement(attachments=[paper(TEXT)]), part(TEXT)), put=chosen).status_code == 204
    _, [(_, data)] = apart(outsider.get(statementId=chosen, attachments="true"))
    assert data == TEXT


def test_the_formats_change_nothing_about_the_data(first: Outsider) -> None:
    first.send(mixed(statement(attachments=[paper(TEXT)]), part(TEXT)))
    for wanted in ("exact", "ids", "canonical"):
        _, [(_, data)] = apart(first.get(format=wanted, attachments="true"))
        assert data == TEXT


def test_head_answers_without_the_data(first: Outsider) -> None:
    first.send(mixed(statement(attachments=[paper(TEXT)]), part(TEXT)))
    answer = first.client.head("/xapi/statements?attachments=true", headers=first.headers())
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.content_type.startswith("multipart/mixed")


# pages


def test_further_pages_are_in_parts_too(first: Outsider) -> None:
    for data in (b"one", b"two", b"three"):
        first.send(mixed(statement(attachments=[paper(data)]), part(data)))
    answer = first.get(attachments="true", limit="2")
    page, parts = apart(answer)
    assert [data for _, data in parts] == [b"three", b"two"]
    _, rest = apart(first.get(str(page["more"])))
    assert [data for _, data in rest] == [b"one"]


@pytest.mark.parametrize("ascending", ["true", "false"])
def test_a_page_ends_where_its_data_grow_too_large_and_none_is_lost(
    first: Outsider, monkeypatch: pytest.MonkeyPatch, ascending: str
) -> None:
    monkeypatch.setattr(filters, "FULL_PAGE", 5_000)
    sent = []
    for number in range(5):
        data = bytes([number]) * 3_000
        sent.append(data)
        first.send(mixed([statement(attachments=[paper(data)]), statement()], part(data)))
    found, statements, pages, more = [], 0, 0, ""
    while pages == 0 or more:
        answer = first.get(more) if more else first.get(attachments="true", ascending=ascending)
        page, parts = apart(answer)
        more, pages = str(page["more"]), pages + 1
        statements += len(page["statements"])  # type: ignore[arg-type]  # the value of a JSON text
        found += [data for _, data in parts]
        assert sum(map(len, found[-2:])) == sum(len(data) for _, data in parts) or len(parts) < 2
    assert found == (sent if ascending == "true" else sent[::-1])
    assert (statements, pages) == (10, 3)


def test_a_page_ends_where_its_attachments_grow_too_many(first: Outsider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_ATTACHED", 4)
    elsewhere = paper(b"elsewhere", fileUrl="https://example.vn/x")
    first.send(mixed([statement(attachments=[paper(TEXT), elsewhere]) for _ in range(5)], part(TEXT)))
    page, parts = apart(first.get(attachments="true"))
    assert (len(page["statements"]), len(parts)) == (2, 1)  # type: ignore[arg-type]  # the value of a JSON text
    assert len(first.ids()) == 5


def test_the_data_of_a_page_cost_two_queries_however_many_there_are(make: Make, first: Outsider) -> None:
    costs = []
    for count in (1, 30):
        batch = [statement(attachments=[paper(f"{count}:{number}".encode())]) for number in range(count)]
        first.send(mixed(batch, *(part(f"{count}:{number}".encode()) for number in range(count))))
        make.database.memory.clear()  # what is believed for a second is asked both times
        with count_queries(make.app) as plain:
            first.get(limit=str(count))
        make.database.memory.clear()
        with count_queries(make.app) as counted:
            apart(first.get(limit=str(count), attachments="true"))
        costs.append(len(counted) - len(plain))
    assert costs == [2, 2]


def test_statements_without_attachments_pay_nothing(make: Make, first: Outsider) -> None:
    for _ in range(2):
        first.post(statement())  # now the process knows the identities
    with count_queries(make.app) as plain:
        first.post(statement())
    with count_queries(make.app) as in_parts:
        assert first.send(mixed(statement())).status_code == 200
    assert len(in_parts) == len(plain)
    assert not any("attachment" in one for one in plain.statements)
    with count_queries(make.app) as plain:
        first.get()
    with count_queries(make.app) as asked:
        apart(first.get(attachments="true"))
    assert len(asked) == len(plain)


# 4.1.3 / Comm 1.5.1, 1.5.2: what is needed


def test_parts_are_accepted_without_attachments_and_for_those_that_are_elsewhere(outsider: Outsider) -> None:
    elsewhere = paper(TEXT, fileUrl="https://example.vn/giay.txt")
    assert outsider.send(mixed(statement())).status_code == 200
    assert outsider.send(mixed([statement(), statement(attachments=[elsewhere])])).status_code == 200
    assert outsider.post(statement(attachments=[elsewhere])).status_code == 200
    assert outsider.send(mixed([])).status_code == 200
    [sent] = outsider.send(mixed(statement(attachments=[elsewhere]), part(TEXT))).get_json()
    _, [(_, data)] = apart(outsider.get(statementId=sent, attachments="true"))
    assert data == TEXT


def test_an_attachment_whose_data_did_not_come_is_refused_with_its_place(make: Make, outsider: Outsider) -> None:
    batch = [statement(), statement(attachments=[paper(TEXT), paper(b"missing")])]
    error = refused(make, outsider, mixed(batch, part(TEXT)))
    assert error == "statements[1].attachments[1]: fileUrl is missing, and no part has its sha2"


@reproduces(128)
def test_data_that_belong_to_no_attachment_are_refused(make: Make, outsider: Outsider) -> None:
    extra = part(b"more")
    for one in (statement(attachments=[paper(TEXT)]), [statement(attachments=[paper(TEXT)])]):
        assert "no attachment has this sha2" in refused(make, outsider, mixed(one, part(TEXT), extra))
    assert "no attachment has this sha2" in refused(make, outsider, mixed(statement(), extra))


SHA2 = paper(TEXT)["sha2"]
WRONG_PARTS = {
    "another hash": (part(TEXT, sha2=paper(b"other")["sha2"]), "is not the hash of the data of this part"),
    "a hash of another length": (part(TEXT, sha2=SHA2[:-1]), "expected a SHA-2"),
    "no hash": (part(TEXT, X_Experience_API_Hash=None), "expected a SHA-2"),
    "other bytes": (part(TEXT + b"\n", sha2=SHA2), "is not the hash of the data of this part"),
    "base64": (part(TEXT, Content_Transfer_Encoding="base64"), "Content-Transfer-Encoding: expected binary"),
    "quoted-printable": (part(TEXT, Content_Transfer_Encoding="quoted-printable"), "expected binary"),
    "another type": (part(TEXT, Content_Type="image/png"), "the attachment says text/plain"),
    "another length": (part(TEXT, Content_Length=str(len(TEXT) + 1)), "Content-Length: the data have"),
    "no JSON alone": (b"Content-Type: application/json\r\n\r\n" + json.dumps(statement()).encode(), "expected a SHA-2"),
}


@pytest.mark.parametrize("name", WRONG_PARTS)
@reproduces(130, *range(132, 136))
def test_a_part_that_is_not_what_it_says_is_refused(make: Make, outsider: Outsider, name: str) -> None:
    wrong, why = WRONG_PARTS[name]
    error = refused(make, outsider, mixed(statement(attachments=[paper(TEXT)]), wrong))
    assert error.startswith(("parts[1]", f"part {SHA2}"))
    assert why in error


def test_a_length_is_compared_where_part_and_attachment_both_name_one(make: Make, outsider: Outsider) -> None:
    wrong = paper(TEXT, length=len(TEXT) + 1)
    named = part(TEXT, Content_Length=str(len(TEXT)))
    assert "Content-Length: the attachment says" in refused(
        make, outsider, mixed(statement(attachments=[wrong]), named)
    )
    assert outsider.send(mixed(statement(attachments=[wrong]), part(TEXT))).status_code == 200
    assert outsider.send(mixed(statement(attachments=[paper(TEXT)]), named)).status_code == 200


def test_headers_may_be_missing_or_written_otherwise_where_the_standard_lets_them(outsider: Outsider) -> None:
    for one in (
        part(TEXT, Content_Type=None, Content_Transfer_Encoding=None),
        part(TEXT, Content_Type="TEXT/Plain;charset=ascii", Content_Transfer_Encoding="BINARY", X_Other="whatever"),
        part(TEXT, sha2=SHA2.upper()),
        part(TEXT).replace(b": ", b":"),
        part(TEXT).replace(b"X-Experience-API-Hash: ", b"x-experience-api-HASH: \t"),
    ):
        body = mixed(statement(attachments=[paper(TEXT, kind="text/plain; charset=utf-8")]), one)
        assert outsider.send(body).status_code == 200, one


def test_the_hash_of_what_others_sent_does_not_open_it(make: Make) -> None:
    owner, other = Outsider(make, "all"), Outsider(make, "statements/write", "statements/read/mine")
    secret = b"only for the owner"
    owner.send(mixed(statement(attachments=[paper(secret)]), part(secret)))
    assert other.send(mixed(statement(attachments=[paper(secret)]))).status_code == 400
    elsewhere = paper(secret, fileUrl="https://example.vn/x")
    for answer in (
        other.post(statement(attachments=[elsewhere])),
        other.send(mixed([statement(attachments=[elsewhere]), statement(attachments=[paper(TEXT)])], part(TEXT))),
    ):
        assert answer.status_code == 200
    answer = other.get(attachments="true")
    assert secret not in answer.data
    assert [data for _, data in apart(answer)[1]] == [TEXT]
    assert len(apart(owner.get(attachments="true"))[1]) == 2


def test_all_is_stored_or_nothing(make: Make, first: Outsider) -> None:
    known = statement(id=new_id())
    first.post(known)
    changed = {**known, "result": {"success": True}}
    answer = first.send(mixed([statement(attachments=[paper(TEXT)]), changed], part(TEXT)))
    assert answer.status_code == 409
    assert rows(make) == (0, 0)
    assert len(first.ids()) == 1


@pytest.mark.parametrize(
    "change",
    [
        update(XapiAttachment).values(data=b"other"),
        delete(XapiAttachment),
        update(XapiStatementAttachment).values(attachment_id=1),
        delete(XapiStatementAttachment),
    ],
    ids=["change data", "remove data", "change a reference", "remove a reference"],
)
def test_stored_data_can_be_neither_changed_nor_removed(make: Make, first: Outsider, change: Executable) -> None:
    first.send(mixed(statement(attachments=[paper(TEXT)]), part(TEXT)))
    with pytest.raises(DatabaseError, match="written once"), make.writing() as session:
        session.execute(change)
    assert rows(make) == (1, 1)


def test_a_content_type_cannot_carry_a_header_of_its_own(make: Make, first: Outsider) -> None:
    for kind in ("text/plain;\r\nX-Evil: 1", "text/plain\r\n;x", "text/plain;\x00", "text/plain;\u2028x"):
        assert first.post(statement(attachments=[paper(TEXT, kind=kind, fileUrl="https://e.vn/x")])).status_code == 400
    assert first.ids() == []


def test_twenty_megabytes_are_taken_and_no_more(first: Outsider) -> None:
    data = b"\x00\r\n--x" * 3_300_000
    body = mixed(statement(attachments=[paper(data)]), part(data))
    assert len(body) < views.LARGEST_WITH_DATA
    [sent] = first.send(body).get_json()
    _, [(_, found)] = apart(first.get(statementId=sent, attachments="true"))
    assert found == data
    larger = data + b"x" * 300_000
    assert first.send(mixed(statement(attachments=[paper(larger)]), part(larger))).status_code == 413
    assert first.ids() == [sent]


def test_the_statements_themselves_stay_within_the_bound_of_statements(first: Outsider) -> None:
    assert first.send(mixed(statement(result={"response": "x" * 10_000_000}))).status_code == 413
    assert first.post(statement(result={"response": "x" * 10_000_000})).status_code == 413
    assert first.ids() == []


# Comm 1.3: the alternate syntax carries text, and no other data


def test_a_form_may_carry_parts_of_text(first: Outsider) -> None:
    headers = {name: value for name, value in first.headers().items() if name == "Authorization"}
    fields = {**headers, "X-Experience-API-Version": "1.0.3", "Content-Type": f"multipart/mixed; boundary={BOUNDARY}"}
    body = mixed(statement(attachments=[paper(TEXT)]), part(TEXT))
    for content, status in ((body.decode(), 200), (body.decode().replace("8", "9"), 400)):
        answer = first.client.post(
            "/xapi/statements?method=POST",
            data=urlencode({**fields, "content": content}),
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code == status, answer.text
    [sent] = first.ids()
    _, [(_, data)] = apart(first.get(statementId=sent, attachments="true"))
    assert data == TEXT
