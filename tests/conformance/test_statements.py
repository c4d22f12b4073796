"""Every case of the two tables, read as a statement of each edition it speaks of; and all of them over HTTP."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from lms.xapi.loader import read_statements
from lms.xapi.rules import Malformed
from tests.conformance.cases import MULTIPLICITY_CASES, OPTIONAL_CASES, TYPE_CASES, UNKNOWN_CASES, Case
from tests.conformance.numbers import LEFT_OUT, NAMED, REPRODUCED, numbers_in
from tests.conformance.rules import VALUE_CASES
from tests.make import Make
from tests.store import Outsider

CASES = [*MULTIPLICITY_CASES, *OPTIONAL_CASES, *UNKNOWN_CASES, *TYPE_CASES, *VALUE_CASES]
CARRIERS = [
    "tests.conformance.test_activities_and_agents",
    "tests.conformance.test_attachments",
    "tests.conformance.test_document_conditions",
    "tests.conformance.test_document_parameters",
    "tests.conformance.test_documents",
    "tests.conformance.test_parts",
    "tests.conformance.test_requests",
    "tests.conformance.test_signatures",
    "tests.lms.test_full_disk",
    "tests.lms.test_xapi_clients",
    "tests.lms.test_xapi_filters",
    "tests.lms.test_xapi_statements",
]
BY_EDITION = [
    pytest.param(case, edition, id=f"{edition}, {case.section}: {case.says}")
    for case in CASES
    for edition in case.editions
]


@pytest.mark.parametrize(("case", "edition"), BY_EDITION)
def test_a_statement_is_accepted_or_refused_where_it_is_wrong(case: Case, edition: str) -> None:
    body = json.dumps(case.statement()).encode()
    if case.wrong is None:
        [(document, _raw)], _ = read_statements(body, two=edition == "2.0.0")
        assert document["actor"]
        return
    with pytest.raises(Malformed) as error:
        read_statements(body, two=edition == "2.0.0")
    where = f"statement.{case.wrong}".rstrip(".")
    assert error.value.path == where or error.value.path.startswith(f"{where} (key)"), str(error.value)


def test_what_was_read_before_changes_no_verdict() -> None:
    """Parts that recur are known by their text: known are those that passed, not what merely looks like them."""
    for case in [*CASES, *reversed(CASES)]:
        body = json.dumps(case.statement()).encode()
        for edition in case.editions:
            try:
                read_statements(body, two=edition == "2.0.0")
            except Malformed:
                assert case.wrong is not None, case
            else:
                assert case.wrong is None, case


def test_there_are_enough_cases_and_none_stands_twice() -> None:
    names = [(case.section, case.says, case.wrong) for case in CASES]
    assert len(names) == len(set(names)) >= 400


def test_every_requirement_the_public_suite_numbers_is_carried_by_a_test_of_ours() -> None:
    for module in CARRIERS:
        import_module(module)
    carried = {*REPRODUCED, *numbers_in(case.section for case in CASES)}
    assert sorted(NAMED - carried - LEFT_OUT.keys()) == []
    assert sorted(carried & LEFT_OUT.keys()) == []


CITED = re.compile(r"\b(4\.[12](?:\.\d+)+)[^/\n\"()]{0,20} / ((?:Data|Comm) \d(?:\.\d+)*)")


def test_a_section_of_the_one_standard_stands_beside_the_same_of_the_other_everywhere() -> None:
    root = Path(__file__).parents[2]
    table = (root / "docs/record-store.md").read_text(encoding="utf-8").partition("## How sections")[2]
    rows = dict(re.findall(r"^\| (4[\d.]+) \| ([^|]+) \|", table, re.MULTILINE))
    rows |= {f"4.1.6.{number}": f"Comm 2.{number + 1}" for number in range(2, 8)}  # one row of the table
    for folder in ("lms/xapi", "lms/documents", "tests/conformance"):
        for path in (root / folder).glob("*.py"):
            for new, old in CITED.findall(path.read_text(encoding="utf-8")):
                allowed = rows[new].split(", ")
                assert any(f"{old}.".startswith(f"{one}.") for one in allowed), f"{path.name}: {new} / {old}"


@pytest.mark.parametrize("edition", ["1.0.3", "2.0.0"])
def test_the_store_answers_each_of_them_with_200_or_400_and_what_was_accepted_comes_back(
    make: Make, edition: str
) -> None:
    outsider = Outsider(make, "all", edition=edition)
    for case in CASES:
        if edition not in case.editions:
            continue
        sent = case.statement()
        if case.changes.keys() & {"id"} == set():
            del sent["id"]
        answer = outsider.post(sent)
        assert answer.status_code == (200 if case.wrong is None else 400), (case, answer.text)
        if case.wrong is None and "contextActivities" not in str(case.changes):
            found = outsider.get(statementId=answer.get_json()[0]).get_json()
            kept = sent.keys() - {"stored", "authority"}
            assert {name: found[name] for name in kept} == {name: sent[name] for name in kept}
