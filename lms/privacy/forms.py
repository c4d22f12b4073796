"""Forms about one's own data, and the words for what is in them."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TextAreaField

from lms.accounts.forms import CATEGORIES, PARTY, email_field
from lms.accounts.vocabulary import ROLES
from lms.contact.forms import TOPIC_WORDS
from lms.privacy.rules import WORD, is_word
from lms.web.forms import ChoiceField, MustBe, PageForm, at_most, choices, chosen, required, tidy, unify

KINDS = {
    "correction": _l("Đính chính: có chỗ chưa đúng"),
    "erasure": _l("Xóa: không giữ thông tin nhận ra tôi nữa"),
}
KIND_WORDS = {"correction": _l("Đính chính"), "erasure": _l("Xóa")}
STATES = {"new": _l("Mới gửi"), "in_work": _l("Đang xử lý"), "answered": _l("Đã trả lời")}
OUTCOMES = {"corrected": _l("đã đính chính"), "refused": _l("không thực hiện"), "erased": _l("đã xóa")}
VALUES = {
    **{f"category.{code}": words for code, words in CATEGORIES.items()},
    **{f"party.{code}": words for code, words in PARTY.items()},
    "language.vi": _l("Tiếng Việt"),
    "language.en": "English",
    "tree.state": _l("Chính quyền"),
    "tree.party": _l("Đảng"),
    "kind.main": _l("Chính"),
    "kind.concurrent": _l("Kiêm nhiệm"),
    "unit.everywhere": _l("Toàn hệ thống"),
    "standing.not_started": _l("Chưa học"),
    "standing.in_progress": _l("Đang học"),
    "standing.briefed": _l("Đã quán triệt"),
    "standing.completed": _l("Đã hoàn thành"),
    **{f"role.{code}": words for code, words in ROLES.items()},
    **{f"muted.{code}": words for code, words in TOPIC_WORDS.items()},
}
"""Words for values that are codes, by the column and the code."""


class AskForm(PageForm):
    """What somebody asks about their own data, and why."""

    kind = RadioField(
        _l("Đề nghị"),
        choices=choices(KINDS),
        validators=[chosen(_l("Chọn đính chính hoặc xóa."))],
        validate_choice=False,
    )
    reason = TextAreaField(
        _l("Nội dung, lý do"),
        [required(_l("Viết chỗ nào chưa đúng và đúng ra là gì, hoặc vì sao đề nghị xóa.")), at_most(2_000)],
        filters=[unify],
        render_kw={"rows": 6},
    )

    def validate(self, extra_validators: object = None) -> bool:
        """Also refuses a kind that is not offered."""
        valid = super().validate(extra_validators)
        if self.kind.data and self.kind.data not in KINDS:
            self.kind.errors = [_l("Chọn đính chính hoặc xóa.")]
            return False
        return valid


class AnswerForm(PageForm):
    """What the person reads as the answer."""

    answer = TextAreaField(
        _l("Trả lời"),
        [required(_l("Viết câu trả lời cho người đề nghị.")), at_most(2_000)],
        filters=[unify],
        render_kw={"rows": 5},
    )


class CorrectForm(AnswerForm):
    """A person's particulars as they shall be from now on."""

    full_name = StringField(_l("Họ và tên"), [required(_l("Nhập họ và tên.")), at_most(150)], filters=[tidy])
    position = StringField(_l("Chức vụ"), [at_most(200)], filters=[tidy])
    email = email_field()
    category = ChoiceField(_l("Loại cán bộ"), choices=choices(CATEGORIES))
    party = ChoiceField(_l("Đảng viên"), choices=choices(PARTY))


class EraseForm(PageForm):
    """The second look: nothing is erased until the word is typed."""

    word = StringField(
        _l("Gõ %(word)s để xác nhận", word=WORD),
        [MustBe(lambda value: is_word(value or ""), _l("Gõ đúng chữ %(word)s để xác nhận.", word=WORD))],
        filters=[tidy],
        render_kw={"autocomplete": "off", "class": "short"},
    )
