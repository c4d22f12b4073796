"""The read API: each answer by token, with an ETag; and the page that describes it."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import datetime

import msgspec
from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from analytics.api import actions, queries, render, rules
from analytics.api.access import access_briefing, access_subject, access_unit, token_shown, units_opened
from analytics.api.models import ApiToken
from analytics.api.rules import MOST, NAMES, PER_TOKEN, STANDINGS, TALLIES, Problem, cursor_of, key_in, limit_in
from analytics.facts.forms import asked_of
from analytics.facts.projection import Structure
from analytics.facts.rules import SCORES
from analytics.reports.queries import Subject
from analytics.reports.rules import month_bounds
from lms import clock
from lms.db import apart, database, get_session
from lms.organisation.models import Unit
from lms.organisation.queries import OnDay
from lms.throttle.actions import refused_until, waiting_until
from lms.throttle.rules import PER_ADDRESS, Budget, network_of
from lms.web.acting import NotFound
from lms.web.feature import Feature
from lms.web.gate import for_clients, public

bp = Feature("api", __name__, url_prefix="/api")

Work = Callable[[ApiToken], msgspec.Struct]


class Refused(Exception):
    """There is no answer; status, code and words say why."""

    def __init__(self, status: int, error: str, message: str, *, again_in: int | None = None) -> None:
        super().__init__(message)
        self.status, self.problem, self.again_in = status, Problem(error, message), again_in


@bp.get("")
@public
def page() -> ResponseReturnValue:
    """What the API answers, in words."""
    told = render.document(database().config.site_url)
    return render_template(
        "api/page.html",
        told=told,
        base=render.BASE,
        scopes=render.SCOPE_WORDS,
        problems=render.PROBLEMS,
        manners=render.MANNERS,
        type_words=render.type_words,
    )


@bp.get("/v1/openapi.json")
@public
def document() -> ResponseReturnValue:
    """The same for programs."""
    return as_json(render.document(database().config.site_url))


@bp.get("/v1/briefings")
@for_clients
def briefings() -> ResponseReturnValue:
    """A page of briefings."""

    def work(token: ApiToken) -> rules.Briefings:
        limit = wanted_limit()
        found = queries.briefings_of(get_session(), token, after=wanted_key(), limit=limit, on=clock.today())
        return rules.Briefings(found, next_of(queries.keys_after(found, limit, "code")))

    return answered(TALLIES, work)


@bp.get("/v1/units")
@for_clients
def units() -> ResponseReturnValue:
    """A page of units."""

    def work(token: ApiToken) -> rules.Units:
        own, limit, after, wanted = get_session(), wanted_limit(), wanted_key(), wanted_figures()
        if wanted.then:
            seen = units_opened(own, token, wanted.tree)
            found = queries.units_then(own, seen, wanted, after=after, limit=limit)
        else:
            found = queries.units_of(own, token, after=after, limit=limit, on=wanted.on)
        return rules.Units(wanted.on, wanted.tree, found, next_of(queries.keys_after(found, limit, "code")))

    return answered(TALLIES, work)


@bp.get("/v1/briefings/<briefing_code>/tallies")
@for_clients
def tallies(briefing_code: str) -> ResponseReturnValue:
    """The figures of a unit in a briefing."""

    def work(token: ApiToken) -> rules.Tallies:
        own, wanted = get_session(), wanted_figures(token)
        briefing, (unit, by) = access_briefing(own, briefing_code), wanted_unit(token, wanted)
        untold = by.untold | (frozenset() if STANDINGS in token.scopes else SCORES)
        return queries.tallies(own, briefing, unit, by, untold=untold, now=clock.now())

    return answered(TALLIES, work)


@bp.get("/v1/briefings/<briefing_code>/points")
@for_clients
def points(briefing_code: str) -> ResponseReturnValue:
    """The meeting points of a unit in a briefing (Biểu 03)."""

    def work(token: ApiToken) -> rules.Points:
        of = wanted_subject(token, access_briefing(get_session(), briefing_code).code)
        return queries.points(get_session(), of, briefing_code)

    return answered(TALLIES, work)


@bp.get("/v1/months")
@for_clients
def months() -> ResponseReturnValue:
    """A month of a unit over all briefings (Biểu 05)."""

    def work(token: ApiToken) -> rules.Month:
        return queries.month(get_session(), wanted_subject(token), wanted_month())

    return answered(TALLIES, work)


@bp.get("/v1/briefings/<briefing_code>/standings")
@for_clients
def standings(briefing_code: str) -> ResponseReturnValue:
    """A page of standings; that names were among them is noted."""

    def work(token: ApiToken) -> rules.Standings:
        own, limit, names = get_session(), wanted_limit(), NAMES in token.scopes
        wanted = wanted_figures(token)
        briefing, (unit, by) = access_briefing(own, briefing_code), wanted_unit(token, wanted)
        after = as_uuid(key) if (key := wanted_key()) else None
        found = queries.standings(own, briefing, unit, by, after=after, limit=limit, names=names, now=clock.now())
        if names and found:
            people, code = [one.person for one in found], briefing.code
            apart(lambda other: actions.note_names(other, token, unit.public_id, people, by, briefing=code))
        further = next_of(queries.keys_after(found, limit, "person"))
        return rules.Standings(briefing.code, by.on, by.tree, by.category or None, found, further)

    return answered(STANDINGS, work)


def answered(scope: str, work: Work) -> Response:
    """The answer to whoever shows a token with this scope, or why there is none."""
    try:
        token = counted_token()
        if scope not in token.scopes:
            raise Refused(403, "scope", f"This token lacks the scope {scope!r}.")
        refuse_unknown()
        try:
            return as_json(work(token))
        except NotFound:
            raise Refused(404, "not_found", "There is no such thing, or this token does not open it.") from None
    except Refused as refused:
        answer = as_json(refused.problem, status=refused.status)
        if refused.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer realm="Quan triet"'
        if refused.again_in is not None:
            answer.headers["Retry-After"] = str(refused.again_in)
        return answer


def counted_token() -> ApiToken:
    """The token of this request, counted. Who shows none, guesses, or asks too often is refused."""
    guesses = Budget("api guess", network_of(request.remote_addr or ""), PER_ADDRESS)
    wait_for(waiting_until(get_session(), guesses))
    try:
        token = token_shown(get_session(), request.headers.get("Authorization", ""))
    except NotFound:
        counted(guesses)
        raise Refused(401, "token", "Send a valid token: Authorization: Bearer qt_…") from None
    wait_for(counted(Budget("api token", str(token.public_id), PER_TOKEN), token))
    return token


def counted(budget: Budget, token: ApiToken | None = None) -> datetime | None:
    """Count one request in a transaction of its own; until when no more are answered, or None."""
    found: list[datetime | None] = []
    if token is not None and token.last_used_on != clock.today():
        apart(lambda own: actions.mark_used(own, token))
    apart(lambda own: found.append(refused_until(own, budget)))
    return found[0]


def wait_for(until: datetime | None) -> None:
    """Refuse when one has to wait."""
    if until is not None:
        seconds = max(1, int((until - clock.now()).total_seconds()) + 1)
        raise Refused(429, "too_many", "Too many requests; wait as long as Retry-After says.", again_in=seconds)


def as_json(told: object, *, status: int = 200) -> Response:
    """The answer, or that it is the one the other system has already."""
    body = msgspec.json.encode(told)
    answer = Response(body, status, content_type="application/json")
    answer.headers["Cache-Control"] = "private, no-cache" if status == 200 else "no-store"
    if status == 200:
        answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
        answer.make_conditional(request)
    return answer


def wanted_limit() -> int:
    """How many items the address asks for."""
    try:
        return limit_in(request.args.get("limit", ""))
    except ValueError:
        raise Refused(400, "limit", f"limit must be a number from 1 to {MOST}.") from None


def wanted_key() -> str:
    """Behind which key the page begins; "" for the first one."""
    try:
        return key_in(request.args.get("after", ""))
    except ValueError:
        raise Refused(400, "after", "after must be what an earlier page called next.") from None


def refuse_unknown() -> None:
    """Refuse what this address does not take, and what is said twice: a filter that is misspelt filters nothing."""
    known = render.parameters_of(request.url_rule.rule if request.url_rule is not None else "")
    for name, values in request.args.lists():
        if name not in known:
            error = name if name in render.PARAMETERS else "parameter"
            raise Refused(400, error, f"This address takes {', '.join(known)}, and nothing else.")
        if len(values) > 1:
            raise Refused(400, name, f"{name} is given more than once.")


def wanted_figures(token: ApiToken | None = None) -> Structure:
    """What the address asks figures of, as on pages."""
    asked, category = asked_of(request.args), request.args.get("category", "")
    wrong = next(iter({**asked.form.errors, **asked.filter.errors}), "category" if category != asked.category else None)
    if wrong is not None:
        raise Refused(400, str(wrong), f"{wrong} makes no sense; see the description of this API.")
    if category and token is not None and NAMES not in token.scopes:
        raise Refused(403, "scope", f"Figures of one category need the scope {NAMES!r}: of few people they tell names.")
    return asked.structure


def wanted_unit(token: ApiToken, wanted: Structure) -> tuple[Unit | OnDay, Structure]:
    """The unit the address names, or that of the token, by the structure that is wanted."""
    text = request.args.get("unit", "")
    if not text and token.unit_id is None:
        raise Refused(400, "unit", "This token opens all units: say of which one, with unit=.")
    return access_unit(get_session(), token, as_uuid(text, name="unit") if text else None, wanted)


def wanted_subject(token: ApiToken, code: str | None = None) -> Subject:
    """The unit the address names, or that of the token, with that briefing or any, by the filters it names."""
    wanted, text = wanted_figures(token), request.args.get("unit", "")
    if not text and token.unit_id is None:
        raise Refused(400, "unit", "This token opens all units: say of which one, with unit=.")
    unit_id = as_uuid(text, name="unit") if text else None
    return access_subject(get_session(), token, unit_id, code, wanted, now=clock.now())


def wanted_month() -> str:
    """The month that the address asks for, or this one."""
    text = request.args.get("month", "") or f"{clock.today():%Y-%m}"
    try:
        month_bounds(text)
    except (ValueError, OverflowError):
        raise Refused(400, "month", "month must be written as 2026-11.") from None
    return text


def as_uuid(text: str, *, name: str = "after") -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refused(400, name, f"{name} holds no id.") from None


def next_of(key: str | None) -> str | None:
    """The cursor behind a key."""
    return cursor_of(key) if key is not None else None
