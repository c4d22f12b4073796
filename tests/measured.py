"""Measures coverage, branches included: a plugin the strict run loads (`-p tests.measured`), also with xdist.

SlipCover changes the bytecode of the product's modules when they are imported, and takes out what has been seen: tests
keep their speed, where tracing every call made them take nearly twice as long. What is measured, what is left out and
the floor stand in pyproject.toml, [tool.slipcover].
"""

import io
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
import slipcover

ROOT = Path(__file__).resolve().parent.parent
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["slipcover"]
SOURCE = [str(ROOT / name) for name in SETTINGS["source"]]

_found: dict[str, Any] = {}
"""The coverage of all processes, once they have ended."""


class Measuring:
    """Registered in the processes that run tests.

    What has been seen is taken out between tests, not as soon as it is worth while: to do so SlipCover reads the locals
    of all frames that run, and Python 3.11 then holds these until each frame ends. A session found what had been loaded
    and let go, and sent a statement less than it does otherwise.
    """

    def __init__(self) -> None:
        self.cover = slipcover.Slipcover(branch=True, source=SOURCE, exclude_also=SETTINGS["exclude-also"])
        self.take_out, self.cover.deinstrument_seen = self.cover.deinstrument_seen, self.want
        self.wanted = False
        slipcover.ImportManager(self.cover, slipcover.FileMatcher(sources=SOURCE)).__enter__()

    def want(self) -> None:
        """What counts calls this when much of what it counts had been seen before."""
        self.wanted = True

    def pytest_runtest_logfinish(self) -> None:
        """A test has ended."""
        if self.wanted:
            self.wanted = False
            self.take_out()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hands what was seen to the process that reports."""
        seen = self.cover.get_coverage()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["seen"] = json.dumps(seen)
        else:
            take(seen)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begins before the first module of the product is imported; not in a process that only hands tests out."""
    shared_out = getattr(early_config.known_args_namespace, "numprocesses", None)
    if "PYTEST_XDIST_WORKER" in os.environ or not shared_out:
        early_config.pluginmanager.register(Measuring(), "measuring")


def take(seen: dict[str, Any]) -> None:
    if _found:
        slipcover.merge_coverage(_found, seen)
    else:
        _found.update(seen)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Takes over what an xdist worker has seen."""
    output: dict[str, str] = getattr(node, "workeroutput", {})
    if "seen" in output:
        take(json.loads(output["seen"]))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a run whose coverage is below the floor, or in which nothing was measured."""
    if not hasattr(session.config, "workeroutput") and covered() < SETTINGS["fail-under"] and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not reached, file by file, and the figure beside the floor."""
    table = io.StringIO()
    slipcover.print_coverage(_found, outfile=table, skip_covered=True, missing_width=60)
    terminalreporter.write(table.getvalue())
    floor = SETTINGS["fail-under"]
    verdict = "" if covered() >= floor else ": the run fails"
    terminalreporter.write_line(f"Coverage {covered():.1f} % of lines and branches; the floor is {floor} %{verdict}")


def covered() -> float:
    return float(_found["summary"]["percent_covered"]) if _found else 0.0
