"""Pages on which administrators and trainers read the record, and the profile that anybody may read."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from flask import Response, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from lms import text
from lms.audit.actions import note
from lms.clock import in_vietnam
from lms.db import apart, config_of, database, get_session
from lms.doors import doors_of
from lms.records import queries, render, rules
from lms.records.access import BROWSE, NAMES, access_entry
from lms.records.forms import (
    FILTERS,
    LARGEST_NUMBER,
    SEEN_WORDS,
    FilterForm,
    kind_word,
    reader,
    titled,
    verb_words,
    vouching,
)
from lms.records.queries import Entry
from lms.web.acting import Actor, actor, behind, holds_everywhere
from lms.web.feature import Feature
from lms.web.gate import needs, public, reading
from lms.web.wording import scale10
from lms.xapi.statement import written
from lms.xapi.vocabulary import FAILED, MEETING, PASSED

bp = Feature("records", __name__)
published = Feature("profile", __name__, url_prefix="/xapi")

SOUGHT = "people sought in the record"
MOST_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as a page shows it. `name` is who it was, for those who may see names and asked to.

    `kind` is the word for its activity, to stand before the title; `known`: there is one, if only in the title.
    """

    entry: Entry
    said: rules.Told
    name: str
    verb: str
    kind: str
    known: bool
    title: str
    source: str

    @property
    def score(self) -> str:
        """The score of a test on the scale of 10; of anything else none is told in the sentence."""
        graded = self.said.scaled is not None and self.said.verb in {PASSED, FAILED}
        return scale10(self.said.scaled) if graded and self.said.scaled is not None else ""

    @property
    def at(self) -> datetime:
        """When it happened, on the clock of Vietnam."""
        return in_vietnam(self.entry.timestamp)


def lines(own: Session, entries: Iterable[Entry], *, by: Actor) -> list[Line]:
    """Entries in the words of the reader; with names when they were asked for, which is noted."""
    home = config_of(own).iri_base
    said = [(one, rules.told(one.document, one.definition, home=home)) for one in entries]
    people = {one.who.account for _entry, one in said if one.who.account is not None}
    names, words = names_of(own, people, by=by, rows=len(said)), verb_words(home)
    kinds = [kind_word(one.type, one.iri, home=home) for _entry, one in said]
    return [
        Line(
            entry=entry,
            said=one,
            name=(names.get(one.who.account, "") if one.who.account else one.who.name) if names is not None else "",
            verb=str(words.get(one.verb) or rules.in_language(one.display, reader()) or one.verb),
            kind=kind_before(kind, one),
            known=bool(kind),
            title=rules.in_language(one.title, reader()) or one.iri,
            source=vouching(entry.identifier) if entry.identifier else entry.source or "",
        )
        for kind, (entry, one) in zip(kinds, said, strict=True)
    ]


def kind_before(kind: str, one: rules.Told) -> str:
    """What kind of activity it is, unless its title begins with that word ("bài kiểm tra “Bài kiểm tra …”")."""
    return "" if kind and text.fold(rules.in_language(one.title, reader())).startswith(text.fold(kind)) else kind


def shows_names(by: Actor) -> bool:
    """Whether names were asked for by somebody who may see them."""
    return request.args.get("names") == "1" and by.everywhere(NAMES)


def names_of(own: Session, people: Iterable[uuid.UUID], *, by: Actor, rows: int) -> Mapping[uuid.UUID, str] | None:
    """The names of these people, or None when names are not shown. That they were seen is noted."""
    if not shows_names(by):
        return None
    wanted = sorted(people)
    seen("record.names", wanted[0] if len(wanted) == 1 else None, people=len(wanted), rows=rows)
    return doors_of(own).people.names(own, wanted)


def seen(action: str, person: uuid.UUID | None, **details: object) -> None:
    """Note that names were looked at. The words searched for are not kept: they may be a name."""
    who, about = behind(), person if person is not None else "-"
    apart(lambda own: note(own, action, actor=who, object_kind="person", object_id=about, **details))


@bp.get("/records")
@needs(BROWSE)
def index() -> ResponseReturnValue:
    """A page of entries, the newest first, by the conditions of the address."""
    by, own = holds_everywhere(BROWSE), get_session()
    form = FilterForm(request.args)
    form.offer(queries.courses(own), *queries.sources(own), home=config_of(own).iri_base)
    valid = form.validate()
    before, after = place("before"), place("after")
    found = queries.page(own, form.sought(before=before, after=after)) if valid else queries.Page([], False, False)
    shown = lines(own, found.entries, by=by)
    kept = form.kept() if valid else {}
    named = {"names": "1"} if shows_names(by) else {}
    return render_template(
        "records/entries.html",
        form=form,
        lines=shown,
        kept=kept,
        named=named,
        person=next((one.name for one in shown), "") if "person" in kept else "",
        activity=next((one.title for one in shown), kept["activity"]) if "activity" in kept else "",
        may_name=by.everywhere(NAMES),
        newer=further(kept, named, after=shown[0].entry.sequence) if shown and found.newer else None,
        older=further(kept, named, before=shown[-1].entry.sequence) if shown and found.older else None,
        newest=before is not None or after is not None,
    ), 200 if valid else 422


def place(name: str) -> int | None:
    """A place in the record, when the address names one; what is no number names none."""
    given = request.args.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= LARGEST_NUMBER else None


def further(kept: Mapping[str, str], named: Mapping[str, str], **where: int) -> str:
    """The address of the entries next to those shown: it leads to the same ones for ever."""
    values: dict[str, Any] = {**kept, **named, **where}
    return url_for("records.index", **values)


