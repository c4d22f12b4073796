"""The part of a journey that is not clicked: the forms of the same pages, sent by the same browser as they stand."""

from urllib.parse import urlencode, urljoin

from playwright.sync_api import APIResponse, Page

from courses.catalog.rules import OutlineModule
from tests.assessments.sitting import fields_of, right_answers
from tests.browser import FormReader
from tests.journeys.conftest import Site
from tests.journeys.province import COURSE


def study_module(site: Site, page: Page, username: str, module: OutlineModule) -> None:
    """Finish each lesson and pass the test behind them; every page is the one the form before it led to."""
    here = page.context.request.get(urljoin(page.url, f"/courses/{COURSE}/lessons/{module.lessons[0].code}"))
    for lesson in module.lessons:
        here = submit(page, here, f"/lessons/{lesson.code}/finish")
    here = submit(page, here, f"/tests/{module.test.code}")
    questions = site.province.last_paper(username)
    here = submit(page, here, "/attempts/", **fields_of(questions, right_answers(questions)), _then="confirm")
    here = submit(page, here, "/submit")
    assert here.url.endswith("/review"), here.url


def submit(page: Page, here: APIResponse, where: str, **changes: str | list[str]) -> APIResponse:
    """Fill in the form whose address contains `where` and send it; the page this leads to."""
    reader = FormReader()
    reader.feed(here.text())
    form = next(one for one in reader.forms if where in (one.action or here.url))
    assert changes.keys() <= form.names, changes.keys() - form.names
    kept: list[tuple[str, str | list[str]]] = [(name, value) for name, value in form.fields if name not in changes]
    answer = page.context.request.post(
        urljoin(here.url, form.action or here.url),
        data=urlencode([*kept, *changes.items()], doseq=True),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": urljoin(here.url, "/").rstrip("/")},
    )
    assert answer.ok, f"{answer.status}: {answer.url}"
    return answer
