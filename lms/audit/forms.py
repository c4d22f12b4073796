"""The filter of the audit log, and the words for every act in it: one table, which a test compares with the code."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, validators

from lms import clock
from lms.audit.queries import Sought
from lms.web.forms import ChoiceField, DayField, MustBe, PageForm, at_most, choices, text_in, tidy

SENTENCES: dict[str, Any] = {
    "account.close": _l("khóa tài khoản"),
    "account.reopen": _l("mở lại tài khoản"),
    "activation.print": _l("tạo phiếu mã kích hoạt trên giấy"),
    "announcement.withdraw": _l("gỡ thông báo"),
    "announcement.write": _l("viết thông báo cho đơn vị"),
    "api.names": _l("hệ thống khác đọc họ tên kèm kết quả học tập qua API"),
    "api.token.make": _l("tạo khóa đọc số liệu"),
    "api.token.revoke": _l("thu hồi khóa đọc số liệu"),
    "attempt.late": _l("gửi câu trả lời khi bài đã đóng; không được nhận"),
    "attempts.forgive": _l("cho đăng nhập lại ngay sau nhiều lần sai"),
    "audit.export": _l("tải nhật ký hệ thống thành tệp"),
    "audit.forget": _l("nhật ký hệ thống quá thời hạn lưu đã được xóa"),
    "audit.people": _l("tìm người theo họ tên trong nhật ký hệ thống"),
    "audit.read": _l("xem nhật ký hệ thống"),
    "certificate.fall": _l("giấy chứng nhận hết giá trị theo kết quả học tập"),
    "certificate.issue": _l("cấp giấy chứng nhận hoàn thành"),
    "certificate.list": _l("xem danh sách giấy chứng nhận đã cấp"),
    "certificate.print": _l("in giấy chứng nhận của đơn vị"),
    "certificate.read": _l("xem một giấy chứng nhận đã cấp"),
    "certificate.revoke": _l("thu hồi giấy chứng nhận"),
    "certificate.rule": _l("đặt việc cấp giấy chứng nhận"),
    "code.refused": _l("nhập sai mã xác nhận khi đăng nhập"),
    "course.assign": _l("giao khóa học cho đơn vị"),
    "course.hand_on": _l("chuyển việc giao khóa học sang đơn vị kế thừa"),
    "course.publish": _l("công bố phiên bản khóa học"),
    "course.withdraw": _l("thu hồi việc giao khóa học"),
    "demo.load": _l("nạp dữ liệu dùng thử"),
    "forwarding.add": _l("thêm nơi nhận bản ghi học tập"),
    "forwarding.pause": _l("tạm dừng gửi bản ghi học tập"),
    "forwarding.remove": _l("bỏ nơi nhận bản ghi học tập"),
    "forwarding.renew": _l("đổi khóa của nơi nhận bản ghi học tập"),
    "forwarding.replay": _l("gửi lại các bản ghi học tập bị từ chối"),
    "forwarding.resume": _l("gửi tiếp bản ghi học tập"),
    "identity.link": _l("nối tài khoản với dịch vụ đăng nhập khác"),
    "link.issue": _l("cấp liên kết đặt mật khẩu"),
    "names.read": _l("xem họ tên người học của đơn vị"),
    "passkey.new": _l("thêm khóa truy cập"),
    "passkey.refused": _l("đăng nhập bằng khóa truy cập không được"),
    "passkey.remove": _l("xóa khóa truy cập"),
    "passkey.rename": _l("đổi tên khóa truy cập"),
    "password.set": _l("đặt mật khẩu mới"),
    "people.follow": _l("chuyển cán bộ sang đơn vị kế thừa"),
    "people.transfer": _l("điều động một danh sách cán bộ"),
    "person.apart": _l("ghi nhận hai hồ sơ là hai người"),
    "person.apart.undo": _l("xét lại hai hồ sơ đã ghi là hai người"),
    "person.change": _l("sửa thông tin cán bộ"),
    "person.create": _l("thêm cán bộ"),
    "person.link": _l("ghép hai hồ sơ của một người"),
    "person.list": _l("xem danh sách cán bộ"),
    "person.move": _l("chuyển cán bộ sang đơn vị khác"),
    "person.placeless": _l("không còn thuộc đơn vị đã kết thúc, vì trong cây đó không có đơn vị kế thừa"),
    "person.read": _l("xem trang của cán bộ"),
    "person.unlink": _l("bỏ ghép hai hồ sơ"),
    "post.add": _l("thêm chức vụ kiêm nhiệm hoặc nơi sinh hoạt đảng"),
    "post.end": _l("ghi ngày kết thúc chức vụ kiêm nhiệm hoặc nơi sinh hoạt đảng"),
    "privacy.answer": _l("trả lời đề nghị về dữ liệu cá nhân"),
    "privacy.ask": _l("gửi đề nghị về dữ liệu cá nhân"),
    "privacy.download": _l("tải dữ liệu của chính mình"),
    "privacy.erase": _l("xóa thông tin nhận dạng của một người"),
    "privacy.list": _l("xem danh sách đề nghị về dữ liệu cá nhân"),
    "privacy.read": _l("xem một đề nghị về dữ liệu cá nhân"),
    "privacy.take": _l("nhận xử lý đề nghị về dữ liệu cá nhân"),
    "record.names": _l("xem họ tên trong nhật ký học tập"),
    "record.people": _l("tìm người học theo họ tên"),
    "recovery_codes.new": _l("tạo mã dự phòng mới"),
    "recovery_codes.use": _l("đăng nhập bằng mã dự phòng"),
    "reflection.judge": _l("chấm bài thu hoạch"),
    "reflection.list": _l("xem danh sách bài thu hoạch đã nộp"),
    "reflection.questions": _l("đặt câu hỏi thu hoạch"),
    "reflection.read": _l("đọc bài thu hoạch"),
    "role.end": _l("kết thúc vai trò"),
    "role.grant": _l("giao vai trò"),
    "roster.apply": _l("áp dụng danh sách cán bộ"),
    "roster.corrected": _l("tải danh sách kèm lỗi để sửa"),
    "roster.drop": _l("bỏ danh sách cán bộ đã tải lên"),
    "roster.export": _l("xuất danh sách cán bộ thành tệp"),
    "roster.read": _l("xem danh sách cán bộ đã tải lên"),
    "roster.receive": _l("tải lên danh sách cán bộ"),
    "second_factor.begin": _l("bắt đầu thiết lập bước xác nhận thứ hai"),
    "second_factor.off": _l("tắt bước xác nhận thứ hai"),
    "second_factor.on": _l("bật bước xác nhận thứ hai"),
    "second_factor.reset": _l("gỡ bước xác nhận thứ hai cho người khác"),
    "service.failed": _l("đăng nhập qua dịch vụ khác không thành"),
    "service.refused": _l("dịch vụ khác xác nhận một người chưa có tài khoản ở đây"),
    "session.end": _l("kết thúc phiên đăng nhập"),
    "sign_in": _l("đăng nhập"),
    "sign_in.refused": _l("đăng nhập không được: sai tên hoặc mật khẩu"),
    "unit.abolish": _l("giải thể đơn vị"),
    "unit.absorb": _l("sáp nhập đơn vị"),
    "unit.consolidate": _l("hợp nhất các đơn vị"),
    "unit.create": _l("thành lập đơn vị"),
    "unit.divide": _l("chia đơn vị"),
    "unit.move": _l("chuyển đơn vị sang cấp trên khác"),
    "unit.reclassify": _l("đổi loại đơn vị"),
    "unit.recode": _l("đổi mã đơn vị"),
    "unit.rename": _l("đổi tên đơn vị"),
    "unit.separate": _l("tách đơn vị"),
    "unit.undo": _l("hoàn tác một thay đổi tổ chức"),
    "view_as.end": _l("thôi xem hệ thống như người khác"),
    "view_as.start": _l("xem hệ thống như người khác thấy"),
    "xapi.client.create": _l("thêm hệ thống kết nối"),
    "xapi.client.grant": _l("đổi quyền của hệ thống kết nối"),
    "xapi.client.revoke": _l("thu hồi hệ thống kết nối"),
    "xapi.client.rotate": _l("cấp khóa mới cho hệ thống kết nối"),
    "xapi.export": _l("xuất bản ghi học tập thành tệp"),
    "xapi.import": _l("nhập bản ghi học tập từ tệp"),
}

KINDS = {
    "account": _l("tài khoản"),
    "api_token": _l("khóa đọc số liệu"),
    "assignment": _l("lượt giao khóa học"),
    "attempt": _l("lượt làm bài"),
    "briefing": _l("đợt học tập, quán triệt"),
    "audit": _l("nhật ký hệ thống"),
    "certificate": _l("giấy chứng nhận"),
    "course": _l("khóa học"),
    "forward_target": _l("nơi nhận bản ghi"),
    "person": _l("người"),
    "privacy_request": _l("đề nghị về dữ liệu"),
    "statements": _l("bản ghi"),
    "unit": _l("đơn vị"),
    "unit operation": _l("thay đổi tổ chức"),
    "xapi_client": _l("hệ thống kết nối"),
}
FIELDS = {
    "attempt": _l("lượt được tính"),
    "before": _l("trước lúc"),
    "briefing": _l("đợt học tập, quán triệt"),
    "by_list": _l("bằng danh sách"),
    "count": _l("số người"),
    "counts": _l("bài được tính"),
    "course": _l("khóa học"),
    "due": _l("hạn hoàn thành"),
    "entries": _l("số mục"),
    "fields": _l("thông tin được sửa"),
    "final_minutes": _l("số phút bài cuối khóa"),
    "final_questions": _l("số câu bài cuối khóa"),
    "minutes": _l("số phút mỗi bài"),
    "questions": _l("số câu mỗi bài"),
    "max_attempts": _l("số lượt được làm"),
    "answers": _l("số câu trả lời"),
    "codes": _l("số mã"),
    "conditions": _l("điều kiện lọc"),
    "issuer": _l("cơ quan cấp"),
    "issuing": _l("có cấp"),
    "into": _l("đơn vị tiếp nhận"),
    "letters": _l("số bản ghi"),
    "page": _l("trang"),
    "searched": _l("có tìm kiếm"),
    "unsent": _l("số bản ghi chưa gửi"),
    "why": _l("lý do"),
    "list": _l("mã danh sách"),
    "modules": _l("chuyên đề"),
    "name": _l("tên"),
    "number": _l("số lượt"),
    "on": _l("từ ngày"),
    "operation": _l("thay đổi tổ chức"),
    "outcome": _l("kết quả xử lý"),
    "pass_mark": _l("điểm đạt"),
    "people": _l("số người"),
    "purpose": _l("mục đích"),
    "rows": _l("số dòng"),
    "short_name": _l("tên gọn"),
    "state": _l("tình trạng"),
    "token": _l("khóa"),
    "tree": _l("hệ thống tổ chức"),
    "trees": _l("hệ thống tổ chức"),
    "units": _l("các đơn vị"),
    "until": _l("đến trước ngày"),
    "version": _l("phiên bản"),
    "account": _l("tài khoản"),
    "category": _l("loại cán bộ"),
    "code": _l("mã"),
    "counts_prefix": _l("hoạt động được tính"),
    "kind": _l("loại"),
    "parent": _l("đơn vị cấp trên"),
    "party": _l("đảng viên"),
    "role": _l("vai trò"),
    "scopes": _l("quyền"),
    "since": _l("từ ngày"),
    "unit": _l("đơn vị"),
}
PURPOSES = {
    "own_unit": _l("Đơn vị mình phụ trách"),
    "urge": _l("Đôn đốc việc học tập, quán triệt"),
    "check": _l("Kiểm tra, đối chiếu số liệu"),
    "report": _l("Báo cáo theo yêu cầu của cấp trên"),
    "request": _l("Giải quyết đề nghị của chính cán bộ, đảng viên"),
    "activation": _l("Phát mã kích hoạt tài khoản"),
    "keep": _l("Quản lý danh sách cán bộ"),
    "organise": _l("Sắp xếp tổ chức"),
    "oversee": _l("Kiểm tra hoạt động của hệ thống"),
    "record": _l("Đối chiếu nhật ký học tập"),
    "help": _l("Kiểm tra hoặc hỗ trợ người dùng"),
    "transfer": _l("Điều động cán bộ"),
    "duplicates": _l("Xem hồ sơ trùng"),
    "certify": _l("Phát giấy chứng nhận"),
    "judge": _l("Chấm bài thu hoạch"),
    "connected": _l("Trao đổi số liệu với hệ thống khác"),
}
"""What names are seen for."""

PURPOSE_OF = {
    "activation.print": "activation",
    "api.names": "connected",
    "audit.export": "oversee",
    "audit.people": "oversee",
    "audit.read": "oversee",
    "certificate.list": "certify",
    "certificate.print": "certify",
    "certificate.read": "certify",
    "person.list": "keep",
    "person.read": "keep",
    "privacy.list": "request",
    "privacy.read": "request",
    "record.names": "record",
    "record.people": "record",
    "reflection.list": "judge",
    "reflection.read": "judge",
    "roster.corrected": "keep",
    "roster.export": "keep",
    "roster.read": "keep",
    "view_as.start": "help",
}
"""What a page is for on which nobody is asked for a purpose."""

VALUES = {
    **PURPOSES,
    "province": _l("Tỉnh"),
    "provincial_party_committee": _l("Tỉnh ủy"),
    "party_committee_direct": _l("Đảng ủy trực thuộc Tỉnh ủy"),
    "party_body": _l("Tổ chức đảng"),
    "party_agency": _l("Cơ quan của Đảng"),
    "peoples_council": _l("Hội đồng nhân dân"),
    "peoples_committee": _l("Ủy ban nhân dân"),
    "steering_committee": _l("Ban chỉ đạo"),
    "department": _l("Sở, ban, ngành"),
    "district": _l("Huyện, thành phố"),
    "commune": _l("Xã, phường, thị trấn"),
    "office": _l("Phòng, đơn vị trực thuộc"),
    "partner": _l("Đơn vị ngoài tỉnh"),
    "everywhere": _l("toàn hệ thống"),
    "head": _l("thủ trưởng"),
    "deputy": _l("người được ủy quyền"),
    "reviewer": _l("người thẩm định"),
    "host": _l("chủ trì điểm cầu"),
    "trainer": _l("giảng viên"),
    "unit_administrator": _l("quản trị viên đơn vị"),
    "auditor": _l("kiểm tra viên"),
    "administrator": _l("quản trị viên"),
    "cong_chuc": _l("công chức"),
    "vien_chuc": _l("viên chức"),
    "can_bo": _l("cán bộ"),
    "nguoi_lao_dong": _l("người lao động"),
    "khac": _l("khác"),
    "quan_chung": _l("quần chúng"),
    "du_bi": _l("đảng viên dự bị"),
    "chinh_thuc": _l("đảng viên chính thức"),
    "modules": _l("bài của từng chuyên đề"),
    "final": _l("bài cuối khóa"),
    "best": _l("lượt cao điểm nhất"),
    "last": _l("lượt cuối"),
    "first": _l("lượt đầu"),
    "standing": _l("kết quả không còn đủ"),
    "replaced": _l("cấp lại"),
    "mistake": _l("cấp nhầm"),
    "misuse": _l("sử dụng không đúng"),
    "waiting": _l("chờ chấm"),
    "returned": _l("phải viết lại"),
    "accepted": _l("đạt"),
    "open": _l("đang mở"),
    "closed": _l("đã khóa"),
    "new": _l("mới gửi"),
    "in_work": _l("đang xử lý"),
    "answered": _l("đã trả lời"),
    "active": _l("đang gửi"),
    "paused": _l("đang tạm dừng"),
    "halted": _l("đã ngừng"),
    "removed": _l("đã gỡ bỏ"),
    "assigned": _l("đang giao"),
    "withdrawn": _l("đã thu hồi"),
    "corrected": _l("đã đính chính"),
    "refused": _l("không thực hiện"),
    "erased": _l("đã xóa"),
    "correction": _l("đính chính"),
    "erasure": _l("xóa"),
    "state": _l("chính quyền"),
    "party": _l("Đảng"),
}
"""Words for values that are codes; whatever else stands as it is."""


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
        [MustBe(is_uuid, _l("Mã của một người có dạng 8-4-4-4-12 chữ số thập lục phân; có thể chọn theo họ tên."))],
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
            since=datetime.combine(since, time(), tzinfo=clock.VIETNAM).astimezone(UTC) if since else None,
            until=datetime.combine(until, time.max, tzinfo=clock.VIETNAM).astimezone(UTC) if until else None,
        )
