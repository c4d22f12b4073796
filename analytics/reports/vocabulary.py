"""The words of the forms: headings and groups of Biểu 01–05, and the heads and signatures of official documents.

Files are in Vietnamese, whoever takes them out: they go into offices. Pages have the English of headings beside it.
"""

from dataclasses import dataclass

from analytics.facts.vocabulary import BY_CODE, IN_FORM_01, STATES

Pair = tuple[str, str]

FORMS: dict[str, Pair] = {
    "01": ("Biểu 01 – Tổng hợp theo đơn vị", "Form 01 – By unit"),
    "02": ("Biểu 02 – Danh sách chưa hoàn thành", "Form 02 – Who has not completed"),
    "03": ("Biểu 03 – Theo điểm cầu", "Form 03 – By meeting point"),
    "04": ("Biểu 04 – Chất lượng câu hỏi kiểm tra", "Form 04 – Quality of test questions"),
    "05": ("Biểu 05 – Số liệu báo cáo tháng của Ban Tuyên giáo và Dân vận", "Form 05 – Monthly figures"),
}

TITLES = {
    "01": "TỔNG HỢP KẾT QUẢ HỌC TẬP, QUÁN TRIỆT THEO ĐƠN VỊ",
    "02": "DANH SÁCH CÁN BỘ, ĐẢNG VIÊN CHƯA HOÀN THÀNH",
    "03": "KẾT QUẢ HỌC TẬP, QUÁN TRIỆT THEO ĐIỂM CẦU",
    "04": "CHẤT LƯỢNG CÂU HỎI KIỂM TRA",
    "05": "SỐ LIỆU QUÁN TRIỆT NGHỊ QUYẾT, BÌNH DÂN HỌC VỤ SỐ THÁNG",
}

GROUP_HELD, GROUP_ROLL = ("Tổ chức", "Held"), ("Sĩ số và số phải học", "Roll")
GROUP_BRIEFED = ("Kết quả học tập, quán triệt", "Briefed")
GROUP_TESTED = ("Thu hoạch, kiểm tra", "Reflection, test")
GROUP_DONE = ("Hoàn thành", "Completed")

SENT = "sent"
SENT_WORDS: dict[str, Pair] = {
    SENT: (
        "{unit} đã gửi báo cáo “{title}”, chờ xác nhận hoặc trả lại.",
        "{unit} has sent its report on “{title}”: it waits to be accepted or returned.",
    ),
    "accepted": (
        "Báo cáo “{title}” của {unit} đã được cấp trên xác nhận.",
        "The report of {unit} on “{title}” has been accepted by the unit above.",
    ),
    "returned": (
        "Báo cáo “{title}” của {unit} bị cấp trên trả lại, có ý kiến: xem ý kiến, sửa rồi gửi lại.",
        "The report of {unit} on “{title}” was returned by the unit above with a remark: read it, mend, send again.",
    ),
}
"""What heads are told of a report that goes up, by its state."""

PLACE, NAME = ("TT", "No."), ("Tên cơ quan, đơn vị", "Unit")
PLAN: Pair = ("Chương trình, kế hoạch hành động đã ban hành (số, ngày)", "Plan of action issued (number, day)")
NOTE: Pair = ("Ghi chú (khó khăn, kiến nghị)", "Remarks")

GROUPS: dict[str, Pair] = {
    **dict.fromkeys(("points",), GROUP_HELD),
    **dict.fromkeys(("frozen", "frozen_members", "frozen_others", "exempt", "people"), GROUP_ROLL),
    **dict.fromkeys(
        ("by_point", "online", "made_up", "briefed", "briefed_rate", "excused", "unexcused"), GROUP_BRIEFED
    ),
    **dict.fromkeys(("submitted", "accepted", "tested", "score"), GROUP_TESTED),
    **dict.fromkeys(("completed", "completed_rate", "overdue", "plan", "state"), GROUP_DONE),
}
"""The heading above each column of Biểu 01."""

