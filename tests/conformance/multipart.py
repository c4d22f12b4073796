"""What tests of requests and answers in parts have in common."""

import json

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from lms.xapi.models import XapiAttachment, XapiStatementAttachment
from tests.make import Make
from tests.store import Outsider

TEXT = "Giấy mời họp\r\nlúc 8 giờ".encode()


def apart(answer: TestResponse) -> tuple[dict[str, object], list[tuple[list[str], bytes]]]:
    """The JSON of an answer in parts, and headers and data of each further part."""
    assert answer.status_code == 200, answer.text
    kind, boundary = answer.content_type.split("; boundary=")
    assert kind == "multipart/mixed"
    assert answer.data.endswith(f"\r\n--{boundary}--\r\n".encode())
    start, *found = (b"\r\n" + answer.data).split(f"\r\n--{boundary}".encode())
    assert start == b""
    assert found.pop() == b"--\r\n"
    pieces = [one.removeprefix(b"\r\n").split(b"\r\n\r\n", 1) for one in found]
    assert pieces[0][0] == b"Content-Type: application/json"
    return json.loads(pieces[0][1]), [(head.decode().split("\r\n"), data) for head, data in pieces[1:]]


def rows(make: Make) -> tuple[int, int]:
    """How many data are stored, and how many times statements refer to them."""
    with make.reading() as session:
        return (
            session.scalar(select(func.count()).select_from(XapiAttachment)) or 0,
            session.scalar(select(func.count()).select_from(XapiStatementAttachment)) or 0,
        )


def refused(make: Make, outsider: Outsider, body: bytes, content_type: str = "") -> str:
    """The error of a request that is refused, and leaves nothing."""
    answer = outsider.send(body, content_type) if content_type else outsider.send(body)
    assert answer.status_code == 400, body[:2_000]
    assert outsider.ids() == []
    assert rows(make) == (0, 0)
    return str(answer.get_json()["error"])
