"""The rules for single values in a statement: identifiers, addresses, times, languages and numbers.

Sections are those of IEEE 9274.1.1 (xAPI 2.0), then, after a slash, of xAPI 1.0.3 (Data = part two).
"""

import json
import math
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")  # 4.2.2.1 / Data 2.4.2.3, inverse functional
LONGEST_IRI = 2_000  # bytes; an index entry of PostgreSQL holds 2,704
SHOWN = 60
AN_INSTANT = timedelta(microseconds=1)
IN_MICROSECONDS = len("2026-03-01T08:30:00.000000Z")
encode = msgspec.json.Encoder().encode


class Malformed(ValueError):
    """A value breaks a rule of the standard; `path` says where it stands and `rule` what was expected."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"{path}: {rule}")
        self.path = path
        self.rule = rule


def shown(value: object) -> str:
    """A value as an error quotes it: as JSON writes it, cut to a length that stays readable."""
    return cut(printable(json.dumps(value, ensure_ascii=False, default=str)))


def printable(text: str) -> str:
    """A text in which everything that cannot be seen, or sent, is escaped as in JSON."""
    return text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def cut(text: str) -> str:
    """Its beginning, when it is long."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


Check = Callable[[Any, str], None]

# 4.2.7 / Data 4.3: an IRI has a scheme, and none of the characters that RFC 3987 leaves out.
IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20\x7f-\x9f<>\"{}|\\^`\u2028\u2029\ufff0-\uffff]+")
# 4.2.7 / Data 4.4: the standard string form of RFC 4122, every version, in either case.
UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
# 4.2.2.1 / Data 2.4.2.3: mbox is "mailto:" and one address, with letters of any script.
MAILTO = re.compile(
    r"mailto:[^\s\x00-\x1f\x7f@<>()\[\],;:\\]+@(?:[^\s\x00-\x1f\x7f@<>()\[\],;:\\/?#\"]+|\[[0-9A-Fa-f:.]+\])"
)
# 4.2.2.1 / Data 2.4.2.3: the hash of such an address.
SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
# 4.2.2.6 / Data 2.4.11: SHA-2 in hexadecimal: 224, 256, 384 or 512 bits.
SHA2 = re.compile(r"(?:[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})")
# 4.2.2.6 / Data 2.4.11. Without control characters: a contentType is sent out as a header of a part.
MEDIA_TYPE = re.compile(
    r"[!#$&^_.+\-A-Za-z0-9]+/[!#$&^_.+\-A-Za-z0-9]+(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*)?"
)
# 4.2.7: RFC 3339, with seconds and an offset. T and Z may be lower case there, and a space may stand for the T.
TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<minute>\d\d:\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d+))?"
    r"(?P<offset>[Zz]|[+-]\d\d:[0-5]\d)",
    re.ASCII,
)
# Data 4.5: ISO 8601, of which RFC 3339 is only recommended. Without an offset a time counts as UTC.
TIMESTAMP_1 = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<minute>\d\d:\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"(?P<offset>[Zz]|[+-]\d\d(?::?[0-5]\d)?)?",
    re.ASCII,
)
# 4.2.7 / Data 4.5: "unknown" is refused in both.
UNKNOWN_OFFSETS = frozenset({"-00", "-0000", "-00:00"})
# 4.2.7 / Data 4.6: ISO 8601:2004 4.4.3.2; weeks stand alone, only the last figure may have a fraction.
DURATION = re.compile(
    r"P(?!$)(?:(\d+(?:[.,]\d+)?W)|"
    r"(?:\d+(?:[.,]\d+(?=Y$))?Y)?(?:\d+(?:[.,]\d+(?=M$))?M)?(?:\d+(?:[.,]\d+(?=D$))?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+(?=H$))?H)?(?:\d+(?:[.,]\d+(?=M$))?M)?(?:\d+(?:[.,]\d+)?S)?)?)",
    re.ASCII,
)
# 4.2.7 / Data 4.2: the lengths of the parts of a language tag are those of RFC 5646.
LANGUAGE = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(?:be-fr|be-nl|ch-de)"
    r"|art-lojban|cel-gaulish|no-bok|no-nyn|zh-(?:guoyu|hakka|min|min-nan|xiang))",
    re.ASCII | re.IGNORECASE,
)


MOST_KNOWN = 8_192  # texts a check remembers; then it begins anew
LONGEST_KNOWN = 1_000  # bytes of a text that is remembered


def recurring(check: Check) -> Check:
    """The same check for parts that many statements share: one that has passed passes again by its JSON text alone."""
    known = set[bytes]()

    def check_once(value: Any, path: str) -> None:
        try:
            text = encode(value)
        except OverflowError:  # a whole number above 64 bits
            return check(value, path)
        if text not in known:
            check(value, path)
            if len(text) <= LONGEST_KNOWN:
                if len(known) >= MOST_KNOWN:
                    known.clear()
                known.add(text)

    return check_once


def check_text(value: Any, path: str) -> None:
    """A string, the empty one included (4.2.1 / Data 2.2)."""
    if not isinstance(value, str):
        raise Malformed(path, f"expected a string, got {shown(value)}")


def check_truth(value: Any, path: str) -> None:
    """true or false; the strings "true" and "false" are neither (4.2.1 / Data 2.2)."""
    if value is not True and value is not False:
        raise Malformed(path, f"expected true or false, got {shown(value)}")


