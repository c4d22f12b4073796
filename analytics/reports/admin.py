"""Reports as files: each form as XLSX, DOCX, PDF, CSV and JSON; lists with names, for a stated purpose, noted."""

import uuid
from collections.abc import Iterator

from flask import Response, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from analytics.facts.forms import file_marks
from analytics.reports import actions, papers, parts, queries, render
from analytics.reports.access import (
    FIGURES,
    LIST,
    NAMES,
    QUALITY,
    access_course,
    access_file,
    access_snapshot,
    access_subject,
    wish_of,
    wished,
)
from analytics.reports.forms import (
    ListForm,
    catalogue,
    figures_asked,
    figures_told,
    file_words,
    head_asked,
    made,
    named,
)
from analytics.reports.loader import paper_of
from analytics.reports.models import ReportFilePiece
from analytics.reports.queries import Subject
from analytics.reports.rules import Paper, Words, code_of
from analytics.reports.vocabulary import Frame, closing, frame
from lms import clock
from lms.db import apart, get_read_session
from lms.web.acting import NotFound, actor, behind
from lms.web.feature import Feature
from lms.web.forms import text_in
from lms.web.gate import needs, reading
from lms.web.wording import day, moment

bp = Feature("report_files", "analytics.reports", url_prefix="/reports", within="reports")

KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


@bp.get("/units/<uuid:unit_id>/<any('01','03','05'):form>.<kind>")
@needs(FIGURES)
def form_file(unit_id: uuid.UUID, form: str, kind: str) -> ResponseReturnValue:
    """A form as a file, of this moment: it bears no code, for it is not kept."""
    session, now = get_read_session(), clock.now()
    wanted, code = figures_asked(form), request.args.get("briefing")
    of = access_subject(session, actor(), FIGURES, unit_id, code, now=now, wanted=wanted)
    return as_file(made(of, form), kind, code="", name=file_name(of, form))


def file_name(of: Subject, form: str) -> str:
    return f"bieu-{form}_{of.unit.code}_{clock.day_of(of.now):%Y-%m-%d}{file_marks(of.by)}"


@bp.get("/snapshots/<uuid:snapshot_id>.<kind>")
@needs(FIGURES)
def snapshot_file(snapshot_id: uuid.UUID, kind: str) -> ResponseReturnValue:
    """A report that was kept, as a file: the same bytes each time, with the code by which it is checked."""
    kept = access_snapshot(get_read_session(), actor(), snapshot_id)
    if kept.form == LIST and kind == "json":
        raise NotFound  # opaque ids of people stay inside
    name = f"bieu-{kept.form}_{kept.unit.code}_{code_of(kept.digest)[:9]}"
    return as_file(paper_of(kept.document), kind, code=code_of(kept.digest), name=name)


@bp.get("/questions/<code>.<kind>")
@needs(QUALITY)
def questions_file(code: str, kind: str) -> ResponseReturnValue:
    """Biểu 04 as a file. It has the key in it: for administrators and trainers."""
    of = queries.whole(get_read_session(), access_course(get_read_session(), actor(), code), now=clock.now())
    return as_file(papers.questions(get_read_session(), of), kind, code="", name=f"bieu-04_{code}")


@bp.get("/metrics.json")
@needs(FIGURES)
def metrics() -> ResponseReturnValue:
    """The one catalogue of metrics."""
    return {"metrics": catalogue()}


