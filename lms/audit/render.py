"""Entries of the audit log as lines of CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from lms.audit.rules import one_line
from lms.text import harmless

BYTE_ORDER_MARK = "\ufeff"


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The rows as RFC 4180 has them, each on one line; nothing in them is a formula for a spreadsheet."""
    yield BYTE_ORDER_MARK + csv_line(head)
    for row in rows:
        yield csv_line(row)


def csv_line(row: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([harmless(one_line(cell)) for cell in row])
    return out.getvalue()