def conditions() -> dict[str, Any]:
    """The conditions of the address, to be carried through a page on which one more is chosen."""
    return {name: value for name in FILTERS if (value := request.args.get(name, ""))}


@bp.get("/records/<uuid:statement_id>")
@needs(BROWSE)
def show(statement_id: uuid.UUID) -> ResponseReturnValue:
    """One entry: its sentence, what it belongs to, whether it counts and why, and the whole of it."""
    own, by = get_session(), actor()
    entry, voiding = access_entry(own, by, statement_id)
    [line] = lines(own, [entry], by=by)
    document, home = entry.document, config_of(own).iri_base
    whole, hidden = json_of(entry, home=home, named=shows_names(by))
    within = rules.belongings(document)
    titles = titles_of(own, within)
    trusted = entry.prefix is not None
    return render_template(
        "records/entry.html",
        line=line,
        within=[(iri, titles.get(iri, iri)) for iri in within],
        result=document.get("result", {}),
        seen=SEEN_WORDS.get(document.get("result", {}).get("response", "")) if is_seen(line.said, home=home) else None,
        registration=str(document.get("context", {}).get("registration", "")).lower(),
        lasted=rules.lasted(document.get("result", {}).get("duration", "")),
        reason=rules.reason(
            document, own=entry.client_id is None, counts=entry.counts, voided=entry.voided, trusted=trusted, home=home
        ),
        voiding=voiding,
        may_name=by.everywhere(NAMES),
        named=shows_names(by),
        json=whole,
        hidden=hidden,
    )


def is_seen(said: rules.Told, *, home: str) -> bool:
    """Whether it is what the host of a meeting point says of somebody."""
    return said.type == MEETING and said.iri.startswith(f"{home}/")


def titles_of(own: Session, iris: Sequence[str]) -> dict[str, str]:
    """What these activities are called: by their canonical definition, or as what is taught here."""
    if not iris:
        return {}
    taught = [part for course in queries.courses(own) for part in (course, *course.parts)]
    given = queries.definitions(own, iris)
    defined = {iri: rules.in_language(one.get("name"), reader()) for iri, one in given.items()}
    return {one.iri: titled(one) for one in taught} | {iri: title for iri, title in defined.items() if title}


def json_of(entry: Entry, *, home: str, named: bool) -> tuple[str, bool]:
    """The JSON of an entry laid out, every number and escape as it came; and whether names in it are hidden."""
    document = entry.document
    bare = document if named else rules.masked(document, home=home)
    body = entry.body if bare == document else written(bare)
    return msgspec.json.format(body, indent=2).decode(), bare != document


@bp.get("/records/activities")
@needs(BROWSE)
def activities() -> ResponseReturnValue:
    """Activities by title, to choose one: titles are no names, and stand in the address."""
    holds_everywhere(BROWSE)
    own, words = get_session(), text.nfc(request.args.get("q", ""))[:200]
    found, home = queries.activities_found(own, words) if words else [], config_of(own).iri_base
    return render_template(
        "records/activities.html",
        words=words,
        found=[
            (
                iri,
                rules.in_language(given.get("name"), reader()) or iri,
                kind_word(given.get("type", ""), iri, home=home),
            )
            for iri, given in found
        ],
        most=queries.MOST_FOUND,
        kept=conditions(),
    )


@bp.get("/records/people")
@needs(NAMES)
def people() -> ResponseReturnValue:
    """Learners by name, to choose one; that names were seen is noted."""
    holds_everywhere(NAMES)
    own = get_session()
    sought = str(session.get(SOUGHT, ""))
    found = doors_of(own).people.found(own, sought, most=MOST_PEOPLE) if sought else []
    if sought:
        seen("record.people", None, rows=len(found))
    return render_template("records/people.html", sought=sought, found=found, most=MOST_PEOPLE, kept=conditions())


@bp.post("/records/people")
@needs(NAMES)
@reading
def search() -> ResponseReturnValue:
    """Keep what is sought for this browser; a name never enters an address."""
    session[SOUGHT] = text.nfc(request.form.get("q", ""))[:100]
    return redirect(url_for("records.people", **conditions()))


@published.get("/profile")
@published.get("/profile/<int:number>")
@public
def profile(number: int = render.VERSION) -> ResponseReturnValue:
    """The profile of what our pages say, as JSON-LD, under its own name and that of its version."""
    if number != render.VERSION:
        abort(404)
    return open_to_all(render.profile(database().config.iri_base), "application/ld+json")


@published.get("/profile/<folder>/<name>")
@public
def part(folder: str, name: str) -> ResponseReturnValue:
    """What lies under the name of a concept, a template or a pattern: its entry, or what it is called and means."""
    found = render.part(database().config.iri_base, f"{folder}/{name}")
    if found is None:
        abort(404)
    wanted = request.accept_mimetypes.best_match(["application/ld+json", "application/json"])
    if wanted != "application/json":
        return open_to_all(found, "application/ld+json")
    return open_to_all({"name": found["prefLabel"], "description": found["definition"]}, wanted)


def open_to_all(document: Mapping[str, Any], content_type: str) -> Response:
    """A part of the profile, which a page of any other site may read too: nobody is asked who he is."""
    answer = Response(msgspec.json.format(msgspec.json.encode(document), indent=2), content_type=content_type)
    answer.headers["Cache-Control"] = "public, max-age=3600"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.vary.add("Accept")
    return answer