FORMULAS = {
    "frozen_others": "6 = 4-5",
    "briefed": "12 = 9+10+11",
    "briefed_rate": "13 = 12/8",
    "completed_rate": "21 = 20/8",
}
"""Numbers of columns that follow from others, as office forms print them below the headings."""

WIDTHS = {
    "place": 6,
    "name": 22,
    "plan": 15,
    "note": 11,
    "state": 10,
    "score": 10,
    "frozen_others": 12,
} | dict.fromkeys(("points", "exempt", "made_up", "briefed_rate", "excused", "completed_rate"), 8)
"""Of Biểu 01, beside `NUMBER_WIDTH`: no word is broken, also where a wider font stands in for the usual one."""
NUMBER_WIDTH = 9
STRONG = frozenset({"people", "briefed", "briefed_rate", "completed", "completed_rate"})

LABELS_01: dict[str, Pair] = {
    "place": PLACE,
    "name": NAME,
    **{metric.code: metric.name for metric in IN_FORM_01 if metric.code != "state"},
    "plan": PLAN,
    "state": BY_CODE["state"].name,
    "note": NOTE,
}
"""The 25 columns of Biểu 01 in their order."""

LABELS_02: dict[str, tuple[Pair, str, int]] = {
    "place": (PLACE, "text", 5),
    "person": (("Họ và tên", "Name"), "person", 24),
    "position": (("Chức vụ", "Position"), "text", 20),
    "unit": (("Đơn vị", "Unit"), "text", 26),
    "branch": (("Chi bộ", "Party cell"), "text", 20),
    "state": (("Trạng thái", "State"), "state", 16),
    "absence": (("Lý do vắng", "Absence"), "state", 14),
    "due": (("Hạn", "Due"), "day", 12),
    "reminded": (("Số lần đã nhắc", "Reminders"), "number", 8),
    "reminded_on": (("Ngày nhắc gần nhất", "Last reminder"), "day", 12),
}
LABELS_03: dict[str, tuple[Pair, str, int]] = {
    "place": (PLACE, "text", 6),
    "name": (("Điểm cầu", "Meeting point"), "text", 28),
    "host_unit": (("Đơn vị chủ trì", "Hosting unit"), "text", 24),
    "sitting": (("Buổi", "Sitting"), "text", 22),
    "summoned": (("Số triệu tập", "Summoned"), "number", 11),
    "present": (("Có mặt", "Present"), "number", 11),
    "excused": (("Vắng có lý do", "Absent with a reason"), "number", 11),
    "unexcused": (("Vắng không lý do", "Absent without a reason"), "number", 11),
    "rate": (("Tỷ lệ có mặt (%)", "Present (%)"), "rate", 11),
    "host": (("Người điểm danh", "Roll taken by"), "person", 20),
    "connected": (("Giờ kết nối", "Connected"), "time", 18),
}
LABELS_04: dict[str, tuple[Pair, str, int]] = {
    "place": (PLACE, "text", 5),
    "code": (("Mã câu hỏi", "Question"), "text", 12),
    "name": (("Câu hỏi", "Text"), "text", 60),
    "attempts": (("Số lượt", "Attempts"), "number", 9),
    "right": (("Tỷ lệ đúng (%)", "Right (%)"), "rate", 9),
    "discrimination": (("Độ phân biệt", "Discrimination"), "index", 9),
    "wrong": (("Phương án sai chọn nhiều nhất", "Most chosen wrong option"), "text", 44),
    "wrong_rate": (("Tỷ lệ chọn (%)", "Chosen (%)"), "rate", 9),
}
LABELS_05: dict[str, tuple[Pair, str, int]] = {
    "place": (PLACE, "text", 5),
    "name": (("Đơn vị báo cáo", "Unit"), "text", 34),
    "conferences": (("Số hội nghị NQ", "Conferences"), "number", 14),
    "took_part": (("Số người tham gia NQ", "Took part"), "number", 14),
    "documents": (("Số VB đã triển khai", "Documents"), "number", 14),
    "member_rate": (("Tỷ lệ ĐV tham gia (%)", "Members briefed (%)"), "rate", 14),
    "staff": (("Tổng số CBCCVC", "Staff"), "number", 14),
    "digital": (("CB hoàn thành CĐS", "Completed"), "number", 14),
}
LABELS = {"02": LABELS_02, "03": LABELS_03, "04": LABELS_04, "05": LABELS_05}

