"""From the bytes another system sends to statements that keep every rule, or one error that says what is wrong."""

import json
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from lms.xapi.parts import Data, media_type
from lms.xapi.rules import Malformed, cut, printable
from lms.xapi.statement import attachments_of, decode_properties, written
from lms.xapi.validation import check_statement
from lms.xapi.vocabulary import SIGNATURE

MOST_AT_ONCE = 10_000  # statements in one request
DEEPEST = 64  # levels of objects and lists in one statement

decode = msgspec.json.Decoder().decode
decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Received(NamedTuple):
    """A valid statement, as values and as the JSON object it came as."""

    document: dict[str, Any]
    raw: bytes


def read_json(body: bytes, path: str, *, one: str = "") -> Any:
    """The value of a JSON text; refused are what is no JSON and two values under one name (4.2.1 / Data 2.2).

    `one` is what an item of it is called in errors, when the text itself is called otherwise.
    """
    try:
        value = decode(body)
    except RecursionError as reason:
        raise Malformed(path, f"is nested deeper than {DEEPEST} levels") from reason
    except ValueError as reason:  # msgspec's errors and those of UTF-8
        refuse_in_place(body, path, one)
        raise Malformed(path, f"is not JSON: {reason}") from reason
    try:
        twice = repeats_a_name(body, value)
    except RecursionError as reason:
        raise Malformed(path, f"is nested deeper than {DEEPEST} levels") from reason
    except ValueError as reason:  # a whole number of more than 4,300 digits
        refuse_in_place(body, path, one)
        raise Malformed(path, "holds a number out of range") from reason
    if twice:
        refuse_in_place(body, path, one)
        raise Malformed(path, "gives a property twice")
    return value


def check_depth(value: Any, text: bytes, path: str) -> None:
    """Refuse what is nested too deep. A text that opens few objects and lists need not be looked into."""
    if text.count(b"{") + text.count(b"[") > DEEPEST and depth(value) > DEEPEST:
        raise Malformed(path, f"is nested deeper than {DEEPEST} levels")


def depth(value: Any) -> int:
    """The levels of objects and lists."""
    levels, layer = 0, [value]
    while layer:
        inner: list[Any] = []
        for one in layer:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        levels += any(isinstance(one, dict | list) for one in layer)
        layer = inner
    return levels


def repeats_a_name(body: bytes, value: Any) -> bool:
    """Whether some object of the text has one name twice (4.2.1 / Data 2.2), of which the value keeps the last.

    A name that was dropped takes its colon along, so that the value written again has fewer of them. Only a text with
    colons written as \\u003a must be read again, slowly.
    """
    if b"\\u003" in body and b"\\u003a" in body.lower():
        return any_name_twice(body)
    try:
        written = msgspec.json.encode(value)
    except OverflowError:  # a whole number above 64 bits
        return any_name_twice(body)
    return written.count(b":") != body.count(b":")


def any_name_twice(body: bytes) -> bool:
    """The same by reading object for object."""
    twice = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found = dict(pairs)
        twice = twice or len(found) != len(pairs)
        return found

    json.loads(body, object_pairs_hook=note)
    return twice


read_text: Callable[[str, int], tuple[str, int]] = json.JSONDecoder().raw_decode
READ_SLOWLY = 1_000_000  # bytes of a text in which the place of a fault is looked for
LONGEST_NUMBER = 4_300  # digits of a whole number
SPACE = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
WORD = re.compile(r"true|false|null")
NO_NUMBER = re.compile(r"-?(?:nan|infinity|inf)\b", re.IGNORECASE)


def refuse_in_place(body: bytes, path: str, one: str) -> None:
    """Raise `Malformed` that names the place, if a number or a name given twice is what is wrong with this text.

    Reads the text once more, many times slower than msgspec: only what is refused anyway, and is not long.
    """
    if len(body) > READ_SLOWLY:
        return
    try:
        text = body.decode()
        read_value(text, 0, path if not one else f"{one}s" if text.lstrip().startswith("[") else one)
    except Malformed:
        raise
    except (ValueError, RecursionError):  # something else is wrong with it
        return


def read_value(text: str, start: int, path: str) -> int:
    """Where a value ends that begins here. Raises `Malformed` for the first fault, `ValueError` for what is no JSON."""
    at = after_space(text, start)
    if text.startswith("{", at):
        return read_object(text, at + 1, path)
    if text.startswith("[", at):
        return read_list(text, at + 1, path)
    if text.startswith('"', at):
        return read_text(text, at)[1]
    if number := NUMBER.match(text, at):
        whole = number[1] is None and number[2] is None
        if len(number[0].lstrip("-")) > LONGEST_NUMBER if whole else math.isinf(float(number[0])):
            raise Malformed(path, f"{cut(number[0])} is a number out of range")
        return number.end()
    if strange := NO_NUMBER.match(text, at):
        raise Malformed(path, f"{strange[0]} is no number of JSON")
    if word := WORD.match(text, at):
        return word.end()
    raise ValueError("no value")


def read_object(text: str, start: int, path: str) -> int:
    """The same of an object whose brace has been read."""
    at, names = after_space(text, start), set[str]()
    while not text.startswith("}", at):
        if names:
            at = after_space(text, after_sign(text, at, ","))
        after_sign(text, at, '"')
        name, at = read_text(text, at)
        place = f"{path}.{cut(printable(name))}"
        if name in names:
            raise Malformed(place, "is given twice")
        names.add(name)
        at = after_space(text, read_value(text, after_sign(text, after_space(text, at), ":"), place))
    return at + 1


