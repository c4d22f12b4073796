"""Forms of the record's pages, and the words for verbs, activities and scopes."""

import re
import secrets
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectMultipleField, StringField, validators
from wtforms.widgets import CheckboxInput, ListWidget

from lms import clock
from lms.doors import Taught
from lms.records.queries import Sought
from lms.records.rules import elsewhere
from lms.web.forms import ChoiceField, DayField, MustBe, PageForm, at_most, choices, chosen, text_in, tidy
from lms.xapi import access, vocabulary
from lms.xapi.models import XapiClient
from lms.xapi.rules import UUID, is_absolute_iri

VERB_WORDS = {
    vocabulary.INITIALIZED: _l("bắt đầu"),
    vocabulary.COMPLETED: _l("hoàn thành"),
    vocabulary.ATTEMPTED: _l("bắt đầu làm"),
    vocabulary.ANSWERED: _l("trả lời"),
    vocabulary.PASSED: _l("đạt"),
    vocabulary.FAILED: _l("không đạt"),
    vocabulary.ATTENDED: _l("có mặt tại"),
    vocabulary.ABSENT: _l("vắng mặt tại"),
    vocabulary.SUBMITTED: _l("nộp"),
    vocabulary.VOIDED: _l("hủy"),
}
KIND_WORDS = {
    vocabulary.COURSE: _l("khóa học"),
    vocabulary.MODULE: _l("chuyên đề"),
    vocabulary.LESSON: _l("bài"),
    vocabulary.ASSESSMENT: _l("bài kiểm tra"),
    vocabulary.QUESTION: _l("câu hỏi"),
}
OWN_KIND_WORDS = {vocabulary.MEETING: _l("điểm cầu"), vocabulary.REFLECTION: _l("bài thu hoạch")}
"""Of what is done here alone: other systems mean other things by these types."""
SEEN_WORDS = {
    "present": _l("có mặt"),
    "late": _l("đến muộn"),
    "left_early": _l("về sớm"),
    "excused": _l("vắng có lý do"),
    "unexcused": _l("vắng không lý do"),
}
"""What the host of a meeting point says of somebody (`result.response`)."""
SCOPE_WORDS = {
    access.WRITE: _l("Ghi nhật ký: gửi bản ghi về việc học"),
    access.READ_MINE: _l("Đọc lại những bản ghi do chính hệ thống đó gửi"),
    access.READ: _l("Đọc mọi bản ghi, của mọi học viên"),
    "state": _l("Cất giữ trạng thái học dở của học viên, để học tiếp ở chỗ đã dừng"),
    "profile": _l("Cất giữ tài liệu về học viên và về hoạt động"),
    access.DEFINE: _l("Đặt tên và mô tả cho hoạt động; tên này hiện ra với mọi người đọc nhật ký"),
    access.ALL_READ: _l("Đọc mọi thứ: bản ghi, trạng thái, tài liệu"),
    access.ALL: _l("Mọi quyền ở trên: chỉ giao khi thật cần"),
}
YES_NO = {"yes": True, "no": False}
ADDRESS = "address"
LARGEST_NUMBER = 18  # digits of a key, or of a place in the record
FILTERS = (
    "statement",
    "person",
    "agent",
    "verb",
    "course",
    "activity",
    "client",
    "authority",
    "registration",
    "since",
    "until",
    "voided",
    "counts",
)


def reader() -> str:
    """The language of the page."""
    return str(get_locale() or "vi")


def verb_words(home: str) -> dict[str, Any]:
    """The words for verbs by their IRIs, in a product whose own begin with `home`."""
    return {vocabulary.verb_iri(home, verb): words for verb, words in VERB_WORDS.items()}


def kind_word(kind: str, iri: str, *, home: str) -> str:
    """The word for an activity of this type; nothing where there is none."""
    own = OWN_KIND_WORDS if iri.startswith(f"{home}/") else {}
    return str(KIND_WORDS.get(kind) or own.get(kind, ""))


def titled(one: Taught) -> str:
    """The title of something taught, in the reader's language."""
    return one.title_en if reader() == "en" and one.title_en else one.title