GROUPS_05: dict[str, Pair] = {
    **dict.fromkeys(
        ("conferences", "took_part", "documents", "member_rate"), ("2. Quán triệt nghị quyết", "2. Resolutions")
    ),
    **dict.fromkeys(("staff", "digital"), ("8. Bình dân học vụ số", "8. Digital literacy")),
}

NOTES = {
    "02": (
        "Người phải học chưa hoàn thành tại thời điểm chốt số liệu, xếp theo tên. Không kể người được miễn.",
        "Số lần đã nhắc, ngày nhắc gần nhất: những lần hệ thống nhắc trong đợt này.",
        "Danh sách có thông tin cá nhân: chỉ dùng cho mục đích đã nêu khi tải, không sao gửi ra ngoài.",
    ),
    "03": (
        "Số triệu tập: người phải học của đơn vị chủ trì và các đơn vị trực thuộc, trừ nơi có điểm cầu gần hơn.",
        "Có mặt: kể cả đến muộn, về sớm. Tỷ lệ: có mặt trên số triệu tập. Tổng cộng là tổng các điểm cầu; ai có mặt ở "
        "nhiều điểm của một buổi thì tính một lần.",
        "Vắng: người điểm cầu ghi vắng và sau đó không điểm nào khác ghi gì. Đây là vắng ở buổi họp; Biểu 01 chỉ kể "
        "người vắng mà đến nay chưa được quán triệt.",
    ),
    "04": (
        "Số lượt: bài đã nộp có câu hỏi này. Tỷ lệ đúng: lượt được trọn điểm của câu trên số lượt.",
        "Độ phân biệt: tương quan giữa điểm của câu và điểm các câu còn lại của bài (từ -1 đến 1); dưới 0,20 nên xem "
        "lại. Không ghi khi dưới 10 lượt hoặc mọi lượt như nhau.",
        "Tài liệu có đáp án: không gửi cho người học.",
    ),
    "05": (
        "Số hội nghị NQ: điểm cầu, lớp đã tổ chức trong tháng. Số người tham gia NQ: người được quán triệt trong "
        "tháng, mỗi người một lần.",
        "Số VB đã triển khai: văn bản của các đợt có hội nghị hoặc có người được quán triệt trong tháng; ở đơn vị "
        "cấp trên mỗi văn bản tính một lần.",
        "Tỷ lệ ĐV tham gia: đảng viên đã quán triệt trên đảng viên phải học, của các đợt ấy, đến hết tháng; là tổng "
        "trên tổng, không phải trung bình các tỷ lệ.",
        "Tổng số CBCCVC: cán bộ, công chức, viên chức tính tại đơn vị. CB hoàn thành CĐS: trong số đó, người đã hoàn "
        "thành ít nhất một đợt về chuyển đổi số, bình dân học vụ số (theo tên đợt, tên khóa học, văn bản của đợt).",
    ),
}
"""What is printed under each table; of Biểu 01 it follows from the catalogue."""

PEOPLE_STATES: dict[str, Pair] = {
    "not_started": ("Chưa học", "Not begun"),
    "in_progress": ("Đang học", "In progress"),
    "briefed": ("Đã quán triệt", "Briefed"),
    "overdue": ("Quá hạn", "Overdue"),
    "excused": ("Có lý do", "With a reason"),
    "unexcused": ("Không lý do", "Without a reason"),
}
WORDS_OF_CODES = {**STATES, **PEOPLE_STATES}

