"""The house keeps its shape: sizes, names, no shared templates' names, no test that never runs."""

import ast
import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lms", "courses", "assessments", "analytics", "migrations")
SOURCES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if not path.name.startswith("0001")  # the first schema is one long list of tables
)
TESTS = sorted(path for path in (ROOT / "tests").rglob("test_*.py") if "node_modules" not in path.parts)


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    long = [f"{one.name}: {lines(one)}" for one in functions(path) if lines(one) > 40]
    assert long == []


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_database_module_and_the_edges_commit(path: Path) -> None:
    allowed = {"lms/db.py", "lms/cli.py"}
    text = path.read_text(encoding="utf-8")
    assert str(path.relative_to(ROOT)) in allowed or ".commit()" not in text


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_is_lost_for_want_of_its_prefix(path: Path) -> None:
    """A top-level function that asserts but is neither a test nor called by one never runs."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    lost = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("test_")
        and any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
        and len(re.findall(rf"\b{node.name}\b", text)) == 1
    ]
    assert lost == []


def test_every_settings_name_is_documented() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    documented = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = set(re.findall(r'"(LMS_[A-Z0-9_]+)"', code))
    assert {name for name in names if name not in documented} == set()


def test_the_style_sheet_keeps_its_budget() -> None:
    style = (ROOT / "lms" / "web" / "static" / "app.css").read_bytes()
    assert len(gzip.compress(style, 9)) <= 15_000


def test_no_page_carries_inline_style_or_script() -> None:
    faults = []
    for path in sorted(ROOT.glob("*/**/templates/**/*.html")):
        if ".venv" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if re.search(r"\sstyle=|<style|\son[a-z]+=[\"']|<script(?![^>]*(src=|application/json))", text):
            faults.append(str(path.relative_to(ROOT)))
    assert faults == []


def test_a_label_of_a_form_begins_with_a_capital() -> None:
    faults = []
    for path in SOURCES:
        for label in re.findall(r'\w+Field\(\s*_l\("(\w)', path.read_text(encoding="utf-8")):
            if label.islower():
                faults.append((str(path.relative_to(ROOT)), label))
    assert faults == []


def test_pages_name_a_briefing_by_its_title_and_lay_lists_out_as_lists() -> None:
    faults = []
    for path in sorted(ROOT.glob("*/**/templates/**/*.html")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"breadcrumb\(.*\W(why\.placed\.)?briefing\.code, (url_for|None)", text):
            faults.append(f"{path}: a code in the way to the page")
        if "unit-table" in text and "unit-table__rate" not in text:
            faults.append(f"{path}: the table of the dashboard for another list")
    assert faults == []
