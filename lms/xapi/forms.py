"""What a request to the store asks: its edition of the standard, its parameters, and who sends it.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Request
from werkzeug.datastructures import Authorization, Headers

from lms.xapi.loader import check_depth, read_json
from lms.xapi.rules import IDENTIFIERS, Malformed, check_iri, check_uuid, moment, one_of, shown
from lms.xapi.validation import check_actor

VERSION_HEADER = "X-Experience-API-Version"
EDITION_1, EDITION_2 = "1.0.3", "2.0.0"
EDITIONS = {re.compile(r"1\.0(\.\d+)?", re.ASCII): EDITION_1, re.compile(r"2\.0(\.\d+)?", re.ASCII): EDITION_2}
# Comm 1.3: form fields that stand for headers. Every other field stands for a parameter.
FIELDS_FOR_HEADERS = ("Authorization", VERSION_HEADER, "Content-Type", "Content-Length", "If-Match", "If-None-Match")
ALTERNATE_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
LARGEST_NUMBER = 18  # digits of a limit


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the standard sees it, however it was sent. `edition` is 1.0.3 or 2.0.0."""

    method: str
    parameters: Mapping[str, str]
    header: Callable[[str], str | None]
    body: Callable[[], bytes]
    edition: str

    @property
    def two(self) -> bool:
        """Whether it speaks xAPI 2.0."""
        return self.edition == EDITION_2

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Key and secret of Basic authentication (4.1.5 / Comm 4.0)."""
        try:
            given = Authorization.from_header(self.header("Authorization"))
        except ValueError:  # letters that base64 does not know
            return None
        if given is None or given.type != "basic":
            return None
        return given.username or "", given.password or ""


def edition_of(version: str | None) -> str | None:
    """The edition a version header asks for: any 1.0.x or 2.0.x (4.1.2 / Comm 3.3)."""
    for pattern, edition in EDITIONS.items():
        if version is not None and pattern.fullmatch(version):
            return edition
    return None


def call_of(request: Request) -> Call:
    """Read a request; raises `Malformed` when its version or its form is none the standard knows."""
    if request.method == "POST" and "method" in request.args:
        return alternate_call(request)
    return Call(
        method=request.method,
        parameters=single_values(request.args.items(multi=True)),
        header=request.headers.get,
        body=request.get_data,
        edition=wanted_edition(request.headers.get(VERSION_HEADER)),
    )


def wanted_edition(version: str | None) -> str:
    """The edition of a request that must name one (4.1.2 / Comm 3.3)."""
    edition = edition_of(version)
    if edition is None:
        raise Malformed(VERSION_HEADER, f"expected 1.0.x or 2.0.x, got {shown(version)}")
    return edition


def alternate_call(request: Request) -> Call:
    """A request of another method, sent as a form by POST: 1.0.x only (Comm 1.3)."""
    fields = single_values(request.form.items(multi=True))
    headers = Headers(request.headers)
    headers.update({name: header_line(fields[name], name) for name in FIELDS_FOR_HEADERS if name in fields})
    edition = wanted_edition(headers.get(VERSION_HEADER))
    if EDITION_2 in {edition, edition_of(request.headers.get(VERSION_HEADER))}:  # whatever the form says of it
        raise Malformed("method", "is no parameter of xAPI 2.0")
    method = request.args["method"].upper()
    if method not in ALTERNATE_METHODS or len(request.args) > 1:
        raise Malformed("method", "expected a method of xAPI as the only parameter of the address")
    if method in {"PUT", "POST"} and "content" not in fields:
        raise Malformed("content", "is missing from the form")
    content = fields.get("content", "").encode()
    if "Content-Type" not in fields:
        headers["Content-Type"] = "application/json"
    return Call(
        method=method,
        parameters={
            name: value for name, value in fields.items() if name not in FIELDS_FOR_HEADERS and name != "content"
        },
        header=headers.get,
        body=lambda: content,
        edition=edition,
    )


def header_line(value: str, name: str) -> str:
    """A form field that stands for a header is one line, as a header is."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise Malformed(name, f"expected one line without control characters, got {shown(value)}")
    return value


