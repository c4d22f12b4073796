"""What all resources of the store have in common over HTTP: who asks in which edition, and how a refusal is told.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import logging
import time
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from flask import Response, g, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from lms import clock
from lms.db import Database, contended, database, disk_full, forget_own, get_session, if_there_is_room
from lms.throttle.actions import refused_until, waiting_until
from lms.throttle.rules import PER_ACCOUNT, Budget, minutes_until, network_of
from lms.web.feature import Feature
from lms.web.systems import PREFIX
from lms.xapi.access import (
    BELIEVED_FOR,
    Client,
    Forbidden,
    Unknown,
    access_client,
    forget_client,
    guesses_at,
    plausible,
)
from lms.xapi.actions import Conflict, MayNotVoid, mark_used
from lms.xapi.forms import VERSION_HEADER, Call, call_of, edition_of
from lms.xapi.rules import Malformed

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
TRIES = 4
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")  # all that are answered in JSON, if only by a refusal
KNOWN_METHODS = {  # beside GET and HEAD, which all resources know
    "statements": ("POST", "PUT"),
    **dict.fromkeys(("activities/state", "agents/profile", "activities/profile"), ("POST", "PUT", "DELETE")),
}
ACCEPTED = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Accept-Language", VERSION_HEADER)
EXPOSED = ("ETag", "Last-Modified", VERSION_HEADER, "X-Experience-API-Consistent-Through", "Retry-After")


class Refusal(Exception):
    """A request that breaks no rule of form but cannot be answered: the status and what was wrong."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def resources(name: str, import_name: str) -> Feature:
    """A blueprint of resources under /xapi, whose answers carry the version."""
    bp = Feature(name, import_name, url_prefix=PREFIX)
    bp.before_request(answer_preflight)
    bp.after_request(speak_version)
    bp.after_request(leave_body_out)
    bp.after_request(open_to_origins)
    bp.after_request(note_use)
    return bp


def speak_version(response: Response) -> Response:
    """Every answer names the edition it follows (4.1.2 / Comm 3.3); one without a body, no type of it."""
    if response.status_code == HTTPStatus.NO_CONTENT:
        del response.headers["Content-Type"]
    edition = edition_of(request.headers.get(VERSION_HEADER)) or database().config.xapi_default_version
    response.headers.setdefault(VERSION_HEADER, g.get("xapi_edition", edition))
    return response


def leave_body_out(response: Response) -> Response:
    """HEAD answers as GET does, without the body (4.1.6.1 / Comm 2.1.3), also when it comes as POST (Comm 1.3)."""
    if g.get("xapi_method") == "HEAD" and request.method != "HEAD":
        response.set_data(b"")
    return response


def answer_preflight() -> Response | None:
    """A browser asks before it sends a page's request elsewhere; whether it may is said by `open_to_origins`.

    Whoever asks for the methods alone is told those that are answered (RFC 9110, 9.3.7).
    """
    if request.method != "OPTIONS":
        return None
    answer = Response(status=HTTPStatus.NO_CONTENT)
    answer.headers["Allow"] = methods_here()
    return answer


def open_to_origins(response: Response) -> Response:
    """Let pages of the configured sites, and no others, use the store from a browser (Comm 1.3 names CORS).

    Never for all (`*`) and never with cookies: a page that may speak to the store shows a client's key and secret.
    """
    origins = database().config.xapi_origins
    if not origins:
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE"
            response.headers["Access-Control-Allow-Headers"] = ", ".join(ACCEPTED)
            response.headers["Access-Control-Max-Age"] = "600"
    return response


def asked() -> tuple[Call, Client]:
    """The request and who sends it. Raises `Malformed` or `Unknown`."""
    call = call_of(request)
    g.xapi_edition, g.xapi_method = call.edition, call.method
    credentials = call.credentials
    if credentials is None:
        raise Unknown
    g.xapi_client = proven(database(), *credentials)
    return call, g.xapi_client


