"""Documents, activities and agents, over HTTP.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

import msgspec
from flask import Response
from werkzeug.http import http_date

from lms.db import database, get_read_session
from lms.documents import queries
from lms.documents.access import must_change, must_look
from lms.documents.actions import TooLarge, post_document, put_document, remove_document, remove_documents
from lms.documents.forms import conditions_of, contents_of, wanted_activity, wanted_agent, wanted_documents
from lms.documents.queries import Kept
from lms.documents.render import is_ours, person
from lms.documents.rules import ACTIVITY_PROFILE, AGENT_PROFILE, STATE, Changed, Kind, Unseen, Wanted
from lms.web.gate import for_clients
from lms.web.systems import LARGEST_BODY
from lms.xapi.access import must_read
from lms.xapi.forms import Call
from lms.xapi.protocol import METHODS, asked, json_answer, no_method, refusal, resources, tried
from lms.xapi.queries import definitions
from lms.xapi.rules import Malformed
from lms.xapi.statement import written

bp = resources("documents", __name__)

NOT_A_PAGE = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""A document may say that it is HTML. A browser that is led to it runs nothing, and not as this site."""


@bp.errorhandler(Changed)
def changed(error: Changed) -> Response:
    """4.1.4 / Comm 3.1: a condition of the request does not hold."""
    return refusal(HTTPStatus.PRECONDITION_FAILED, str(error))


@bp.errorhandler(Unseen)
def unseen(error: Unseen) -> Response:
    """4.1.4 / Comm 3.1: what stands is not overwritten unseen."""
    return refusal(HTTPStatus.CONFLICT, str(error))


@bp.errorhandler(TooLarge)
def too_large(error: TooLarge) -> Response:
    """What grows by merging is bounded as what is sent at once is."""
    return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error))


@bp.route("/activities/state", methods=METHODS)
@for_clients
def state() -> Response:
    """What a learner left behind in an activity (4.1.6.2 / Comm 2.3)."""
    return documents(STATE)


@bp.route("/agents/profile", methods=METHODS)
@for_clients
def agent_profile() -> Response:
    """What is kept about an agent (4.1.6.5 / Comm 2.6)."""
    return documents(AGENT_PROFILE)


@bp.route("/activities/profile", methods=METHODS)
@for_clients
def activity_profile() -> Response:
    """What is kept about an activity (4.1.6.6 / Comm 2.7)."""
    return documents(ACTIVITY_PROFILE)


def documents(kind: Kind) -> Response:
    """Read or change documents of one kind (4.1.6 / Comm 2.2)."""
    call, client = asked()
    if call.method in {"GET", "HEAD"}:
        must_look(client, kind)
        return look(call, kind)
    work = {"PUT": put, "POST": post, "DELETE": remove}.get(call.method)
    if work is None:
        raise no_method(call.method)
    must_change(client, kind)
    work(call, kind)
    return Response(status=HTTPStatus.NO_CONTENT)


def look(call: Call, kind: Kind) -> Response:
    """One document, or the ids of all."""
    wanted = wanted_documents(call, kind, many=True, listed=True)
    session = get_read_session()
    place = queries.place_of(session, wanted.subject)
    if wanted.document_id is None:
        found = queries.document_ids(session, place, since=wanted.since) if place is not None else []
        return listed(found)
    kept = queries.document(session, place, wanted.document_id) if place is not None else None
    if kept is None:
        return refusal(HTTPStatus.NOT_FOUND, "there is no such document")
    return shown(call, kept)


def listed(found: list[tuple[str, datetime]]) -> Response:
    """Ids of documents, each once, and when the latest of them was changed."""
    answer = json_answer(msgspec.json.encode(list(dict.fromkeys(document_id for document_id, _ in found))))
    if found:
        answer.headers["Last-Modified"] = http_date(max(changed for _, changed in found))
    return answer


def shown(call: Call, kept: Kept) -> Response:
    """A document as it came; nothing but its tag when the reader has it already (RFC 2616, 14.26).

    If-Match comes first: whoever asks for one document is not told that it has another (RFC 9110, 13.2.2).
    """
    conditions = conditions_of(call)
    replace(conditions, none_match=None).check(kept.etag)
    answer = Response(kept.contents.body, content_type=kept.contents.content_type)
    if conditions.none_match is not None and conditions.none_match.include(kept.etag):
        answer = Response(status=HTTPStatus.NOT_MODIFIED)
    answer.headers["ETag"] = f'"{kept.etag}"'
    answer.headers["Content-Security-Policy"] = NOT_A_PAGE
    answer.headers["Last-Modified"] = http_date(kept.updated_at)
    return answer


def put(call: Call, kind: Kind) -> None:
    """Store a document."""
    wanted, given, conditions = one_of(call, kind), contents_of(call), conditions_of(call)
    tried(
        lambda session: put_document(
            session, wanted.subject, str(wanted.document_id), given, conditions=conditions, two=call.two
        )
    )


def post(call: Call, kind: Kind) -> None:
    """Store a document, or merge it into the one that stands."""
    wanted, given, conditions = one_of(call, kind), contents_of(call), conditions_of(call)
    tried(
        lambda session: post_document(
            session, wanted.subject, str(wanted.document_id), given, conditions=conditions, largest=LARGEST_BODY
        )
    )


def remove(call: Call, kind: Kind) -> None:
    """Remove a document, or all states of an activity and agent."""
    wanted = wanted_documents(call, kind, many=kind.registered)
    conditions = conditions_of(call)
    document_id = wanted.document_id
    if document_id is not None:
        tried(lambda session: remove_document(session, wanted.subject, document_id, conditions=conditions))
        return
    if conditions.given:
        raise Malformed("If-Match", f"goes with one document, named by {kind.named}")
    tried(lambda session: remove_documents(session, wanted.subject))


def one_of(call: Call, kind: Kind) -> Wanted:
    """The one document a request to store speaks of."""
    return wanted_documents(call, kind, many=False)


@bp.route("/activities", methods=METHODS)
@for_clients
def activities() -> Response:
    """An activity with its canonical definition, if it has one; every activity is one (4.1.6.4 / Comm 2.5)."""
    call, client = asked()
    if call.method not in {"GET", "HEAD"}:
        raise no_method(call.method)
    must_read(client)
    iri = wanted_activity(call.parameters)
    definition = definitions(get_read_session(), [iri]).get(iri)
    about = {"definition": definition} if definition is not None else {}
    return json_answer(written({"objectType": "Activity", "id": iri, **about}))


@bp.route("/agents", methods=METHODS)
@for_clients
def agents() -> Response:
    """The person an agent is, whether or not the store has met it (4.1.6.3 / Comm 2.4)."""
    call, client = asked()
    if call.method not in {"GET", "HEAD"}:
        raise no_method(call.method)
    must_read(client)
    agent, home = wanted_agent(call.parameters), database().config.iri_base
    mine = client.id if client.reads_only_its_own else None
    names = () if is_ours(agent, home=home) else queries.names_seen(get_read_session(), agent, client=mine)
    return json_answer(written(person(agent, names, home=home)))
