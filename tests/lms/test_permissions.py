"""One table says who may do what: the page and the document are made from it, and it gives nobody too much."""

from pathlib import Path

import pytest

from lms.accounts.rules import PERMISSIONS, Grant, may_give, may_keep, may_see_as, opens_no_more
from lms.accounts.vocabulary import ABOUT_ROLES, ROLES
from lms.accounts.vocabulary import PERMISSIONS as WORDS
from lms.roles.render import document
from tests.make import Make

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
CHANGES = {"answer", "create", "write", "edit", "publish", "assign", "keep", "grant", "study", "own"}
CHANGES |= {"organise", "decide", "send", "accept"}


def test_every_role_and_every_permission_has_its_words() -> None:
    assert set(WORDS) == frozenset().union(*PERMISSIONS.values())
    assert set(ABOUT_ROLES) == set(PERMISSIONS) == {"learner", *ROLES}


def test_the_document_is_the_table() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "lms permissions > docs/permissions.md"


@pytest.mark.parametrize("role", ["administrator", "auditor", "unit_administrator"])
def test_the_page_is_the_table(make: Make, role: str) -> None:
    over = make.unit() if role == "unit_administrator" else None
    browser = make.browser(make.person(role=role, over=over))
    rows = browser.get("/people/permissions").text.split("<tr>")[2:]
    shown = {}
    for row in rows:
        permission = row.split("<code>")[1].split("</code>")[0]
        shown[permission] = row.split("<td")[1].split(">", 1)[1].split("</td>")[0].split("; ")
    words = {"learner": "Học viên", **{role: str(word) for role, word in ROLES.items()}}
    held = {one: {words[role] for role, carried in PERMISSIONS.items() if one in carried} for one in WORDS}
    assert {one: set(names) for one, names in shown.items()} == held


def test_an_auditor_holds_all_that_reads_and_nothing_that_changes() -> None:
    reads = {one for one in frozenset().union(*PERMISSIONS.values()) if one.partition(":")[2] not in CHANGES}
    assert PERMISSIONS["auditor"] == reads


def test_whoever_reads_figures_reads_names_too() -> None:
    held = [{one for one in ("unit:read_figures", "unit:read_names") if one in held} for held in PERMISSIONS.values()]
    assert {len(one) for one in held} == {0, 2}


def test_a_deputy_may_what_the_head_may() -> None:
    assert PERMISSIONS["deputy"] == PERMISSIONS["head"]


@pytest.mark.parametrize(
    ("role", "unit_id", "may"),
    [
        ("head", 2, True),
        ("deputy", 3, True),
        ("unit_administrator", 2, True),
        ("head", 9, False),
        ("unit_administrator", 9, False),
        ("head", None, False),
        ("unit_administrator", None, False),
        ("trainer", 2, False),
        ("auditor", 2, False),
        ("administrator", 2, False),
        ("administrator", None, False),
    ],
)
def test_whoever_keeps_people_of_units_grants_nothing_wider_and_nothing_above(
    role: str, unit_id: int | None, may: bool
) -> None:
    within = {"state": {2, 3}, "party": {9}}
    assert may_give(role, unit_id, within=within) == may
    assert may_give(role, unit_id, within=None)
    assert may_keep([Grant("host", 2), Grant(role, unit_id)], within=within) == may


def test_an_account_that_opens_more_is_not_opened_by_whoever_holds_less() -> None:
    def own(permission: str) -> dict[str, set[int]]:
        """Whoever keeps the people of 2 and below (3), and heads 7."""
        kept = {2, 3} if permission in PERMISSIONS["unit_administrator"] else set()
        return {"state": kept | ({7} if permission in PERMISSIONS["head"] else set())}

    for role, unit_id, may in (
        ("host", 2, True),
        ("head", 2, True),
        ("head", 3, True),
        ("head", 7, True),
        ("unit_administrator", 3, True),
        ("unit_administrator", 7, False),  # what one holds in one place opens nothing in another
        ("head", 1, False),
        ("head", None, False),
        ("trainer", None, False),
    ):
        assert opens_no_more([Grant("host", 2), Grant(role, unit_id)], own) == may, (role, unit_id)
    assert opens_no_more([Grant("administrator", None)], lambda _permission: None)


@pytest.mark.parametrize(
    ("own", "other", "may"),
    [
        ([Grant("administrator", None)], [], True),
        ([Grant("administrator", None)], [Grant("head", 2)], True),
        ([Grant("administrator", None)], [Grant("unit_administrator", 2)], True),
        ([Grant("administrator", None)], [Grant("trainer", None)], False),
        ([Grant("administrator", None), Grant("trainer", None)], [Grant("trainer", None)], True),
        ([Grant("auditor", None)], [Grant("head", 2), Grant("host", 3)], True),
        ([Grant("auditor", None)], [Grant("unit_administrator", 2)], False),
        ([Grant("auditor", None)], [Grant("administrator", None)], False),
        ([Grant("auditor", 2)], [], False),
        ([Grant("head", 2)], [], False),
    ],
)
def test_nobody_sees_as_somebody_who_holds_what_the_viewer_lacks(
    own: list[Grant], other: list[Grant], may: bool
) -> None:
    assert may_see_as(own, other) == may


def test_a_role_in_the_party_tree_is_no_power_over_the_same_unit_in_the_other() -> None:
    head, secretary, both = Grant("head", 2), Grant("head", 2, "party"), {"state": {2}, "party": {3}}
    assert may_give("head", 2, within=both)
    assert not may_give("head", 2, within=both, tree="party")
    assert may_give("unit_administrator", 3, within=both, tree="party")
    assert not may_give("unit_administrator", 3, within=both)
    assert opens_no_more([head], lambda _permission: both)
    assert not opens_no_more([secretary], lambda _permission: both)
    assert opens_no_more([Grant("head", 3, "party")], lambda _permission: both)
    assert not opens_no_more([Grant("head", 3)], lambda _permission: both)
