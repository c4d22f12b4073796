"""What all pages of a point have in common: names are noted, numbers are put into words, and where one goes back to."""

import uuid
from collections.abc import Sequence
from typing import Any, cast

from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from courses.briefings.forms import page_of
from courses.briefings.models import MeetingPoint
from courses.meetings import queries
from courses.meetings.actions import Outcome
from courses.meetings.forms import FAULT_WORDS, RESULT_WORDS, STATE_WORDS
from courses.meetings.queries import OnList
from courses.meetings.rules import THERE, Numbers, code_key, fault_of, good, kept_for, not_yet, slot_of
from lms import clock
from lms.audit.actions import note
from lms.db import apart, config_of, get_session
from lms.organisation.projection import in_place_of
from lms.web.acting import Actor, Present, actor, behind
from lms.web.wording import day


def about(point: MeetingPoint) -> dict[str, Any]:
    """What every page of a point shows."""
    return {
        "point": point,
        "sitting": point.session,
        "briefing": point.session.briefing,
        "state_words": STATE_WORDS,
        "fault_words": FAULT_WORDS,
        "early": early_words(point),
    }


def early_words(point: MeetingPoint) -> str:
    """That the day of the sitting has not come, and what can be done until then; "" once it has."""
    starts_at = point.session.starts_at
    if not not_yet(clock.now(), starts_at):
        return ""
    words = _("Điểm danh mở từ ngày %(day)s. Trước đó in được danh sách; ai xin vắng trước thì báo ban tổ chức.")
    return str(words % {"day": day(clock.day_of(starts_at))})


def paged(own: Session, query: Select[Any], size: int) -> tuple[Sequence[Any], dict[str, Any]]:
    """What stands on the page that the address asks for, and what leads to the others."""
    page, pages = page_of(own.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0, size)
    here = str(request.endpoint)
    way = {"page": page, "pages": pages, "page_url": lambda n: url_for(here, page=n)}
    return own.scalars(query.limit(size).offset((page - 1) * size)).all(), way


def names_seen(point: MeetingPoint, count: int, *, purpose: str = "roll_call") -> None:
    """Put into the log that names of this point were shown, in a transaction of its own."""
    by, details = behind(), {"point": str(point.public_id), "count": count}
    if count:
        unit = in_place_of(get_session(), point.unit, on=clock.today()).public_id  # who is listed belongs there now
        apart(
            lambda own: note(
                own, "names.read", actor=by, object_kind="unit", object_id=unit, purpose=purpose, **details
            )
        )


def numbers_of(point: MeetingPoint, everybody: Sequence[OnList]) -> Numbers:
    """The numbers of a point whose list has been read: those that the board counts in SQL."""
    states = [one.state for one in everybody if one.last or one.state in THERE]
    return Numbers(
        called=sum(not one.guest for one in everybody),
        unanswered=sum(not one.guest and not one.answered for one in everybody),
        there=sum(state in THERE for state in states),
        late=states.count("late"),
        left_early=states.count("left_early"),
        excused=states.count("excused"),
        unexcused=states.count("unexcused"),
        twice=sum(one.state in THERE and bool(one.elsewhere) for one in everybody),
        headcount=point.headcount,
        reported=point.reported_at is not None,
    )


def difference(numbers: Numbers) -> str:
    """Heads against names, in a sentence."""
    heads, there, more = numbers.headcount, numbers.there, numbers.difference
    if heads is None:
        return str(_("Đã ghi tên %(there)s người có mặt; chưa nhập số người đếm được.", there=there))
    if more > 0:
        words = _("Đếm được %(heads)s người nhưng mới ghi tên %(there)s: còn %(n)s người chưa ghi tên.")
        return str(words % {"heads": heads, "there": there, "n": more})
    if more < 0:
        words = _("Ghi tên %(there)s người có mặt nhưng chỉ đếm được %(heads)s: thừa %(n)s tên.")
        return str(words % {"heads": heads, "there": there, "n": -more})
    return str(_("Đếm được %(heads)s người, khớp với số ghi tên.", heads=heads))


def sought_at(point: MeetingPoint) -> str:
    """What this browser looks for at this point; it stands in the cookie, never in an address."""
    said = session.get("roll")
    return str(said.get("q", "")) if isinstance(said, dict) and said.get("point") == str(point.public_id) else ""


