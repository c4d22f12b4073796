"""The key does not leave the server before the attempt is closed."""

import re
from collections import Counter

from tests.assessments.sitting import FINAL, SINGLES, TEST, Sitting
from tests.browser import ORIGIN, Browser, text_of

LINK = re.compile(r'(?:href|src)="(/[^"#]*)')


def crawl(browser: Browser, start: str) -> dict[str, str]:
    """Every page and file of the site that can be reached by links from `start`, once each."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            with browser.client.get(path, follow_redirects=True) as answer:
                found[path] = text_of(answer)
            waiting += [link.replace("&amp;", "&") for link in LINK.findall(found[path])]
    return found


def test_no_page_within_reach_gives_the_key_or_an_explanation_while_an_attempt_is_open(sitting: Sitting) -> None:
    paper = sitting.start()
    sitting.save({1: sitting.right()[1]})
    pages = crawl(sitting.browser, paper)
    for extra in (f"{paper}/submit", f"{paper}/review", TEST, FINAL):
        pages[extra] = sitting.browser.get(extra).text
    assert len(pages) > 10
    assert [path for path, text in pages.items() if "EXPLAINED" in text] == []
    sitting.browser.get(paper)
    sitting.hand_in()
    assert "EXPLAINED" in sitting.browser.text


def test_the_paper_holds_nothing_about_an_option_but_its_letter_and_its_text(sitting: Sitting) -> None:
    sitting.settings(questions=10)
    sitting.start()
    html = sitting.browser.text.split('<form method="post" action="/courses')[1]
    inputs = re.findall(r"<input[^>]*>", html)
    shapes = Counter(re.sub(r'"[^"]*"', '""', one) for one in inputs)
    assert set(shapes) == {'<input type="" name="" value="">', '<input type="" name="" value="" data-known>'}
    assert set(re.findall(r"<option([^>]*)>", html)) == {' value=""', *(f' value="{pick}"' for pick in "ABC1234")}
    singles = [one for one in sitting.paper() if one.kind == "single"]
    for one in singles:
        values = re.findall(rf'name="Câu {one.position}" value="(\w+)"', html)
        assert values == ["A", "B", "C", "D"]


def test_the_answer_to_a_saved_choice_says_nothing_about_it(sitting: Sitting) -> None:
    sitting.start(SINGLES)
    token = dict(sitting.browser.form("Lưu bài").fields)["csrf_token"]
    right = sitting.fields(sitting.right())["Câu 1"]
    answers = []
    for letter in ("A", "B", "C", "D"):
        answer = sitting.browser.client.post(
            sitting.browser.path,
            data={"csrf_token": token, "_1": "", "Câu 1": letter},
            headers={"Origin": ORIGIN, "Accept": "application/json"},
        )
        answers.append((set(answer.json or {}), answer.status_code))
    assert answers == [({"saved", "left"}, 200)] * 4
    assert right[0] in "ABCD"
