"""The forms of organisers and hosts, and the words of what is said of people and of what is amiss."""

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    validators,
)
from wtforms.widgets import CheckboxInput, ListWidget

from courses.meetings.actions import Counted, Mark, Sitting
from courses.meetings.rules import STATES, NoNumber, lines_in
from lms import clock
from lms.organisation.forms import UnitField
from lms.organisation.models import Unit
from lms.web.forms import ChoiceField, DayField, PageForm, at_most, choices, chosen, day_in, required, text_in, tidy

STATE_WORDS = {
    "present": _l("Có mặt"),
    "late": _l("Đến muộn"),
    "left_early": _l("Về sớm"),
    "excused": _l("Vắng có lý do"),
    "unexcused": _l("Vắng không lý do"),
}
KIND_WORDS = {"conference": _l("Hội nghị"), "make_up": _l("Lớp học bù")}
FAULT_WORDS = {
    "twice": _l("có người có mặt ở hai điểm cầu"),
    "heads": _l("số đếm khác số ghi tên"),
    "unanswered": _l("còn người chưa điểm danh"),
}
RESULT_WORDS = {
    "say": _l("sẽ ghi"),
    "same": _l("đã ghi đúng như vậy"),
    "correct": _l("đã ghi khác; sửa từng người ở trang điểm danh"),
    "elsewhere": _l("đã có mặt ở điểm cầu khác nên không ghi vắng"),
    "nobody": _l("không có người này trong danh sách của điểm cầu"),
    "several": _l("có nhiều người cùng tên; ghi thêm đơn vị hoặc mã cán bộ"),
    "unclear": _l("không hiểu tình trạng; dùng: có mặt, đến muộn, về sớm, vắng có lý do, vắng không lý do"),
    "again": _l("đã có ở dòng trên"),
}
WHY = {
    "slip": _l("Bấm nhầm"),
    "namesake": _l("Nhầm người trùng tên"),
    "arrived": _l("Đến sau khi đã điểm danh"),
    "letter": _l("Có giấy xin phép sau"),
    "other": _l("Lý do khác (ghi bên dưới)"),
}
MOST_MARKS = 2_000
PERSON, HOW = r"[0-9a-f-]{36}", "|".join(STATES)
MARK = re.compile(rf"({PERSON}):({HOW})(?::([0-9]{{1,9}}))?")


class Unreadable(ValueError):
    """A form that no page of ours made."""


def marks_in(values: Sequence[str]) -> list[Mark]:
    """What the buttons of a roll, or its script, say: person, state and, of what waited for the line, its age."""
    if not 0 < len(values) <= MOST_MARKS:
        raise Unreadable
    found = []
    for value in values:
        shape = MARK.fullmatch(value)
        try:
            person = uuid.UUID(shape[1] if shape is not None else "")
        except ValueError:
            raise Unreadable from None
        if shape is not None:
            found.append(Mark(person, shape[2], float(shape[3] or 0)))
    return found


class ClockField(StringField):
    """A time of day as people write it: 7:30, 07h30, 7.30, 7h."""

    def __init__(self, label: str, checks: Iterable[object] = (), **options: object) -> None:
        kind = {"class": "short", "autocomplete": "off", "placeholder": _l("giờ:phút")}
        super().__init__(label, [*checks, validators.Optional()], filters=[tidy], render_kw=kind, **options)  # type: ignore[arg-type]

    def post_validate(self, form: object, validation_stopped: bool) -> None:
        if self.data and self.minutes is None:
            raise validators.ValidationError(_l("Nhập giờ theo dạng giờ:phút, ví dụ 7:30."))

    @property
    def minutes(self) -> int | None:
        """Minutes since midnight; None: nothing that is a time was typed."""
        shape = re.fullmatch(r"([01]?[0-9]|2[0-3])\s*(?:[:.hg]\s*([0-5][0-9])?)?", (self.data or "").strip().lower())
        return int(shape[1]) * 60 + int(shape[2] or 0) if shape is not None else None

    def on(self, day: date) -> datetime | None:
        """The moment of that time on a day in Vietnam."""
        if self.minutes is None:
            return None
        midnight = datetime(day.year, day.month, day.day, tzinfo=clock.VIETNAM)
        return (midnight + timedelta(minutes=self.minutes)).astimezone(UTC)


