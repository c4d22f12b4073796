"""The bank follows the question files: added once, reworded as a new version, withdrawn when gone."""

from sqlalchemy import func, select

from assessments.bank.actions import load_questions
from assessments.bank.models import Question, QuestionVersion
from assessments.papers.models import Test
from tests.assessments.sitting import SINGLES, Sitting
from tests.library_course import load_built_in_course
from tests.make import Make


def test_the_questions_of_the_built_in_course_are_loaded_once(make: Make) -> None:
    load_built_in_course(make)
    with make.writing() as session:
        assert list(load_questions(session)) == ["nq48: questions: 72 added, 0 reworded, 0 withdrawn"]
    with make.writing() as session:
        assert list(load_questions(session)) == []
        assert session.scalar(select(func.count()).select_from(QuestionVersion)) == 72
        assert session.scalar(select(func.count()).select_from(Test)) == 7
        single = session.scalars(select(QuestionVersion).where(QuestionVersion.kind == "single")).first()
    assert single is not None
    assert all(0 <= position < 4 for position in single.key)


def test_the_first_steps_of_the_product_load_course_and_questions_in_this_order(make: Make) -> None:
    with make.writing() as session:
        printed = [line for step in make.database.doors.first_steps for line in step(session)]
    assert [line.split(":")[0] for line in printed] == ["course nq48", "nq48"]


def test_a_reworded_question_is_a_new_version_and_papers_keep_the_old_one(sitting: Sitting) -> None:
    sitting.start(SINGLES)
    drawn = sitting.paper()[0]
    change(sitting, drawn.stem, "Câu hỏi được viết lại?")
    assert sitting.load() == ["demo: questions: 0 added, 1 reworded, 0 withdrawn"]
    assert sitting.load() == []
    assert sitting.paper()[0] == drawn
    sitting.hand_in(sitting.right())
    assert drawn.stem in sitting.browser.text
    with sitting.make.reading() as session:
        numbers = select(QuestionVersion.number).join(Question).where(Question.code == drawn.code)
        assert sorted(session.scalars(numbers)) == [1, 2]
    sitting.settings(questions=10)
    sitting.learner = sitting.make.person()
    sitting.browser = sitting.make.browser(sitting.learner)
    sitting.start(SINGLES)
    assert "Câu hỏi được viết lại?" in [one.stem for one in sitting.paper()]


def test_a_question_that_left_its_file_is_drawn_no_more_until_it_is_back(sitting: Sitting) -> None:
    change(sitting, 'code = "m2-q10"', 'code = "m2-q11"')
    assert sitting.load() == ["demo: questions: 1 added, 0 reworded, 1 withdrawn"]
    sitting.settings(questions=10)
    sitting.start(SINGLES)
    codes = {one.code for one in sitting.paper()}
    assert "m2-q11" in codes
    assert "m2-q10" not in codes
    change(sitting, 'code = "m2-q11"', 'code = "m2-q10"')
    assert sitting.load() == ["demo: questions: 0 added, 1 reworded, 1 withdrawn"]
    with sitting.make.reading() as session:
        standing = select(func.count()).select_from(Question).where(Question.withdrawn_at.is_(None))
        assert session.scalar(standing) == 20


def change(sitting: Sitting, old: str, new: str) -> None:
    """Edit the question file of the second module."""
    path = sitting.library / "demo" / "m2" / "questions.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
