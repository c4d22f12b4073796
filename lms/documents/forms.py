"""The parameters and headers of requests for documents, activities and agents, as values.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

from collections.abc import Mapping
from typing import Any

from werkzeug.http import parse_etags

from lms.documents.rules import OCTETS, Conditions, Contents, Kind, Subject, Tags, Wanted
from lms.xapi.forms import Call, agent_parameter, id_parameter, iri_parameter, time_parameter
from lms.xapi.rules import LONGEST_IRI, Malformed, check_media_type, shown
from lms.xapi.validation import check_agent

LONGEST_TYPE = 255


def wanted_documents(call: Call, kind: Kind, *, many: bool, listed: bool = False) -> Wanted:
    """What a request speaks of (4.1.6.2, 4.1.6.5, 4.1.6.6 / Comm 2.3, 2.6, 2.7); raises `Malformed`.

    `many`: without the id of a document, all of them; else the id is needed. `listed`: then `since` is understood too.
    """
    parameters = call.parameters
    single = kind.named in parameters
    check_names(
        parameters,
        needed=kind.about if many else (*kind.about, kind.named),
        allowed=(
            *kind.about,
            kind.named,
            *(("registration",) if kind.registered else ()),
            *(("since",) if listed and not single else ()),
        ),
    )
    return Wanted(
        Subject(
            kind,
            activity=iri_parameter(parameters, "activityId"),
            agent=agent_parameter(parameters),
            registration=id_parameter(parameters, "registration"),
        ),
        document_id=checked_id(parameters[kind.named], kind.named) if single else None,
        since=time_parameter(parameters, "since", two=call.two),
    )


def check_names(parameters: Mapping[str, str], *, needed: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    """Refuse what is unknown and what is missing, by name (4.1.7 / Comm 3.2)."""
    for name in parameters:
        if name not in allowed:
            raise Malformed(name, f"is no parameter of this request, which knows {', '.join(allowed)}")
    for name in needed:
        if name not in parameters:
            raise Malformed(name, "is needed by this request")


def checked_id(value: str, name: str) -> str:
    """An id that an index can hold: any text that is not empty, without U+0000."""
    if not value or "\0" in value or len(value.encode()) > LONGEST_IRI:
        raise Malformed(name, f"expected 1 to {LONGEST_IRI} bytes of text, got {shown(value)}")
    return value


def contents_of(call: Call) -> Contents:
    """The document a request brings, byte for byte; without a type it is octets (4.1.3 / Comm 1.5)."""
    content_type = call.header("Content-Type") or OCTETS
    if not (content_type.isascii() and content_type.isprintable() and len(content_type) <= LONGEST_TYPE):
        raise Malformed("Content-Type", f"expected at most {LONGEST_TYPE} printable characters of ASCII")
    check_media_type(content_type, "Content-Type")
    return Contents(content_type, call.body())


def conditions_of(call: Call) -> Conditions:
    """The conditions of a request (4.1.4 / Comm 3.1)."""
    return Conditions(match=tags(call, "If-Match"), none_match=tags(call, "If-None-Match"))


def tags(call: Call, name: str) -> Tags | None:
    """The entity tags of a header, with or without their quotation marks; None without the header.

    A condition that says nothing is refused: whoever sent it did not mean that there is none.
    """
    header = call.header(name)
    found = parse_etags(header)
    values = frozenset(found.as_set(include_weak=True))
    if header is not None and not (found.star_tag or values):
        raise Malformed(name, f"expected entity tags or *, got {shown(header)}")
    return Tags(found.star_tag, values) if header is not None else None


def wanted_activity(parameters: Mapping[str, str]) -> str:
    """The activity of a request for its definition (4.1.6.4 / Comm 2.5)."""
    check_names(parameters, needed=("activityId",), allowed=("activityId",))
    iri_parameter(parameters, "activityId")
    return parameters["activityId"]


def wanted_agent(parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """The agent of a request for a person; a group is no person (4.1.6.3 / Comm 2.4)."""
    check_names(parameters, needed=("agent",), allowed=("agent",))
    found = agent_parameter(parameters) or {}
    check_agent(found, "agent")
    return found
