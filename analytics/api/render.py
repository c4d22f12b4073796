"""The read API described, from the types it answers with: as an OpenAPI document, and as a page of documentation."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask_babel import lazy_gettext as _l

from analytics.api import rules
from analytics.api.rules import DEFAULT_LIMIT, MOST, NAMES, STANDINGS, TALLIES
from lms.accounts.forms import CATEGORIES
from lms.organisation.models import STATE_TREE, TREES

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Operation:
    """One address of the API: what it needs, what it takes, what it answers."""

    path: str
    scope: str
    summary: Any
    parameters: tuple[str, ...]
    answer: type[msgspec.Struct]


OPERATIONS = (
    Operation("/briefings", TALLIES, _l("Các đợt học tập, quán triệt"), ("after", "limit"), rules.Briefings),
    Operation("/units", TALLIES, _l("Các đơn vị mà khóa được đọc"), ("on", "tree", "after", "limit"), rules.Units),
    Operation(
        "/briefings/{briefing}/tallies",
        TALLIES,
        _l("Số liệu của một đơn vị trong một đợt, và của từng đơn vị ngay dưới"),
        ("briefing", "unit", "on", "tree", "until", "category"),
        rules.Tallies,
    ),
    Operation(
        "/briefings/{briefing}/points",
        TALLIES,
        _l("Các điểm cầu của một đơn vị và các đơn vị trực thuộc trong một đợt (Biểu 03)"),
        ("briefing", "unit", "on", "tree", "until", "category"),
        rules.Points,
    ),
    Operation(
        "/months",
        TALLIES,
        _l("Số liệu một tháng của một đơn vị, qua mọi đợt, và của từng đơn vị ngay dưới (Biểu 05)"),
        ("unit", "month", "on", "tree", "until", "category"),
        rules.Month,
    ),
    Operation(
        "/briefings/{briefing}/standings",
        STANDINGS,
        _l("Kết quả của từng người trong một đơn vị và các đơn vị trực thuộc"),
        ("briefing", "unit", "on", "tree", "category", "after", "limit"),
        rules.Standings,
    ),
)

ARGUMENT = re.compile(r"<[^>]*>")


def parameters_of(rule: str) -> list[str]:
    """What the address of a route takes in its query, as its description says."""
    path = ARGUMENT.sub("{briefing}", rule.removeprefix(BASE))
    found = next((one.parameters for one in OPERATIONS if one.path == path), ())
    return [name for name in found if PARAMETERS[name][0] == "query"]


SCOPE_WORDS = {
    TALLIES: _l("Đọc số liệu tổng hợp, danh mục đợt và đơn vị"),
    STANDINGS: _l("Đọc kết quả từng người, theo mã, không có tên"),
    NAMES: _l("Đọc cả họ tên (mỗi lần đọc được ghi nhật ký)"),
}

PARAMETERS: Mapping[str, tuple[str, dict[str, Any], Any]] = {
    "briefing": ("path", {"type": "string"}, _l("Mã của đợt")),
    "unit": (
        "query",
        {"type": "string", "format": "uuid"},
        _l("Đơn vị; không nêu thì là đơn vị của khóa. Khóa toàn hệ thống phải nêu"),
    ),
    "on": (
        "query",
        {"type": "string", "format": "date"},
        _l("Cơ cấu tổ chức của ngày này; không nêu thì là hôm nay. Chỉ tính người nay thuộc phạm vi của khóa"),
    ),
    "tree": (
        "query",
        {"type": "string", "enum": list(TREES), "default": STATE_TREE},
        _l("Cây nhà nước hay cây tổ chức đảng. Cây đảng chỉ mở cho khóa toàn hệ thống"),
    ),
    "until": (
        "query",
        {"type": "string", "format": "date"},
        _l("Số liệu đến hết ngày này, của những người nay phải học; không nêu thì đến nay"),
    ),
    "category": (
        "query",
        {"type": "string", "enum": list(CATEGORIES)},
        _l("Chỉ tính một loại cán bộ; khóa phải đọc được họ tên, vì số của ít người nói về từng người"),
    ),
    "month": ("query", {"type": "string"}, _l("Tháng, ví dụ 2026-11; không nêu thì là tháng này")),
    "after": ("query", {"type": "string"}, _l("Giá trị next của trang trước, để lấy trang sau")),
    "limit": (
        "query",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
        _l("Số mục mỗi trang"),
    ),
}

FIELDS: Mapping[str, Any] = {
    "code": _l("Mã"),
    "title": _l("Tên"),
    "documents": _l("Số, ký hiệu các văn bản"),
    "plain": _l("Chỉ là một khóa học được giao, không phải đợt có điều kiện riêng"),
    "opened_at": _l("Mở lúc"),
    "closed_at": _l("Đóng lúc; null: đang mở"),
    "id": _l("Mã không đổi"),
    "name": _l("Tên; của người thì chỉ có khi khóa được đọc tên, nếu không là null"),
    "parent": _l("Đơn vị ngay trên trong cây; null ở đỉnh phạm vi của khóa"),
    "people": _l("Số phải học (A)"),
    "started": _l("Đã bắt đầu"),
    "briefed": _l("Đã quán triệt (B), gồm cả đã hoàn thành"),
    "completed": _l("Hoàn thành (C)"),
    "overdue": _l("Quá hạn mà chưa hoàn thành"),
    "by_point": _l("Quán triệt tại điểm cầu"),
    "online": _l("Quán triệt bằng học trực tuyến"),
    "made_up": _l("Quán triệt bằng học bù"),
    "excused": _l("Vắng có lý do, chưa quán triệt"),
    "unexcused": _l("Vắng không lý do, chưa quán triệt"),
    "submitted": _l("Đã nộp bài thu hoạch"),
    "accepted": _l("Bài thu hoạch đạt"),
    "tested": _l("Đạt các bài kiểm tra bắt buộc"),
    "scored": _l("Đã làm đủ các bài kiểm tra bắt buộc; null: không nêu của ngày đã qua"),
    "mean_score": _l(
        "Điểm trung bình của những người đã làm đủ, thang 10; null: dưới 5 người, đã lọc, hay không đọc từng người"
    ),
    "exempt": _l("Được miễn, không tính vào số phải học"),
    "members": _l("Đảng viên trong số phải học và được miễn; null: không biết được của ngày đã qua"),
    "unit": _l("Đơn vị"),
    "itself": _l("Chính cơ quan của đơn vị, không kể đơn vị trực thuộc"),
    "tally": _l("Số liệu"),
    "briefing": _l("Mã của đợt"),
    "total": _l("Tổng của các phần"),
    "parts": _l("Từng đơn vị ngay dưới với mọi đơn vị trực thuộc của nó, rồi chính cơ quan của đơn vị"),
    "items": _l("Các mục của trang"),
    "next": _l("Gửi lại bằng tham số after để lấy trang sau; null: hết"),
    "person": _l("Mã của người trong nhật ký học tập"),
    "standing": _l("Một trong: not_started, in_progress, briefed, completed, overdue, exempt, excused, unexcused"),
    "way": _l("Cách được quán triệt: point, online, make_up; rỗng: chưa"),
    "due_at": _l("Hạn; null: không có hạn"),
    "started_at": _l("Bắt đầu lúc"),
    "briefed_at": _l("Quán triệt lúc"),
    "completed_at": _l("Hoàn thành lúc"),
    "score": _l("Điểm trung bình các bài kiểm tra bắt buộc, từ 0 đến 1; null: chưa làm đủ"),
    "on": _l("Ngày của cơ cấu tổ chức"),
    "tree": _l("Cây: state hoặc party"),
    "until": _l("Số liệu đến hết ngày này; null: đến nay"),
    "category": _l("Loại cán bộ; null: mọi loại"),
    "host_unit": _l("Đơn vị chủ trì điểm cầu"),
    "sitting": _l("Buổi"),
    "connected_at": _l("Giờ kết nối; null: chưa ghi"),
    "summoned": _l("Số triệu tập: người phải học mà đây là điểm cầu gần nhất"),
    "present": _l("Có mặt, kể cả đến muộn, về sớm; ở tổng, mỗi người một lần trong mỗi buổi"),
    "missed_with_reason": _l("Vắng có lý do ở buổi ấy"),
    "missed_without_reason": _l("Vắng không lý do ở buổi ấy"),
    "month": _l("Tháng"),
    "conferences": _l("Số hội nghị, lớp đã tổ chức trong tháng; không tách theo loại cán bộ"),
    "took_part": _l("Số người được quán triệt trong tháng, mỗi người một lần"),
    "documents_given": _l("Số văn bản đã triển khai trong tháng; không tách theo loại cán bộ"),
    "members_called": _l("Đảng viên phải học, của các đợt trong tháng; null: không biết được của ngày đã qua"),
    "members_briefed": _l("Đảng viên đã quán triệt, của các đợt trong tháng; null: không biết được của ngày đã qua"),
    "staff": _l("Cán bộ, công chức, viên chức tính tại đơn vị"),
    "digital": _l("Trong số đó, người đã hoàn thành ít nhất một đợt về chuyển đổi số"),
    "error": _l("Mã lỗi"),
    "message": _l("Nói rõ"),
}

PROBLEMS: Mapping[str, Any] = {
    "400": _l("Tham số không đọc được, nêu hai lần, hoặc địa chỉ này không có tham số ấy"),
    "401": _l("Thiếu khóa, hoặc khóa sai, hết hạn, đã thu hồi"),
    "403": _l("Khóa không có quyền cần cho địa chỉ này"),
    "404": _l("Không có, hoặc ngoài phạm vi của khóa"),
    "429": _l("Quá nhiều yêu cầu; chờ số giây trong Retry-After"),
}
MANNERS = _l(
    "Mỗi khóa được %(n)s yêu cầu trong năm phút. Mỗi trả lời có ETag; gửi lại trong If-None-Match thì nhận 304 nếu "
    "không đổi.",
    n=rules.PER_TOKEN,
)
ANSWERS = (
    rules.Briefings,
    rules.Units,
    rules.Tallies,
    rules.Points,
    rules.Month,
    rules.Standings,
    rules.Problem,
)


def document(site: str) -> dict[str, Any]:
    """The API as an OpenAPI 3.1 document, in the language of whoever asks."""
    _own, schemas = msgspec.json.schema_components(ANSWERS, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        for name, field in schema["properties"].items():
            field["description"] = str(FIELDS[name])
        schema.pop("description", None)
    return {
        "openapi": "3.1.0",
        "info": {"title": str(_l("Quán triệt: đọc số liệu")), "version": "1"},
        "servers": [{"url": site + BASE}],
        "security": [{"token": []}],
        "paths": {one.path: {"get": operation(one)} for one in OPERATIONS},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def operation(one: Operation) -> dict[str, Any]:
    """An address as the document has it."""
    return {
        "summary": str(one.summary),
        "operationId": one.answer.__name__,
        "description": str(_l("Cần quyền %(scope)s.", scope=one.scope)),
        "parameters": [parameter(name) for name in one.parameters],
        "responses": {
            "200": {"description": "OK", "content": json_of(one.answer)},
            "304": {"description": str(_l("Không đổi so với ETag đã có"))},
            **{code: {"description": str(why), "content": json_of(rules.Problem)} for code, why in PROBLEMS.items()},
        },
    }


def parameter(name: str) -> dict[str, Any]:
    place, schema, words = PARAMETERS[name]
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": str(words)}


def json_of(answer: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{answer.__name__}"}}}


def type_words(schema: Mapping[str, Any]) -> str:
    """The type of a field in one short text, as tables of documentation have it."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " / ".join(type_words(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"{type_words(schema['items'])}[]"
    return str(schema.get("format") or schema.get("type"))


