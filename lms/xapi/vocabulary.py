"""Every IRI the product speaks, written once.

Verbs and activity types are ADL's where ADL has one (https://w3id.org/xapi/adl); the addresses of our own activities
hang below the configured `iri_base`, which never changes. What is said with these words stands here too: the published
profile (`lms/records/render.py`) is made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Texts = Mapping[str, str]
"""A language map: Vietnamese and English."""

INITIALIZED = "http://adlnet.gov/expapi/verbs/initialized"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
ATTEMPTED = "http://adlnet.gov/expapi/verbs/attempted"
ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
FAILED = "http://adlnet.gov/expapi/verbs/failed"
ATTENDED = "http://adlnet.gov/expapi/verbs/attended"
SUBMITTED = "http://activitystrea.ms/schema/1.0/submit"
ABSENT = "/xapi/profile/verbs/absent"  # a word of our own: below the address of the product (`verb_iri`)
VOIDED = "http://adlnet.gov/expapi/verbs/voided"

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"  # the usage of an attachment that signs (4.2.6 / Data 2.6)

VERB_NAMES = {
    INITIALIZED: {"vi": "bắt đầu", "en": "initialized"},
    COMPLETED: {"vi": "hoàn thành", "en": "completed"},
    ATTEMPTED: {"vi": "bắt đầu làm", "en": "attempted"},
    ANSWERED: {"vi": "trả lời", "en": "answered"},
    PASSED: {"vi": "đạt", "en": "passed"},
    FAILED: {"vi": "không đạt", "en": "failed"},
    ATTENDED: {"vi": "có mặt tại", "en": "attended"},
    ABSENT: {"vi": "vắng mặt tại", "en": "was absent from"},
    SUBMITTED: {"vi": "nộp", "en": "submitted"},
}
VERB_MEANINGS: Mapping[str, Texts] = {
    INITIALIZED: {
        "vi": "Mở khóa học lần đầu; từ lúc này học theo phiên bản ghi trong revision.",
        "en": "Opened the course for the first time; from now on the version named in revision is studied.",
    },
    COMPLETED: {
        "vi": "Đã học xong bài học, hoặc đã xong mọi bài học và bài kiểm tra bắt buộc của khóa học.",
        "en": "Finished a lesson, or all lessons and required tests of a course.",
    },
    ATTEMPTED: {"vi": "Bắt đầu một lượt làm bài kiểm tra.", "en": "Started an attempt at a test."},
    ANSWERED: {"vi": "Trả lời một câu hỏi của đề.", "en": "Answered a question of the paper."},
    PASSED: {"vi": "Nộp bài kiểm tra với điểm từ mức đạt trở lên.", "en": "Ended a test at or above the pass mark."},
    FAILED: {"vi": "Nộp bài kiểm tra với điểm dưới mức đạt.", "en": "Ended a test below the pass mark."},
    ATTENDED: {
        "vi": "Được người điểm danh ghi nhận có mặt tại điểm cầu; response nói đúng giờ, đến muộn hay về sớm.",
        "en": "Was seen at a meeting point by its host; response says in time, late or left early.",
    },
    ABSENT: {
        "vi": "Được người điểm danh ghi nhận vắng; response nói có lý do hay không.",
        "en": "Was missed at a meeting point by its host; response says with a reason or without.",
    },
    SUBMITTED: {"vi": "Nộp bài thu hoạch để chấm.", "en": "Handed in a written reflection, to be read."},
}

COURSE = "http://adlnet.gov/expapi/activities/course"
MODULE = "http://adlnet.gov/expapi/activities/module"
LESSON = "http://adlnet.gov/expapi/activities/lesson"
ASSESSMENT = "http://adlnet.gov/expapi/activities/assessment"
QUESTION = "http://adlnet.gov/expapi/activities/cmi.interaction"
MEETING = "http://adlnet.gov/expapi/activities/meeting"
REFLECTION = "http://adlnet.gov/expapi/activities/performance"

TYPE_NAMES: Mapping[str, Texts] = {
    COURSE: {"vi": "khóa học", "en": "course"},
    MODULE: {"vi": "chuyên đề", "en": "module"},
    LESSON: {"vi": "bài học", "en": "lesson"},
    ASSESSMENT: {"vi": "bài kiểm tra", "en": "test"},
    QUESTION: {"vi": "câu hỏi", "en": "question"},
    MEETING: {"vi": "điểm cầu", "en": "meeting point"},
    REFLECTION: {"vi": "bài thu hoạch", "en": "written reflection"},
}
TYPE_MEANINGS: Mapping[str, Texts] = {
    COURSE: {"vi": "Một khóa học; địa chỉ như nhau ở mọi phiên bản.", "en": "A course, the same over all versions."},
    MODULE: {"vi": "Một phần của khóa học.", "en": "A part of a course."},
    LESSON: {"vi": "Một bài để đọc.", "en": "One page to read."},
    ASSESSMENT: {
        "vi": "Bài kiểm tra của một chuyên đề, hoặc cuối khóa học.",
        "en": "The test of a module, or the final test of a course.",
    },
    QUESTION: {
        "vi": "Một cách viết của một câu hỏi; cách viết khác là hoạt động khác.",
        "en": "One wording of a question: another wording is another activity.",
    },
    MEETING: {
        "vi": "Một điểm cầu của một buổi trong đợt học tập, quán triệt.",
        "en": "One place where a sitting of a briefing is followed.",
    },
    REFLECTION: {
        "vi": "Bài thu hoạch của một đợt học tập, quán triệt.",
        "en": "The written reflection of a briefing.",
    },
}


@dataclass(frozen=True, slots=True)
class Saying:
    """One kind of sentence our own pages say, and what such a statement always carries.

    `result`: the properties of the result by their path, with the values they may have (None: any). `within`: whether
    the activities it belongs to are named. `also`: further rules of the same form, by path in the statement.
    `instructed`: somebody else of our people says so, who is named as the instructor.
    """

    name: str
    verb: str
    type: str
    means: Texts
    result: Mapping[str, tuple[Any, ...] | None] = field(default_factory=dict)
    within: bool = True
    also: Mapping[str, tuple[Any, ...] | None] = field(default_factory=dict)
    instructed: bool = False


SCORE = {"score.scaled": None, "score.raw": None, "score.min": (0,), "score.max": (10,)}
SAYINGS = (
    Saying(
        "began-course",
        INITIALIZED,
        COURSE,
        {"vi": "Bắt đầu một phiên bản của khóa học.", "en": "Began a version of the course."},
        within=False,
    ),
    Saying(
        "completed-lesson",
        COMPLETED,
        LESSON,
        {"vi": "Đã học xong bài và xác nhận điều đó.", "en": "Finished the lesson, and said so."},
        {"completion": (True,)},
    ),
    Saying(
        "completed-course",
        COMPLETED,
        COURSE,
        {
            "vi": "Đã xong mọi bài học và đạt mọi bài kiểm tra bắt buộc của phiên bản.",
            "en": "Completed all lessons and passed all required tests of the version.",
        },
        {"completion": (True,)},
        within=False,
    ),
    Saying(
        "began-test",
        ATTEMPTED,
        ASSESSMENT,
        {"vi": "Bắt đầu một lượt làm bài.", "en": "Started an attempt."},
    ),
    Saying(
        "answered-question",
        ANSWERED,
        QUESTION,
        {
            "vi": "Câu trả lời được chấm; đáp án không bao giờ được gửi kèm.",
            "en": "An answer, graded; the key is never sent.",
        },
        {"response": None, "success": (True, False), "score.scaled": None, "score.min": (0,), "score.max": (1,)},
        also={"object.definition.interactionType": ("choice", "sequencing", "matching")},
    ),
    Saying(
        "passed-test",
        PASSED,
        ASSESSMENT,
        {"vi": "Lượt làm bài kết thúc, đạt.", "en": "An attempt ended, and was passed."},
        {**SCORE, "success": (True,), "completion": (True,), "duration": None},
    ),
    Saying(
        "failed-test",
        FAILED,
        ASSESSMENT,
        {"vi": "Lượt làm bài kết thúc, không đạt.", "en": "An attempt ended, and was not passed."},
        {**SCORE, "success": (False,), "completion": (True,), "duration": None},
    ),
    Saying(
        "attended-meeting",
        ATTENDED,
        MEETING,
        {"vi": "Có mặt, do người điểm danh ghi nhận.", "en": "Was there, as the host says."},
        {"response": ("present", "late", "left_early")},
        instructed=True,
    ),
    Saying(
        "missed-meeting",
        ABSENT,
        MEETING,
        {"vi": "Vắng mặt, do người điểm danh ghi nhận.", "en": "Was not there, as the host says."},
        {"response": ("excused", "unexcused")},
        instructed=True,
    ),
    Saying(
        "submitted-reflection",
        SUBMITTED,
        REFLECTION,
        {"vi": "Nộp bài thu hoạch; nội dung bài không nằm trong câu.", "en": "Handed in; the text is not sent."},
    ),
    Saying(
        "passed-reflection",
        PASSED,
        REFLECTION,
        {"vi": "Bài thu hoạch được chấm đạt.", "en": "The reflection was accepted."},
        {"success": (True,), "completion": (True,)},
        instructed=True,
    ),
    Saying(
        "failed-reflection",
        FAILED,
        REFLECTION,
        {"vi": "Bài thu hoạch phải viết lại.", "en": "The reflection is to be written again."},
        {"success": (False,), "completion": (False,)},
        instructed=True,
    ),
)
"""Everything our own pages say of learning. A sentence that is not here does not pass the test of the profile."""

PLATFORM = "Quán triệt"


def course_iri(iri_base: str, course: str) -> str:
    """The activity of a course."""
    return f"{iri_base}/xapi/courses/{course}"


def activity_iri(iri_base: str, course: str, activity: str) -> str:
    """The activity of a lesson, module or test: the same over all versions of the course."""
    return f"{iri_base}/xapi/courses/{course}/activities/{activity}"


def question_iri(iri_base: str, course: str, question: str, number: int) -> str:
    """The activity of one version of a question: another wording is another activity."""
    return f"{iri_base}/xapi/courses/{course}/questions/{question}/{number}"


def verb_iri(iri_base: str, verb: str) -> str:
    """The IRI of a verb: of ADL as it is, of our own below the address of the product."""
    return f"{iri_base}{verb}" if verb.startswith("/") else verb


def briefing_iri(iri_base: str, briefing: str) -> str:
    """The activity of a briefing."""
    return f"{iri_base}/xapi/briefings/{briefing}"


def point_iri(iri_base: str, briefing: str, session: str, point: str) -> str:
    """The activity of a meeting point, in one sitting of a briefing."""
    return f"{session_iri(iri_base, briefing, session)}/points/{point}"


def session_iri(iri_base: str, briefing: str, session: str) -> str:
    """The activity of a sitting of a briefing."""
    return f"{briefing_iri(iri_base, briefing)}/sessions/{session}"


def reflection_iri(iri_base: str, briefing: str) -> str:
    """The activity of the written reflection of a briefing."""
    return f"{briefing_iri(iri_base, briefing)}/reflection"
