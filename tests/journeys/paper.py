"""Answering a test as a person does: by the words on the page, with a key that is not on the page."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page

from assessments.attempts.queries import Keyed
from assessments.bank.rules import MATCH, MULTIPLE, SINGLE


def question_on(page: Page, question: Keyed) -> Locator:
    """The question with its choices."""
    return page.get_by_role("group", name=question.stem)


def answer_right(page: Page, question: Keyed) -> None:
    """Choose what the key says."""
    where = question_on(page, question)
    if question.kind in (SINGLE, MULTIPLE):
        for option in question.key:
            where.locator("label").filter(has_text=question.options[option]).click()
    else:
        picks = letters(where, question) if question.kind == MATCH else str
        for place, row in enumerate(question.options, 1):
            where.get_by_label(row).select_option(label=picks(place))


def letters(where: Locator, question: Keyed) -> Callable[[int], str]:
    """From the place of a row to the letter under which its answer stands on the page."""
    listed = where.locator("ol[type=A] li").all_inner_texts()
    return lambda place: "ABCDEFGH"[listed.index(question.answers[place - 1])]
