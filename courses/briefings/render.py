"""A policy as a sentence, a standing and its reasons in words: the same on every page and in every file."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.briefings.rules import MAKE_UP, ONLINE, POINT, Asked, Policy, Reason, Short
from lms.accounts.forms import CATEGORIES, PARTY
from lms.web.wording import day, moment, scale10

STANDING_WORDS = {
    "not_started": _l("Chưa học"),
    "in_progress": _l("Đang học"),
    "briefed": _l("Đã quán triệt (B)"),
    "completed": _l("Hoàn thành (C)"),
    "overdue": _l("Quá hạn"),
    "exempt": _l("Miễn"),
    "excused": _l("Vắng có lý do"),
    "unexcused": _l("Vắng không lý do"),
}
"""The eight standings, in the order in which pages offer them."""

WAY_WORDS = {
    POINT: _l("có mặt tại điểm cầu"),
    ONLINE: _l("học trực tuyến"),
    MAKE_UP: _l("học bù"),
}
"""The ways of being briefed, in the order of the sentence."""

DECISION_WORDS = {"exempt": _l("Miễn"), "leave": _l("Vắng có lý do"), "extension": _l("Gia hạn")}
"""What may be decided about one person."""


class Titled(Protocol):
    """A briefing, as far as its title goes."""

    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def title_en(self) -> str: ...


def briefing_title(briefing: Titled, course: str = "", course_en: str = "") -> str:
    """What a briefing is called in the reader's language: by its own title, else by that of its course."""
    english = (briefing.title_en or ("" if briefing.title else course_en)) if str(get_locale()) == "en" else ""
    return english or briefing.title or course or briefing.code


def sentences(policy: Policy, *, of: str | None = None) -> list[str]:
    """The policy in readable sentences: for everyone, then for the staff categories of whom something else is asked.

    `of`: for people of that category alone.
    """
    found = [_("%(sentence)s.", sentence=asked_words(policy.asked if of is None else policy.of(of)))]
    for category, asked in policy.by_category.items() if of is None else ():
        found.append(_("Riêng %(category)s: %(sentence)s.", category=called(category), sentence=in_line(asked)))
    if policy.counts_before:
        found.append(_("Kết quả học trực tuyến có trước ngày mở đợt được tính."))
    else:
        found.append(_("Kết quả học trực tuyến có trước ngày mở đợt không được tính."))
    return found


def called(category: str) -> str:
    """What a staff category is called within a sentence."""
    return str(CATEGORIES.get(category, category)).lower()


def asked_words(asked: Asked) -> str:
    """đã quán triệt (B) = có mặt tại điểm cầu HOẶC …; hoàn thành (C) = B VÀ kiểm tra ≥ 7 VÀ thu hoạch đạt."""
    return str(_("Đã quán triệt (B) = %(ways)s; hoàn thành (C) = %(rest)s", ways=ways_of(asked), rest=rest_of(asked)))


def in_line(asked: Asked) -> str:
    """The same within a sentence."""
    return str(_("đã quán triệt (B) = %(ways)s; hoàn thành (C) = %(rest)s", ways=ways_of(asked), rest=rest_of(asked)))


def ways_of(asked: Asked) -> str:
    """Any of which will do."""
    either = _("HOẶC")
    return f" {either} ".join(str(words) for way, words in WAY_WORDS.items() if way in asked.ways)


def rest_of(asked: Asked) -> str:
    """All of which must be."""
    parts = ["B"]
    if asked.test and asked.pass_mark is not None:
        parts.append(_("kiểm tra ≥ %(mark)s", mark=scale10(asked.pass_mark)))
    elif asked.test:
        parts.append(_("đạt kiểm tra theo điểm đạt của khóa học"))
    if asked.reflection:
        parts.append(_("thu hoạch đạt"))
    both = _("VÀ")
    return f" {both} ".join(parts)


