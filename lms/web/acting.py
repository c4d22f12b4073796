"""Who is asking, as far as a page may know. `lms.accounts` fills this; the pages below it only read it."""

import uuid
from dataclasses import dataclass
from typing import Protocol, cast

from flask_login import LoginManager, current_user

login_manager = LoginManager()


class NotFound(LookupError):
    """There is no such thing, or none that this person may see; callers cannot tell which."""


class Actor(Protocol):
    """The signed-in person, as it was at the beginning of this request."""

    @property
    def person_id(self) -> int: ...
    @property
    def public_id(self) -> uuid.UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...

    def may(self, permission: str) -> bool:
        """Whether some role of this person, anywhere, carries the permission."""

    def everywhere(self, permission: str) -> bool:
        """Whether the permission holds for every unit."""

    def unit_ids(self, permission: str, tree: str = "state") -> tuple[int, ...]:
        """The units at and below which the permission holds in that tree, when it does not hold everywhere."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who really sits there while the product is looked at as somebody else sees it."""

    public_id: uuid.UUID
    name: str


VIEWING, VIEWING_OVER, ONLY_READS = "viewing", "viewing over", "only reads"
OWN_EYES = "own eyes"
"""What a page says that nobody sees who looks as somebody else: it holds more than any office needs."""


class Present(Actor, Protocol):
    """The signed-in person, and whether somebody else looks through their eyes."""

    @property
    def viewer(self) -> Viewer | None: ...
    @property
    def has_notices(self) -> bool:
        """Whether there is something the product tells this person that has not been seen."""

    @property
    def tied(self) -> str:
        """Why nothing may be changed: VIEWING, VIEWING_OVER (since this very request), ONLY_READS, or "" ."""


def actor() -> Actor:
    """The signed-in person; the gate has already turned everyone else away."""
    return cast(Actor, current_user._get_current_object())


def signed_in() -> Present | None:
    """The person who is asking, or None on a page open to everyone."""
    person = current_user._get_current_object()
    return cast(Present, person) if person.is_authenticated else None


def behind() -> uuid.UUID:
    """Whose eyes see this page, for the log of who saw names: the viewer's, where somebody looks as another person."""
    person = cast(Present, actor())
    return person.viewer.public_id if person.viewer is not None else person.public_id


def holds_everywhere(permission: str) -> Actor:
    """The signed-in person, when the permission holds for every unit. Raises `NotFound`."""
    person = actor()
    if not person.everywhere(permission):
        raise NotFound
    return person