NOTE_FROZEN = (
    "Cột 4, 5, 6 theo sĩ số chốt lúc {at}. Cột 7, 8 và các cột sau theo danh sách hiện nay: người đến, đi sau khi "
    "chốt làm cột 8 khác cột 4 trừ cột 7."
)
NOTE_NEVER_FROZEN = "Đợt này chưa chốt sĩ số: cột 4, 5, 6 để trống."
NOTE_NOT_FROZEN_SO = "Sĩ số chốt tính theo cơ cấu tổ chức nhà nước lúc chốt: theo cơ cấu này cột 4, 5, 6 để trống."
NOTE_FILTERED = (
    "Sĩ số chốt là của mọi người, theo lúc chốt: cột 4, 5, 6 để trống. Điểm trung bình cũng để trống: lấy số của hai "
    "ngày, hai nhóm trừ cho nhau có thể lộ điểm của từng người."
)
NOTE_ENTERED_THEN = "Cột 23, 25: chỉ có những gì đơn vị nhập đến hết ngày ấy và từ đó không sửa."
ON_FROZEN = (
    NOTE_NEVER_FROZEN,
    NOTE_NOT_FROZEN_SO,
    NOTE_FILTERED.partition("Điểm")[0],
    NOTE_ENTERED_THEN,
    NOTE_FROZEN.partition("{")[0],
    "Vắng có lý do, vắng không lý do, bài thu hoạch đã nộp: chỉ biết theo hiện nay",  # in what was kept earlier
)
"""How the notes begin that say which columns are empty, and why."""

NOTE_POINTS_THEN = (
    "Theo những gì các điểm cầu đã ghi đến hết ngày ấy, kể cả chỗ sửa sai sau đó; triệu tập là người nay phải học, "
    "tính ở đơn vị họ thuộc về ngày ấy. Tên điểm cầu, người điểm danh: theo hiện nay."
)
NOTE_POINTS_OF_CATEGORY = (
    "Theo loại cán bộ chỉ kể người của đơn vị và các đơn vị trực thuộc: người nơi khác đến dự không được tính."
)
NOTE_MONTH_OF_CATEGORY = "Số hội nghị, số văn bản là của mọi người, không tách theo loại cán bộ."
NOTE_NO_MEMBERS_THEN = (
    "Tỷ lệ ĐV tham gia để trống: nhật ký không còn đủ các thay đổi từ ngày ấy để biết khi đó ai là đảng viên."
)

NOTE_ROLL_UP = (
    "Số của đơn vị cấp trên là tổng số người của các đơn vị, mỗi người một lần; tỷ lệ là tổng chia tổng, không phải "
    "trung bình các tỷ lệ. Không có ai phải học thì ghi “–”; chưa đủ mọi người thì không ghi 100,0."
)

STATE_HEAD, PARTY_HEAD = "nd30", "hd36"
HEADS: dict[str, Pair] = {
    STATE_HEAD: ("Nghị định 30/2020/NĐ-CP (cơ quan nhà nước)", "Decree 30/2020 (state agencies)"),
    PARTY_HEAD: ("Hướng dẫn 36-HD/VPTW (cơ quan, tổ chức đảng)", "Guideline 36 (Party organisations)"),
}
PARTY_KINDS = frozenset({"provincial_party_committee", "party_committee_direct", "party_body", "party_agency"})


@dataclass(frozen=True, slots=True)
class Signature:
    """The lines above a signature: on whose behalf ("": in one's own right), and the office."""

    behalf: str
    office: str