def read_list(text: str, start: int, path: str) -> int:
    """The same of a list whose bracket has been read."""
    at, number = after_space(text, start), 0
    while not text.startswith("]", at):
        if number:
            at = after_sign(text, at, ",")
        at = after_space(text, read_value(text, at, f"{path}[{number}]"))
        number += 1
    return at + 1


def after_space(text: str, at: int) -> int:
    return cast(re.Match[str], SPACE.match(text, at)).end()


def after_sign(text: str, at: int, sign: str) -> int:
    """Behind a sign that must stand here."""
    if not text.startswith(sign, at):
        raise ValueError(f"no {sign}")
    return at + 1


def read_statements(body: bytes, *, two: bool, data: Data | None = None) -> tuple[list[Received], bool]:
    """The statements of a POST, and whether they came as a list; raises `Malformed` for the first that is wrong.

    `two` says that the request speaks xAPI 2.0; `data` are those of attachments that came with it, if it had parts.
    """
    value = read_json(body, "body", one="statement")
    if not isinstance(value, list):
        return [checked(value, body.strip(), "statement", two=two, data=data)], False
    if len(value) > MOST_AT_ONCE:
        raise Malformed("statements", f"more than {MOST_AT_ONCE} at once")
    found = [
        checked(one, bytes(raw), f"statements[{number}]", two=two, data=data)
        for number, (one, raw) in enumerate(zip(value, decode_parts(body), strict=True))
    ]
    check_ids_differ(found)
    return found, True


def check_ids_differ(found: Sequence[Received]) -> None:
    """Two statements of one batch with the same id refuse the batch (4.1.6.1 / Comm 2.1.2)."""
    seen: dict[str, int] = {}
    for number, one in enumerate(found):
        if "id" in one.document:
            first = seen.setdefault(one.document["id"].lower(), number)
            if first != number:
                raise Malformed(f"statements[{number}].id", f"is also the id of statements[{first}]")


def read_statement(body: bytes, statement_id: str, *, two: bool, data: Data | None = None) -> Received:
    """The statement of a PUT, which carries the id of its address."""
    value = read_json(body, "body", one="statement")
    received = checked(value, body.strip(), "statement", two=two, data=data)
    if "id" not in received.document:
        return Received(
            {"id": statement_id, **received.document}, b'{"id":"%b",' % statement_id.encode() + received.raw[1:]
        )
    if uuid.UUID(received.document["id"]) != uuid.UUID(statement_id):
        raise Malformed("statement.id", f"is not the statementId of the request, which is {statement_id}")
    return received


def checked(document: Any, raw: bytes, path: str, *, two: bool, data: Data | None) -> Received:
    """One statement, when it keeps all rules."""
    check_depth(document, raw, path)
    check_statement(document, path, two=two)
    contains = document["object"].get("objectType") == "SubStatement"
    if contains or "attachments" in document:
        check_data_came(document, path, data)
    changed = listed_activities(document)
    if contains and listed_activities(document["object"]):
        raw = replaced(raw, "object", document["object"])
    return Received(document, replaced(raw, "context", document["context"]) if changed else raw)


def check_data_came(document: Mapping[str, Any], path: str, data: Data | None) -> None:
    """Every attachment says where its data are, or they came with it (4.1.3 / Comm 1.5.2).

    A signature can only be looked at when it came (4.2.6 / Data 2.6).
    """
    for place, one in attachments_of(document, path):
        part = (data or {}).get(one["sha2"].lower())
        if part is None and "fileUrl" not in one:
            why = "and no data came with the statement" if data is None else "and no part has its sha2"
            raise Malformed(place, f"fileUrl is missing, {why}")
        if part is None and one["usageType"] == SIGNATURE:
            raise Malformed(place, "is a signature, whose data must come with the statement, in multipart/mixed")


def check_data_are_named(received: Sequence[Received], data: Data) -> None:
    """Every part belongs to an attachment, and says the same of type and length (4.1.3 / Comm 1.5.2).

    A `length` that is not that of the data is no reason to refuse, as long as the part itself does not name another.
    """
    kinds: dict[str, set[str]] = {}
    lengths: dict[str, set[str]] = {}
    for document, _ in received:
        for _, one in attachments_of(document, ""):
            kinds.setdefault(one["sha2"].lower(), set()).add(media_type(one["contentType"]))
            lengths.setdefault(one["sha2"].lower(), set()).add(str(one["length"]))
    for sha2, part in data.items():
        if sha2 not in kinds:
            raise Malformed(f"part {sha2}", "no attachment has this sha2")
        if part.kind and part.kind not in kinds[sha2]:
            raise Malformed(f"part {sha2}.Content-Type", f"the attachment says {' or '.join(sorted(kinds[sha2]))}")
        if part.headers.get("content-length", "") not in {"", *lengths[sha2]}:
            raise Malformed(f"part {sha2}.Content-Length", f"the attachment says {' or '.join(sorted(lengths[sha2]))}")


def listed_activities(part: dict[str, Any]) -> bool:
    """Put single context activities into lists, as they must be returned (4.2.2.5 / Data 2.4.6.2)."""
    context = part.get("context")
    activities = context.get("contextActivities", {}) if context else {}
    single = [name for name, one in activities.items() if not isinstance(one, list)]
    for name in single:
        activities[name] = [activities[name]]
    return bool(single)


def replaced(raw: bytes, name: str, value: Any) -> bytes:
    """The JSON object with one property written anew; the others keep their bytes."""
    return msgspec.json.encode({**decode_properties(raw), name: msgspec.Raw(written(value))})