class Waits(Exception):
    """Too many wrong secrets for one key came from this address; nothing is evaluated until then."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"too many wrong secrets; try again at {until.isoformat()}")
        self.until = until


def proven(database: Database, key: str, secret: str) -> Client:
    """The client with this key and secret, unless guesses came from its address. Raises `Unknown`, `Waits`.

    Guesses are counted by key and address, so that nobody keeps a client from working from elsewhere. Whoever was let
    in a moment ago is not looked up again.
    """
    guesses = guessing(key, request.remote_addr)
    try:
        client = let_in(database, key, secret, guesses)
    except Unknown:
        database.memory.pop(calm(guesses), None)
        if plausible(key):
            with if_there_is_room(), database.writing() as own:
                refused_until(own, guesses)
        raise
    return client


def let_in(database: Database, key: str, secret: str, guesses: Budget) -> Client:
    """The client with this key and secret. Raises `Waits` and `Unknown`, which is not counted yet."""
    if not is_calm(database, guesses):
        with database.reading() as session:
            until = waiting_until(session, guesses)
        if until is not None:
            raise Waits(until)
    client = access_client(database, key, secret)
    database.memory[calm(guesses)] = time.monotonic() + BELIEVED_FOR
    return client


def guessing(key: str, address: str | None) -> Budget:
    """By which guesses at the secret of this key are counted."""
    return Budget("client", f"{key} {network_of(address or '')}", PER_ACCOUNT, subject=guesses_at(key))


def is_calm(database: Database, guesses: Budget) -> bool:
    """Whether somebody was let in under it in the last second, and nobody refused since."""
    until: float = database.memory.get(calm(guesses), 0.0)
    return time.monotonic() <= until


def calm(guesses: Budget) -> tuple[str, str]:
    """Where that is remembered."""
    return ("xapi.calm", guesses.value)


def note_use(response: Response) -> Response:
    """Once a client and day, after the answer has been sent: nobody waits for this mark."""
    client: Client | None = g.get("xapi_client")
    today = clock.today()
    if client is not None and client.used_on != today and not g.get("database_away"):
        response.call_on_close(partial(mark, database(), client, today))
    return response


def mark(own: Database, client: Client, today: date) -> None:
    """Write the mark of use. It may be lost: what the client asked for has been done."""
    try:
        with own.writing() as session:
            mark_used(session, client.id, on=today)
        forget_client(session, client.key)
    except DBAPIError as error:
        log.warning("the use of client %s was not marked: %s", client.id, type(error.orig).__name__)


def tried(work: Callable[[Session], Answer]) -> Answer:
    """Do the writing of this request; what lost to another writer (PostgreSQL) is rolled back and tried again."""
    session = get_session()
    for tries_left in reversed(range(TRIES)):
        try:
            return work(session)
        except DBAPIError as error:
            if tries_left == 0 or not contended(error):
                raise
            session.rollback()
            forget_own(session)  # what it had added is gone
    raise AssertionError("the last try returns or raises")


def json_answer(body: bytes) -> Response:
    """An answer in JSON."""
    return Response(body, content_type="application/json")


def refusal(status: int, reason: str) -> Response:
    """An error: what was wrong, and what was expected; of a method, which ones there are (RFC 9110, 15.5.6)."""
    answer = Response(msgspec.json.encode({"error": reason}), status, content_type="application/json")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = methods_here()
    return answer


def methods_here() -> str:
    """The methods of the resource that is asked, as a header names them."""
    return ", ".join(("GET", "HEAD", *KNOWN_METHODS.get(request.path.removeprefix(f"{PREFIX}/"), ())))


def no_method(method: str) -> Refusal:
    """What a resource refuses that knows no such method."""
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is no method of this resource")


def refused_here(error: Refusal) -> Response:
    """What a resource refuses by itself."""
    return refusal(error.status, str(error))


def malformed(error: Malformed) -> Response:
    """4.1.7 / Comm 3.2: the request breaks a rule."""
    return refusal(HTTPStatus.BAD_REQUEST, str(error))


def unauthorized(_error: Unknown) -> Response:
    """Never with WWW-Authenticate: a browser would ask the learner for a password."""
    return refusal(HTTPStatus.UNAUTHORIZED, "key and secret of a client are needed, by Basic authentication")


def too_many(error: Waits) -> Response:
    """Somebody guesses: how long nothing is evaluated."""
    answer = refusal(HTTPStatus.TOO_MANY_REQUESTS, str(error))
    answer.headers["Retry-After"] = str(60 * minutes_until(error.until, clock.now()))
    return answer


def forbidden(error: Forbidden | MayNotVoid) -> Response:
    """The client is known, and may not."""
    return refusal(HTTPStatus.FORBIDDEN, str(error))


def conflict(error: Conflict) -> Response:
    """Another statement carries this id."""
    return refusal(HTTPStatus.CONFLICT, str(error))


def refused(error: HTTPException) -> Response:
    """A refusal by Flask or Werkzeug, such as of a body that is too large, or of a method nobody knows."""
    return speak_version(refusal(error.code or HTTPStatus.BAD_REQUEST, error.name))


def database_away(error: OperationalError) -> Response:
    """Nothing was written, trying again is safe; where the disk is full, when there is room again."""
    g.database_away = True
    if disk_full(error):
        log.error("the disk of the database is full")
        answer = refusal(HTTPStatus.INSUFFICIENT_STORAGE, "the disk of the database is full; nothing was stored")
        answer.headers["Retry-After"] = "60"
        return answer
    log.error("database does not answer: %s", type(error.orig).__name__)
    answer = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer; nothing was stored")
    answer.headers["Retry-After"] = "10"
    return answer


def unexpected(error: Exception) -> Response:
    """A bug: logged whole, told to nobody."""
    log.exception("%s %s failed", request.method, request.path, exc_info=error)
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error; nothing was stored")


TOLD: dict[type[Exception], Callable[[Any], Response]] = {
    Malformed: malformed,
    Unknown: unauthorized,
    Waits: too_many,
    Forbidden: forbidden,
    MayNotVoid: forbidden,
    Conflict: conflict,
    Refusal: refused_here,
    HTTPException: refused,
    OperationalError: database_away,
    Exception: unexpected,
}
