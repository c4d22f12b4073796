"""Asks axe-core what is inaccessible about a page, as it stands in the browser.

Our pages forbid foreign scripts and eval (Content-Security-Policy). The check neither loosens that policy nor adds a
script element, so the page under test is the page people get: axe is handed to Chromium's debugger (Runtime.evaluate of
the DevTools protocol), which, like a person typing in the developer console, is not subject to the page's policy.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import CDPSession, Error, Page

SCRIPT = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLORS = ("color-contrast", "link-in-text-block")
"""The rules whose answer depends on the colors a page is shown in."""
LAYOUT = (*COLORS, "target-size", "scrollable-region-focusable")
"""Those, and the rules whose answer depends on where things stand."""
PRELOAD = "document.querySelector('audio, video') !== null"
"""Only what plays by itself must be loaded before the rules are asked: else axe would read every style sheet anew."""


def violations(page: Page, rules: Sequence[str] | None = None) -> list[str]:
    """One line for each element that breaks a rule: impact, rule, which element, what to do. An empty list passes.

    None: all rules are asked.
    """
    wanted = {
        "runOnly": {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": list(TAGS)},
        "resultTypes": ["violations"],
    }
    options = f"{{...{json.dumps(wanted)}, preload: {PRELOAD}}}"
    session = debugger_of(page)
    ask = f"typeof axe === 'object' ? axe.run(document, {options}).then(r => r.violations) : null"
    found: list[dict[str, Any]] | None = evaluated(session, ask)
    if found is None:  # the page is a new one
        evaluated(session, f"{source()}; undefined")
        found = evaluated(session, ask)
    assert found is not None
    return [_line(rule, node) for rule in found for node in rule["nodes"]]


@cache
def source() -> str:
    return SCRIPT.read_text(encoding="utf-8")


_debuggers: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()


def debugger_of(page: Page) -> CDPSession:
    """It stays with a page wherever that goes: to begin a session takes as long as to ask some rules."""
    if page not in _debuggers:
        _debuggers[page] = page.context.new_cdp_session(page)
    return _debuggers[page]


def evaluated(session: CDPSession, expression: str) -> Any:
    """The value of a JavaScript expression in the page; a promise is awaited."""
    wanted = {"expression": expression, "awaitPromise": True, "returnByValue": True, "timeout": 30_000}
    try:
        answer = session.send("Runtime.evaluate", wanted)
    except Error as error:
        if "navigated" not in str(error):
            raise
        answer = session.send("Runtime.evaluate", wanted)  # a page that waits for something opens itself anew
    if failure := answer.get("exceptionDetails"):
        raise RuntimeError(f"axe failed in the page: {failure.get('exception', failure).get('description', failure)}")
    return answer["result"].get("value")


def _line(rule: dict[str, Any], node: dict[str, Any]) -> str:
    where = " ".join(part if isinstance(part, str) else " >>> ".join(part) for part in node["target"])
    advice = "; ".join(line.strip() for line in node["failureSummary"].splitlines()[1:])
    return f"{rule['impact']}: {rule['id']}: {rule['help']}: {where}: {advice}: {node['html'][:160]}"


def until(page: Page, script: str, given: Any = None) -> None:
    """Wait until a script says true, ten seconds at most.

    Playwright's own way evaluates it in the page, whose policy refuses that from the second look on.
    """
    for _ in range(400):
        if page.evaluate(script, given):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {script}")
