"""Tables as CSV that a Vietnamese spreadsheet opens as it stands and in which no cell is taken for a formula. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

from lms.text import harmless


def safe(cell: str | int) -> str | int:
    """The cell with an apostrophe before anything that could begin a formula; without those it is the same text."""
    return harmless(cell) if isinstance(cell, str) else cell


def as_csv(rows: Iterable[Sequence[str | int]]) -> str:
    """The rows with semicolons between the cells, after the mark that tells a spreadsheet that this is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()
