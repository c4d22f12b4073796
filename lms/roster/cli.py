"""`lms roster`: lists of people rehearsed, applied and taken out without a browser. Names are never printed."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.db import Database
from lms.organisation.models import Unit
from lms.roster import actions, gathering, queries, render
from lms.roster.gathering import Leaving
from lms.roster.loader import sheets_of
from lms.roster.matching import Head, head_of
from lms.roster.rehearsal import APPLIED, BAD, KINDS, Outcome, Plan, digest_of_plan
from lms.roster.rules import Refused, Settings, Sheet
from lms.roster.spelling import READINGS, as_meant
from lms.roster.vocabulary import FIELDS

Opener = Callable[[], Database]
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)


@click.group()
def roster() -> None:
    """Lists of people as offices keep them: XLSX, XLS, CSV, OneRoster."""


def list_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which a list is read, the same for a rehearsal and for applying it."""
    for option in (
        click.argument("file", type=FILE),
        click.option("--unit", "code", metavar="CODE", required=True, help="The unit whose list it is."),
        click.option("--sheet", default=None, metavar="NAME", help="Its name. Default: the one whose head names most."),
        click.option("--column", "columns", multiple=True, metavar="LETTER=FIELD", help="What a column is: C=code."),
        click.option("--reading", type=click.Choice(READINGS), default="auto", show_default=True, help="Encoding."),
        click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Day from which the list holds. Default: today."),
    ):
        command = option(command)
    return command


@roster.command()
@list_options
@click.option("--corrected", type=OUT, help="Write the sheet with a column of faults here.")
@click.pass_obj
def rehearse(
    open_database: Opener,
    file: Path,
    code: str,
    sheet: str | None,
    columns: tuple[str, ...],
    reading: str,
    on: datetime | None,
    corrected: Path | None,
) -> None:
    """Say what FILE would change, and the digest under which it is applied. Nothing is written.

    \b
      lms roster rehearse danh-sach.xlsx --unit syt --column C=full_name

    FIELD is one of those the page about columns offers, by its name in the program; an empty one leaves a column out.
    """
    sheets, content = opened(file)
    with open_database().reading() as session:
        unit, chosen, settings = asked(session, sheets, code, sheet, columns, reading, on)
        plan = planned(session, unit, chosen, settings)
    tell(plan.outcomes)
    for text in plan.unsure:
        click.echo(f"not sure which unit is meant on {text.lines} lines; like {[one.code for one in text.perhaps]}")
    if corrected is not None:
        write_corrected(corrected, chosen, settings, plan.outcomes)
    click.echo(f"digest {digest_of_plan(content, settings, plan.outcomes)}")


@roster.command(name="apply")
@list_options
@click.option("--digest", required=True, help="What the rehearsal printed.")
@click.pass_obj
def apply_list(
    open_database: Opener,
    file: Path,
    code: str,
    sheet: str | None,
    columns: tuple[str, ...],
    reading: str,
    on: datetime | None,
    digest: str,
) -> None:
    """Apply FILE in one transaction, exactly as it was rehearsed with these options; else nothing is written."""
    sheets, content = opened(file)
    try:
        with open_database().writing() as session:
            unit, chosen, settings = asked(session, sheets, code, sheet, columns, reading, on)
            outcomes = actions.apply_directly(session, unit, chosen, settings, file_digest=content, digest=digest)
    except actions.Stale as stale:
        raise click.ClickException("This is not what was rehearsed: rehearse again. Nothing was written.") from stale
    tell(outcomes)
    click.echo("applied")


@roster.command(name="export")
@click.option("--unit", "code", metavar="CODE", required=True, help="This unit and all below it.")
@click.option("--kind", type=click.Choice(["xlsx", "csv", "oneroster"]), default="xlsx", show_default=True)
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="By the structure of this day. Default: today.")
@click.argument("out", type=OUT)
@click.pass_obj
def take_out(open_database: Opener, code: str, kind: str, day: datetime | None, out: Path) -> None:
    """Write the people of a unit to OUT, in the shape in which lists come in. Noted in the audit log."""
    database, on = open_database(), day.date() if day is not None else clock.today()
    with database.writing() as session:
        unit = unit_named(session, code)
        leaving = Leaving(unit.id, on)
        total = gathering.how_many(session, leaving)
        gathering.note_leaving(session, leaving, of=unit.public_id, by=None, kind=kind)
    out.touch(mode=0o600)
    with database.reading() as session:
        people = gathering.listed(session, leaving)
        if kind == "csv":
            with out.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(render.csv_lines(render.listed_rows(people)))
        else:
            places = gathering.places(session, leaving)
            made = (
                render.workbook(render.listed_rows(people), sheet="Danh sách")
                if kind == "xlsx"
                else render.one_roster(render.orgs_of(places, unit.id), render.users_of(people))
            )
            with made, out.open("wb") as target:
                shutil.copyfileobj(made, target)
    click.echo(f"{total} people written to {out}")


