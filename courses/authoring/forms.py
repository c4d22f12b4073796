"""The forms of authoring."""

import re
from typing import Any

import msgspec
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, RadioField, StringField, TextAreaField, validators

from courses.authoring.rules import LONGEST_BODY
from courses.catalog.rules import LessonText, Settings
from lms.web.forms import MustBe, PageForm, at_most, choices, chosen, tidy, unify
from lms.web.wording import scale10

MOST_MINUTES = 240
FEWEST_OBJECTIVES, MOST_OBJECTIVES = 2, 4
LONGEST_LINE = 300
MOST_ATTEMPTS = 100
COUNTS = {
    "modules": _l("Bài kiểm tra của từng chuyên đề"),
    "final": _l("Một bài kiểm tra cuối khóa"),
}
ATTEMPT = {
    "best": _l("Lượt điểm cao nhất"),
    "last": _l("Lượt gần nhất"),
    "first": _l("Lượt đầu tiên, mỗi bài chỉ làm một lượt"),
}


def lines(text: Any) -> list[str]:
    """The lines of a text that are not empty."""
    return [line for line in (str(tidy(one)) for one in str(text or "").split("\n")) if line]


class WholeNumberField(IntegerField):
    """A number; what is none is told by the validator's words, since WTForms has no Vietnamese of its own."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep a whole number, or nothing."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = int(text) if text.isdecimal() and len(text) < 10 else None


class LessonForm(PageForm):
    """A lesson as it is written. `revision` says on which saved text it is based."""

    revision = HiddenField(default="0")
    title = StringField(_l("Tên bài"), [chosen(_l("Nhập tên bài.")), at_most(200)], filters=[tidy])
    title_en = StringField(
        _l("Tên bài bằng tiếng Anh"),
        [at_most(200)],
        filters=[tidy],
        description=_l("Hiện trên trang tiếng Anh. Để trống thì dùng tên tiếng Việt."),
    )
    minutes = WholeNumberField(
        _l("Thời gian học (phút)"),
        [validators.NumberRange(min=1, max=MOST_MINUTES, message=_l("Nhập số phút, là số nguyên từ 1 đến %(max)s."))],
    )
    objectives = TextAreaField(
        _l("Mục tiêu"),
        [
            MustBe(
                lambda text: FEWEST_OBJECTIVES <= len(lines(text)) <= MOST_OBJECTIVES,
                _l("Nhập từ hai đến bốn mục tiêu, mỗi mục tiêu một dòng."),
            ),
            MustBe(
                lambda text: all(len(line) <= LONGEST_LINE for line in lines(text)),
                _l("Mỗi mục tiêu không quá 300 ký tự."),
            ),
        ],
        filters=[unify],
        description=_l("Mỗi dòng một mục tiêu, bắt đầu bằng động từ: nêu được, giải thích được, chọn được…"),
    )
    action = TextAreaField(
        _l("Thông điệp hành động"),
        [chosen(_l("Nhập một việc người học có thể làm ngay trong tuần.")), at_most(LONGEST_LINE)],
        filters=[tidy],
        description=_l("Một câu, một việc làm được trong tuần này."),
    )
    body = TextAreaField(_l("Nội dung bài"), [chosen(_l("Nhập nội dung bài.")), at_most(LONGEST_BODY)], filters=[unify])

    def text(self, code: str) -> LessonText:
        """What was typed, as a lesson. The form must have been found valid."""
        return LessonText(
            code=code,
            title=self.title.data or "",
            title_en=self.title_en.data or self.title.data or "",
            minutes=self.minutes.data or 1,
            objectives=lines(self.objectives.data),
            action=self.action.data or "",
            body=(self.body.data or "").strip("\n"),
        )

    def seen(self) -> int:
        """The revision this is based on; one that nobody could have seen when the field was tampered with."""
        typed = self.revision.data or ""
        return int(typed) if typed.isdecimal() and len(typed) < 10 else -1


class PublishForm(PageForm):
    """The note of a new version. `seen` says which drafts were shown."""

    seen = HiddenField()
    note = TextAreaField(
        _l("Ghi chú của phiên bản mới"),
        [chosen(_l("Nhập ghi chú: phiên bản này khác phiên bản trước ở điểm nào, vì sao.")), at_most(500)],
        filters=[unify],
        description=_l("Người soạn sau đọc ghi chú này để biết phiên bản mới khác phiên bản trước ở đâu và vì sao."),
    )


def share_in(text: Any) -> float | None:
    """A mark on the scale of 10, as a share of the score: "7,5" as 0.75. None when it is no mark from 1 to 10."""
    found = re.fullmatch(r"(\d{1,2})(?:[.,](\d))?", str(text or "").strip(), re.ASCII)
    tenths = int(found[1]) * 10 + int(found[2] or 0) if found else 0
    return tenths / 100 if 10 <= tenths <= 100 else None


class SettingsForm(PageForm):
    """How a course is tested. `seen` is the version of the course that was shown."""

    seen = HiddenField()
    counts = RadioField(
        _l("Bài kiểm tra nào tính vào kết quả"),
        choices=choices(COUNTS),
        validators=[MustBe(COUNTS.__contains__, _l("Chọn bài kiểm tra được tính."))],
        validate_choice=False,
        description=_l(
            "Khi chọn bài cuối khóa, bài của chuyên đề vẫn còn để tự kiểm tra. Bài học nào cũng phải học xong."
        ),
    )
    pass_mark = StringField(
        _l("Điểm đạt"),
        [
            MustBe(
                lambda text: share_in(text) is not None,
                _l("Nhập điểm từ 1 đến 10, nhiều nhất một chữ số thập phân. Ví dụ: 7 hoặc 7,5."),
            )
        ],
        filters=[tidy],
        description=_l("Thang điểm 10."),
    )
    max_attempts = WholeNumberField(
        _l("Số lượt làm bài"),
        [
            validators.NumberRange(
                min=0, max=MOST_ATTEMPTS, message=_l("Nhập số lượt, là số nguyên từ 0 đến 100. Số 0 là không giới hạn.")
            ),
        ],
        description=_l("Số 0 là không giới hạn."),
    )
    attempt = RadioField(
        _l("Lượt được tính"),
        choices=choices(ATTEMPT),
        validators=[MustBe(ATTEMPT.__contains__, _l("Chọn lượt được tính."))],
        validate_choice=False,
    )
    note = TextAreaField(
        _l("Ghi chú của phiên bản mới"),
        [chosen(_l("Nhập ghi chú: phiên bản này khác phiên bản trước ở điểm nào, vì sao.")), at_most(500)],
        filters=[unify],
        description=_l("Người soạn sau đọc ghi chú này để biết phiên bản mới khác phiên bản trước ở đâu và vì sao."),
    )

    def settings(self, before: Settings) -> Settings:
        """What was chosen; what the form does not ask stays as before. The form must have been found valid."""
        return msgspec.convert(
            msgspec.to_builtins(before)
            | {
                "counts": self.counts.data,
                "attempt": self.attempt.data,
                "pass_mark": share_in(self.pass_mark.data),
                "max_attempts": self.max_attempts.data,
            },
            Settings,
        )

    def seen_number(self) -> int:
        """The version this is based on; one that nobody could have seen when the field was tampered with."""
        typed = self.seen.data or ""
        return int(typed) if typed.isdecimal() and len(typed) < 10 else -1


def settings_form(number: int, settings: Settings) -> SettingsForm:
    """The form as it stands for a version."""
    return SettingsForm(
        formdata=None,
        seen=str(number),
        counts=settings.counts,
        attempt=settings.attempt,
        pass_mark=scale10(settings.pass_mark),
        max_attempts=settings.max_attempts,
    )
