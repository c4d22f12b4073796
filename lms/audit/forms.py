"""The filter of the audit log, and its sentences in the language of the reader."""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, validators

from lms import clock
from lms.audit.queries import Sought
from lms.audit.vocabulary import FIELDS, KINDS, PURPOSE_OF, PURPOSES, SENTENCES, UNIT_KINDS, VALUES
from lms.web.forms import ChoiceField, DayField, MustBe, PageForm, at_most, choices, text_in, tidy

__all__ = ["FIELDS", "KINDS", "PURPOSES", "PURPOSE_OF", "SENTENCES", "UNIT_KINDS", "VALUES"]


LABELS = {
    ("names.read", "until"): _l("số liệu đến hết ngày"),
    ("passkey.remove", "passkey"): _l("khóa truy cập"),
    ("passkey.rename", "passkey"): _l("khóa truy cập"),
    ("roster.apply", "counts"): _l("số dòng"),
    ("roster.read", "kind"): _l("phần danh sách"),
    ("standing.read", "until"): _l("số liệu đến hết ngày"),
}
"""What a particular is called that one act alone has, or in which it means something else, by act and field."""

OUTCOMES = {
    "new": _l("người mới"),
    "changed": _l("thay đổi"),
    "moved": _l("chuyển đơn vị"),
    "bad": _l("dòng lỗi"),
    "asked": _l("cần trả lời"),
    "unchanged": _l("không đổi"),
    "left": _l("không có trong danh sách"),
    "aside": _l("dòng không đọc"),
}
"""What became of lines of a list of people."""

PARTICULARS = {
    "full_name": _l("họ tên"),
    "born": _l("ngày sinh"),
    "code": _l("số hiệu"),
    "email": _l("thư điện tử"),
    "phone": _l("điện thoại"),
    "language": _l("ngôn ngữ"),
    "muted": _l("loại thông báo nhận"),
    "position": _l("chức vụ"),
    "category": _l("loại cán bộ"),
    "party": _l("đảng viên"),
    "unit": _l("đơn vị"),
    "branch": _l("chi bộ"),
    "plan": _l("kế hoạch"),
    "note": _l("ghi chú"),
}
WORDS_OF: dict[str, dict[str, Any]] = {
    "kind": {**OUTCOMES, "csv": "CSV", "xlsx": "XLSX", "oneroster": "OneRoster"},
    "fields": PARTICULARS,
    "kinds": {
        "reminder": _l("nhắc người học"),
        "digest": _l("tổng hợp cho thủ trưởng"),
        "above": _l("báo cấp trên"),
    },
    "due": {"never": _l("không có hạn")},
}
"""Words for codes that mean something else elsewhere, by the field in which they stand."""

DAYS = re.compile("([0-9]{1,4}) days")


def label_of(action: str, field: str) -> str:
    """What a particular of an act is called, in the reader's language."""
    return str(LABELS.get((action, field)) or FIELDS.get(field) or OUTCOMES.get(field, field))


def told_in_words(field: str, code: str) -> str:
    """A code in the words of the field in which it stands, or as it is."""
    if field == "due" and (days := DAYS.fullmatch(code)):
        return str(_("trong %(count)s ngày", count=days[1]))
    return str(WORDS_OF.get(field, {}).get(code) or VALUES.get(code, code))


def sentence(action: str) -> str:
    """What was done, in the reader's language; an act of a later version of the program by its code."""
    return str(SENTENCES.get(action, action))


def purpose_of(action: str, details: Mapping[str, Any]) -> str:
    """What somebody saw names for, in the reader's language: as stated, else what such a page is for; or nothing."""
    code = details.get("purpose") or PURPOSE_OF.get(action, "")
    return str(PURPOSES.get(code, code))


def is_uuid(value: str | None) -> bool:
    """Whether it is nothing, or the opaque id of somebody."""
    try:
        return not value or bool(uuid.UUID(value))
    except ValueError:
        return False


CONDITIONS = ("actor", "action", "object", "since", "until")
DAYS_ASKED = ("since", "until")
CODE = re.compile(r"[A-Za-z0-9._-]*")


class FilterForm(PageForm):
    """By which conditions entries are looked for. They are part of the address, and a name never is."""

    class Meta:
        csrf = False  # it only reads; what is sent by POST is guarded as every form is

    action = ChoiceField(_l("Việc đã làm"), choices=[], default="")
    since = DayField(_l("Từ ngày"), [validators.Optional()])
    until = DayField(_l("Đến hết ngày"), [validators.Optional()])
    actor = StringField(
        _l("Người làm"),
        [
            MustBe(
                is_uuid,
                _l("Địa chỉ trang nhận mã trong nhật ký, không nhận họ tên. Gõ họ tên vào ô “Người làm”."),
            )
        ],
        filters=[tidy],
    )
    object = StringField(_l("Được nói đến"), [at_most(100)], filters=[tidy])

    def offer(self) -> None:
        """Fill the list of acts, in the order of the reader's words."""
        words = sorted(((code, str(text)) for code, text in SENTENCES.items()), key=lambda one: one[1])
        self.action.choices = choices({"": _("Mọi việc"), **dict(words)})

    def kept(self) -> dict[str, str]:
        """The conditions that were given and are none that must be corrected, as they stand in the address."""
        given = [name for name in CONDITIONS if self[name].data and not self[name].errors]
        days = {name: self[name].data.isoformat() for name in given if name in DAYS_ASKED}
        return {name: text_in(self[name]) for name in given if name not in DAYS_ASKED} | days

    def sought(self) -> Sought:
        """The conditions of a form that has been checked. Days are those of Vietnam."""
        since, until = self.since.data, self.until.data
        return Sought(
            actor=uuid.UUID(self.actor.data) if self.actor.data else None,
            action=text_in(self.action),
            object_id=text_in(self.object),
            since=clock.start_of_day(since) if since else None,
            until=datetime.combine(until, time.max, tzinfo=clock.VIETNAM).astimezone(UTC) if until else None,
        )


WHO = _l("Tên đăng nhập, họ tên (có dấu hay không dấu) hoặc mã trong nhật ký.")
MOST_TYPED = [at_most(100)]


class SearchForm(FilterForm):
    """What is looked for as people type it: somebody by user name, by name or by code, anything else by its code.

    Of several who fit the one meant is chosen (`who_is`, `whom_is`).
    """

    who = StringField(_l("Người làm"), MOST_TYPED, filters=[tidy], description=WHO)
    who_is = ChoiceField(_l("Người làm là ai"), choices=[], default="", validate_choice=False)
    whom = StringField(_l("Người được nói đến"), MOST_TYPED, filters=[tidy], description=WHO)
    whom_is = ChoiceField(_l("Người được nói đến là ai"), choices=[], default="", validate_choice=False)
    thing = StringField(
        _l("Mã đơn vị hoặc vật được nói đến"),
        [
            *MOST_TYPED,
            MustBe(
                lambda value: CODE.fullmatch(value or ""),
                _l("Ô này nhận mã, không nhận họ tên. Gõ họ tên vào ô “Người được nói đến”."),
            ),
        ],
        filters=[tidy],
    )

    def validate_thing(self, field: StringField) -> None:
        """One entry is about one object: a person, or something that has a code."""
        if field.data and self.whom.data:
            raise validators.ValidationError(_l("Chỉ điền một trong hai: người được nói đến, hoặc mã."))
