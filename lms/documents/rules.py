"""What documents the store keeps, and on which conditions a request may change one.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lms.xapi.rules import Malformed

OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document. `about` and `named` are the parameters that tell what it is about and which one it is.

    `registered`: it may belong to a registration, and all of them may be removed at once. `guarded`: in 1.0.3 too
    nobody overwrites one he has not seen.
    """

    name: str
    about: tuple[str, ...]
    named: str
    registered: bool = False
    guarded: bool = True


STATE = Kind("state", ("activityId", "agent"), "stateId", registered=True, guarded=False)  # 4.1.6.2 / Comm 2.3
AGENT_PROFILE = Kind("agent", ("agent",), "profileId")  # 4.1.6.5 / Comm 2.6
ACTIVITY_PROFILE = Kind("activity", ("activityId",), "profileId")  # 4.1.6.6 / Comm 2.7


@dataclass(frozen=True, slots=True)
class Subject:
    """What documents are about: an activity, an agent, or both, and in some states a registration."""

    kind: Kind
    activity: str | None = None
    agent: Mapping[str, Any] | None = None
    registration: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The documents a request speaks of: one by its id, or all of a subject, of those all changed after `since`."""

    subject: Subject
    document_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a document holds: any bytes, of the type their sender says they have."""

    content_type: str
    body: bytes

    @property
    def etag(self) -> str:
        """The entity tag: SHA-1 of the bytes in hexadecimal (Comm 3.1; 4.1.4 leaves the algorithm open)."""
        return hashlib.sha1(self.body, usedforsecurity=False).hexdigest()

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return self.content_type.partition(";")[0].strip().lower() == "application/json"


class Changed(Exception):
    """The document is not the one If-Match or If-None-Match speaks of. Nothing was changed."""


class Unseen(Exception):
    """The document would be overwritten by somebody who does not say that he has seen it. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The entity tags of one header, or its star, which stands for any document.

    A weak tag is as good as a strong one: servers on the way that compress weaken a tag, and it remains the digest of
    the same bytes.
    """

    star: bool = False
    values: frozenset[str] = frozenset()

    def include(self, etag: str) -> bool:
        """Whether one of them is this document's."""
        return self.star or etag in self.values


@dataclass(frozen=True, slots=True)
class Conditions:
    """If-Match and If-None-Match of a request (4.1.4 / Comm 3.1, RFC 2616)."""

    match: Tags | None = None
    none_match: Tags | None = None

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return self.match is not None or self.none_match is not None

    def check(self, etag: str | None) -> None:
        """Raise `Changed` unless they hold for the document with this tag (None: there is no document)."""
        if self.match is not None and (etag is None or not self.match.include(etag)):
            raise Changed("If-Match: the document is not, or no longer, the one named there")
        if self.none_match is not None and etag is not None and self.none_match.include(etag):
            raise Changed("If-None-Match: there is such a document already")


def check_overwriting(kind: Kind, etag: str | None, conditions: Conditions, *, two: bool) -> None:
    """Whether a PUT may take the place of the document with this tag (4.1.4 / Comm 3.1).

    What stands is overwritten only by who names its tag, in 2.0 in every resource, in 1.0.3 in the profiles; there a
    new one too is stored only when the request says that it must be new.
    """
    conditions.check(etag)
    if conditions.given:
        return
    if etag is not None and (two or kind.guarded):
        raise Unseen("there is such a document already: read it, and send its ETag in If-Match")
    if etag is None and kind.guarded and not two:
        raise Malformed("If-Match", "or If-None-Match is needed; a new document is stored with If-None-Match: *")
