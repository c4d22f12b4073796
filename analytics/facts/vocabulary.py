"""The one catalogue of metrics: what every figure is called, what it counts and how it is shown. Pure.

Pages, files, JSON and mail take their numbers, names and definitions from here, so that they cannot disagree. A metric
names attributes of `rules.Count` (or of what a report adds to it); nothing else says what a rate is made of.
"""

import re
from dataclasses import dataclass

NUMBER, RATE, MEAN, STATE = "number", "rate", "mean", "state"
"""How a metric is shown: a whole number; a share in percent with one decimal; a mean on the scale of 10, with how many
were counted; one of the words of `STATES`."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a unit in a briefing.

    `numerator` and `denominator` are the sums it is made of. Of a parent both are sums over its children, and a rate is
    the one divided by the other, never a mean of rates; with nobody to count it is "–". Words come in pairs:
    Vietnamese, English. `left_out` says who is not counted.
    """

    code: str
    name: tuple[str, str]
    means: tuple[str, str]
    numerator: str
    denominator: str = ""
    left_out: tuple[str, str] = ("", "")
    shown: str = NUMBER


ONCE = (
    "Mỗi người tính một lần, tại đơn vị chính; chức vụ kiêm nhiệm không tính thêm.",
    "Each person counts once, in the main unit; concurrent posts add nothing.",
)
NOT_EXEMPT = ("Không kể người được miễn.", "Without those who are exempt.")

METRICS = (
    Metric(
        "points",
        ("Số hội nghị, lớp (điểm cầu) đã tổ chức", "Conferences and classes held (meeting points)"),
        (
            "Điểm cầu, lớp do đơn vị chủ trì, của các buổi đã bắt đầu.",
            "Meeting points and classes the unit hosts, of sittings that have begun.",
        ),
        "points",
    ),
    Metric(
        "frozen",
        ("Sĩ số chốt", "On the frozen roll"),
        (
            "Người trong danh sách của đợt khi chốt sĩ số lần gần nhất, tính ở đơn vị lúc ấy hoặc đơn vị nay tiếp nhận "
            "đơn vị ấy, kể cả người được miễn. Chưa chốt thì để trống.",
            "People on the roll of the briefing when it was last frozen, counted in their unit of then or the one in "
            "its place now, the exempt among them. Empty where none was frozen.",
        ),
        "frozen",
        left_out=ONCE,
    ),
    Metric(
        "frozen_members",
        ("Trong đó: đảng viên", "Of these: Party members"),
        ("Đảng viên chính thức và dự bị trong sĩ số chốt.", "Members in full or on probation on the frozen roll."),
        "frozen_members",
    ),
    Metric(
        "frozen_others",
        ("Trong đó: CBCCVC không phải đảng viên, quần chúng", "Of these: not members of the Party"),
        ("Sĩ số chốt trừ số đảng viên.", "The frozen roll without the members."),
        "frozen_others",
    ),
    Metric(
        "exempt",
        ("Số được miễn", "Exempt"),
        (
            "Người có quyết định miễn còn hiệu lực, có lý do và người duyệt.",
            "People who were exempted, with a reason and an approver.",
        ),
        "exempt",
    ),
    Metric(
        "people",
        ("Số phải học (A)", "Must study (A)"),
        ("Sĩ số hiện nay trừ số được miễn.", "The roll now without the exempt."),
        "people",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "by_point",
        ("Dự trực tiếp, tại điểm cầu", "At a meeting point"),
        (
            "Đã quán triệt lần đầu do có mặt tại hội nghị, điểm cầu.",
            "Briefed first by being present at a conference or meeting point.",
        ),
        "by_point",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "online",
        ("Học trực tuyến", "Online"),
        ("Đã quán triệt lần đầu do học xong mọi bài học.", "Briefed first by completing all lessons."),
        "online",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "made_up",
        ("Học bù", "Made up"),
        ("Đã quán triệt lần đầu do dự lớp học bù.", "Briefed first in a class for those who missed it."),
        "made_up",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "briefed",
        ("Tổng đã quán triệt (B)", "Briefed (B)"),
        (
            "Dự tại điểm cầu, học trực tuyến hoặc học bù, theo điều kiện của đợt; bằng tổng ba cột trước.",
            "At a meeting point, online or made up, as the policy of the briefing admits: the sum of the three before.",
        ),
        "briefed",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "briefed_rate",
        ("Tỷ lệ B/A (%)", "B/A (%)"),
        ("Đã quán triệt trên số phải học.", "Those briefed among those who must study."),
        "briefed",
        "people",
        NOT_EXEMPT,
        RATE,
    ),
    Metric(
        "excused",
        ("Vắng có lý do", "Absent with a reason"),
        (
            "Vắng có lý do và đến nay chưa được quán triệt.",
            "Was away with a reason and is not briefed yet.",
        ),
        "excused",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "unexcused",
        ("Vắng không lý do", "Absent without a reason"),
        (
            "Vắng không lý do và đến nay chưa được quán triệt.",
            "Was away without a reason and is not briefed yet.",
        ),
        "unexcused",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "submitted",
        ("Số bài thu hoạch đã nộp", "Reflections handed in"),
        ("Người đã nộp bài thu hoạch.", "People who have handed in their reflection."),
        "submitted",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "accepted",
        ("Số bài đạt", "Reflections accepted"),
        ("Người có bài thu hoạch được chấm đạt.", "People whose reflection was accepted."),
        "accepted",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "tested",
        ("Số đạt kiểm tra", "Passed the test"),
        ("Người đã đạt mọi bài kiểm tra bắt buộc.", "People who have passed all required tests."),
        "tested",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "score",
        ("Điểm kiểm tra trung bình (số người)", "Mean score (people)"),
        (
            "Tổng điểm chia cho số người đã làm đủ bài kiểm tra bắt buộc, thang điểm 10; trong ngoặc là số người ấy. "
            "Dưới 5 người thì không nêu điểm, để không lộ điểm của từng người.",
            "Sum of scores over those who have taken all required tests, of 10; in brackets how many they are. Of "
            "fewer than 5 people no score is told, so that nobody's is given away.",
        ),
        "score",
        "scored",
        NOT_EXEMPT,
        MEAN,
    ),
    Metric(
        "completed",
        ("Số hoàn thành (C)", "Completed (C)"),
        (
            "Đã quán triệt, và đạt kiểm tra, thu hoạch nếu đợt yêu cầu.",
            "Briefed, and has passed the test and the reflection where the briefing asks for them.",
        ),
        "completed",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "completed_rate",
        ("Tỷ lệ C/A (%)", "C/A (%)"),
        ("Hoàn thành trên số phải học.", "Those who have completed among those who must study."),
        "completed",
        "people",
        NOT_EXEMPT,
        RATE,
    ),
    Metric(
        "overdue",
        ("Quá hạn chưa hoàn thành", "Overdue"),
        (
            "Chưa hoàn thành khi hạn của chính người đó đã qua.",
            "Has not completed although this person's own due date has passed.",
        ),
        "overdue",
        left_out=NOT_EXEMPT,
    ),
    Metric(
        "state",
        ("Trạng thái", "State"),
        (
            "Chưa triển khai: chưa ai bắt đầu. Hoàn thành: mọi người phải học đã hoàn thành. Quá hạn: có người quá "
            "hạn. Còn lại: Đang triển khai.",
            "Not begun: nobody has. Completed: all who must study have. Overdue: somebody is. Else: under way.",
        ),
        "state",
        shown=STATE,
    ),
    Metric(
        "roll",
        ("Sĩ số hiện nay", "On the roll now"),
        (
            "Người đang được tính ở đơn vị và được giao đợt học tập này, kể cả người được miễn.",
            "People counted in the unit now to whom this briefing is given, the exempt among them.",
        ),
        "roll",
        left_out=ONCE,
    ),
    Metric(
        "members",
        ("Đảng viên trong sĩ số hiện nay", "Party members on the roll now"),
        ("Đảng viên chính thức và dự bị trong sĩ số hiện nay.", "Members in full or on probation on the roll now."),
        "members",
    ),
    Metric(
        "non_members",
        ("Không phải đảng viên trong sĩ số hiện nay", "Not members of the Party on the roll now"),
        ("Sĩ số hiện nay trừ số đảng viên.", "The roll now without the members."),
        "non_members",
    ),
)
"""Every metric of a unit in a briefing: those of Biểu 01 in the order of its columns, then what the roll is now."""

