"""Fields of the pages: answers as they are written, verdicts given and taken back, the questions of a briefing."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, IntegerField, StringField, TextAreaField, validators

from assessments.reflections.rules import (
    ACCEPTED,
    EMPTY,
    LONG,
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    MOST_QUESTIONS,
    MOST_WORDS,
    RETURNED,
    SHORT,
    WAITING,
    WRITING,
    Question,
    Sent,
    words,
)
from lms.web.forms import PageForm, at_most, chosen, text_in, tidy, unify

THEN = "_then"
"""What is wanted after saving: "stay" or "confirm"."""

STATE_WORDS = {
    WAITING: _l("Chờ chấm"),
    RETURNED: _l("Phải viết lại"),
    ACCEPTED: _l("Đạt"),
    WRITING: _l("Đang viết"),
}
"""What the states are called, in the order in which a reader looks for them."""


def field_name(number: int) -> str:
    """The name of an answer: a person reads it where a form is kept."""
    return f"Câu {number}"


def known_name(number: int) -> str:
    """The name of the mark of the text the page was made with."""
    return f"_{number}"


def sent_answers(form: MultiDict[str, str], number: int) -> dict[int, Sent]:
    """The answers that a form holds, by the number of the question. A form without its mark holds none."""
    return {
        one: Sent(form[known_name(one)], str(unify(form[field_name(one)])).strip())
        for one in range(1, number + 1)
        if field_name(one) in form and known_name(one) in form
    }


def too_long(sent: Mapping[int, Sent]) -> list[int]:
    """The numbers of answers longer than any may be."""
    return [number for number, one in sent.items() if len(one.text) > LONGEST_ANSWER]


def problem_words(problem: str, question: Question, text: str) -> str:
    """Why an answer cannot be handed in, in words that say what to do."""
    if problem == EMPTY:
        return str(_("Chưa trả lời."))
    if problem == SHORT:
        return str(_("Mới có %(n)d chữ; cần ít nhất %(least)d chữ.", n=words(text), least=question.least))
    if problem == LONG:
        return str(_("Có %(n)d chữ; rút còn nhiều nhất %(most)d chữ.", n=words(text), most=question.most))
    return problem


class JudgeForm(PageForm):
    """What the reader says of a version; which one it is stands in the page."""

    number = HiddenField()
    verdict = HiddenField()
    comment = TextAreaField(
        _l("Nhận xét"),
        [at_most(4_000)],
        filters=[unify],
        description=_l("Người viết đọc được nhận xét này. Yêu cầu viết lại thì phải nêu rõ cần sửa gì."),
        render_kw={"rows": 6},
    )

    def validate(self, extra_validators: object = None) -> bool:
        """A verdict that exists; whoever must write again is told why."""
        valid = super().validate(extra_validators)
        if self.verdict.data not in {ACCEPTED, RETURNED}:
            self.comment.errors = [*self.comment.errors, _l("Chọn Đạt hoặc Yêu cầu viết lại.")]
            return False
        if self.verdict.data == RETURNED and not text_in(self.comment).strip():
            self.comment.errors = [*self.comment.errors, _l("Nêu cần viết lại những gì.")]
            return False
        return bool(valid)


class TakeBackForm(PageForm):
    """Why a reflection that was accepted is so no longer."""

    reason = StringField(
        _l("Lý do rút lại"),
        [chosen(_l("Ghi lý do, ví dụ: bấm nhầm nút.")), at_most(300)],
        filters=[tidy],
        description=_l("Người viết đọc được lý do này, và lý do được ghi vào nhật ký. Không ghi họ tên."),
    )


class QuestionsForm(PageForm):
    """Up to five questions with their limits; lines without a text are left out."""

    def questions(self) -> list[Question]:
        """The questions of a form that has been checked."""
        return [
            Question(text_in(self[f"text_{n}"]).strip(), self[f"least_{n}"].data or 0, self[f"most_{n}"].data or 0)
            for n in range(1, MOST_QUESTIONS + 1)
            if text_in(self[f"text_{n}"]).strip()
        ]

    def validate(self, extra_validators: object = None) -> bool:
        """At least one question, and limits that an answer can keep."""
        valid = bool(super().validate(extra_validators))
        for n in range(1, MOST_QUESTIONS + 1):
            least, most = self[f"least_{n}"], self[f"most_{n}"]
            if text_in(self[f"text_{n}"]).strip() and (least.data or 0) > (most.data or 0):
                most.errors = [*most.errors, _l("Số chữ nhiều nhất phải từ số chữ ít nhất trở lên.")]
                valid = False
        if not self.questions():
            self["text_1"].errors = [*self["text_1"].errors, _l("Viết ít nhất một câu hỏi.")]
            valid = False
        return valid


def limit(label: Any, least: int, default: int) -> IntegerField:
    """A number of words."""
    between = validators.NumberRange(least, MOST_WORDS, _l("Nhập một số từ %(min)s đến %(max)s."))
    return IntegerField(
        label, [between], default=default, render_kw={"class": "short", "inputmode": "numeric", "autocomplete": "off"}
    )


for _number in range(1, MOST_QUESTIONS + 1):
    setattr(
        QuestionsForm,
        f"text_{_number}",
        TextAreaField(
            _l("Câu hỏi %(n)s", n=_number), [at_most(LONGEST_QUESTION)], filters=[unify], render_kw={"rows": 3}
        ),
    )
    setattr(QuestionsForm, f"least_{_number}", limit(_l("Ít nhất (chữ)"), 0, 50))
    setattr(QuestionsForm, f"most_{_number}", limit(_l("Nhiều nhất (chữ)"), 1, 500))
