"""Reports upward: one catalogue for page, files and JSON; parents that are sums; kept, sent up, mailed, taken out."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from lms.accounts.models import Person
from lms.organisation.models import Unit
from tests.analytics.agency import Staff, assigned, course_loaded, staffed
from tests.kept import kept
from tests.make import Make


@dataclass
class Province:
    """A province with a small and a large agency; its head, and the head of the small one."""

    root: Unit
    small: Unit
    large: Unit
    part: Unit
    head: Person
    head_of_small: Person
    course: str


@pytest.fixture
def province(make: Make, tmp_path: Path) -> Province:
    return kept(make, tmp_path, built)


def built(make: Make, folder: Path) -> Province:
    course_id = course_loaded(make, folder)
    root = make.unit("Tỉnh Mẫu")
    small = make.unit("=1+1 Sở Nhỏ", under=root, code="nho")
    large = make.unit("Sở Lớn", under=root, code="lon")
    part = make.unit("Phòng Một", under=large, code="phong")
    assigned(make, course_id, root, due_in=timedelta(days=-1))
    staffed(make, course_id, small, Staff(completed=1, briefed=1, not_begun=1))
    staffed(make, course_id, large, Staff(completed=4, begun=2))
    staffed(make, course_id, part, Staff(briefed=5, not_begun=2))
    return Province(
        root,
        small,
        large,
        part,
        make.person("Trưởng Tỉnh", role="head", over=root),
        make.person("Trưởng Nhỏ", role="head", over=small),
        "x",
    )


def test_smoke(make: Make, province: Province) -> None:
    browser = make.browser(province.head)
    for path in ("", f"/units/{province.root.public_id}"):
        assert browser.get(f"/reports{path}").status_code == 200
    for form in ("01", "03", "05"):
        page = browser.get(f"/reports/units/{province.root.public_id}/{form}")
        assert page.status_code == 200
        for kind in ("xlsx", "docx", "pdf", "csv", "json"):
            answer = browser.client.get(f"/reports/units/{province.root.public_id}/{form}.{kind}")
            assert answer.status_code == 200, (form, kind)
            Path(f"/tmp/g3_out/smoke-{form}.{kind}").write_bytes(answer.data)
    browser.get(f"/reports/units/{province.root.public_id}/lists")
    browser.get(f"/reports/units/{province.root.public_id}/mail")
    browser.get("/reports/check")
    for form in ("01", "02", "03", "05"):
        browser.post(f"/reports/units/{province.root.public_id}/freeze/{form}", data={})
