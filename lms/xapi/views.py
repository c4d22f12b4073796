"""The store as other systems see it: about and statements, over HTTP.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Response, g, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from lms.db import database, get_read_session, get_session
from lms.web.feature import Feature
from lms.web.gate import for_clients
from lms.web.shell import csrf
from lms.xapi import queries
from lms.xapi.access import Client, Forbidden, Unknown, access_client, authorities, must_read, must_write
from lms.xapi.actions import VERSION, VERSION_2, Conflict, MayNotVoid, receive, speaking
from lms.xapi.forms import (
    EDITION_1,
    EDITION_2,
    VERSION_HEADER,
    Call,
    StatementQuery,
    call_of,
    edition_of,
    statement_query,
)
from lms.xapi.loader import Received, read_statement, read_statements
from lms.xapi.render import activities_of, canonical, ids_only, page_json
from lms.xapi.rules import Malformed, check_uuid
from lms.xapi.statement import agent_digest, rfc3339, written

bp = Feature("xapi", __name__, url_prefix="/xapi")
csrf.exempt(bp)
log = logging.getLogger(__name__)

LARGEST_BODY = 10_000_000
THROUGH_HEADER = "X-Experience-API-Consistent-Through"
TRIES = 4
CONTENDED = frozenset({"40001", "40P01"})  # PostgreSQL: the transaction lost to another, and may be tried again
decode = msgspec.json.Decoder().decode


@bp.before_request
def bound_body() -> None:
    """What other systems send may be larger than a form."""
    request.max_content_length = LARGEST_BODY
    request.max_form_memory_size = LARGEST_BODY


@bp.after_request
def speak_version(response: Response) -> Response:
    """Every answer names the edition it follows (4.1.2 / Comm 3.3)."""
    edition = edition_of(request.headers.get(VERSION_HEADER)) or database().config.xapi_default_version
    response.headers.setdefault(VERSION_HEADER, g.get("xapi_edition", edition))
    if g.get("xapi_statements") and not g.get("database_away"):
        response.headers[THROUGH_HEADER] = rfc3339(
            g.get("xapi_through") or queries.recently_through(get_read_session(), database().write_engine)
        )
    return response


def asked() -> tuple[Call, Client]:
    """The request and who sends it, or a refusal."""
    call = call_of(request)
    g.xapi_edition = call.edition
    if call.credentials is None:
        raise Unknown
    return call, access_client(get_read_session(), *call.credentials)


@bp.get("/about")
@for_clients
def about() -> Response:
    """The editions spoken here (4.1.6.7 / Comm 2.8). Needs neither version nor credentials."""
    return json_answer(msgspec.json.encode({"version": [EDITION_1, EDITION_2]}))


@bp.route("/statements", methods=["GET", "POST", "PUT"])
@for_clients
def statements() -> Response:
    """Store statements, or read them (4.1.6.1 / Comm 2.1)."""
    g.xapi_statements = True
    call, client = asked()
    if call.method in {"GET", "HEAD"}:
        return read(call, client)
    must_write(client)
    if call.method == "PUT":
        return put(call, client)
    if call.method == "POST":
        return post(call, client)
    return refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{call.method} is no method of this resource")


def post(call: Call, client: Client) -> Response:
    """One statement or a list of them; answers with their ids in order (4.1.6.1 / Comm 2.1.2)."""
    if call.parameters:
        raise Malformed(next(iter(call.parameters)), "is no parameter of this request")
    must_be_json(call)
    received, _ = read_statements(call.body(), two=call.two)
    return json_answer(msgspec.json.encode([str(one) for one in stored(received, call, client)]))


def put(call: Call, client: Client) -> Response:
    """One statement under the id of the address (4.1.6.1 / Comm 2.1.1)."""
    unknown = call.parameters.keys() - {"statementId"}
    if unknown or "statementId" not in call.parameters:
        raise Malformed("statementId", "is the one parameter of this request, and is needed")
    check_uuid(call.parameters["statementId"], "statementId")
    must_be_json(call)
    stored([read_statement(call.body(), call.parameters["statementId"], two=call.two)], call, client)
    return Response(status=HTTPStatus.NO_CONTENT)


def must_be_json(call: Call) -> None:
    """A body of statements says that it is JSON (4.1.3 / Comm 1.5)."""
    media_type = (call.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Malformed("Content-Type", f"expected application/json, got {media_type or 'nothing'}")


def stored(received: Sequence[Received], call: Call, client: Client) -> list[Any]:
    """Store them all or none; a batch that lost to another writer is tried again."""
    session = get_session()
    for tries_left in reversed(range(TRIES)):
        try:
            version = VERSION_2 if call.two else VERSION
            return receive(session, received, source=speaking(session, client), version=version)
        except DBAPIError as error:
            if tries_left == 0 or getattr(error.orig, "sqlstate", None) not in CONTENDED:
                raise
            session.rollback()
    raise AssertionError("the last try returns or raises")


def read(call: Call, client: Client) -> Response:
    """One statement by its id, or a page of them (4.1.6.1 / Comm 2.1.3)."""
    must_read(client)
    parameters, after = followed(call.parameters, client)
    query = statement_query(parameters)
    session = get_read_session()
    g.xapi_through = queries.consistent_through(session, database().write_engine)
    mine = client.id if client.reads_only_its_own else None
    if query.statement_id is not None:
        found = queries.one_statement(session, query.statement_id, voided=query.voided, client=mine)
        if found is None:
            return refusal(HTTPStatus.NOT_FOUND, "there is no such statement")
        answer = json_answer(formatted(session, [found[0]], query.format)[0], attachments=query.attachments)
        answer.headers["Last-Modified"] = http_date(found[1])
        return answer
    page = queries.page(session, keys_of(session, query, mine=mine, after=after))
    more = more_address(parameters, client, page.last) if page.last is not None else ""
    return json_answer(page_json(formatted(session, page.bodies, query.format), more), attachments=query.attachments)


def keys_of(session: Session, query: StatementQuery, *, mine: int | None, after: int | None) -> queries.Asked:
    """The filters as keys of the store."""
    agent: int | None = None
    names: tuple[int | None, ...] = ()
    if query.agent is not None:
        digest = agent_digest(query.agent)
        agent = queries.agent_ids(session, [digest]).get(digest, queries.NOTHING)
        names = authorities(session, query.agent) if query.related_agents else ()
    return queries.Asked(
        agent=agent,
        authorities=names,
        verb=queries.verb_ids(session, [query.verb]).get(query.verb, queries.NOTHING) if query.verb else None,
        activity=(
            queries.activity_ids(session, [query.activity]).get(query.activity, queries.NOTHING)
            if query.activity
            else None
        ),
        registration=query.registration,
        related_agents=query.related_agents,
        related_activities=query.related_activities,
        since=query.since,
        until=query.until,
        limit=min(query.limit or queries.LARGEST_PAGE, queries.LARGEST_PAGE),
        ascending=query.ascending,
        client=mine,
        after=after,
    )


def formatted(session: Session, bodies: Sequence[bytes], wanted: str) -> Sequence[bytes]:
    """The statements as they came (exact), named only (ids), or with canonical definitions in one language."""
    if wanted == "exact":
        return bodies
    documents = [decode(body) for body in bodies]
    if wanted == "ids":
        return [written(ids_only(one)) for one in documents]
    iris = sorted({activity["id"] for one in documents for activity in activities_of(one)})
    definitions = queries.definitions(session, iris)
    return [written(canonical(one, definitions, fitting_language)) for one in documents]


def fitting_language(tags: Sequence[str]) -> str:
    """The language of a map that the reader likes best; the first of those liked equally (RFC 2616, 14.4)."""
    return max(tags, key=liking)


def liking(tag: str) -> float:
    """The quality Accept-Language gives a language: that of the longest range that is the tag or begins it."""
    ranges = [
        (0 if name == "*" else len(name), quality)
        for name, quality in request.accept_languages
        if name == "*" or f"{tag}-".lower().startswith(f"{name}-".lower())
    ]
    return max(ranges, default=(0, 0.0))[1]


def signer() -> URLSafeSerializer:
    """Signs the addresses of further pages."""
    return URLSafeSerializer(database().config.secret_key, salt="xapi-more")


def more_address(parameters: Mapping[str, str], client: Client, last: int) -> str:
    """Where the next page is found, for this client only and for good (4.2.6 / Data 2.5)."""
    return f"{request.script_root}/xapi/statements?more={signer().dumps([client.id, last, dict(parameters)])}"


def followed(parameters: Mapping[str, str], client: Client) -> tuple[Mapping[str, str], int | None]:
    """The parameters of the page before, and where it ended, when this is the address of a further page."""
    if "more" not in parameters:
        return parameters, None
    if len(parameters) > 1:
        raise Malformed("more", "stands alone")
    try:
        owner, last, before = signer().loads(parameters["more"])
    except BadSignature as reason:
        raise Malformed("more", "is no address this store has given") from reason
    if owner != client.id:
        raise Forbidden("this address was given to another client")
    return before, int(last)


def json_answer(body: bytes, *, attachments: bool = False) -> Response:
    """JSON; with `attachments` as the first part of multipart/mixed, which is all while no data are stored."""
    if not attachments:
        return Response(body, content_type="application/json")
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode()
    return Response(
        head + body + f"\r\n--{boundary}--\r\n".encode(), content_type=f"multipart/mixed; boundary={boundary}"
    )


def refusal(status: int, reason: str) -> Response:
    """An error: what was wrong, and what was expected."""
    return Response(msgspec.json.encode({"error": reason}), status, content_type="application/json")


@bp.errorhandler(Malformed)
def malformed(error: Malformed) -> Response:
    """4.1.7 / Comm 3.2: the request breaks a rule."""
    return refusal(HTTPStatus.BAD_REQUEST, str(error))


@bp.errorhandler(Unknown)
def unauthorized(_error: Unknown) -> Response:
    """Never with WWW-Authenticate: a browser would ask the learner for a password."""
    return refusal(HTTPStatus.UNAUTHORIZED, "key and secret of a client are needed, by Basic authentication")


@bp.errorhandler(Forbidden)
@bp.errorhandler(MayNotVoid)
def forbidden(error: Forbidden | MayNotVoid) -> Response:
    """The client is known, and may not."""
    return refusal(HTTPStatus.FORBIDDEN, str(error))


@bp.errorhandler(Conflict)
def conflict(error: Conflict) -> Response:
    """Another statement carries this id."""
    return refusal(HTTPStatus.CONFLICT, str(error))


@bp.errorhandler(HTTPException)
def refused(error: HTTPException) -> Response:
    """A refusal by Flask or Werkzeug, such as of a body that is too large."""
    return refusal(error.code or HTTPStatus.BAD_REQUEST, error.name)


@bp.errorhandler(OperationalError)
def database_away(error: OperationalError) -> Response:
    """Nothing was written, trying again is safe."""
    log.error("database does not answer: %s", type(error.orig).__name__)
    g.database_away = True
    answer = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; nothing was stored")
    answer.headers["Retry-After"] = "10"
    return answer


@bp.errorhandler(Exception)
def unexpected(error: Exception) -> Response:
    """A bug: logged whole, told to nobody."""
    log.exception("%s %s failed", request.method, request.path, exc_info=error)
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error; nothing was stored")


METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


@bp.route("/", methods=METHODS)
@bp.route("/<path:path>", methods=METHODS)
@for_clients
def elsewhere(path: str = "") -> Response:
    """Every other address answers in JSON too, with the version."""
    if path in {"about", "statements"}:
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is no method of this resource")
    return refusal(HTTPStatus.NOT_FOUND, "there is no such resource")
