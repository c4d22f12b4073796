"""Forms of forwarding."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField, validators

from lms.forwarding.rules import (
    ADDRESS_REFUSED,
    HEADER_OF,
    INSIDE,
    NO_ANSWER,
    NO_STORE,
    NO_SUCH_HOST,
    NOT_PROVEN,
    SECRET_LOST,
    TOO_LATE,
    TOO_LONG,
    USUAL_EDITION,
    BadAddress,
    place_of,
)
from lms.web.forms import ChoiceField, PageForm, at_most, choices, chosen, tidy
from lms.xapi.rules import Malformed, check_iri

WHICH = {"all": _l("Mọi bản ghi"), "counted": _l("Chỉ những bản ghi được tính vào kết quả học tập")}
BEGINNINGS = {"now": _l("Từ bây giờ"), "all": _l("Từ bản ghi đầu tiên trong kho")}
FAULTS = {
    "form": _l("Địa chỉ có dạng https://lrs.coquan.gov.vn/xapi, không kèm tên đăng nhập, dấu ? hay dấu #."),
    "open_line": _l("Địa chỉ phải bắt đầu bằng https://: khóa và mật khẩu đi cùng từng lần gửi."),
    "ourselves": _l("Đây là địa chỉ của chính hệ thống này. Nhập địa chỉ của kho khác."),
}


TROUBLE_WORDS = {
    SECRET_LOST: _l("Khóa bí mật của hệ thống đã đổi, nên không đọc được khóa đã lưu. Nhập lại hoặc cấp khóa mới."),
    ADDRESS_REFUSED: _l("Cài đặt của hệ thống không còn cho phép gửi đến địa chỉ này."),
    TOO_LATE: _l("Nơi nhận trả lời quá chậm; nếu kéo dài, hỏi bên giữ nơi nhận."),
    TOO_LONG: _l("Câu trả lời quá dài, không phải của nơi nhận. Kiểm tra lại địa chỉ."),
    NO_SUCH_HOST: _l("Không tìm thấy máy chủ có tên như vậy. Kiểm tra lại địa chỉ."),
    INSIDE: _l(
        "Địa chỉ nằm trong mạng nội bộ. Nếu đúng là nơi cần gửi, nhờ người vận hành máy chủ thêm vào LMS_FORWARD_TO."
    ),
    NOT_PROVEN: _l("Chứng thư không chứng tỏ đây là máy chủ của địa chỉ này. Hỏi bên giữ nơi nhận."),
    NO_STORE: _l("Câu trả lời không phải của một kho bản ghi. Kiểm tra lại địa chỉ."),
}
NOT_REACHED = _l("Không kết nối được; nếu kéo dài, hỏi bên giữ nơi nhận.")
SLOWER = _l("Nơi nhận yêu cầu gửi chậm lại.")
DOWN = _l("Nơi nhận đang có sự cố; nếu kéo dài, hỏi bên giữ nơi nhận.")
NOTHING_THERE = _l("Không có gì nhận ở địa chỉ này. Kiểm tra lại địa chỉ.")


def trouble_words(trouble: str) -> str:
    """Why nothing was taken, and what to do, in the reader's language; nothing where only the other side can say it."""
    status, _space, said = trouble.partition(" ")
    if words := TROUBLE_WORDS.get(trouble) or TROUBLE_WORDS.get(said):
        return str(words)
    if trouble.startswith(NO_ANSWER):
        return str(NOT_REACHED)
    if status == "429":
        return str(SLOWER)
    if status.isdecimal() and len(status) == len("500"):
        return str({"3": NOTHING_THERE, "5": DOWN}.get(status[0], NOTHING_THERE if status in {"404", "405"} else ""))
    return ""


class KeyForm(PageForm):
    """Key and secret with which the other store knows us."""

    key = StringField(
        _l("Khóa"),
        [chosen(_l("Nhập khóa do kho nhận cấp.")), at_most(200)],
        filters=[tidy],
        description=_l("Kho nhận cấp khóa và mật khẩu cho hệ thống này."),
    )
    secret = PasswordField(
        _l("Mật khẩu của khóa"),
        [chosen(_l("Nhập mật khẩu của khóa.")), at_most(500)],
        description=_l("Được mã hóa khi lưu và không bao giờ hiện lại."),
    )

    def validate_key(self, field: StringField) -> None:
        """Basic authentication separates key and secret by a colon."""
        if ":" in (field.data or ""):
            raise validators.ValidationError(_l("Khóa không có dấu hai chấm."))


class TargetForm(KeyForm):
    """A new target."""

    name = StringField(
        _l("Tên gọi"),
        [chosen(_l("Nhập tên gọi.")), at_most(100)],
        filters=[tidy],
        description=_l("Ví dụ: Kho dữ liệu của tỉnh."),
    )
    address = StringField(
        _l("Địa chỉ kho nhận"),
        [chosen(_l("Nhập địa chỉ kho nhận.")), at_most(500)],
        filters=[tidy],
        description=_l("Ví dụ: https://lrs.coquan.gov.vn/xapi"),
    )
    edition = ChoiceField(_l("Phiên bản xAPI"), choices=choices({one: one for one in HEADER_OF}), default=USUAL_EDITION)
    which = ChoiceField(_l("Gửi những bản ghi nào"), choices=choices(WHICH), default="all")
    prefix = StringField(
        _l("Chỉ về hoạt động bắt đầu bằng"),
        [at_most(2000)],
        filters=[tidy],
        description=_l("Không bắt buộc. IRI của một khóa học: chỉ gửi bản ghi về khóa học đó và các bài trong đó."),
    )
    beginning = ChoiceField(_l("Gửi từ đâu"), choices=choices(BEGINNINGS), default="now")
    not_from = ChoiceField(
        _l("Không gửi lại bản ghi do hệ thống này đưa đến"),
        description=_l("Chọn khi kho nhận cũng gửi bản ghi đến đây, để bản ghi không đi vòng."),
        default="",
    )

    def __init__(self, *, own_host: str, local: bool, clients: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.own_host, self.local = own_host, local
        self.not_from.choices = choices({"": _l("Không có"), **clients})

    def validate_address(self, field: StringField) -> None:
        """One that may be called at all; whether it answers is seen when something is sent."""
        try:
            place_of(field.data or "", own_host=self.own_host, local=self.local)
        except BadAddress as reason:
            raise validators.ValidationError(FAULTS[reason.fault]) from reason

    def validate_prefix(self, field: StringField) -> None:
        """An IRI, when one is given."""
        try:
            if field.data:
                check_iri(field.data, "prefix")
        except Malformed as reason:
            raise validators.ValidationError(
                _l("Nhập một IRI đầy đủ, ví dụ https://hoc.coquan.gov.vn/xapi/courses/nq48.")
            ) from reason