def check_number(value: Any, path: str) -> None:
    """A JSON number that a double can hold (4.2.1 / Data 2.2)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed(path, f"expected a number, got {shown(value)}")
    if isinstance(value, int):
        if abs(value) >= 1 << 1023:
            raise Malformed(path, "is too large a number")
    elif not math.isfinite(value):
        raise Malformed(path, "is not a finite number")


def check_octets(value: Any, path: str) -> None:
    """A length: a whole number from 0 on (4.2.2.6 / Data 2.4.11)."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Malformed(path, f"expected a whole number from 0 on, got {shown(value)}")


def is_absolute_iri(value: str) -> bool:
    return IRI.fullmatch(value) is not None and (len(value) < LONGEST_IRI // 4 or len(value.encode()) <= LONGEST_IRI)


known_iri = lru_cache(maxsize=8_192)(is_absolute_iri)  # verbs and activities recur all day


def check_iri(value: Any, path: str) -> None:
    """An absolute IRI (RFC 3987; 4.2.7 / Data 4.3) of at most 2,000 bytes."""
    if not isinstance(value, str) or not known_iri(value):
        raise Malformed(path, f"expected an absolute IRI of at most {LONGEST_IRI} bytes, got {shown(value)}")


def is_language(value: str) -> bool:
    return LANGUAGE.fullmatch(value) is not None


known_language = lru_cache(maxsize=512)(is_language)


def check_language(value: Any, path: str) -> None:
    """A language tag (RFC 5646; 4.2.7 / Data 4.2)."""
    if not isinstance(value, str) or not known_language(value):
        raise Malformed(path, f"expected a language tag such as vi or en-US, got {shown(value)}")


def matching(pattern: re.Pattern[str], expected: str) -> Check:
    """A check that a value is a string of this form, the whole of it."""
    fullmatch = pattern.fullmatch

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str) or fullmatch(value) is None:
            raise Malformed(path, f"expected {expected}, got {shown(value)}")

    return check


check_uuid = matching(UUID, "a UUID in its standard form")
check_mailto = matching(MAILTO, "mailto: and one e-mail address")
check_sha1 = matching(SHA1, "a SHA-1 of 40 hexadecimal digits")
check_sha2 = matching(SHA2, "a SHA-2 in hexadecimal digits")
check_media_type = matching(MEDIA_TYPE, "a media type such as text/plain")


@lru_cache(maxsize=4_096)
def is_duration(value: str) -> bool:
    return DURATION.fullmatch(value) is not None


def check_duration(value: Any, path: str) -> None:
    """A duration (ISO 8601:2004, part 4.4.3.2; 4.2.7 / Data 4.6)."""
    if not isinstance(value, str) or not is_duration(value):
        raise Malformed(path, f"expected an ISO 8601 duration such as PT1H30M, got {shown(value)}")


def own_account(name: str) -> uuid.UUID | None:
    """The public id that an account name of ours is; None for any other name.

    An agent is known by its account exactly as it is spelt (4.2.2.1 / Data 2.4.2.3): of the spellings of a UUID only
    the one that our own statements use is a person of ours, and upper case or braces name somebody else.
    """
    try:
        public_id = uuid.UUID(name)
    except ValueError:
        return None
    return public_id if str(public_id) == name else None


def one_of(*values: str) -> Check:
    """A check that a value is one of these strings, in this case."""
    allowed = frozenset(values)
    words = " or ".join(values)

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str) or value not in allowed:
            raise Malformed(path, f"expected {words}, got {shown(value)}")

    return check


def check_timestamp(value: Any, path: str) -> None:
    """A point in time as RFC 3339 writes it, which is all that xAPI 2.0 takes (4.2.7)."""
    moment(value, path, two=True)


def check_timestamp_1(value: Any, path: str) -> None:
    """A point in time as xAPI 1.0.3 takes it: a date and a time of ISO 8601 in its extended form (Data 4.5)."""
    moment(value, path)


def moment(value: Any, path: str, *, two: bool = False) -> datetime:
    """The point in time a timestamp names, in UTC; a leap second is the last microsecond before it ends.

    `two` asks for the narrower form of xAPI 2.0. What is stored came in either.
    """
    try:
        found = point_in_time(value, two) if isinstance(value, str) else None
    except (ValueError, OverflowError) as reason:
        raise Malformed(path, f"{shown(value)} is not a point in time") from reason
    if found is None:
        raise Malformed(path, f"expected a time such as 2026-03-01T08:30:00.000+07:00, got {shown(value)}")
    return found


@lru_cache(maxsize=2_048)  # it is checked first and kept later
def point_in_time(value: str, two: bool) -> datetime | None:
    """None when it has not the form of a timestamp; `ValueError` or `OverflowError` when there is no such time."""
    found = (TIMESTAMP if two else TIMESTAMP_1).fullmatch(value)
    if found is None or found["offset"] in UNKNOWN_OFFSETS:
        return None
    second, fraction = found["second"] or "00", (found["fraction"] or "0")[:6]
    leap = second == "60"
    if leap:
        second, fraction = "59", "999999"
    offset = found["offset"] or "Z"
    if found["minute"].startswith("24"):
        raise ValueError(value)  # newer Pythons take it for the next midnight
    moment = datetime.fromisoformat(
        f"{found['day']}T{found['minute']}:{second}.{fraction:0<6}{'+00:00' if offset in 'Zz' else offset}"
    ).astimezone(UTC)
    if leap and f"{moment + AN_INSTANT:%d %H:%M}" != "01 00:00":
        raise ValueError(value)  # RFC 3339, 5.7: leap seconds end a month, by the clock of UTC
    return moment


def rfc3339(moment: datetime) -> str:
    """A moment as the standard wants it: UTC, with milliseconds or finer."""
    text = encode(moment if moment.tzinfo is UTC else moment.astimezone(UTC))[1:-1].decode()
    return text if len(text) == IN_MICROSECONDS else f"{text[:-1]}.000000Z"