def vouching(identifier: Mapping[str, Any]) -> str:
    """Who vouches from elsewhere, in the words of a page: no name, and no address of a person."""
    home, mark = elsewhere(identifier)
    return f"{home} ({mark})" if home else str(_l("một nơi khác (%(mark)s)", mark=mark))


class OfferedField(ChoiceField):
    """A choice whose list is filled by the view. What the address names beyond the list is offered too."""

    def __init__(self, label: Any, *, none: Any, **options: Any) -> None:
        super().__init__(label, choices=[], default="", **options)
        self._none = none

    def offer(self, words: Mapping[str, Any]) -> None:
        """Let one of these be chosen, or none, or what was asked for."""
        given = {self.data: self.data} if self.data and self.data not in words else {}
        self.choices = choices({"": self._none, **words, **given})


def is_uuid(value: str | None) -> bool:
    return not value or UUID.fullmatch(value) is not None


def is_key(value: str | None) -> bool:
    return not value or (value.isascii() and value.isdecimal() and len(value) <= LARGEST_NUMBER)


def is_iri(value: str | None) -> bool:
    return not value or is_absolute_iri(value)


class FilterForm(PageForm):
    """What somebody looks for in the record. It is part of the address, and a name never is."""

    class Meta:
        csrf = False  # it only reads

    person = HiddenField(_l("Học viên"), [MustBe(is_uuid, _l("Mã học viên không đúng dạng."))])
    agent = HiddenField(_l("Người ở hệ thống khác"), [MustBe(is_key, _l("Mã người không đúng dạng."))])
    course = OfferedField(_l("Khóa học"), none=_l("Mọi khóa học"), validators=[MustBe(is_iri, _l("Địa chỉ sai dạng."))])
    verb = OfferedField(_l("Việc đã làm"), none=_l("Mọi việc"), validators=[MustBe(is_iri, _l("Địa chỉ sai dạng."))])
    client = ChoiceField(_l("Nguồn"), choices=[], default="")
    authority = OfferedField(
        _l("Nguồn gốc ở nơi khác"), none=_l("Tất cả"), validators=[MustBe(is_key, _l("Mã nguồn không đúng dạng."))]
    )
    since = DayField(_l("Ghi nhận từ ngày"), [validators.Optional()])
    until = DayField(_l("Đến hết ngày"), [validators.Optional()])
    activity = HiddenField(_l("Hoạt động"), [MustBe(is_iri, _l("Địa chỉ của hoạt động không đúng dạng."))])
    registration = StringField(
        _l("Mã ghi danh"),
        [MustBe(is_uuid, _l("Mã ghi danh có dạng 8-4-4-4-12 chữ số thập lục phân."))],
        filters=[tidy],
    )
    statement = StringField(
        _l("Mã bản ghi"),
        [MustBe(is_uuid, _l("Mã bản ghi có dạng 8-4-4-4-12 chữ số thập lục phân."))],
        filters=[tidy],
    )
    counts = ChoiceField(
        _l("Tính vào tiến độ"),
        choices=choices({"": _l("Tất cả"), "yes": _l("Được tính"), "no": _l("Không tính")}),
        default="",
    )
    voided = ChoiceField(
        _l("Hiệu lực"), choices=choices({"": _l("Tất cả"), "no": _l("Còn hiệu lực"), "yes": _l("Đã hủy")}), default=""
    )

    def offer(
        self,
        courses: Iterable[Taught],
        systems: Mapping[int, str],
        others: Mapping[int, Mapping[str, Any]],
        *,
        home: str,
    ) -> None:
        """Fill the lists with what there is to choose from."""
        self.course.offer({one.iri: titled(one) for one in courses})
        self.verb.offer(verb_words(home))
        self.authority.offer({str(key): vouching(identifier) for key, identifier in others.items()})
        names = {str(key): name for key, name in systems.items()}
        self.client.choices = choices({"": _l("Mọi nguồn"), "0": _l("Hệ thống này"), **names})

    def kept(self) -> dict[str, str]:
        """The conditions that were given, as they stand in the address."""
        days = {name: self[name].data for name in ("since", "until")}
        plain = {name: self[name].data for name in FILTERS if name not in days}
        return {
            **{name: str(value) for name, value in plain.items() if value},
            **{name: day.isoformat() for name, day in days.items() if day is not None},
        }

    def sought(self, *, before: int | None, after: int | None) -> Sought:
        """The conditions of a form that has been checked. Days are those of Vietnam."""
        since, until = self.since.data, self.until.data
        return Sought(
            statement=uuid.UUID(self.statement.data) if self.statement.data else None,
            person=uuid.UUID(self.person.data) if self.person.data else None,
            agent=int(self.agent.data) if self.agent.data else None,
            verb=text_in(self.verb),
            activity=text_in(self.activity),
            course=text_in(self.course),
            client=int(self.client.data) if self.client.data else None,
            authority=int(self.authority.data) if self.authority.data else None,
            registration=uuid.UUID(self.registration.data) if self.registration.data else None,
            since=clock.start_of_day(since) if since else None,
            until=datetime.combine(until, time.max, tzinfo=clock.VIETNAM).astimezone(UTC) if until else None,
            voided=YES_NO.get(text_in(self.voided)),
            counts=YES_NO.get(text_in(self.counts)),
            before=before,
            after=after,
        )


