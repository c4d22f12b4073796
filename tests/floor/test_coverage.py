"""Coverage is measured where every test is run, and has a floor."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_strict_run_measures_all_four_packages_with_branches_against_a_floor() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["slipcover"]
    assert settings["branch"] is True
    assert settings["source"] == ["lms", "courses", "assessments", "analytics"]
    assert settings["fail-under"] >= 95
    assert "$(if $(STRICT),$(if $(PYTEST_ARGS),,-p tests.measured))" in (ROOT / "Makefile").read_text("utf-8")
    assert "STRICT=1 make test" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_run_below_the_floor_fails_and_says_what_was_not_reached(processes: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "tests.measured", "-q", "-n", processes, "-p", "no:cacheprovider"]
    one = "tests/floor/test_coverage.py::test_the_strict_run_measures_all_four_packages_with_branches_against_a_floor"
    done = subprocess.run([*command, one], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout
    assert done.returncode == 1
    assert "% of lines and branches; the floor is 95 %: the run fails" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("lms/text.py ")]
    assert int(line.split()[2]) > 0
