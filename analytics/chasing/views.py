"""Pages of chasing: what goes out tonight to learners and heads, when heads get their mail, what heads were told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import func, select

from analytics.chasing import actions, queries
from analytics.chasing.forms import DailyForm
from analytics.chasing.models import HeadTold
from analytics.chasing.queries import Fallen, Head, Place
from analytics.chasing.rules import ABOVE, unit_text
from courses.briefings.access import ORGANISE, READ
from courses.briefings.queries import titles_of
from courses.enrolment.models import Briefing
from courses.reminders.forms import said
from courses.reminders.queries import open_briefings, plans_of, to_remind_in
from courses.reminders.rules import Occasion
from lms import clock
from lms.audit.actions import note
from lms.db import apart, get_session
from lms.organisation.forms import TREE_WORDS
from lms.roster.access import KEEP
from lms.web.acting import actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.gate import needs
from lms.webhooks.forms import TOLD_WORDS
from lms.webhooks.models import Webhook
from lms.webhooks.queries import webhooks
from lms.webhooks.rules import ACTIVE

bp = Feature("chasing", __name__, url_prefix="/chasing")

PAGE, UNITS_ON_PAGE = 50, 20


@bp.get("")
@needs(READ)
def tonight() -> ResponseReturnValue:
    """What tonight would send: to learners by briefing, to heads above, and the mail of the day by unit."""
    holds_everywhere(READ)
    return page_of(DailyForm.of(queries.daily_plan(get_session())))


@bp.post("")
@needs(ORGANISE)
def change() -> ResponseReturnValue:
    """From tomorrow on heads get their mail as this form says."""
    own, me, form = get_session(), holds_everywhere(ORGANISE), DailyForm()
    if not form.validate_on_submit():
        return page_of(form), 422
    actions.keep_plan(own, form.plan(), by=me.public_id)
    flash(_("Đã lưu. Áp dụng từ sáng mai."), "success")
    return redirect(url_for("chasing.tonight"))


def page_of(form: DailyForm) -> str:
    """The page with this form."""
    own = get_session()
    daily = queries.daily_plan(own)
    then = datetime.combine(clock.today() + timedelta(days=1), time(daily.from_hour), tzinfo=clock.VIETNAM)
    briefings = own.scalars(open_briefings()).all()
    known = queries.heads(own, on=then.date())
    mails = daily_mails(known, then, page=request.args.get("page", 1, type=int), daily=daily.daily)
    return render_template(
        "chasing/tonight.html",
        form=form,
        reminders=reminders_of(briefings, then),
        titles=titles_of(own, briefings),
        steps=steps_foreseen(known, then),
        said=said,
        channels=own.scalars(webhooks().where(Webhook.state == ACTIVE)).all(),
        told=TOLD_WORDS,
        mails=mails,
        tree_words=TREE_WORDS,
        page_url=lambda n: url_for("chasing.tonight", page=n, _anchor="to-heads"),
        may_organise=actor().everywhere(ORGANISE),
        may_mend=actor().everywhere(KEEP),
    )


def reminders_of(briefings: Sequence[Briefing], then: datetime) -> list[tuple[Briefing, int, int]]:
    """For each briefing that reminds that night: how many people, and how many of them by mail."""
    own = get_session()
    found = to_remind_in(own, plans_of(own, [one.id for one in briefings]), today=clock.day_of(then))
    return [(one, len(found[one.id]), sum(p.mailed for p in found[one.id])) for one in briefings if one.id in found]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """On an occasion of a briefing the heads above a unit would be told of so many units, so many of them by mail."""

    above: str
    title: str
    occasion: Occasion
    units: int
    heads: int
    mails: int


def steps_foreseen(known: Sequence[Head], then: datetime) -> list[Foreseen]:
    """What heads above would be told that morning and were not told yet."""
    own, of = get_session(), queries.by_place(known)
    fallen = queries.fallen(own, of.keys(), now=then)
    told = queries.already_told(own, {one.key(head.person_id) for one in fallen for head in of[one.above]})
    words = actions.words_of(own, fallen, ())
    found = []
    for group, ones in queries.grouped(fallen).items():
        place, briefing_id, occasion = group
        heads = [head for head in of[place] if any(new(one, head, told) for one in ones)]
        if heads:
            title, above = words.briefings[briefing_id][1][0], words.units[place.unit_id][1]
            mails = sum(head.mailed for head in heads)
            found.append(Foreseen(above, title, occasion, len(ones), len(heads), mails))
    return found


def new(one: Fallen, head: Head, told: set[str]) -> bool:
    """Whether the head was not told of it."""
    return one.key(head.person_id) not in told


@dataclass(frozen=True, slots=True)
class Mails:
    """The mail of the day: heads, those by mail, those without an address; one page of units with what it would say."""

    heads: int
    mails: int
    unreached: int
    units: list[tuple[str, str, int, int, str]]
    page: int
    pages: int


def daily_mails(known: Sequence[Head], then: datetime, *, page: int, daily: bool) -> Mails:
    """What the mail of that day would say; `daily`: whether there is one."""
    own, of = get_session(), queries.by_place(known)
    opened = queries.open_below(own, of.keys(), now=then) if daily else {}
    concerned = [head for head in known if any(place in opened for place in head.places)]
    places = [place for place in of if place in opened]
    pages = max(1, -(-len(places) // UNITS_ON_PAGE))
    page = min(max(page, 1), pages)
    shown = places[(page - 1) * UNITS_ON_PAGE : page * UNITS_ON_PAGE]
    words = actions.words_of(own, (), [(place, row[0]) for place in shown for row in opened[place]])

    def told(place: Place) -> tuple[str, str, int, int, str]:
        name, heads = words.units[place.unit_id][1], of[place]
        given = queries.open_of(words, place, opened[place])
        text = unit_text(name, given, clock.day_of(then), english=str(get_locale()) == "en")
        return name, place.tree, len(heads), sum(head.mailed for head in heads), text

    mails, unreached = sum(head.mailed for head in concerned), sum(not head.has_address for head in concerned)
    return Mails(len(concerned), mails, unreached, [told(place) for place in shown], page, pages)


@bp.get("/sent")
@needs(READ)
def sent() -> ResponseReturnValue:
    """Which head was told what and when. That names were shown is noted."""
    holds_everywhere(READ)
    own = get_session()
    total = own.scalar(select(func.count(HeadTold.id))) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    rows = own.execute(queries.sent().limit(PAGE).offset((page - 1) * PAGE)).all()
    if rows:
        note_names(len(rows))
    briefings = own.scalars(select(Briefing).where(Briefing.id.in_({row.briefing_id for row in rows}))).all()
    return render_template(
        "chasing/sent.html",
        rows=rows,
        titles={own_id: title for own_id, (title, _english) in titles_of(own, briefings).items()},
        ABOVE=ABOVE,
        said=lambda kept: said(Occasion.from_code(kept)),
        total=total,
        page=page,
        pages=pages,
        page_url=lambda n: url_for("chasing.sent", page=n),
    )


def note_names(count: int) -> None:
    """Put into the log that names were shown, in a transaction of its own: this request only reads."""
    by = behind()
    apart(lambda own: note(own, "names.read", actor=by, object_kind="digest_plan", object_id="daily", count=count))
