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
    ("passkey.remove", "passkey"): _l("khóa truy cập"),
    ("passkey.rename", "passkey"): _l("khóa truy cập"),
    ("roster.apply", "counts"): _l("số dòng"),
    ("roster.read", "kind"): _l("phần danh sách"),
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


class FilterForm(PageForm):
    """What entries are looked for. It is part of the address, and a name never is."""

    class Meta:
        csrf = False  # it only reads

    action = ChoiceField(_l("Việc đã làm"), choices=[], default="")
    since = DayField(_l("Từ ngày"), [validators.Optional()])
    until = DayField(_l("Đến hết ngày"), [validators.Optional()])
    actor = StringField(
        _l("Mã người làm"),
        [
            MustBe(
                is_uuid,
                _l("Ô này nhận mã trong nhật ký, không nhận họ tên. Tìm theo họ tên: bấm “Chọn người theo họ tên”."),
            )
        ],
        filters=[tidy],
    )
    object = StringField(_l("Mã người, đơn vị hoặc vật được nói đến"), [at_most(100)], filters=[tidy])

    def offer(self) -> None:
        """Fill the list of acts, in the order of the reader's words."""
        words = sorted(((code, str(text)) for code, text in SENTENCES.items()), key=lambda one: one[1])
        self.action.choices = choices({"": _("Mọi việc"), **dict(words)})

    def kept(self) -> dict[str, str]:
        """The conditions that were given, as they stand in the address."""
        days = {name: self[name].data.isoformat() for name in ("since", "until") if self[name].data}
        return {name: text_in(self[name]) for name in ("actor", "action", "object") if self[name].data} | days

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
