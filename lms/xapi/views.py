"""The store as other systems see it: about and statements, over HTTP.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Flask, Response, g, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session
from werkzeug.datastructures import Authorization
from werkzeug.http import http_date

from lms import clock
from lms.db import Database, database, get_read_session
from lms.web import shell
from lms.web.gate import for_clients
from lms.web.systems import LARGEST_BODY, PREFIX
from lms.xapi import filters, queries
from lms.xapi.access import Client, Forbidden, Unknown, authorities, must_read, must_write
from lms.xapi.actions import speaking
from lms.xapi.forms import EDITION_1, EDITION_2, VERSION_HEADER, Call, StatementQuery, edition_of, statement_query
from lms.xapi.gathering import QUEUE, Gathering, gathered, goes_alone
from lms.xapi.loader import Received, check_data_are_named, read_statement, read_statements
from lms.xapi.parts import Attached, Data, media_type, put_together, taken_apart
from lms.xapi.protocol import METHODS, Refusal, asked, guessing, json_answer, let_in, no_method, refusal, resources
from lms.xapi.render import activities_of, canonical, fitting, ids_only, page_json
from lms.xapi.rules import Malformed, check_uuid, rfc3339
from lms.xapi.signature import check_signatures
from lms.xapi.statement import VERSION, VERSION_2, agent_digest, arrival, written

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

bp = resources("xapi", __name__)

LARGEST_WITH_DATA = 20_000_000  # bytes of a request in parts
THROUGH_HEADER = "X-Experience-API-Consistent-Through"
PORT = re.compile(r":\d+$")
decode = msgspec.json.Decoder().decode


@bp.after_request
def vouch(response: Response) -> Response:
    """How far statements are complete (4.1.6.1 / Comm 2.1.3)."""
    if g.get("xapi_statements") and not g.get("database_away"):
        response.headers[THROUGH_HEADER] = rfc3339(g.get("xapi_through") or queries.recently_through(database()))
    return response


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
    raise no_method(call.method)


def post(call: Call, client: Client) -> Response:
    """One statement or a list of them; answers with their ids in order (4.1.6.1 / Comm 2.1.2)."""
    if call.parameters:
        raise Malformed(next(iter(call.parameters)), "is no parameter of this request")
    body, data = content(call)
    received, listed = read_statements(body, two=call.two, data=data)
    ids = stored(received, call, client, data=data, listed=listed)
    return json_answer(msgspec.json.encode(ids))


class ShortWay:
    """WSGI before Flask: stores the statements of an ordinary POST, which is most of what other systems send.

    It only ever succeeds. What is not ordinary (parts, the alternate syntax, a page of another site, statements that
    count or void) and whatever is wrong goes the long way from its beginning, as if nothing had been tried: there alone
    is told what and why. `first` precedes each request.
    """

    def __init__(self, app: Flask, first: Callable[[], None]) -> None:
        self._long_way = app.wsgi_app
        self._first = first
        self._database: Database = app.extensions["database"]
        self._hosts = frozenset(app.config["TRUSTED_HOSTS"])
        self._queue = app.extensions[QUEUE] = Gathering(self._database)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == f"{PREFIX}/statements":
            answer = self._stored(environ)
            if answer is not None:
                start_response("200 OK", answer[1])
                return [answer[0]]
        return self._long_way(environ, start_response)

    def _stored(self, environ: "WSGIEnvironment") -> tuple[bytes, list[tuple[str, str]]] | None:
        """The body and the headers of the answer, when all was ordinary and is stored."""
        length = environ.get("CONTENT_LENGTH") or ""
        edition = edition_of(environ.get("HTTP_X_EXPERIENCE_API_VERSION"))
        if not self._is_ordinary(environ) or edition is None or not length.isdecimal() or int(length) > LARGEST_BODY:
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)  # for the long way
        if len(body) < int(length):  # it broke off
            return None
        try:
            self._first()
            client = self._client(environ)
            through = queries.recently_through(self._database)
            received, _ = read_statements(body, two=edition == EDITION_2)
            source = speaking(
                self._database.config.iri_base, client, version=VERSION_2 if edition == EDITION_2 else VERSION
            )
            arrivals = [arrival(one.document, one.raw, source) for one in received]
            if not arrivals or goes_alone(arrivals) or not self._queue.store(arrivals):
                return None
        except Exception:  # the long way meets it again, and tells
            return None
        ids = msgspec.json.encode([one.statement_id for one in arrivals])
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(ids))), (VERSION_HEADER, edition)]
        if self._database.config.xapi_origins:  # a page of one of them would be told something else
            headers.append(("Vary", "Origin"))
        return ids, [*headers, (THROUGH_HEADER, rfc3339(through)), *shell.protection(environ["wsgi.url_scheme"])]

    def _is_ordinary(self, environ: "WSGIEnvironment") -> bool:
        """Whether nothing about the request needs a second look."""
        return (
            environ.get("CONTENT_TYPE") == "application/json"
            and not environ.get("QUERY_STRING")
            and "HTTP_TRANSFER_ENCODING" not in environ
            and not ("HTTP_ORIGIN" in environ and self._database.config.xapi_origins)
            and PORT.sub("", environ.get("HTTP_HOST", "")) in self._hosts
        )

    def _client(self, environ: "WSGIEnvironment") -> Client:
        """Who sends it. Raises when that is not known, when it may not, or when its use or a guess must be noted."""
        given = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
        if given is None or given.type != "basic":
            raise Unknown
        key = given.username or ""
        client = let_in(self._database, key, given.password or "", guessing(key, environ.get("REMOTE_ADDR")))
        must_write(client)
        if client.used_on != clock.today() or client.prefix is not None:
            raise Unknown
        return client


def put(call: Call, client: Client) -> Response:
    """One statement under the id of the address (4.1.6.1 / Comm 2.1.1)."""
    unknown = call.parameters.keys() - {"statementId"}
    if unknown or "statementId" not in call.parameters:
        raise Malformed("statementId", "is the one parameter of this request, and is needed")
    check_uuid(call.parameters["statementId"], "statementId")
    body, data = content(call)
    received = read_statement(body, call.parameters["statementId"], two=call.two, data=data)
    stored([received], call, client, data=data)
    return Response(status=HTTPStatus.NO_CONTENT)


def content(call: Call) -> tuple[bytes, Data | None]:
    """The statements of a request as JSON, and the data that came with them if it has parts (4.1.3 / Comm 1.5)."""
    content_type = call.header("Content-Type") or ""
    kind = media_type(content_type)
    if kind == "application/json":
        return call.body(), None
    if kind != "multipart/mixed":
        raise Malformed("Content-Type", f"expected application/json or multipart/mixed, got {kind or 'nothing'}")
    request.max_content_length = LARGEST_WITH_DATA
    body, data = taken_apart(call.body(), content_type)
    if len(body) > LARGEST_BODY:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the statements have more than {LARGEST_BODY} bytes")
    return body, data


def stored(
    received: Sequence[Received], call: Call, client: Client, *, data: Data | None, listed: bool = False
) -> list[Any]:
    """Store them all or none, with their data."""
    if data is not None:
        check_data_are_named(received, data)
        check_signatures(received, data, listed=listed, two=call.two)
    source = speaking(database().config.iri_base, client, version=VERSION_2 if call.two else VERSION)
    return gathered([arrival(one.document, one.raw, source) for one in received], data=data)


def read(call: Call, client: Client) -> Response:
    """One statement by its id, or a page of them (4.1.6.1 / Comm 2.1.3)."""
    must_read(client)
    parameters, after = followed(call.parameters, client)
    query = statement_query(parameters, two=call.two and after is None)
    session = get_read_session()
    g.xapi_through = queries.consistent_through(session, database().asking_engine)
    mine = client.id if client.reads_only_its_own else None
    if query.statement_id is not None:
        found = queries.one_statement(session, query.statement_id, voided=query.voided, client=mine)
        if found is None:
            return refusal(HTTPStatus.NOT_FOUND, "there is no such statement")
        body = formatted(session, [found[0]], query.format)[0]
        if query.attachments:
            answer = in_parts(body, with_data(session, filters.Page([found[0]], None))[1])
        else:
            answer = json_answer(body)
        answer.headers["Last-Modified"] = http_date(found[1])
        return answer
    page = filters.page(session, keys_of(session, query, mine=mine, after=after))
    attached: list[Attached] = []
    if query.attachments:
        page, attached = with_data(session, page)
    more = more_address(parameters, client, page.last) if page.last is not None else ""
    body = page_json(formatted(session, page.bodies, query.format), more)
    return in_parts(body, attached) if query.attachments else json_answer(body)


def with_data(session: Session, page: filters.Page) -> tuple[filters.Page, list[Attached]]:
    """A page and the data that came with its statements; it ends where they grow too large to send at once."""
    count, last, attached = queries.attached(session, page.bodies, most=filters.FULL_PAGE)
    return (page if last is None else filters.Page(page.bodies[:count], last)), attached


def keys_of(session: Session, query: StatementQuery, *, mine: int | None, after: int | None) -> queries.Asked:
    """The filters as keys of the store."""
    agent: int | None = None
    names: tuple[int | None, ...] = ()
    if query.agent is not None:
        digest = agent_digest(query.agent)
        agent = queries.agent_ids(session, [digest]).get(digest, filters.NOTHING)
        names = authorities(session, query.agent) if query.related_agents else ()
    return queries.Asked(
        agent=agent,
        authorities=names,
        verb=queries.verb_ids(session, [query.verb]).get(query.verb, filters.NOTHING) if query.verb else None,
        activity=(
            queries.activity_ids(session, [query.activity]).get(query.activity, filters.NOTHING)
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
    """The language of a map that suits this reader best."""
    return fitting(tags, list(request.accept_languages))


def signer() -> URLSafeSerializer:
    """Signs the addresses of further pages."""
    return URLSafeSerializer(database().config.secret_key, salt="xapi-more")


def more_address(parameters: Mapping[str, str], client: Client, last: int) -> str:
    """Where the next page is found, for this client only and for good (4.1.6.1 / Data 2.5)."""
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


def in_parts(body: bytes, attached: Sequence[Attached]) -> Response:
    """The answer as multipart/mixed: the statements, then the data of their attachments (4.1.3 / Comm 1.5.2)."""
    whole, content_type = put_together(body, attached)
    return Response(whole, content_type=content_type)


@bp.route("/", methods=METHODS)
@bp.route("/<path:path>", methods=METHODS)
@for_clients
def elsewhere(path: str = "") -> Response:
    """Every other address answers in JSON too, with the version."""
    if path in {"about", "statements"}:
        raise no_method(request.method)
    return refusal(HTTPStatus.NOT_FOUND, "there is no such resource")
