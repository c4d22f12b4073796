"""Deciding that two records are one person, or that they are not, and taking that back (decision 0022)."""

import uuid
from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.actions import PeopleMoved, close_account, reopen_account
from lms.accounts.models import Membership, MembershipTransfer, Person, PersonLink, SignInAccount
from lms.audit.actions import note_each
from lms.db import lock_roll
from lms.doors import tell
from lms.duplicates.queries import links_between
from lms.duplicates.rules import problem


class CannotLink(ValueError):
    """The records cannot be linked now; the argument says why (`rules.problem`)."""


def link_people(session: Session, duplicate: Person, person: Person, *, by: uuid.UUID) -> PersonLink:
    """Say that both are one person: from today on `person` counts for both, and the account of the other is closed.

    Nothing is destroyed: `unlink` restores what was. Raises `CannotLink`.
    """
    lock_roll(session)  # before any row: nobody moves either of them meanwhile
    known = [one for one in session.scalars(links_between(duplicate.id, person.id)) if one.same]
    reason = problem(
        duplicate_linked=any(one.duplicate_id == duplicate.id for one in known),
        duplicate_has_links=any(one.person_id == duplicate.id for one in known),
        person_linked=any(one.duplicate_id == person.id for one in known),
    )
    if reason:
        raise CannotLink(reason)
    account = session.get_one(SignInAccount, duplicate.id)
    link = decision(session, duplicate, person, same=True, was_open=account.disabled_at is None, by=by)
    if account.disabled_at is None:
        close_account(session, duplicate, by=by)
    set_aside(session, duplicate, link)
    session.flush()  # those who are told read where people belong
    noted(session, "person.link", duplicate, person, by=by)
    tell(session, PeopleMoved(tuple(sorted((duplicate.id, person.id)))))
    return link


def tell_apart(session: Session, one: Person, other: Person, *, by: uuid.UUID) -> PersonLink:
    """Say that these are two people: the pair is suggested no more."""
    link = decision(session, one, other, same=False, was_open=False, by=by)
    noted(session, "person.apart", one, other, by=by)
    return link


def decision(
    session: Session, duplicate: Person, person: Person, *, same: bool, was_open: bool, by: uuid.UUID
) -> PersonLink:
    """Keep what was decided."""
    link = PersonLink(
        public_id=uuid.uuid4(),
        duplicate_id=duplicate.id,
        person_id=person.id,
        same=same,
        was_open=was_open,
        decided_on=clock.today(),
        decided_at=clock.now(),
        decided_by=by,
    )
    session.add(link)
    session.flush()  # memberships that are set aside name it
    return link


def set_aside(session: Session, duplicate: Person, link: PersonLink) -> None:
    """What counts the duplicate counts no more, from the day of the link on; until then it is left as it was."""
    for one in session.scalars(counting(duplicate.id, since=link.decided_on)).all():
        if one.valid_from >= link.decided_on:
            one.kind, one.link_id = "concurrent", link.id
            continue
        rest = {"position": one.position, "transfer_id": one.transfer_id, "due_on": one.due_on}
        session.add(
            Membership(
                person_id=one.person_id,
                unit_id=one.unit_id,
                tree=one.tree,
                kind="concurrent",
                link_id=link.id,
                valid_from=link.decided_on,
                valid_to=one.valid_to,
                **rest,
            )
        )
        one.valid_to = link.decided_on


def counting(person_id: int, *, since: date) -> Select[Membership]:
    """The memberships that count somebody on that day or later."""
    return (
        select(Membership)
        .where(
            Membership.person_id == person_id,
            Membership.kind == "main",
            or_(Membership.valid_to.is_(None), Membership.valid_to > since),
        )
        .order_by(Membership.id)
        .execution_options(populate_existing=True)
    )


def undo(session: Session, link: PersonLink, duplicate: Person, person: Person, *, by: uuid.UUID) -> None:
    """Take back what was decided: everything is as it was, and the pair may be suggested again."""
    lock_roll(session)  # as above
    session.refresh(link)  # another may have taken it back while we waited
    if link.undone_at is not None:
        return
    link.undone_at, link.undone_by = clock.now(), by
    if not link.same:
        noted(session, "person.apart.undo", duplicate, person, by=by)
        return
    aside = select(Membership).where(Membership.link_id == link.id).order_by(Membership.valid_from, Membership.id)
    for one in session.scalars(aside.execution_options(populate_existing=True)).all():
        count_again(session, one, link)
    if link.was_open:
        reopen_account(session, duplicate, by=by)
    session.flush()  # those who are told read where people belong
    noted(session, "person.unlink", duplicate, person, by=by)
    tell(session, PeopleMoved(tuple(sorted((duplicate.id, person.id)))))


def count_again(session: Session, one: Membership, link: PersonLink) -> None:
    """A membership that was set aside counts again; one that was cut in two by the link is one again.

    Not where an operation of the organisation has written down either half: then both stay, and count as one.
    """
    first = session.scalar(
        select(Membership).where(
            Membership.person_id == one.person_id,
            Membership.unit_id == one.unit_id,
            Membership.tree == one.tree,
            Membership.kind == "main",
            Membership.valid_to == link.decided_on,
        )
    )
    written = select(MembershipTransfer.id).where(
        or_(MembershipTransfer.membership_id == one.id, MembershipTransfer.begun_id == one.id)
    )
    if first is None or one.valid_from != link.decided_on or session.scalar(written.limit(1)) is not None:
        one.kind, one.link_id = "main", None
        session.flush()  # the table allows one membership without an end
        return
    until = one.valid_to
    session.delete(one)
    session.flush()  # as above
    first.valid_to = until


def noted(session: Session, action: str, duplicate: Person, person: Person, *, by: uuid.UUID) -> None:
    """An entry in the log of each."""
    for one, other in ((duplicate, person), (person, duplicate)):
        said = {"with": str(other.public_id), "counts": one is person}
        note_each(session, action, actor=by, object_kind="person", objects=[(one.public_id, said)])