@bp.post("/units/<uuid:unit_id>/lists")
@needs(NAMES)
@reading
def take_list(unit_id: uuid.UUID) -> ResponseReturnValue:
    """A list with names, for the purpose that was stated; written to the audit log before it is sent."""
    session, now, form = get_read_session(), clock.now(), ListForm()
    wanted = figures_asked(LIST)
    of = access_subject(session, actor(), NAMES, unit_id, request.args.get("briefing"), now=now, wanted=wanted)
    if not form.validate_on_submit():
        return render_template("reports/lists.html", of=of, form=form, **figures_told(of, LIST)), 422
    what, _dash, kind = text_in(form.what).partition("-")
    purpose, by = text_in(form.purpose), behind()
    if what == "01" or (what, kind) == ("register", "xlsx"):
        return ordered(of, what, kind, purpose)
    count, paper = queries.how_many(session, of), papers.missing(session, of) if what == LIST else None
    count = len(paper.lines) if paper is not None else count
    apart(lambda own: actions.note_taken(own, of, by=by, form=what, purpose=purpose, count=count))
    if paper is not None:
        return as_file(paper, kind, code="", name=file_name(of, LIST), noted=True)
    name = f"{register_name(of)}.csv"
    lines = render.csv_lines(papers.register(session, of))
    return attached(Response(stream_with_context(lines), content_type=KINDS["csv"]), name)


def register_name(of: Subject) -> str:
    return file_name(of, "").replace("bieu-", "so-theo-doi")


def ordered(of: Subject, what: str, kind: str, purpose: str) -> ResponseReturnValue:
    """To the page of a file that the worker makes."""
    name = f"{file_name(of, what) if what == '01' else register_name(of)}.{kind}"
    wish = {"what": what, "kind": kind, "purpose": purpose, "head": head_asked(), **wish_of(of, actor())}
    made_of: list[uuid.UUID] = []
    person = actor().public_id
    apart(lambda own: made_of.append(actions.order_file(own, of, wish, name=name, by=person).public_id))
    return redirect(url_for("reports.waiting", file_id=made_of[0]))


@bp.get("/files/<uuid:file_id>/content")
@needs(NAMES)
def content(file_id: uuid.UUID) -> ResponseReturnValue:
    """A large file that the worker has made, piece by piece; each fetching is noted."""
    session = get_read_session()
    one = access_file(session, actor(), file_id)
    if one.state != "made":
        raise NotFound
    code, wanted = one.briefing.code, wished(one.wish)
    of = access_subject(session, actor(), NAMES, one.unit.public_id, code, now=clock.now(), wanted=wanted)
    by, purpose, rows, own_id = behind(), str(one.wish.get("purpose", "")), one.total, one.id
    if one.wish["what"] == "register":
        apart(lambda own: actions.note_taken(own, of, by=by, form="register", purpose=purpose, count=rows))
    mimetype = KINDS[str(one.wish.get("kind", "xlsx"))]

    def pieces() -> Iterator[bytes]:
        number = 0
        query = select(ReportFilePiece.content).where(ReportFilePiece.file_id == own_id)
        while (piece := session.scalar(query.where(ReportFilePiece.number == number))) is not None:
            yield piece
            number += 1

    return attached(Response(stream_with_context(pieces()), content_type=mimetype), one.name)


def as_file(paper: Paper, kind: str, *, code: str, name: str, noted: bool = False) -> Response:
    """The paper as a file of that kind, with the names behind its ids; that they were shown is noted."""
    if kind not in KINDS:
        raise NotFound
    words = file_words(named(paper, noted=noted))
    around = frame(head_asked(), kind=paper.kind, unit=paper.unit, above=paper.above)
    body = bytes_of(paper, kind, words, around, code)
    return attached(Response(body, content_type=KINDS[kind]), f"{name}.{kind}")


def bytes_of(paper: Paper, kind: str, words: Words, around: Frame, code: str) -> bytes:
    """The bytes of the file: the same for the same paper, names and head."""
    if kind == "csv":
        return "".join(render.csv_lines(render.rows_of(paper, words))).encode()
    if kind == "json":
        return render.as_json(paper, words, code=code)
    address = url_for("reports.check", _external=True)
    lines = closing(at=moment(paper.at), on=day(paper.on), code=code, address=address)
    makers = {"xlsx": render.workbook, "docx": parts.document, "pdf": render.pdf}
    return makers[kind](paper, words, around, lines)


def attached(response: Response, name: str) -> Response:
    """To be saved under that name."""
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
