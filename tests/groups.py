"""Names the groups of tests that need more than Python, and says aloud which of them a machine cannot run.

A test belongs to a group by its marker. Tests of a group whose means are missing are deselected, and the run closes
with one line for each such group: what is missing, how many tests were left out, and what mends it. With
LMS_TEST_STRICT=1 a test left out this way fails the run. tests/conftest.py imports the four hooks below, which work
with and without xdist.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.on_sqlite import needed

ROOT = Path(__file__).resolve().parent.parent


def chromium() -> str | None:
    """The Chromium or Chrome to drive: the variable CHROMIUM, or else the first one on PATH.

    Where there is one without windows that is it: it shows the same pages, and is done sooner.
    """
    names = "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
    wanted = (os.environ.get("CHROMIUM", ""), *names)
    return next((found for name in wanted if name and (found := shutil.which(name))), None)


def postgresql() -> str | None:
    """The folder with initdb, postgres and pg_ctl: from PATH, or else the newest under /usr/lib/postgresql."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4), reverse=True
    )
    initdb = shutil.which("initdb")
    on_path = [Path(initdb).resolve().parent] if initdb else []
    for folder in (*on_path, *versions):
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_ctl")):
            return str(folder)
    return None


def node() -> str | None:
    """Node, 18 or newer, if the clients of tests/node/ are installed as they are locked."""
    program, packages = shutil.which("node"), ROOT / "tests" / "node"
    if program is None:
        return None
    said = re.match(
        r"v(\d+)\.", subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    )
    installed = packages / "node_modules" / ".package-lock.json"
    new_enough = said is not None and int(said[1]) >= 18
    as_locked = locked_versions(installed) == locked_versions(packages / "package-lock.json")
    return program if new_enough and as_locked else None


def locked_versions(lock: Path) -> dict[str, str]:
    """The version of each package by its folder: npm writes what it installed as it writes what is to be installed."""
    if not lock.exists():
        return {}
    found = json.loads(lock.read_text("utf-8"))["packages"]
    return {folder: one["version"] for folder, one in found.items() if folder}


def source() -> str | None:
    """The folder with the source article as Markdown: LMS_SOURCE_DIR, or else ../shared/source beside the project."""
    folder = Path(os.environ.get("LMS_SOURCE_DIR") or ROOT.parent / "shared" / "source")
    return str(folder) if any(folder.glob("*.md")) else None


def libreoffice() -> str | None:
    """LibreOffice, where there is also what reads the PDF it makes."""
    return shutil.which("soffice") if shutil.which("pdftotext") else None


@dataclass(frozen=True)
class Group:
    """One group: its marker's name, what finds its means, and the words for their absence."""

    name: str
    find: Callable[[], str | None]
    missing: str
    mend: str


OFFICE = ("libreoffice-writer-nogui", "libreoffice-calc-nogui", "poppler-utils")
GROUPS = (
    Group("chromium", chromium, "no Chromium or Chrome was found", "sudo apt-get install chromium"),
    Group("postgresql", postgresql, "no initdb, postgres and pg_ctl were found", "sudo apt-get install postgresql"),
    Group(
        "node",
        node,
        "no Node of version 18 or newer with the packages of tests/node/package-lock.json was found",
        "sudo apt-get install nodejs npm, then make check",
    ),
    Group(
        "libreoffice",
        libreoffice,
        "no soffice (Writer and Calc of LibreOffice) and pdftotext were found",
        f"sudo apt-get install --no-install-recommends {' '.join(OFFICE)}",
    ),
    Group("source", source, "the folder with the source article was not found", "export LMS_SOURCE_DIR=<that folder>"),
)

_left_out = pytest.StashKey[dict[str, int]]()


def available() -> dict[str, str | None]:
    """Where the means of each group are, or None where they are missing."""
    return {group.name: group.find() for group in GROUPS}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what need not run (`on_sqlite`) and the tests of missing groups, after -k and -m have chosen."""
    items[:] = filter(needed, items)
    missing = [name for name, found in available().items() if found is None]
    left_out = {name: sum(1 for item in items if item.get_closest_marker(name)) for name in missing}
    deselected = [item for item in items if any(item.get_closest_marker(name) for name in missing)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]
    config.stash[_left_out] = left_out
    if hasattr(config, "workeroutput"):  # an xdist worker: its answer travels to the run that prints the summary
        config.workeroutput["left_out"] = left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Takes over what an xdist worker left out; every worker collects the same tests."""
    output: dict[str, dict[str, int]] = getattr(node, "workeroutput", {})
    config: pytest.Config = node.config  # type: ignore[attr-defined]  # xdist's WorkerController has no public type
    config.stash[_left_out] = config.stash.get(_left_out, {}) | output.get("left_out", {})


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a strict run in which tests were left out."""
    strict = os.environ.get("LMS_TEST_STRICT") == "1"
    left_out = sum(session.config.stash.get(_left_out, {}).values())
    if strict and left_out and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each missing group that has tests."""
    strict = os.environ.get("LMS_TEST_STRICT") == "1"
    left_out = config.stash.get(_left_out, {})
    for group in GROUPS:
        if count := left_out.get(group.name, 0):
            tests = "1 test" if count == 1 else f"{count} tests"
            line = f"NOT RUN: {tests} of the group {group.name}: {group.missing}. Mend with: {group.mend}"
            verdict = " (STRICT: the run fails)" if strict else ""
            terminalreporter.write_line(line + verdict, red=strict, yellow=not strict)
