"""Coverage is measured where every test is run, and has a floor."""

import tomllib
from pathlib import Path

import pytest

from tests.groups import NOT_MEASURED

ROOT = Path(__file__).resolve().parents[2]


def test_the_strict_run_measures_all_four_packages_with_branches_against_a_floor() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]
    assert settings["run"]["branch"] is True
    assert settings["run"]["source"] == ["lms", "courses", "assessments", "analytics"]
    assert settings["report"]["fail_under"] >= 90
    assert "$(if $(STRICT),$(if $(PYTEST_ARGS),,--cov))" in (ROOT / "Makefile").read_text("utf-8")
    assert "STRICT=1 make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_tests_on_sqlite_are_measured_and_the_slow_groups_are_not(backend: str, request: pytest.FixtureRequest) -> None:
    slow = any(request.node.get_closest_marker(name) for name in NOT_MEASURED)
    assert slow == (backend == "postgresql")
    assert (request.node.get_closest_marker("no_cover") is not None) == slow
