"""Certificates as a file to print: one page each, A4 across, with a picture of squares that leads to the check page."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import segno

from courses.certificates.rules import grouped
from lms import printing

TEMPLATE = Path(__file__).parent / "templates" / "certificate.typ"
CHECK = "/certificates/check"


@dataclass(frozen=True, slots=True)
class Printed:
    """Everything that stands on a certificate: the check page shows the same, and no more."""

    number: str
    code: str
    name: str
    unit: str
    subject: str
    documents: tuple[str, ...]
    issuer: str
    completed_on: date
    issued_on: date
    fictional: bool


def check_address(site: str, one: Printed) -> str:
    """Where this certificate is checked; the site's own address, whatever a request called it."""
    return f"{site}{CHECK}?{urlencode({'number': one.number, 'code': one.code})}"


def drawn(text: str) -> str:
    """The picture of squares, as SVG."""
    return str(segno.make(text, error="m", micro=False).svg_inline(scale=4, border=0, omitsize=False))


def told(site: str, one: Printed) -> dict[str, Any]:
    """What the template reads of a certificate: plain texts."""
    days = {name: f"{day:%d/%m}/{day.year:04}" for name, day in asdict(one).items() if isinstance(day, date)}
    return {
        **asdict(one),
        **days,
        "documents": list(one.documents),
        "number": grouped(one.number),
        "code": grouped(one.code),
        "check": f"{site}{CHECK}",
        "qr": drawn(check_address(site, one)),
    }


def as_pdf(site: str, certificates: Iterable[Printed], *, at: datetime) -> bytes:
    """The file, one page for each. The same certificates make the same bytes at the same moment."""
    return printing.pdf(TEMPLATE, {"certificates": [told(site, one) for one in certificates]}, at=at)