def time_typed(moment: datetime | None) -> str:
    """A moment as a `ClockField` shows it."""
    return f"{clock.in_vietnam(moment):%H:%M}" if moment is not None else ""


class SittingForm(PageForm):
    """A sitting of a briefing."""

    briefing = ChoiceField(_l("Đợt học tập, quán triệt"), [required(_l("Chọn đợt học tập."))])
    kind = ChoiceField(_l("Hình thức"), choices=choices(KIND_WORDS), default="conference")
    title = StringField(_l("Tên hội nghị hoặc lớp"), [chosen(_l("Nhập tên.")), at_most(200)], filters=[tidy])
    day = DayField(_l("Ngày"), [required(_l("Chọn ngày."))])
    starts = ClockField(_l("Bắt đầu"), [required(_l("Nhập giờ bắt đầu."))])
    ends = ClockField(_l("Kết thúc"), [required(_l("Nhập giờ kết thúc."))])

    def validate_ends(self, field: ClockField) -> None:
        """After the beginning, on the same day."""
        if field.minutes is not None and self.starts.minutes is not None and field.minutes <= self.starts.minutes:
            raise validators.ValidationError(_l("Giờ kết thúc phải sau giờ bắt đầu."))

    def wanted(self, kind: str) -> Sitting:
        """The sitting of a form that has been checked."""
        day = day_in(self.day)
        starts, ends = self.starts.on(day), self.ends.on(day)
        if starts is None or ends is None:
            raise Unreadable
        return Sitting(kind, text_in(self.title), starts, ends)


class PointForm(PageForm):
    """A point: its name, and whether it is the main one."""

    name = StringField(_l("Tên điểm cầu"), [chosen(_l("Nhập tên điểm cầu.")), at_most(200)], filters=[tidy])
    main = BooleanField(_l("Điểm cầu chính"), id="main-point")


class NewPointForm(PageForm):
    """One more point, of a unit."""

    unit = UnitField(_l("Đơn vị của điểm cầu"), [required(_l("Chọn cơ quan, đơn vị."))])
    main = BooleanField(_l("Điểm cầu chính"), id="main-point")