class GrantForm(PageForm):
    """What another system may do, and what of it counts."""

    scopes = SelectMultipleField(
        _l("Được phép"),
        choices=choices(SCOPE_WORDS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[chosen(_l("Chọn ít nhất một việc được phép."))],
    )
    trusted = ChoiceField(
        _l("Tính vào tiến độ những gì hệ thống đó ghi về"),
        choices=[],
        default="",
        description=_l("Chỉ những bản ghi đến từ lúc lưu trở đi. Bản ghi đã có giữ nguyên như khi nó đến."),
    )
    prefix = StringField(
        _l("Địa chỉ khác"),
        [at_most(2_000)],
        filters=[tidy],
        description=_l(
            "Chỉ khi chọn “Địa chỉ khác” ở trên: địa chỉ (IRI) của một hoạt động; mọi hoạt động nằm dưới địa chỉ đó "
            "cũng được tính. Ví dụ: https://example.vn/khoa-hoc/1."
        ),
    )

    def offer(self, courses: Iterable[Taught]) -> None:
        """Let one of these courses be trusted to the system."""
        named = {one.iri: titled(one) for one in courses}
        self.trusted.choices = choices(
            {"": _l("Không tính gì: chỉ lưu lại"), **named, ADDRESS: _l("Địa chỉ khác (nhập bên dưới)")}
        )

    def show(self, client: XapiClient, courses: Iterable[Taught]) -> None:
        """Fill in what the system may do now."""
        self.scopes.data = list(client.scopes)
        known = {one.iri for one in courses}
        self.trusted.data = (
            ADDRESS
            if client.activity_prefix and client.activity_prefix not in known
            else (client.activity_prefix or "")
        )
        self.prefix.data = client.activity_prefix if self.trusted.data == ADDRESS else ""

    def validate_prefix(self, field: StringField) -> None:
        """The address that was chosen to be typed must be one."""
        if self.trusted.data == ADDRESS and not (field.data and is_absolute_iri(field.data)):
            raise validators.ValidationError(
                _l("Nhập một địa chỉ đầy đủ, không có dấu cách, ví dụ https://example.vn/khoa-hoc/1.")
            )

    @property
    def counts_prefix(self) -> str | None:
        """The activity whose statements will count, of a form that has been checked."""
        return (text_in(self.prefix) if self.trusted.data == ADDRESS else text_in(self.trusted)) or None


class ClientForm(GrantForm):
    """A new system. `once` tells a form that is sent again from another form."""

    name = StringField(
        _l("Tên hệ thống"),
        [chosen(_l("Nhập tên của hệ thống.")), at_most(100)],
        filters=[tidy],
        description=_l("Tên này hiện ra là nguồn của bản ghi. Ví dụ: Cổng học tập của Trường Chính trị."),
    )
    once = HiddenField(
        default=lambda: secrets.token_hex(16),
        validators=[
            MustBe(lambda text: re.fullmatch("[0-9a-f]{32}", text or ""), _l("Mở lại trang này rồi nhập lại."))
        ],
    )
