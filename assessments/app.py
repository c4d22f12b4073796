"""What the assessments package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from assessments.attempts import models as attempts_models
from assessments.attempts import views as attempts
from assessments.attempts.actions import OVER, close_expired, close_over
from assessments.attempts.demo import study
from assessments.attempts.queries import attempts_called, data_of, open_attempts
from assessments.bank import models as bank_models
from assessments.bank.actions import load_questions
from assessments.papers import models as papers_models
from assessments.papers.actions import open_tests
from assessments.reflections import admin as reflections_read
from assessments.reflections import models as reflections_models
from assessments.reflections import views as reflections
from assessments.reflections.access import QUESTIONS, READ
from assessments.reflections.actions import forget_texts
from assessments.reflections.demo import write_reflections
from assessments.reflections.queries import data_of as reflections_of
from courses.catalog.actions import CoursePublished
from lms.doors import ADMINISTRATION, RESULTS, STUDY, ActivityKind, Doors, MenuEntry
from lms.privacy.actions import PersonErased
from lms.web.feature import Feature

MODELS = (attempts_models, bank_models, papers_models, reflections_models)


def fill(doors: Doors) -> None:
    """Register at the doors."""
    doors.first_steps.append(load_questions)
    doors.listen(CoursePublished, open_tests)
    doors.jobs[OVER] = close_over
    doors.nightly.append(close_expired)
    doors.demo_steps += [study, write_reflections]
    doors.own_data += [data_of, reflections_of]
    doors.menu += [
        MenuEntry(_l("Bài thu hoạch"), "reflections.index", "course:study", 11, STUDY),
        MenuEntry(_l("Chấm thu hoạch"), "reading.index", READ, 45, RESULTS),
        MenuEntry(_l("Câu hỏi thu hoạch"), "questions.briefings", QUESTIONS, 83, ADMINISTRATION),
    ]
    doors.listen(PersonErased, forget_texts)
    doors.called["attempt"] = attempts_called
    doors.activity_kinds["test"] = ActivityKind(_l("Bài kiểm tra"), test_address, open_attempts)


def test_address(course: str, activity: str) -> str:
    """Where a learner finds a test."""
    return f"/courses/{course}/tests/{activity}"


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return attempts.bp, reflections.bp, reflections_read.reading, reflections_read.questions
