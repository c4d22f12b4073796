"""Fields of the pages: a rule, why a certificate is revoked, one to be looked up; and a file to take along."""

from flask import Response
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField, TextAreaField

from courses.certificates.rules import (
    CODE_LENGTH,
    MISTAKE,
    MISUSE,
    NUMBER_LENGTH,
    OTHER,
    REASONS,
    REPLACED,
    STANDING,
    as_made,
)
from lms.web.forms import MustBe, PageForm, at_most, choices, chosen, required, tidy, unify

REASON_WORDS = {
    REPLACED: _l("Thông tin trên giấy đã thay đổi: cấp lại giấy mới"),
    MISTAKE: _l("Cấp nhầm"),
    MISUSE: _l("Sử dụng không đúng"),
    OTHER: _l("Lý do khác"),
    STANDING: _l("Kết quả học tập không còn đủ để được cấp"),
}
"""Why a certificate is revoked, as the public page says it too."""


def pdf(content: bytes, name: str) -> Response:
    """The file as an answer."""
    answer = Response(content, content_type="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


class RuleForm(PageForm):
    """Whether certificates are issued in a briefing, and in whose name."""

    issuer = StringField(
        _l("Cơ quan cấp"),
        [required(_l("Nhập tên cơ quan, tổ chức cấp giấy.")), at_most(150)],
        filters=[tidy],
        description=_l("In ở đầu và cuối giấy. Giấy đã cấp giữ nguyên tên cũ."),
    )
    active = BooleanField(_l("Cấp giấy chứng nhận cho mọi người hoàn thành, kể cả người đã hoàn thành"))


class RevokeForm(PageForm):
    """Why, in a word that the public page shows, and in words for whoever keeps certificates."""

    reason = RadioField(
        _l("Lý do"),
        choices=choices({one: REASON_WORDS[one] for one in REASONS}),
        validators=[chosen(_l("Chọn một lý do."))],
        validate_choice=False,
    )
    remark = TextAreaField(
        _l("Nêu rõ"),
        [required(_l("Nêu rõ vì sao thu hồi.")), at_most(1_000)],
        filters=[unify],
        description=_l("Chỉ người quản lý đọc được. Trang kiểm tra công khai chỉ hiện lý do đã chọn ở trên."),
        render_kw={"rows": 4},
    )

    def validate(self, extra_validators: object = None) -> bool:
        """Also refuses a reason that is not offered."""
        valid = bool(super().validate(extra_validators))
        if self.reason.data and self.reason.data not in REASONS:
            self.reason.errors = [_l("Chọn một lý do.")]
            return False
        return valid


class CheckForm(PageForm):
    """A certificate to be looked up, as it is printed: in the address, so that the picture of squares leads there."""

    class Meta:
        csrf = False  # it only reads

    number = StringField(
        _l("Số"),
        [
            required(_l("Nhập số in trên giấy.")),
            MustBe(lambda typed: len(as_made(typed or "")) == NUMBER_LENGTH, _l("Số có 8 chữ và chữ số.")),
        ],
        render_kw={"class": "short", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"},
    )
    code = StringField(
        _l("Mã xác thực"),
        [
            required(_l("Nhập mã xác thực in trên giấy.")),
            MustBe(lambda typed: len(as_made(typed or "")) == CODE_LENGTH, _l("Mã có 12 chữ và chữ số.")),
        ],
        render_kw={"class": "short", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"},
    )
