"""Another system in front of the record store: it knows its key and secret, and speaks an edition of the standard."""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from lms.records.actions import create_client
from lms.xapi.models import XapiClient
from tests.make import Make

VERBS = "http://adlnet.gov/expapi/verbs/"


def statement(**changes: Any) -> dict[str, Any]:
    """A small valid statement, with these properties set; None takes one out."""
    found: dict[str, Any] = {
        "actor": {"mbox": "mailto:an@example.vn"},
        "verb": {"id": f"{VERBS}completed", "display": {"vi": "hoàn thành", "en": "completed"}},
        "object": {"objectType": "Activity", "id": "https://example.vn/bai-1"},
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def new_id() -> str:
    return str(uuid.uuid4())


BOUNDARY = "abcABC0123-ranh-gioi"


def paper(data: bytes, *, kind: str = "text/plain", algorithm: str = "sha256", **changes: Any) -> dict[str, Any]:
    """What a statement says of an attachment with these data; None takes a property out."""
    found: dict[str, Any] = {
        "usageType": "https://example.vn/giay",
        "display": {"vi": "Giấy"},
        "contentType": kind,
        "length": len(data),
        "sha2": hashlib.new(algorithm, data).hexdigest(),
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def part(data: bytes, *, sha2: str | None = None, **headers: str | None) -> bytes:
    """A part with the headers the standard wants and these set (`_` stands for a hyphen; None takes one out)."""
    own: dict[str, str | None] = {
        "Content-Type": "text/plain",
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": sha2 or hashlib.sha256(data).hexdigest(),
    }
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in own.items() if value is not None]
    return "".join(lines).encode() + b"\r\n" + data


def mixed(statements: Any, *parts: bytes) -> bytes:
    """A body in parts: the statements, then what `part` made."""
    first = b"Content-Type: application/json\r\n\r\n" + json.dumps(statements).encode()
    line = f"--{BOUNDARY}".encode()
    return b"".join(line + b"\r\n" + one + b"\r\n" for one in (first, *parts)) + line + b"--\r\n"


class Outsider:
    """A client of the store with these scopes."""

    def __init__(
        self,
        make: Make,
        *scopes: str,
        counts_prefix: str | None = None,
        name: str = "Hệ thống ngoài",
        edition: str = "1.0.3",
    ) -> None:
        with make.writing() as session:
            client, self.secret = create_client(session, name=name, scopes=scopes, counts_prefix=counts_prefix)
        self.key, self.id = client.key, client.id
        self.make = make
        self.edition = edition
        self.client = make.app.test_client()

    @property
    def row(self) -> XapiClient:
        """The client as the store knows it now."""
        with self.make.reading() as session:
            return session.get_one(XapiClient, self.id)

    def headers(self, **more: str) -> dict[str, str]:
        """Credentials and version, with these headers set."""
        token = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        own = {"Authorization": f"Basic {token}", "X-Experience-API-Version": self.edition}
        return {**own, **{name.replace("_", "-"): value for name, value in more.items()}}

    def post(self, body: Any, **headers: str) -> TestResponse:
        """POST statements: plain values are sent as JSON, bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            "/xapi/statements", data=data, content_type="application/json", headers=self.headers(**headers)
        )

    def send(
        self, body: bytes, content_type: str = f"multipart/mixed; boundary={BOUNDARY}", *, put: str = ""
    ) -> TestResponse:
        """POST a body of any kind, or PUT it under an id."""
        return self.client.open(
            "/xapi/statements",
            method="PUT" if put else "POST",
            query_string={"statementId": put} if put else None,
            data=body,
            content_type=content_type,
            headers=self.headers(),
        )

    def put(self, statement_id: str, body: Any) -> TestResponse:
        """PUT one statement."""
        return self.client.put(
            "/xapi/statements", query_string={"statementId": statement_id}, json=body, headers=self.headers()
        )

    def get(self, path: str = "/xapi/statements", *, language: str | None = None, **query: str) -> TestResponse:
        """GET statements by these parameters, or an address the store gave."""
        wished = {} if language is None else {"Accept_Language": language}
        return self.client.get(path, query_string=query or None, headers=self.headers(**wished))

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        *,
        content_type: str | None = "application/json",
        **headers: str,
    ) -> TestResponse:
        """Any request to another resource: plain values are sent as JSON, bytes as they are."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.open(
            f"/xapi/{path}",
            method=method,
            query_string=dict(query),
            data=data,
            content_type=content_type if body is not None else None,
            headers=self.headers(**headers),
        )

    def ids(self, **query: str) -> list[str]:
        """The ids of matching statements in order, over all pages."""
        answer = self.get(**query)
        assert answer.status_code == 200, answer.text
        found = [one["id"] for one in answer.get_json()["statements"]]
        while answer.get_json()["more"]:
            answer = self.get(answer.get_json()["more"])
            found += [one["id"] for one in answer.get_json()["statements"]]
        return found
