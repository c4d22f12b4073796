"""Every IRI the product speaks, written once.

Verbs and activity types are ADL's where ADL has one (https://w3id.org/xapi/adl); the addresses of our own activities
hang below the configured `iri_base`, which never changes.
"""

INITIALIZED = "http://adlnet.gov/expapi/verbs/initialized"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
ATTEMPTED = "http://adlnet.gov/expapi/verbs/attempted"
ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
FAILED = "http://adlnet.gov/expapi/verbs/failed"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"  # the usage of an attachment that signs (4.2.6 / Data 2.6)

VERB_NAMES = {
    INITIALIZED: {"vi": "bắt đầu", "en": "initialized"},
    COMPLETED: {"vi": "hoàn thành", "en": "completed"},
    ATTEMPTED: {"vi": "bắt đầu làm", "en": "attempted"},
    ANSWERED: {"vi": "trả lời", "en": "answered"},
    PASSED: {"vi": "đạt", "en": "passed"},
    FAILED: {"vi": "không đạt", "en": "failed"},
}

COURSE = "http://adlnet.gov/expapi/activities/course"
MODULE = "http://adlnet.gov/expapi/activities/module"
LESSON = "http://adlnet.gov/expapi/activities/lesson"
ASSESSMENT = "http://adlnet.gov/expapi/activities/assessment"
QUESTION = "http://adlnet.gov/expapi/activities/cmi.interaction"


def course_iri(iri_base: str, course: str) -> str:
    """The activity of a course."""
    return f"{iri_base}/xapi/courses/{course}"


def activity_iri(iri_base: str, course: str, activity: str) -> str:
    """The activity of a lesson, module or test: the same over all versions of the course."""
    return f"{iri_base}/xapi/courses/{course}/activities/{activity}"


def question_iri(iri_base: str, course: str, question: str, number: int) -> str:
    """The activity of one version of a question: another wording is another activity."""
    return f"{iri_base}/xapi/courses/{course}/questions/{question}/{number}"
