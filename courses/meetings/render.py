"""Codes as a drawing, and rolls and boards as tables of a file."""

import csv
import io
from collections.abc import Iterable, Sequence

import segno

from lms.text import harmless


def qr_address(text: str) -> str:
    """The squares that telephones read, as the address of a picture (data:), so that no page takes markup from here."""
    drawn = segno.make(text, error="m", micro=False)
    return str(drawn.svg_data_uri(scale=8, border=4, dark="#000", light="#fff", encode_minimal=True))


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows for a Vietnamese spreadsheet, with semicolons; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()