SIGNATURES: dict[str, dict[str, Signature]] = {
    STATE_HEAD: {
        "province": Signature("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        "peoples_committee": Signature("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        "district": Signature("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        "commune": Signature("TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH"),
        "peoples_council": Signature("TM. HỘI ĐỒNG NHÂN DÂN", "CHỦ TỊCH"),
        "steering_committee": Signature("TM. BAN CHỈ ĐẠO", "TRƯỞNG BAN"),
        "department": Signature("", "GIÁM ĐỐC"),
        "": Signature("", "THỦ TRƯỞNG ĐƠN VỊ"),
    },
    PARTY_HEAD: {
        "provincial_party_committee": Signature("T/M BAN THƯỜNG VỤ", "BÍ THƯ"),
        "party_committee_direct": Signature("T/M BAN THƯỜNG VỤ", "BÍ THƯ"),
        "party_agency": Signature("", "TRƯỞNG BAN"),
        "party_body": Signature("T/M CẤP ỦY", "BÍ THƯ"),
        "": Signature("T/M CẤP ỦY", "BÍ THƯ"),
    },
}
"""By head and kind of unit: T/M with a stroke for the Party, TM. with a dot for the state (domain.md §1.6)."""


def head_for(kind: str, chosen: str) -> str:
    """The head that was chosen, or the one that becomes the kind of unit."""
    return chosen if chosen in HEADS else PARTY_HEAD if kind in PARTY_KINDS else STATE_HEAD


def signature(head: str, kind: str) -> Signature:
    """Who signs."""
    of_head = SIGNATURES[head]
    return of_head.get(kind, of_head[""])


PLACES = ("Xã ", "Phường ", "Thị trấn ", "Huyện ", "Thành phố ", "Thị xã ")


def place_name(kind: str, unit: str) -> str:
    """Where a document is given: a commune or district by its own name, else the province."""
    prefix = next((one for one in PLACES if unit.startswith(one)), "") if kind in {"commune", "district"} else ""
    return unit.removeprefix(prefix) if prefix else "Tuyên Quang"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the table of an official document; number, date and signature are left blank."""

    head: str
    above: str
    issuer: str
    place: str
    number: str
    signature: Signature
    recipients: tuple[str, ...]

    @property
    def of_party(self) -> bool:
        """Whether it has the head of a Party document."""
        return self.head == PARTY_HEAD


def frame(chosen: str, *, kind: str, unit: str, above: str) -> Frame:
    """The frame of a report of a unit."""
    head = head_for(kind, chosen)
    blank = "Số          -BC/" if head == PARTY_HEAD else "Số:          /BC-"
    recipients = (f"- {above};" if above else "", "- Lưu: VT." if head == STATE_HEAD else "- Lưu Văn phòng.")
    return Frame(
        head,
        above.upper(),
        unit.upper() or BLANK_NAME,
        place_name(kind, unit),
        blank,
        signature(head, kind),
        tuple(one for one in recipients if one),
    )


MOTTO = ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc")
PARTY_NAME = "ĐẢNG CỘNG SẢN VIỆT NAM"
BLANK_NAME = "……………………………………"
BLANK_DATE = "ngày       tháng       năm 20…"


def closing(*, at: str, on: str, code: str, address: str) -> tuple[str, ...]:
    """The lines under the table: cut-off, structure, code. A report that was not kept says so."""
    lines = (
        f"Thời điểm chốt số liệu: {at}.",
        f"Cơ cấu tổ chức áp dụng: cây chính quyền, theo đơn vị tại ngày {on}.",
    )
    if code:
        return (*lines, f"Mã kiểm tra của bản chốt: {code}. Kiểm tra tại {address}")
    return (*lines, "Số liệu chưa chốt: bản in này không có mã kiểm tra.")


REGISTER_HEAD = (
    "TT",
    "Họ và tên",
    "Chức vụ",
    "Đơn vị",
    "Loại cán bộ",
    "Đảng viên",
    "Trạng thái",
    "Hình thức",
    "Hạn",
    "Ngày quán triệt",
    "Ngày hoàn thành",
    "Điểm kiểm tra",
)
"""The first columns of the register; one for each lesson and test comes after them."""

WAYS = {"point": "Tại điểm cầu", "online": "Trực tuyến", "make_up": "Học bù"}
"""Ways of being briefed as the register names them."""

TEN_THOUSAND, SPAN, FINISHED = 10_000, 100_000, 99_999
"""How the database tells of an activity in one number, made faster than a text: the activity times `SPAN`, and its
score in ten-thousandths; of a lesson that is finished, `FINISHED`."""
