"""What the pages of a test cost the database: little, and the same for 6 and 20 questions."""

from tests.assessments.sitting import Sitting
from tests.browser import ORIGIN
from tests.counting import Counted, count_queries


def cost(sitting: Sitting, questions: int) -> tuple[Counted, Counted]:
    """The SQL of a paper page and of saving one answer, in a test of so many questions."""
    sitting.settings(final_questions=questions)
    sitting.learner = sitting.make.person()
    sitting.browser = sitting.make.browser(sitting.learner)
    paper = sitting.start("/courses/demo/tests/final-test")
    assert len(sitting.paper()) == questions
    app = sitting.make.app
    sitting.browser.get(paper)  # what a process learns once is known from here on
    with count_queries(app) as page:
        sitting.browser.get(paper)
    form = dict(sitting.browser.form("Lưu bài").fields)
    position = next(one.position for one in sitting.paper() if one.kind == "single")
    data = {"csrf_token": form["csrf_token"], f"_{position}": "", f"Câu {position}": "A"}
    with count_queries(app) as save:
        sitting.browser.client.post(paper, data=data, headers={"Origin": ORIGIN, "Accept": "application/json"})
    assert sitting.items()[position - 1].response is not None
    return page, save


def test_paper_and_saving_need_few_queries_however_many_questions_there_are(sitting: Sitting) -> None:
    few_page, few_save = cost(sitting, 6)
    many_page, many_save = cost(sitting, 20)
    assert len(few_page) == len(many_page) <= 6, many_page
    assert len(few_save) == len(many_save) <= 6, many_save


def test_handing_in_needs_the_same_queries_however_many_questions_there_are(sitting: Sitting) -> None:
    counts = []
    for questions in (20, 20, 6, 20):  # after two papers the process knows every question of the bank
        sitting.settings(final_questions=questions)
        sitting.learner = sitting.make.person()
        sitting.browser = sitting.make.browser(sitting.learner)
        sitting.start("/courses/demo/tests/final-test")
        sitting.save(sitting.right(), then="confirm")
        with count_queries(sitting.make.app) as counted:
            sitting.browser.submit("/submit", follow=False)
        counts.append(len(counted))
    assert counts[2] == counts[3] <= 16, counted
