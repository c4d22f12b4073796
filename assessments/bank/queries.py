"""Reading the bank."""

from sqlalchemy import Select, func, select

from assessments.bank.models import Question, QuestionVersion
from courses.catalog.models import Module


def newest_versions(course_id: int) -> Select[Question, QuestionVersion]:
    """Every question of a course, withdrawn ones too, with its newest wording."""
    newest = (
        select(func.max(QuestionVersion.number))
        .where(QuestionVersion.question_id == Question.id)
        .correlate(Question)
        .scalar_subquery()
    )
    return (
        select(Question, QuestionVersion)
        .join(Module, Module.id == Question.module_id)
        .join(QuestionVersion, QuestionVersion.question_id == Question.id)
        .where(Module.course_id == course_id, QuestionVersion.number == newest)
        .order_by(Module.position, Question.code)
    )