def keep_for(point: MeetingPoint) -> int | None:
    """For how many seconds the host's phone may keep this page; 0: nothing can be entered, and what it keeps goes.

    None: this is a part of the roll, beside which the whole stays kept.
    """
    if point.reported_at or early_words(point) or cast(Present, actor()).tied:
        return 0
    return None if sought_at(point) else kept_for(clock.now(), point.session.ends_at)


def back(point: MeetingPoint, anchor: str = "") -> ResponseReturnValue:
    """To the roll of the point."""
    return redirect(url_for("meetings.roll", point_id=point.public_id, _anchor=anchor or None))


def closed(point: MeetingPoint) -> ResponseReturnValue:
    """The roll is closed or not open yet: nothing was entered, and how it is opened again, or when."""
    told = _("Danh sách đã chốt nên chưa ghi gì. Muốn sửa, mở lại danh sách và ghi lý do.")
    flash(early_words(point) or told, "warning")
    return back(point, "report")


def counted_words(numbers: Numbers) -> str:
    """The strip over the roll: how many are there, away, and not yet known."""
    away = numbers.excused + numbers.unexcused
    words = _("Có mặt %(there)s · Vắng %(away)s · Chưa điểm danh %(left)s")
    return str(words % {"there": numbers.there, "away": away, "left": numbers.unanswered})


def tell(found: list[Outcome]) -> None:
    """Say what was entered, and what was not and why."""
    said = sum(one.result == "say" for one in found)
    if said:
        flash(ngettext("Đã ghi %(num)s người.", "Đã ghi %(num)s người.", said), "success")
    for result in ("correct", "elsewhere", "unknown"):
        if n := sum(one.result == result for one in found):
            words = RESULT_WORDS["nobody" if result == "unknown" else result]
            flash(_("%(n)s người không ghi: %(why)s.", n=n, why=words), "warning")
    if found and all(one.result == "same" for one in found):
        flash(_("Đã ghi như vậy từ trước; không có gì thay đổi."), "info")


CODE_FAULTS = {
    "closed": _l("Điểm cầu này hiện không mở mã điểm danh. Hỏi người điểm danh."),
    "expired": _l("Mã đã hết hạn. Nhìn mã mới trên màn hình của điểm cầu rồi nhập lại, hoặc quét lại."),
    "elsewhere": _l("Mã này là của điểm cầu khác, không phải của liên kết vừa mở. Quét lại mã ở nơi đang ngồi."),
    "wrong": _l("Mã không đúng. Nhập đủ 8 chữ số đang hiện trên màn hình của điểm cầu."),
    "several": _l("Mã này chưa xác định được điểm cầu. Chờ mã mới rồi nhập lại, hoặc quét mã QR."),
    "outside": _l("Mã đúng nhưng đồng chí không có trong danh sách học của đợt này. Báo người điểm danh."),
}


Shown = tuple[MeetingPoint, uuid.UUID | None]
"""A point, and the host who shows its code now."""


def key_of(own: Session) -> bytes:
    """The key of all codes of this product."""
    return code_key(config_of(own).secret_key)


def point_of_code(own: Session, actor: Actor, typed: str, asked: str) -> tuple[Shown | None, str | None]:
    """The point whose code this is, and what keeps one from being seen there; without a point the code was no good.

    `asked` is the point that a link names; whoever merely types digits names none, and all that show codes are tried.
    """
    places, key, slot = queries.places_open(own), key_of(own), slot_of(clock.now())
    named = next((one for one in places if str(one.point) == asked), None)
    if asked and named is None:
        return None, str(CODE_FAULTS["closed"])
    fitting = [one for one in ([named] if named is not None else places) if good(typed, key, one, slot)]
    if len(fitting) != 1:
        fault = "several" if fitting else fault_of(typed, key, named, places, slot)
        return None, str(CODE_FAULTS[fault])
    shown = queries.point_shown(own, places[fitting[0]])
    if not queries.on_the_roll(own, shown[0].session.briefing_id, actor.person_id):
        return shown, str(CODE_FAULTS["outside"])
    return shown, None
