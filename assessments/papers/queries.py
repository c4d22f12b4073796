"""What a paper may be drawn from."""

from sqlalchemy import Select, and_, func, or_, select

from assessments.bank.models import Question, QuestionVersion
from assessments.papers.models import Test
from courses.catalog.models import Module


def pool(activity_id: int) -> Select[int, int, str, str, str, int]:
    """Version, module, topic, level, kind and number of options of every question a test may draw, newest wording."""
    newest = (
        select(func.max(QuestionVersion.number))
        .where(QuestionVersion.question_id == Question.id)
        .correlate(Question)
        .scalar_subquery()
    )
    return (
        select(
            QuestionVersion.id,
            Question.module_id,
            QuestionVersion.topic,
            QuestionVersion.level,
            QuestionVersion.kind,
            func.json_array_length(QuestionVersion.options),
        )
        .select_from(Question)
        .join(QuestionVersion, QuestionVersion.question_id == Question.id)
        .where(
            Question.withdrawn_at.is_(None),
            QuestionVersion.number == newest,
            Question.module_id.in_(modules_of(activity_id)),
        )
    )


def pool_size(activity_id: int) -> Select[int]:
    """How many questions a test may draw from."""
    return (
        select(func.count())
        .select_from(Question)
        .where(Question.withdrawn_at.is_(None), Question.module_id.in_(modules_of(activity_id)))
    )


def modules_of(activity_id: int) -> Select[int]:
    """The ids of the modules a test is about: its own, or all of the course for the final test."""
    return (
        select(Module.id)
        .join(
            Test,
            or_(Test.module_id == Module.id, and_(Test.module_id.is_(None), Test.course_id == Module.course_id)),
        )
        .where(Test.activity_id == activity_id)
    )
