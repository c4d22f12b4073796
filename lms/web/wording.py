"""How figures, days and moments are written: decimal comma, thousands dot, dd/mm/yyyy, the clock of Vietnam."""

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from flask import Flask
from flask_babel import gettext as _

from lms.clock import day_of, in_vietnam, today

DOCUMENT_NUMBER = re.compile(r"\d+(?:/\d{4})?(?:[-/][A-ZĐ][\wĐ]*){2,}")
"""48-NQ/TU, 55/KH-UBND."""


def number(value: int) -> str:
    """35599 as "35.599"."""
    return f"{value:,}".replace(",", ".")


def decimal(value: float, places: int = 1) -> str:
    """8.25 as "8,3"."""
    quantum = Decimal(1).scaleb(-places)
    return str(Decimal(str(value)).quantize(quantum, ROUND_HALF_UP)).replace(".", ",")


def percent(part: int, whole: int) -> str:
    """A share with one decimal; "–" when there is nobody to count, and never 100 % before all are there.

    No part is below nought. domain.md: A = 0 is "–", never 0 % or 100 %; 99,96 % is not printed as 100 %.
    """
    if whole == 0:
        return "–"
    share = (2_000 * part + whole) // (2 * whole)  # in tenths of a percent, half of one up; exact, as whole numbers are
    if part < whole:
        share = min(share, 999)
    return f"{share // 10},{share % 10} %" if share % 10 else f"{share // 10} %"


def exact_percent(part: int, whole: int) -> str:
    """A share for a column of figures, always with its decimal: "80,0 %" stands under "62,1 %"."""
    text = percent(part, whole)
    return text.replace(" %", ",0 %") if "," not in text and text != "–" else text


def document_pieces(text: str) -> list[tuple[str, bool]]:
    """The text cut where numbers of documents begin and end, and whether each piece is one: they stay on one line."""
    pieces, end = [], 0
    for found in DOCUMENT_NUMBER.finditer(text):
        pieces += [(text[end : found.start()], False), (found[0], True)]
        end = found.end()
    return [(piece, whole) for piece, whole in [*pieces, (text[end:], False)] if piece]


def day(value: date | datetime) -> str:
    """23/11/2026."""
    shown = in_vietnam(value) if isinstance(value, datetime) else value
    return f"{shown:%d/%m}/{shown.year:04}"


def between(first: date, after: date | None) -> str:
    """From when until when something holds, told by the last day it holds and not by the first day after."""
    if after is None:
        told = _("từ %(first)s", first=day(first))
    elif after <= first:
        told = _("từ %(first)s, kết thúc cùng ngày", first=day(first))
    else:
        told = _("từ %(first)s đến hết %(last)s", first=day(first), last=day(after - timedelta(days=1)))
    return str(told)


def moment(value: datetime) -> str:
    """14:05, 23/11/2026."""
    return f"{in_vietnam(value):%H:%M}, {day(value)}"


def time_of(value: datetime) -> str:
    """14:05; with the day when that is not today."""
    return f"{in_vietnam(value):%H:%M}" if day_of(value) == today() else moment(value)


def scale10(scaled: float) -> str:
    """A share of the score on the scale of 10: 0.7 as "7", 0.8333 as "8,3"."""
    return decimal(scaled * 10).removesuffix(",0")


def init_app(app: Flask) -> None:
    for writer in (number, decimal, percent, day, between, moment, time_of, scale10, document_pieces):
        app.add_template_filter(writer)
    app.add_template_global(percent, "percent_of")
    app.add_template_global(exact_percent, "exact_percent_of")
