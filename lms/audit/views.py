"""Pages on which administrators read the audit log."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Response, redirect, render_template, request, session, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lms import text
from lms.audit import queries, render
from lms.audit.access import READ
from lms.audit.actions import note
from lms.audit.forms import KINDS, FilterForm, is_uuid, label_of, purpose_of, sentence, told_in_words
from lms.audit.models import AuditEntry
from lms.clock import today
from lms.db import apart, get_session
from lms.doors import doors_of
from lms.web.acting import behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.gate import needs, reading
from lms.web.wording import day, moment

bp = Feature("audit", __name__, url_prefix="/audit")

SOUGHT = "people sought in the audit log"
MOST_PEOPLE = 50
LARGEST_NUMBER = 18  # digits of the number of an entry
NAMED_ANYWHERE = ("person", "unit", "meeting_point", "briefing")
"""Kinds of object whose ids stand in fields of many names; those of others only where an entry is about them."""

NAMED_BY_CODE = ("course", "briefing")
"""Kinds of object of which codes stand in fields of the same name."""

DATED = re.compile(r"\d{4}-\d\d-\d\d(T\S+[+-]\d\d:\d\d)?")
"""A day, or a moment with its distance from UTC, as the log keeps it."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in words. `object` is empty where it is about nothing in particular."""

    entry: AuditEntry
    actor: str
    deed: str
    kind: str
    object: str
    changes: list[tuple[str, str, str]]
    details: list[tuple[str, str]]


def lines(own: Session, entries: Sequence[AuditEntry]) -> list[Line]:
    """Entries in the words of the reader, with the names of people and units; as many queries for one as for fifty."""
    names = names_in(own, entries)
    return [line_of(one, names) for one in entries]


Names = Mapping[tuple[str, str], str]
"""What is called how: by kind and code, or by "" and id, for an id is of one thing only."""


def names_in(own: Session, entries: Iterable[AuditEntry], also: Iterable[str] = ()) -> Names:
    """The names of whatever is named by its id anywhere in these entries, or by its code where codes stand.

    `also`: ids that stand elsewhere on the page.
    """
    wanted = {("", code) for code in also}
    for one in entries:
        wanted |= {("", str(one.actor or "")), (one.object_kind, one.object_id), *texts_in(one.details)}
    ids = {text for _, text in wanted if text and is_uuid(text)}
    found: dict[tuple[str, str], str] = {}
    for kind, called in doors_of(own).called.items():
        of_kind = {text for field, text in wanted if field == kind and text}
        asked = ids & of_kind if kind not in NAMED_BY_CODE else of_kind - ids
        if kind in NAMED_ANYWHERE:
            asked |= ids
        if asked:
            told = called(own, sorted(asked))
            found |= {("" if is_uuid(text) else kind, text): name for text, name in told.items()}
    return found