def single_values(pairs: Any) -> dict[str, str]:
    """Parameters by name; one given twice is refused."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise Malformed(name, "is given twice")
        found[name] = value
    return found


check_switch = one_of("true", "false")
check_format = one_of("ids", "exact", "canonical")
FILTERS = (
    "agent",
    "verb",
    "activity",
    "registration",
    "related_activities",
    "related_agents",
    "since",
    "until",
    "limit",
    "ascending",
)


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """The parameters of GET statements, read and checked (4.1.6.1 / Comm 2.1.3)."""

    statement_id: uuid.UUID | None
    voided: bool
    agent: Mapping[str, Any] | None
    verb: str | None
    activity: str | None
    registration: uuid.UUID | None
    related_agents: bool
    related_activities: bool
    since: datetime | None
    until: datetime | None
    limit: int
    ascending: bool
    format: str
    attachments: bool


def statement_query(parameters: Mapping[str, str], *, two: bool) -> StatementQuery:
    """Read the parameters; raises `Malformed` for what is unknown, ill-formed or does not go together.

    `two` says that they keep the rules of xAPI 2.0.
    """
    single = [name for name in ("statementId", "voidedStatementId") if name in parameters]
    allowed = {"attachments", "format", *single} if single else {"attachments", "format", *FILTERS}
    for name in parameters:
        if name not in allowed:
            why = f"cannot stand beside {single[0]}" if single else "is no parameter of this resource"
            raise Malformed(name, why)
    if len(single) > 1:
        raise Malformed("voidedStatementId", "cannot stand beside statementId")
    check_format(parameters.get("format", "exact"), "format")
    return StatementQuery(
        statement_id=id_parameter(parameters, single[0]) if single else None,
        voided=single == ["voidedStatementId"],
        agent=agent_parameter(parameters),
        verb=iri_parameter(parameters, "verb"),
        activity=iri_parameter(parameters, "activity"),
        registration=id_parameter(parameters, "registration"),
        related_agents=switch(parameters, "related_agents"),
        related_activities=switch(parameters, "related_activities"),
        since=time_parameter(parameters, "since", two=two),
        until=time_parameter(parameters, "until", two=two),
        limit=limit_parameter(parameters),
        ascending=switch(parameters, "ascending"),
        format=parameters.get("format", "exact"),
        attachments=switch(parameters, "attachments"),
    )


def id_parameter(parameters: Mapping[str, str], name: str) -> uuid.UUID | None:
    """A UUID, if given."""
    if name not in parameters:
        return None
    check_uuid(parameters[name], name)
    return uuid.UUID(parameters[name])


def iri_parameter(parameters: Mapping[str, str], name: str) -> str | None:
    """An IRI, if given."""
    if name in parameters:
        check_iri(parameters[name], name)
    return parameters.get(name)


def time_parameter(parameters: Mapping[str, str], name: str, *, two: bool) -> datetime | None:
    """A point in time, if given, by the same rule as in a statement (4.2.7 / Data 4.5)."""
    return moment(parameters[name], name, two=two) if name in parameters else None


def switch(parameters: Mapping[str, str], name: str) -> bool:
    """true or false; false when not given."""
    value = parameters.get(name, "false")
    check_switch(value, name)
    return value == "true"


def limit_parameter(parameters: Mapping[str, str]) -> int:
    """The most statements wanted; 0, or nothing, wants as many as the store gives."""
    value = parameters.get("limit", "0")
    if not (value.isascii() and value.isdecimal() and len(value) <= LARGEST_NUMBER):
        raise Malformed("limit", f"expected a whole number from 0 on, got {shown(value)}")
    return int(value)


def agent_parameter(parameters: Mapping[str, str]) -> Mapping[str, Any] | None:
    """An agent or an identified group, if given."""
    if "agent" not in parameters:
        return None
    text = parameters["agent"].encode()
    agent = read_json(text, "agent")
    check_depth(agent, text, "agent")
    check_actor(agent, "agent")
    found: Mapping[str, Any] = agent
    if found.keys().isdisjoint(IDENTIFIERS):
        raise Malformed("agent", "expected an agent or an identified group")
    return found
