"""Coverage is measured where every test is run, and has a floor."""

import json
import os
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


SMALL_TESTS = """from small import text

CODE = text.often.__code__


def test_what_has_been_seen_is_not_taken_out_in_the_middle_of_a_test():
    assert [text.often() for _ in range(1000)] == [1] * 1000
    assert text.often.__code__ is CODE


def test_but_between_tests():
    assert text.often.__code__ is not CODE
"""


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_run_below_the_floor_fails_and_says_what_was_not_reached(processes: str, tmp_path: Path) -> None:
    """Of a product of one file, for the whole one takes long to read."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["slipcover"] | {"source": ["small"]}
    files = {
        "pyproject.toml": "[tool.slipcover]\n" + "".join(f"{key} = {json.dumps(settings[key])}\n" for key in settings),
        "tests/__init__.py": "",
        "tests/measured.py": (ROOT / "tests" / "measured.py").read_text("utf-8"),
        "tests/test_small.py": SMALL_TESTS,
        "small/__init__.py": "",
        "small/text.py": "def never():\n    return 1\n\n\ndef often():\n    return 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.measured", "-q", "-n", processes, "-p", "no:cacheprovider"]
    here = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout
    assert done.returncode == 1
    assert "% of lines and branches; the floor is 95 %: the run fails" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("small/text.py ")]
    assert int(line.split()[2]) > 0
