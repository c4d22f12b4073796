"""Tables as CSV that a Vietnamese spreadsheet opens as it stands and in which no cell is taken for a formula. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

FORMULA = re.compile(r"(^|[\t\r\n;,\"'|])(?=[ \u00a0\u3000]*[=+\-@\t\r\n＝＋－＠])")
"""Where a spreadsheet may begin to read a formula: at the start of a text and after whatever may split it."""


def safe(cell: str | int) -> str | int:
    """The cell with an apostrophe before anything that could begin a formula; without those it is the same text."""
    return FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell


def as_csv(rows: Iterable[Sequence[str | int]]) -> str:
    """The rows with semicolons between the cells, after the mark that tells a spreadsheet that this is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()
