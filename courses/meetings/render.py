"""Codes as a drawing, and rolls and boards as tables of a file."""

import csv
import io
from collections.abc import Iterable, Sequence

import segno
from markupsafe import Markup

from lms.text import harmless


def qr(text: str, label: str) -> Markup:
    """The squares that telephones read, as an inline SVG drawing with its label."""
    drawn = segno.make(text, error="m", micro=False)
    made = drawn.svg_inline(scale=8, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    named = Markup('<svg role="img" aria-label="{}" ').format(label)
    # segno draws squares alone: nothing of the text is markup in it
    return named + Markup(made.removeprefix("<svg "))  # noqa: S704 # nosec B704


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows for a Vietnamese spreadsheet, with semicolons; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()
