"""Every refusal says in plain words what happened and what to do next, and tells nothing else."""

import logging

from flask import Flask, Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from lms.db import disk_full
from lms.web import kept
from lms.web.acting import ONLY_READS, OWN_EYES, VIEWING, VIEWING_OVER, NotFound, signed_in

log = logging.getLogger(__name__)


WORDS = {
    400: (
        _l("Yêu cầu không hợp lệ"),
        _l("Trang nhận được một yêu cầu thiếu hoặc sai thông tin."),
        _l("Quay lại trang trước, tải lại trang rồi thử lại."),
    ),
    404: (
        _l("Không tìm thấy trang"),
        _l("Địa chỉ này không có, hoặc không dành cho tài khoản đang dùng."),
        _l("Kiểm tra lại địa chỉ, hoặc về trang đầu và chọn trong trình đơn."),
    ),
    405: (
        _l("Không mở được theo cách này"),
        _l("Trang này chỉ nhận thông tin gửi từ biểu mẫu."),
        _l("Về trang đầu và chọn lại trong trình đơn."),
    ),
    409: (
        _l("Thông tin đã thay đổi"),
        _l("Nội dung này vừa được người khác hoặc ở thẻ khác thay đổi."),
        _l("Tải lại trang để xem bản mới nhất rồi làm tiếp."),
    ),
    413: (
        _l("Nội dung gửi lên quá lớn"),
        _l("Biểu mẫu hoặc tệp vượt quá dung lượng cho phép."),
        _l("Rút gọn nội dung rồi gửi lại."),
    ),
    429: (
        _l("Thử quá nhiều lần"),
        _l("Có quá nhiều lần thử trong thời gian ngắn."),
        _l("Chờ năm phút rồi thử lại."),
    ),
    503: (
        _l("Hệ thống đang bận"),
        _l("Cơ sở dữ liệu tạm thời chưa trả lời. Chưa có gì được ghi."),
        _l("Chờ một phút rồi gửi lại. Nội dung đã nhập vẫn còn khi quay lại trang trước."),
    ),
    507: (
        _l("Máy chủ hết chỗ lưu"),
        _l("Ổ đĩa của cơ sở dữ liệu đã đầy. Chưa có gì được ghi; các trang vẫn xem được."),
        _l("Báo bộ phận hỗ trợ; khi có chỗ trở lại thì gửi lại. Nội dung đã nhập vẫn còn khi quay lại trang trước."),
    ),
    500: (
        _l("Hệ thống gặp lỗi"),
        _l("Có lỗi ngoài dự kiến. Lỗi đã được ghi lại để khắc phục."),
        _l("Thử lại sau ít phút. Nếu vẫn lỗi, báo bộ phận hỗ trợ."),
    ),
}
"""Title, what happened, what to do: for a status code."""


TIED = {
    VIEWING: (
        _l("Đang xem như một người khác"),
        _l("Khi xem như một người khác thì không thay đổi được gì. Chưa có gì được ghi."),
        _l("Bấm “Thôi xem” ở đầu trang để trở lại tài khoản của mình."),
    ),
    VIEWING_OVER: (
        _l("Đã hết thời gian xem như một người khác"),
        _l("Việc xem tự kết thúc sau 30 phút, hoặc khi quyền của một trong hai người thay đổi. Chưa có gì được ghi."),
        _l("Từ bây giờ là tài khoản của chính mình. Về trang đầu và chọn lại trong trình đơn."),
    ),
    OWN_EYES: (
        _l("Chỉ chính người đó mở được"),
        _l("Dữ liệu cá nhân của một người chỉ mở ra cho chính người đó, không mở khi xem như một người khác."),
        _l("Bấm “Thôi xem” ở đầu trang để trở lại tài khoản của mình."),
    ),
    ONLY_READS: (
        _l("Kiểm tra viên chỉ xem"),
        _l("Vai trò kiểm tra viên xem được mọi nơi nhưng không thay đổi gì. Chưa có gì được ghi."),
        _l("Muốn làm việc này, đề nghị quản trị viên kết thúc vai trò kiểm tra viên hoặc cấp một tài khoản khác."),
    ),
}
"""The same, for whoever may change nothing (`Present.tied`), or may not see a page through others' eyes."""


def tied(why: str) -> Response:
    """The page for what is refused to whoever is signed in, and why."""
    title, what, next_step = TIED[why]
    body = render_template("web/error.html", title=str(title), what=str(what), next_step=str(next_step), code=403)
    return make_response(body, 403)


def words(code: int) -> tuple[str, str, str]:
    """Title, what happened, what to do."""
    title, what, next_step = WORDS.get(code) or WORDS[400 if 400 <= code < 500 else 500]
    return str(title), str(what), str(next_step)


def page(code: int) -> Response:
    """The page for a status code."""
    title, what, next_step = words(code)
    body = render_template("web/error.html", title=title, what=what, next_step=next_step, code=code)
    return make_response(body, code)


def init_app(app: Flask) -> None:
    app.register_error_handler(NotFound, lambda _error: page(404))
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(OperationalError, database_away)
    app.register_error_handler(Exception, unexpected)


def refused(error: HTTPException) -> ResponseReturnValue:
    """A refusal by Flask, Werkzeug or a view. Redirects and ready answers pass."""
    if isinstance(error, SecurityError):  # the wrong host: no page of ours can be built for it
        return Response("400 Bad Request: unknown host", 400, mimetype="text/plain")
    if error.response is not None or error.code is None or error.code < 400:
        return error
    return page(error.code)


def stale_form(error: CSRFError) -> Response:
    """The token is missing or of another session: what was typed is shown again, to be sent with one press."""
    person, form = signed_in(), kept.kept_form()
    if person is None and kept.is_bound(form):  # what is within is for whoever signs in, and is not shown before
        return make_response(kept.sign_in_first())
    reason = _("Biểu mẫu đã cũ, có thể do mở ở nhiều thẻ hoặc vừa đăng nhập lại.")
    again = kept.send_again(form, reason, to=str(person.public_id) if person is not None else "")
    return make_response(again, 400) if again is not None else page(400)


def database_away(error: OperationalError) -> ResponseReturnValue:
    """The database does not answer, is locked or has no room: nothing was written, trying again is safe."""
    g.database_away = True
    if disk_full(error):
        return no_room()
    log.error("database does not answer: %s", type(error.orig).__name__)
    response = page(503)
    response.headers["Retry-After"] = "10"
    return response


def no_room() -> Response:
    """The disk is full: what was typed is shown again, to be sent with one press when there is room."""
    log.error("the disk of the database is full")
    _title, what, next_step = words(507)
    again = kept.send_again(kept.kept_form(), f"{what} {next_step}")
    response = make_response(again, 507) if again is not None else page(507)
    response.headers["Retry-After"] = "60"
    return response


def unexpected(error: Exception) -> ResponseReturnValue:
    """A bug: logged whole, shown as nothing but an apology."""
    log.exception("%s %s failed", request.method, request.endpoint, exc_info=error)
    return page(500)
