"""Pages on which administrators read the audit log."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Response, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import Field

from lms.audit import queries, render
from lms.audit.access import READ
from lms.audit.actions import note
from lms.audit.forms import (
    CONDITIONS,
    KINDS,
    FilterForm,
    SearchForm,
    is_uuid,
    label_of,
    purpose_of,
    sentence,
    told_in_words,
)
from lms.audit.models import AuditEntry
from lms.clock import today
from lms.db import apart, get_read_session, get_session
from lms.doors import Named, doors_of
from lms.web.acting import behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.forms import ChoiceField, choices, text_in
from lms.web.gate import needs, reading
from lms.web.wording import day, moment

bp = Feature("audit", __name__, url_prefix="/audit")

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
    form = SearchForm(MultiDict((name, value) for name, value in request.args.items() if name in CONDITIONS))
    form.offer()
    valid = form.validate()
    before = place(request.args.get("before", ""))
    found = queries.page(own, form.sought(), before=before) if valid else queries.Page([], older=False)
    rows_shown = len(found.entries)
    apart(lambda log: note(log, "audit.read", actor=who, object_kind="audit", object_id="-", rows=rows_shown))
    return entries_page(own, form, found, continued=before is not None)


@bp.post("")
@needs(READ)
@reading
def search() -> ResponseReturnValue:
    """Find the people who were typed, then the page by these conditions; a name never enters its address.

    Whoever is not found, or is one of several, is asked about in the form, which keeps what was typed.
    """
    holds_everywhere(READ)
    own, form = get_read_session(), SearchForm()
    form.offer()
    if form.validate():
        who, whom = meant(own, form.who, form.who_is), meant(own, form.whom, form.whom_is)
        if not form.errors:
            typed = {"actor": who, "object": whom or text_in(form.thing)}
            asked = form.kept() | {name: value for name, value in typed.items() if value}
            return redirect(further({name: asked[name] for name in CONDITIONS if name in asked}))
    return entries_page(own, form, queries.Page([], older=False)), 422


def meant(own: Session, typed: Field, among: ChoiceField) -> str:
    """The id of the person who was typed; "" when nobody was, or when the form now says whom to choose or correct."""
    words = text_in(typed)
    if not words or is_uuid(words):
        return str(uuid.UUID(words)) if words else ""
    found = doors_of(own).people.found(own, words, most=MOST_PEOPLE)
    ids = [str(one.public_id) for one in found]
    if text_in(among) in ids or len(ids) == 1:
        return text_in(among) if text_in(among) in ids else ids[0]
    if not ids:
        typed.errors = [_("Không có ai khớp. Có thể gõ không dấu, ví dụ “ly a hoa”, hoặc bớt chữ.")]
        return ""
    among.choices = choices({"": _("– Chọn –"), **dict(zip(ids, map(described, found), strict=True))})
    among.errors = [_("Có nhiều người khớp với “%(words)s”. Chọn một người.", words=words)]
    if len(ids) == MOST_PEOPLE:
        among.errors = [*among.errors, _("Chỉ hiện %(n)d người đầu; gõ thêm chữ để thu hẹp.", n=MOST_PEOPLE)]
    who = behind()
    apart(lambda log: note(log, "audit.people", actor=who, object_kind="person", object_id="-", rows=len(ids)))
    return ""


def described(one: Named) -> str:
    """Somebody as told from namesakes."""
    return ", ".join(filter(None, (f"{one.name} ({one.username})", one.unit)))


def entries_page(own: Session, form: SearchForm, found: queries.Page, *, continued: bool = False) -> str:
    """These entries in words, under the conditions they meet, with the form."""
    kept = form.kept()
    for wrong, typed in ((form.actor, form.who), (form.object, form.thing)):  # said where it is put right
        typed.errors, wrong.errors = [*typed.errors, *wrong.errors], []
    asked = {name: kept[name] for name in ("actor", "object") if name in kept}
    names = names_in(own, found.entries, also=asked.values())
    shown = [line_of(one, names) for one in found.entries]
    called = {name: names.get(("", code), code) for name, code in asked.items()}
    if "object" in asked and shown:
        called["object"] = shown[0].object
    return render_template(
        "audit/entries.html",
        form=form,
        lines=shown,
        kept=kept,
        called=called,
        continued=continued,
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