def unit_named(session: Session, code: str) -> Unit:
    """The unit with that code. Raises the error that click shows."""
    unit = session.scalar(select(Unit).where(func.lower(Unit.code) == code.lower()))
    if unit is None:
        raise click.ClickException(f"There is no unit with the code {code!r}.")
    return unit


def opened(file: Path) -> tuple[tuple[Sheet, ...], str]:
    """The sheets of a file and its digest, before anybody waits for us. Raises the error that click shows."""
    content = file.read_bytes()
    try:
        return sheets_of(content, file.name), hashlib.sha256(content).hexdigest()
    except Refused as refused:
        raise click.ClickException(f"The file is not read: {refused.reason}.") from refused


def asked(
    session: Session,
    sheets: tuple[Sheet, ...],
    code: str,
    sheet: str | None,
    columns: tuple[str, ...],
    reading: str,
    on: datetime | None,
) -> tuple[Unit, Sheet, Settings]:
    """The unit, the sheet, and how it is read. Raises the error that click shows."""
    unit = unit_named(session, code)
    named = [one for one in sheets if sheet is None or one.name == sheet]
    if not named:
        raise click.ClickException(f"The sheets are {[one.name for one in sheets]}.")
    settings = queries.guessed(session, unit.id, named, reading=reading)
    day: date = on.date() if on is not None else clock.today()
    if settings.place < 0:
        raise click.ClickException("No row with the names of columns was found: a full name must be among them.")
    return unit, named[settings.sheet], settings.with_columns(pairs(columns), on=day)


def pairs(columns: tuple[str, ...]) -> dict[int, str]:
    """Column numbers with fields. Raises the error that click shows."""
    found = {}
    for one in columns:
        letter, _, field = one.partition("=")
        if not (letter.isascii() and letter.isalpha() and len(letter) < 3) or field not in {"", *FIELDS}:
            raise click.ClickException(f"--column {one}: write LETTER=FIELD with a FIELD of {', '.join(FIELDS)}.")
        number = 0
        for sign in letter.upper():
            number = number * 26 + ord(sign) - 64
        found[number - 1] = field
    return found


def planned(session: Session, unit: Unit, sheet: Sheet, settings: Settings) -> Plan:
    """What the sheet would do."""
    try:
        return actions.plan_of(session, unit, sheet, settings, within=None)
    except actions.NotReady as reason:
        raise click.ClickException("No column has names of people: say which with --column C=full_name.") from reason


def tell(outcomes: tuple[Outcome, ...]) -> None:
    """How many lines of each kind, and what is wrong with which: by line and reason, without a name."""
    counts = Counter(one.kind for one in outcomes)
    click.echo(", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) or "no lines")
    for one in outcomes:
        if one.kind == BAD:
            click.echo(f"line {one.line}: {', '.join(sorted({fault.reason for fault in one.faults}))}")
        elif one.why:
            click.echo(f"line {one.line}: to be answered on the page ({one.why})")
    if not APPLIED & counts.keys():
        click.echo("nothing to apply")


def write_corrected(path: Path, sheet: Sheet, settings: Settings, outcomes: tuple[Outcome, ...]) -> None:
    """The sheet with a column of reasons."""
    meant = as_meant(sheet, settings.reading)
    head: Head | None = head_of(meant, settings)
    faults = {one.line: "; ".join([*(fault.reason for fault in one.faults), one.why]).strip("; ") for one in outcomes}
    place = meant.lines[head.place].number - 1 if head else 0
    path.touch(mode=0o600)
    rows, widths = render.corrected_rows(meant, place, faults, label="Lỗi"), render.widths_of(meant, place)
    with render.workbook(rows, sheet="x", head=place, widths=widths) as made:
        path.write_bytes(made.read())
