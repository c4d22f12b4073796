"""What roles and permissions are called, and what each is for, in words of the pages."""

from flask_babel import lazy_gettext as _l

ROLES = {
    "head": _l("Thủ trưởng cơ quan, đơn vị"),
    "deputy": _l("Người được thủ trưởng ủy quyền"),
    "trainer": _l("Giảng viên"),
    "reviewer": _l("Người thẩm định"),
    "host": _l("Chủ trì điểm cầu"),
    "unit_administrator": _l("Quản trị viên đơn vị"),
    "auditor": _l("Kiểm tra viên"),
    "administrator": _l("Quản trị viên"),
}
"""Roles that are granted, in the order in which forms offer them."""

EVERYONE = _l("Học viên")

ABOUT_ROLES = {
    "learner": _l("Mọi người có tài khoản."),
    "reviewer": _l("Đơn vị được giao và mọi đơn vị trực thuộc. Được cử đọc và chấm bài thu hoạch."),
    "host": _l("Điểm danh ở điểm cầu của đơn vị được giao và đơn vị trực thuộc."),
    "head": _l("Đơn vị được giao và mọi đơn vị trực thuộc."),
    "deputy": _l("Thay thủ trưởng trong đơn vị được giao, đến hết ngày đã định. Xem được như thủ trưởng."),
    "trainer": _l("Toàn hệ thống."),
    "unit_administrator": _l(
        "Giữ danh sách cán bộ của đơn vị được giao và đơn vị trực thuộc, mở tài khoản cho cả thủ trưởng ở đó nên cũng "
        "xem được số liệu ở đó; không giao quyền mình không có, không đụng đến quản trị viên. Thay đổi tổ chức trong "
        "phạm vi ấy, nhưng không chuyển, sáp nhập, chia hay giải thể chính đơn vị được giao."
    ),
    "auditor": _l("Toàn hệ thống. Chỉ xem, không thay đổi gì, kể cả không học bằng tài khoản này khi còn giữ vai trò."),
    "administrator": _l("Toàn hệ thống."),
}
"""Where each role holds, and what is particular about it."""

PERMISSIONS = {
    "course:study": _l("Học bài được giao, làm bài kiểm tra"),
    "profile:own": _l("Xem hồ sơ, giữ mật khẩu và phiên đăng nhập của chính mình"),
    "unit:read_figures": _l("Xem số liệu học tập của đơn vị"),
    "unit:read_names": _l("Xem tên người chưa hoàn thành (có ghi nhật ký)"),
    "report:send": _l("Nhập, chốt và gửi báo cáo của đơn vị lên cấp trên"),
    "report:accept": _l("Xác nhận hoặc trả lại báo cáo của đơn vị trực thuộc"),
    "reflection:read": _l("Đọc và chấm bài thu hoạch của người khác (có ghi nhật ký)"),
    "module:read": _l("Xem bài học và thiết lập đang biên soạn"),
    "module:edit": _l("Biên soạn bài học"),
    "module:publish": _l("Xuất bản bài học và cách tính kết quả"),
    "question:read_quality": _l("Xem chất lượng câu hỏi kiểm tra, có đáp án"),
    "record:browse": _l("Xem nhật ký học tập, không có tên"),
    "record:names": _l("Xem tên trong nhật ký học tập (có ghi nhật ký)"),
    "person:read": _l("Xem danh sách và trang của cán bộ (có ghi nhật ký)"),
    "person:create": _l("Thêm, chuyển đơn vị, khóa tài khoản; nhập và xuất danh sách; cấp liên kết, phiếu kích hoạt"),
    "role:grant": _l("Giao và kết thúc vai trò"),
    "person:view_as": _l("Xem hệ thống như một người khác thấy, không thay đổi gì (có ghi nhật ký)"),
    "permission:read": _l("Xem bảng quyền này"),
    "announcement:read": _l("Xem danh sách thông báo cho đơn vị"),
    "announcement:write": _l("Viết và gỡ thông báo cho đơn vị"),
    "unit:read": _l("Xem cây đơn vị, lịch sử và các thay đổi tổ chức"),
    "unit:create": _l("Thêm, đổi, sáp nhập, chia tách, giải thể đơn vị"),
    "assignment:read": _l("Xem các lần giao khóa học, câu hỏi thu hoạch và việc cấp giấy chứng nhận của từng đợt"),
    "course:assign": _l("Giao và rút khóa học"),
    "briefing:read": _l("Xem các đợt học tập, quán triệt: điều kiện, các lần giao, điểm cầu, sĩ số chốt, nhắc việc"),
    "briefing:organise": _l(
        "Mở, đổi điều kiện và hạn, giao, lập điểm cầu, chốt sĩ số, đặt cách nhắc, đóng đợt học tập, quán triệt"
    ),
    "sitting:read_names": _l("Xem họ tên người có mặt ở hai điểm cầu của một buổi (có ghi nhật ký)"),
    "roll:read": _l("Xem các quyết định miễn, vắng có lý do, gia hạn và lý do (có ghi nhật ký)"),
    "roll:decide": _l("Miễn, ghi vắng có lý do, gia hạn cho từng người trong đợt"),
    "record_client:read": _l("Xem các hệ thống kết nối và quyền của chúng"),
    "record_client:keep": _l("Cấp, đổi, thu hồi khóa của hệ thống kết nối"),
    "forwarding:read": _l("Xem nơi nhận bản ghi, kênh báo tin và tình trạng gửi"),
    "forwarding:keep": _l("Đặt nơi nhận bản ghi, kênh báo tin và gửi lại"),
    "audit:read": _l("Xem và tải nhật ký hệ thống (có ghi nhật ký)"),
    "privacy:read": _l("Xem đề nghị đính chính, xóa dữ liệu cá nhân (có ghi nhật ký)"),
    "privacy:answer": _l("Trả lời đề nghị đính chính, xóa dữ liệu cá nhân"),
}
"""Every permission of `lms/accounts/rules.py`, in the order of the table; a test compares them."""