def texts_in(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value of JSON, however deep, with the field in which it stands."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from texts_in(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one, field)


def worded(text: str, field: str = "") -> str:
    """A code in words, a day or moment as people write it; whatever else stands as it is."""
    if (told := told_in_words(field, text)) != text or not DATED.fullmatch(text):
        return told
    with suppress(ValueError):
        return moment(datetime.fromisoformat(text)) if "T" in text else day(date.fromisoformat(text))
    return text


def word(value: object, field: str, names: Names) -> str:
    """A value as it stands in that field, in words; what it names by its name."""
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return names.get(("", value)) or names.get((field, value)) or worded(value, field)
    if isinstance(value, bool):
        return str(_("có") if value else _("không"))
    if isinstance(value, dict):
        return ", ".join(f"{label_of('', name)}: {word(part, name, names)}" for name, part in value.items()) or "–"
    if isinstance(value, list) and all(isinstance(part, (str, int)) for part in value):
        return ", ".join(word(part, field, names) for part in value) or "–"
    return json.dumps(value, ensure_ascii=False)


def line_of(one: AuditEntry, names: Names) -> Line:
    """An entry in words."""
    details = {name: value for name, value in one.details.items() if name not in {"changes", "purpose"}}
    if purpose := purpose_of(one.action, one.details):
        details["purpose"] = purpose
    return Line(
        entry=one,
        actor=names.get(("", str(one.actor)), "") if one.actor else _("Hệ thống"),
        deed=sentence(one.action),
        kind=str(KINDS.get(one.object_kind, one.object_kind)),
        object="" if one.object_id == "-" else word(one.object_id, one.object_kind, names),
        changes=[
            (label_of(one.action, name), "" if old is None else word(old, name, names), word(new, name, names))
            for name, (old, new) in one.details.get("changes", {}).items()
        ],
        details=[(label_of(one.action, name), word(value, name, names)) for name, value in details.items()],
    )


@bp.get("")
@needs(READ)
def index() -> ResponseReturnValue:
    """A page of entries, the newest first, by the conditions of the address."""
    holds_everywhere(READ)
    who, own = behind(), get_session()
    form = FilterForm(request.args)
    form.offer()
    valid = form.validate()
    before = place(request.args.get("before", ""))
    found = queries.page(own, form.sought(), before=before) if valid else queries.Page([], older=False)
    shown = lines(own, found.entries)
    kept = form.kept() if valid else {}
    apart(lambda log: note(log, "audit.read", actor=who, object_kind="audit", object_id="-", rows=len(shown)))
    return render_template(
        "audit/entries.html",
        form=form,
        lines=shown,
        kept=kept,
        continued=before is not None,
        older=further(kept, found.entries[-1].id) if found.older else None,
    )


def further(kept: dict[str, Any], before: int | None = None) -> str:
    """The address of the page with the same conditions that continues after this entry."""
    return url_for("audit.index", **kept, before=before)


def place(number: str) -> int | None:
    """The entry after which a page begins; None for the newest, and for what is no number."""
    return int(number) if number.isascii() and number.isdigit() and len(number) <= LARGEST_NUMBER else None


@bp.get("/export.csv")
@needs(READ)
def export() -> ResponseReturnValue:
    """Everything that meets the conditions, as a file; that it was taken out is noted."""
    holds_everywhere(READ)
    who, own = behind(), get_session()
    form = FilterForm(request.args)
    form.offer()
    if not form.validate():
        return redirect(further({name: value for name, value in request.args.items() if name in form}))
    sought, conditions = form.sought(), form.kept()
    noted = {name: value for name, value in conditions.items() if name != "object" or is_uuid(value)}
    apart(lambda log: note(log, "audit.export", actor=who, object_kind="audit", object_id="-", conditions=noted))
    head = [_("Số"), _("Lúc"), _("Người làm"), _("Mã người làm"), _("Việc đã làm"), _("Loại"), _("Tên"), _("Mã")]
    head += [_("Địa chỉ mạng"), _("Trước và sau, chi tiết")]
    answer = Response(
        stream_with_context(render.csv_lines(head, rows(own, sought))), content_type="text/csv; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="nhat-ky-he-thong_{today():%Y-%m-%d}.csv"'
    return answer


def rows(own: Session, sought: queries.Sought) -> Iterator[Sequence[object]]:
    """The cells of each entry."""
    for entries in queries.all_matching(own, sought):
        for line in lines(own, entries):
            one = line.entry
            told = [f"{name}: {old} → {new}" if old else f"{name}: {new}" for name, old, new in line.changes]
            told += [f"{name}: {value}" for name, value in line.details]
            yield (
                one.id,
                moment(one.at),
                line.actor,
                one.actor or "",
                line.deed,
                line.kind,
                line.object,
                one.object_id,
                one.address,
                "; ".join(told),
            )


@bp.get("/people")
@needs(READ)
def people() -> ResponseReturnValue:
    """Choose by name whose acts, or acts about whom, are shown. What was searched for is kept in the browser."""
    holds_everywhere(READ)
    who, own = behind(), get_session()
    sought = str(session.get(SOUGHT, ""))
    found = doors_of(own).people.found(own, sought, most=MOST_PEOPLE) if sought else []
    if found:
        rows_shown = len(found)
        apart(lambda log: note(log, "audit.people", actor=who, object_kind="person", object_id="-", rows=rows_shown))
    return render_template("audit/people.html", sought=sought, found=found, most=MOST_PEOPLE)


@bp.post("/people")
@needs(READ)
@reading
def search() -> ResponseReturnValue:
    """Keep what is sought for this browser; a name never enters an address."""
    holds_everywhere(READ)
    session[SOUGHT] = text.nfc(request.form.get("q", ""))[:100]
    return redirect(url_for("audit.people"))
