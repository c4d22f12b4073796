"""What was answered to the questions of a course (Biểu 04), summed up when it is read."""

from typing import Any

from sqlalchemy import Select, String, case, cast, func, select

from assessments.attempts.models import Attempt, AttemptItem
from assessments.bank.models import Question, QuestionVersion
from assessments.papers.models import Test
from courses.catalog.models import Module


def handed_in(course_id: int) -> Select[*tuple[Any, ...]]:
    """Each question of each attempt handed in at a test of the course: its points, and the mean of the others."""
    many = func.count().over(partition_by=AttemptItem.attempt_id)
    points = func.coalesce(AttemptItem.score, 0.0)
    rest = case((many > 1, (Attempt.scaled * many - points) / (many - 1)), else_=0.0)
    return (
        select(
            AttemptItem.question_version_id.label("version_id"),
            points.label("x"),
            rest.label("y"),
            AttemptItem.response,
        )
        .join(Attempt, Attempt.id == AttemptItem.attempt_id)
        .join(Test, Test.activity_id == Attempt.activity_id)
        .where(Test.course_id == course_id, Attempt.submitted_at.is_not(None))
    )


ALL_POINTS = 0.999_999


def question_figures(course_id: int) -> Select[*tuple[Any, ...]]:
    """A row for each wording of each question that was answered, with the sums its figures are made of."""
    item = handed_in(course_id).subquery()
    x, y = item.c.x, item.c.y
    sums = (
        select(
            item.c.version_id,
            func.count().label("attempts"),
            func.sum(case((x >= ALL_POINTS, 1), else_=0)).label("right"),
            func.sum(x).label("x"),
            func.sum(y).label("y"),
            func.sum(x * x).label("xx"),
            func.sum(y * y).label("yy"),
            func.sum(x * y).label("xy"),
        )
        .group_by(item.c.version_id)
        .subquery()
    )
    words = Question.code, QuestionVersion.number, QuestionVersion.kind, QuestionVersion.stem
    return (
        select(*words, QuestionVersion.options, QuestionVersion.key, sums)
        .join(sums, sums.c.version_id == QuestionVersion.id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .join(Module, Module.id == Question.module_id)
        .order_by(Module.position, Question.code, QuestionVersion.number)
    )


def answers_given(course_id: int) -> Select[*tuple[Any, ...]]:
    """How often each answer was given to each wording: its id, the answer as JSON text, the number."""
    item = handed_in(course_id).subquery()
    text = cast(item.c.response, String)
    return (
        select(item.c.version_id, text, func.count())
        .where(item.c.response.is_not(None))
        .group_by(item.c.version_id, text)
    )
