"""Lists going out as files: the one that came in with a column of faults, and people in the shape lists come in."""

import uuid
from collections.abc import Iterator
from typing import IO, Any

from flask import Response, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from lms.accounts.access import access_unit, access_unit_then, people_of_today
from lms.db import apart, get_read_session
from lms.organisation.forms import as_of
from lms.roster import actions, forms, gathering, render
from lms.roster.access import KEEP, access_upload
from lms.roster.gathering import Leaving
from lms.web.acting import NotFound, actor, behind
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("roster_files", __name__, url_prefix="/roster", within="people")

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {
    "xlsx": (SPREADSHEET, "xlsx"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "oneroster": ("application/zip", "zip"),
}
PIECE = 64 * 1024


@bp.get("/<uuid:public_id>/corrected.xlsx")
@needs(KEEP)
def corrected(public_id: uuid.UUID) -> ResponseReturnValue:
    """The sheet as it was handed in, with a column that says what is wrong with a line."""
    session, person = get_read_session(), actor()
    upload = access_upload(session, person, public_id)
    if upload.state != actions.REHEARSED:
        raise NotFound
    sheet, head, faults = forms.with_faults(session, upload)
    by, unit_id, said = behind(), upload.unit_id, str(upload.public_id)
    apart(lambda own: actions.note_seen(own, "roster.corrected", unit_id, by=by, list=said))
    rows = render.corrected_rows(sheet, head, faults, label=_("Lỗi"))
    widths = render.widths_of(sheet, head)
    made = render.workbook(rows, sheet=sheet.name or "Danh sách", head=head, widths=widths)
    return sent(made, SPREADSHEET, "danh-sach-co-loi.xlsx")


@bp.get("/export")
@needs(KEEP)
def leave() -> ResponseReturnValue:
    """Everybody of a unit and below it, as a file; written to the audit log as names that were given out."""
    session, person = get_read_session(), actor()
    kind, asked = request.args.get("kind", "xlsx"), as_of(request.args)
    try:
        unit_id = uuid.UUID(request.args.get("unit", ""))
        mimetype, ending = KINDS[kind]
    except (ValueError, KeyError):
        raise NotFound from None
    then = access_unit_then(session, person, KEEP, unit_id, on=asked.on) if asked.chosen else None
    unit = then.unit if then is not None else access_unit(session, person, KEEP, unit_id)
    if asked.form.errors or unit is None:
        kept: dict[str, Any] = {"unit": unit_id, "kind": kind, "on": request.args.get("on", "")}
        return redirect(url_for("roster.index", **kept, _anchor="export"))
    people = people_of_today(person, KEEP) if then is not None else None
    leaving = Leaving(unit.id, asked.on, people)
    by, of = behind(), unit.public_id
    apart(lambda own: gathering.note_leaving(own, leaving, of=of, by=by, kind=kind))
    name = f"can-bo_{unit.code}_{asked.on:%Y-%m-%d}.{ending}"
    rows = gathering.listed(session, leaving)
    if kind == "csv":
        pieces = render.csv_lines(render.listed_rows(rows))
        return attached(Response(stream_with_context(pieces), content_type=mimetype), name)
    if kind == "xlsx":
        return sent(render.workbook(render.listed_rows(rows), sheet="Danh sách"), mimetype, name)
    places = gathering.places(session, leaving, seen=then.seen if then is not None else None)
    return sent(render.one_roster(render.orgs_of(places, unit.id), render.users_of(rows)), mimetype, name)


def sent(file: IO[bytes], mimetype: str, name: str) -> Response:
    """A file that is sent piece by piece and goes when it is sent."""

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(PIECE):
                yield piece

    if request.method == "HEAD":
        file.close()  # nobody will ask for a piece
    response = Response(pieces(), content_type=mimetype)
    response.call_on_close(file.close)
    return attached(response, name)


def attached(response: Response, name: str) -> Response:
    """To be saved under that name."""
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