def as_page(told: Mapping[str, Any]) -> str:
    """The document as a page of docs/."""
    return "\n".join(lines(told)) + "\n"


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """That page, line by line."""
    yield "# API đọc số liệu"
    yield ""
    yield "Made from the OpenAPI document (`/api/v1/openapi.json`, `analytics/api/render.py`) by"
    yield "`lms api > docs/read-api.md`; a test compares. The same page stands in the product at `/api`."
    yield ""
    yield "    curl -H 'Authorization: Bearer qt_…' https://hoc.example.gov.vn/api/v1/briefings"
    yield ""
    yield from (str(MANNERS), "")
    yield "| quyền | mở |"
    yield "|---|---|"
    yield from (f"| `{scope}` | {words} |" for scope, words in SCOPE_WORDS.items())
    for path, methods in told["paths"].items():
        one = methods["get"]
        yield from ("", f"## GET {BASE}{path}", "", f"{one['summary']}. {one['description']}", "")
        yield from ("| tham số | ở | kiểu | nghĩa |", "|---|---|---|---|")
        for each in one["parameters"]:
            kind = type_words(each["schema"])
            yield f"| `{each['name']}` | {each['in']} | {kind} | {each['description']} |"
        yield from ("", f"Trả lời: [{one['operationId']}](#{one['operationId'].lower()}).")
    yield from ("", "## Lỗi", "", "| mã | khi |", "|---|---|")
    yield from (f"| {code} | {words} |" for code, words in PROBLEMS.items())
    for name, schema in told["components"]["schemas"].items():
        yield from ("", f"## {name}", "", "| trường | kiểu | nghĩa |", "|---|---|---|")
        for field, about in schema["properties"].items():
            yield f"| `{field}` | {type_words(about)} | {about['description']} |"