class Checkboxes(SelectMultipleField):
    """Any number of a list."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PointsForm(PageForm):
    """A point for each of the units that are chosen."""

    units = Checkboxes(_l("Đơn vị có điểm cầu"), choices=[], validate_choice=False)

    def offer(self, units: Iterable[Unit]) -> None:
        """Let these units be chosen."""
        self.offered = {str(one.public_id): one for one in units}
        self.units.choices = choices({key: one.name for key, one in self.offered.items()})

    def validate_units(self, field: Checkboxes) -> None:
        """At least one, and none that was not offered."""
        if not field.data or not set(field.data) <= set(self.offered):
            raise validators.ValidationError(_l("Chọn ít nhất một đơn vị trong danh sách."))

    def chosen(self) -> list[Unit]:
        """The units of a form that has been checked, in order."""
        return [one for key, one in self.offered.items() if key in set(self.units.data or ())]


class NumbersForm(PageForm):
    """Heads in the room, and when the line to the main point was there."""

    headcount = IntegerField(
        _l("Số người đếm được trong phòng"),
        [validators.Optional(), validators.NumberRange(0, 100_000, _l("Nhập số người từ 0 trở lên."))],
        render_kw={"class": "short", "inputmode": "numeric"},
    )
    connected = ClockField(_l("Giờ kết nối"))
    disconnected = ClockField(_l("Giờ ngắt kết nối"))

    def validate_headcount(self, field: IntegerField) -> None:
        """A number, said in our words."""
        if field.raw_data and field.raw_data[0].strip() and field.data is None:
            field.errors = []
            raise validators.StopValidation(_l("Nhập số người bằng chữ số, ví dụ 48."))

    def validate_disconnected(self, field: ClockField) -> None:
        """After the line was there."""
        if field.minutes is not None and self.connected.minutes is not None and field.minutes <= self.connected.minutes:
            raise validators.ValidationError(_l("Giờ ngắt kết nối phải sau giờ kết nối."))

    def counted(self, day: date) -> Counted:
        """The numbers of a form that has been checked; times are those of the day of the sitting."""
        return Counted(self.headcount.data, self.connected.on(day), self.disconnected.on(day))


class CorrectForm(PageForm):
    """What is right instead, and why. `of` is the statement that is wrong."""

    of = HiddenField(validators=[required()])
    state = RadioField(_l("Ghi lại là"), choices=[], default=None, validate_choice=False)
    why = RadioField(_l("Lý do sửa"), choices=choices(WHY), validate_choice=False)
    words = StringField(_l("Ghi rõ lý do"), [at_most(200)], filters=[tidy], description=_l("Không ghi họ tên."))

    def offer(self, stands: str) -> None:
        """Everything but what stands."""
        words = {state: word for state, word in STATE_WORDS.items() if state != stands}
        self.state.choices = choices({**words, "none": _l("Chưa ghi nhận gì")})

    def validate_state(self, field: RadioField) -> None:
        """One of the list."""
        if field.data not in {"none", *STATE_WORDS}:
            raise validators.ValidationError(_l("Chọn một mục trong danh sách."))

    def validate_why(self, field: RadioField) -> None:
        """One of the list."""
        if field.data not in WHY:
            raise validators.ValidationError(_l("Chọn lý do sửa."))

    def validate_words(self, field: StringField) -> None:
        """Another reason is said in words."""
        if self.why.data == "other" and not field.data:
            raise validators.ValidationError(_l("Ghi rõ lý do."))

    @property
    def reason(self) -> str:
        """The reason of a form that has been checked, for the log: its words, or the code of a common one."""
        return text_in(self.words) or text_in(self.why)


class ReopenForm(PageForm):
    """Why a roll that was closed is opened again."""

    why = StringField(
        _l("Lý do mở lại"),
        [chosen(_l("Ghi lý do mở lại.")), at_most(200)],
        filters=[tidy],
        description=_l("Không ghi họ tên."),
    )


class SearchForm(PageForm):
    """Part of a name."""

    q = StringField(_l("Tìm theo tên"), [at_most(100)], filters=[tidy])


class SheetForm(PageForm):
    """The lines of a printed sheet on which nobody signed, or signed late. Everybody else was present."""

    mark = StringField(
        _l("Mã tờ danh sách"), [chosen(_l("Nhập mã in ở đầu tờ."))], filters=[tidy], render_kw={"class": "short"}
    )
    late = StringField(_l("Đến muộn: số thứ tự"), [at_most(2_000)], filters=[tidy])
    left_early = StringField(_l("Về sớm: số thứ tự"), [at_most(2_000)], filters=[tidy])
    excused = StringField(_l("Vắng có lý do: số thứ tự"), [at_most(2_000)], filters=[tidy])
    unexcused = StringField(_l("Vắng không lý do: số thứ tự"), [at_most(2_000)], filters=[tidy])

    def exceptions(self, most: int) -> dict[str, list[int]] | None:
        """The lines by state; None when a field holds something else, which it then says."""
        found, valid = {}, True
        for state in ("late", "left_early", "excused", "unexcused"):
            try:
                found[state] = lines_in(text_in(self[state]), most)
            except NoNumber as error:
                told = _l("“%(piece)s” không phải số thứ tự từ 1 đến %(most)s.", piece=error.args[0][:20], most=most)
                self[state].errors = [*self[state].errors, told]
                valid = False
        named = Counter(one for lines in found.values() for one in lines)
        twice = [one for one, times in named.items() if times > 1]
        if twice:
            told = _l("Số %(n)s có ở hai ô.", n=", ".join(map(str, sorted(twice))))
            self.unexcused.errors = [*self.unexcused.errors, told]
        return found if valid and not twice else None


class FileForm(PageForm):
    """A list as CSV or a workbook."""

    file = FileField(_l("Tệp danh sách (CSV, XLSX)"), [FileRequired(_l("Chọn một tệp."))])


class CodeForm(PageForm):
    """The eight digits that the host's screen shows."""

    code = StringField(
        _l("Mã điểm danh (8 chữ số)"),
        [chosen(_l("Nhập 8 chữ số trên màn hình của điểm cầu.")), at_most(20)],
        filters=[tidy],
        render_kw={"class": "short", "inputmode": "numeric", "autocomplete": "off"},
    )
