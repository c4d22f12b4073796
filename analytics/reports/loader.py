"""From what is kept of a report to the report."""

from typing import Any

import msgspec

from analytics.reports.rules import FIGURES, Paper


class Unreadable(Exception):
    """What was kept is none that this program can read."""


def paper_of(document: bytes) -> Paper:
    """The paper that `as_bytes` wrote. Raises `Unreadable`."""
    try:
        return msgspec.json.decode(document, type=Paper)
    except msgspec.DecodeError:
        return with_numbers(document)


def with_numbers(document: bytes) -> Paper:
    """The same of a paper whose figures were written as texts: PostgreSQL adds sums up to decimals, and once they were
    kept so. What is kept stays as it is, to the byte, and so does its code.
    """
    try:
        raw = msgspec.json.decode(document)
        figures = {column["code"] for column in raw["columns"] if column["shown"] in FIGURES}
        for line in (*raw["lines"], *([raw["total"]] if raw.get("total") else [])):
            line["cells"] |= {code: numbers_in(line["cells"].get(code)) for code in figures & line["cells"].keys()}
        return msgspec.convert(raw, Paper)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable from error


def numbers_in(value: Any) -> Any:
    """A figure that was written as a text; also where it is a numerator with its denominator."""
    if isinstance(value, list):
        return [numbers_in(one) for one in value]
    return int(value) if isinstance(value, str) and value.isdecimal() else value
