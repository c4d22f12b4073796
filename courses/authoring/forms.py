"""The forms of authoring."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, StringField, TextAreaField, validators

from courses.authoring.rules import LONGEST_BODY
from courses.catalog.rules import LessonText
from lms.web.forms import MustBe, PageForm, at_most, chosen, tidy, unify

MOST_MINUTES = 240
FEWEST_OBJECTIVES, MOST_OBJECTIVES = 2, 4
LONGEST_LINE = 300


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