def reason_words(reason: Reason, missing: Sequence[Short] = ()) -> str:
    """A condition and whether it is met, with when and how much; `missing`: by which tests it is not."""
    if reason.code == "test":
        return test_words(reason, missing)
    if reason.code == "reflection":
        return reflection_words(reason)
    way = str(WAY_WORDS[reason.code])
    named = way[0].upper() + way[1:]
    if reason.at is None:
        return str(_("%(way)s: chưa", way=named))
    return str(_("%(way)s: có, lúc %(moment)s", way=named, moment=moment(reason.at)))


def test_words(reason: Reason, missing: Sequence[Short]) -> str:
    """What is asked of the tests, and what came of them: where they fall short, which ones."""
    named = _("Kiểm tra ≥ %(mark)s", mark=scale10(reason.mark)) if reason.mark is not None else _("Đạt kiểm tra")
    if not reason.scored:
        passed = _("%(test)s: đạt, lúc %(at)s", test=named, at=moment(reason.at)) if reason.at is not None else ""
        return str(passed or _("%(test)s: chưa đạt", test=named))
    if reason.at is not None:
        score = scale10(reason.score or 0)
        return str(_("%(test)s: đạt, %(score)s điểm, lúc %(at)s", test=named, score=score, at=moment(reason.at)))
    which = ", ".join(map(short_words, missing))
    if reason.score is not None and missing:
        return str(_("%(test)s: chưa đạt ở %(which)s", test=named, which=which))
    if any(one.score is not None for one in missing):
        return str(_("%(test)s: chưa đủ, còn %(which)s", test=named, which=which))
    return str(_("%(test)s: chưa làm đủ bài", test=named))


def short_words(one: Short) -> str:
    """A test that falls short, and how it stands: "Chuyên đề 2 (6,5 điểm)"."""
    named = _("Chuyên đề %(n)s", n=one.place) if one.place else _("bài kiểm tra cuối khóa")
    if one.score is None:
        return str(_("%(test)s (chưa làm)", test=named))
    return str(_("%(test)s (%(score)s điểm)", test=named, score=scale10(one.score)))


def reflection_words(reason: Reason) -> str:
    """Where the reflection is."""
    if reason.at is not None:
        return str(_("Bài thu hoạch: đạt, lúc %(moment)s", moment=moment(reason.at)))
    if reason.handed_in is not None:
        return str(_("Bài thu hoạch: đã nộp lúc %(moment)s, chưa được chấm đạt", moment=moment(reason.handed_in)))
    return str(_("Bài thu hoạch: chưa nộp"))


def lacking_words(asked: Asked, lacks: Iterable[str]) -> str:
    """What somebody still lacks, in words; "" for nothing."""
    *others, last = [str(words) for way, words in WAY_WORDS.items() if way in asked.ways] or [
        str(STANDING_WORDS["briefed"])
    ]
    named = {
        "ways": _("%(ways)s hoặc %(last)s", ways=", ".join(others), last=last) if others else last,
        "test": _("kiểm tra"),
        "reflection": _("bài thu hoạch"),
        "reading": _("bài thu hoạch đã nộp, chưa được chấm đạt"),
    }
    said = "; ".join(named[one] for one in lacks)
    return str(_("Còn thiếu: %(what)s", what=said)) if said else ""


def due_words(due_at: datetime | None, due_days: int | None = None) -> str:
    """When something is due; what never is says so."""
    if due_at is not None:
        return str(_("hết ngày %(day)s", day=day(due_at)))
    if due_days is not None:
        return str(_("sau %(days)s ngày kể từ ngày giao, hoặc từ ngày đến đơn vị", days=due_days))
    return str(_("không có hạn"))


def chosen_words(choices: Sequence[tuple[str, str]]) -> str:
    """Whom an assignment is for: rows of `AssignmentChoice`, kind and value."""
    from_kind: dict[str, list[str]] = {}
    for kind, value in choices:
        from_kind.setdefault(kind, []).append(value)
    return "; ".join(", ".join(value_words(kind, value) for value in values) for kind, values in from_kind.items())


def value_words(kind: str, value: str) -> str:
    """What a value of a choice is called."""
    words = CATEGORIES if kind == "category" else PARTY if kind == "party" else {}
    return str(words.get(value, value))
