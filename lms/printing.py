"""Printed documents: a Typst template and data become a PDF, fonts inside, the same bytes for the same input."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

FONTS = Path(__file__).parent / "fonts"
"""Tinos has the measures of Times New Roman, which Decree 30/2020 asks for, and every Vietnamese letter."""


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """The fonts of the product alone: what a machine has installed changes no document."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONTS)])


def pdf(template: Path, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """The PDF that the Typst file makes of the data, which it reads by `json(bytes(sys.inputs.data))`.

    Data stay data: no text in them is read as Typst. Made with PDF/A-3b and tagged, so that it is readable for long and
    by screen readers; `at` stands in it as the moment of making. The template sees no other file. Raises
    `typst.TypstError` when the template is wrong.
    """
    return typst.compile(
        template.read_bytes(),
        font_paths=fonts(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, sort_keys=True)},
        pdf_standards=["a-2a"],
        timestamp=int(at.timestamp()),
    )