FROZEN = frozenset({"frozen", "frozen_members", "frozen_others"})
"""What is counted on the roll that was frozen last: nothing, and not nought, where none was."""

IN_FORM_01 = METRICS[: [metric.code for metric in METRICS].index("state") + 1]
"""The metrics that are columns of Biểu 01."""

BY_CODE = {metric.code: metric for metric in METRICS}

STATES = {
    "nobody": ("–", "–"),
    "not_begun": ("Chưa triển khai", "Not begun"),
    "under_way": ("Đang triển khai", "Under way"),
    "completed": ("Hoàn thành", "Completed"),
    "overdue": ("Quá hạn", "Overdue"),
}
"""Where a unit stands as a whole."""

DOCUMENT = re.compile(
    r"(?:Nghị quyết|Chỉ thị|Kết luận|Quy định|Quyết định|Kế hoạch|Chương trình|Đề án|Hướng dẫn) số [^\s,;:()]+"
)
PLACE = re.compile(r"(?:Tỉnh|Thành phố|Huyện|Thị xã|Thị trấn|Xã|Phường) (?P<next>.)")


def document_of(title: str) -> str | None:
    """The document a course is about, as its title names it: "Nghị quyết số 48-NQ/TU". None when it names none."""
    found = DOCUMENT.search(title)
    return found.group() if found else None


def in_sentence(unit_name: str) -> str:
    """The name as it stands inside a sentence: "Xã Linh Phú" is "xã Linh Phú", but "Tỉnh ủy" keeps its capital."""
    found = PLACE.match(unit_name)
    return unit_name[0].lower() + unit_name[1:] if found and found["next"].isupper() else unit_name
