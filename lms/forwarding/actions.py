"""Sending statements on: at least once, in their order, in their exact bytes; and what is done about a target."""

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lms import clock
from lms.audit.actions import note
from lms.config import Config
from lms.db import config_of
from lms.forwarding import queries
from lms.forwarding.delivery import Answer, Line, Unreachable, ask
from lms.forwarding.models import DeadLetter, ForwardTarget
from lms.forwarding.queries import Piece
from lms.forwarding.rules import (
    ACTIVE,
    ADDRESS_REFUSED,
    EVERY,
    HALTED,
    HEADER_OF,
    MOST_AT_ONCE,
    MOST_SET_ASIDE,
    NO_STORE,
    PAUSED,
    REMOVED,
    RESTING,
    SECRET_LOST,
    BadAddress,
    Verdict,
    pause,
    place_of,
    stumbles,
    verdict,
)
from lms.outbox.actions import call_off, wake
from lms.xapi.matching import same
from lms.xapi.parts import Attached, put_together
from lms.xapi.queries import Horizon, settled
from lms.xapi.rules import check_iri

FORWARD = "forward"
decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Wish:
    """Which statements a target gets. `not_from`: none that this client brought, because it is the same store."""

    counted_only: bool = False
    activity_prefix: str | None = None
    from_beginning: bool = False
    not_from: int | None = None


def add_target(
    session: Session,
    *,
    name: str,
    address: str,
    edition: str,
    key: str,
    secret: str,
    wish: Wish,
    by: uuid.UUID | None = None,
) -> ForwardTarget:
    """Send statements on to another store from now on. Its secret is kept sealed and shown to nobody.

    Raises `BadAddress`, `Malformed` for a prefix that is no IRI, and `ValueError` for an edition nobody speaks.
    """
    config = config_of(session)
    place_of(address, own_host=config.host, local=config.local)
    if edition not in HEADER_OF:
        raise ValueError(f"no such edition: {edition}")
    if wish.activity_prefix is not None:
        check_iri(wish.activity_prefix, "prefix")
    target = ForwardTarget(
        name=name,
        address=address,
        edition=edition,
        key=key,
        sealed_secret=sealed(config, secret),
        counted_only=wish.counted_only,
        activity_prefix=wish.activity_prefix,
        not_from=wish.not_from,
        created_at=clock.now(),
        state=ACTIVE,
        size=MOST_AT_ONCE,
        cursor=0 if wish.from_beginning else queries.newest(session),
    )
    session.add(target)
    session.flush()  # its id goes into the job and the log
    set_going(session, target)
    note_target(session, "add", target, by)
    return target


def renew_key(session: Session, target: ForwardTarget, *, key: str, secret: str, by: uuid.UUID | None = None) -> None:
    """Speak to the target with another key and secret, and go on."""
    target.key, target.sealed_secret = key, sealed(config_of(session), secret)
    note_target(session, "renew", target, by)
    resume(session, target, by=by)


def pause_target(session: Session, target: ForwardTarget, *, by: uuid.UUID | None = None) -> None:
    """Send nothing to it until it is resumed. What is stored meanwhile is sent then."""
    before, target.state = target.state, PAUSED
    note_target(session, "pause", target, by, changes={"state": (before, PAUSED)})


def resume(session: Session, target: ForwardTarget, *, by: uuid.UUID | None = None) -> None:
    """Go on where it stopped, at once, whatever stopped it."""
    before = target.state
    target.state, target.trouble, target.failures, target.not_before = ACTIVE, None, 0, None
    session.flush()  # takes the lock of the row: a worker that is sending now is done before the job is woken
    set_going(session, target)
    note_target(session, "resume", target, by, changes={"state": (before, ACTIVE)})


def replay(
    session: Session, target: ForwardTarget, *, letter: DeadLetter | None = None, by: uuid.UUID | None = None
) -> int:
    """Send a refused statement once more, or all of them; returns how many."""
    which = DeadLetter.target_id == target.id if letter is None else DeadLetter.id == letter.id
    marked = session.scalars(update(DeadLetter).where(which).values(again=True).returning(DeadLetter.id)).all()
    set_going(session, target)
    note_target(session, "replay", target, by, letters=len(marked))
    return len(marked)


def remove_target(session: Session, target: ForwardTarget, *, by: uuid.UUID | None = None) -> None:
    """Send nothing to it any more, for good. What waits stays here unsent, and what it refused can still be read.

    Key and secret are forgotten: they open a door at which nobody will knock again.
    """
    waiting = queries.waiting(session, [target])[target.id]
    before = target.state
    target.state, target.trouble, target.failures, target.not_before = REMOVED, None, 0, None
    target.key, target.sealed_secret = "", b""
    session.execute(update(DeadLetter).where(DeadLetter.target_id == target.id).values(again=False))
    call_off(session, job_of(target))
    note_target(session, "remove", target, by, unsent=waiting.number, changes={"state": (before, REMOVED)})


def job_of(target: ForwardTarget) -> str:
    """The key of the one job of a target."""
    return f"{FORWARD} {target.id}"


def set_going(session: Session, target: ForwardTarget) -> None:
    """Have the worker look at the target as soon as may be."""
    wake(session, FORWARD, {"target": target.id}, key=job_of(target))


def keep_going(session: Session, _now: datetime) -> None:
    """Of the night: no target stays without its job, also if that failed ten times in a row."""
    for target in session.scalars(queries.targets().where(ForwardTarget.state != REMOVED)):
        set_going(session, target)


def note_target(session: Session, what: str, target: ForwardTarget, by: uuid.UUID | None, **details: Any) -> None:
    """Where statements go is audited."""
    note(session, f"forwarding.{what}", actor=by, object_kind="forward_target", object_id=target.public_id, **details)


def sealing(config: Config, purpose: bytes = b"lms.forwarding") -> Fernet:
    """Seals with a key that follows from LMS_SECRET_KEY and serves nothing but this purpose."""
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose).derive(config.secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


def sealed(config: Config, secret: str) -> bytes:
    """A secret as it is kept."""
    return sealing(config).encrypt(secret.encode())


@dataclass(frozen=True, slots=True)
class Parcel:
    """Statements for one request, and the data of attachments that came with them.

    `cursor` is where the target stood, `upto` where it stands once they are taken. `letter` is the refused statement
    that is sent once more; the target stays where it stands then.
    """

    target_id: int
    line: Line
    pieces: Sequence[Piece]
    attached: Sequence[Attached]
    cursor: int
    upto: int
    letter: int | None = None

    def content(self) -> tuple[bytes, str]:
        """Body and Content-Type of the request: the stored bytes (4.1.6.1 / Comm 2.1.2), in parts where there are data
        (4.1.3 / Comm 1.5.2)."""
        body = b"[" + b",".join(piece.body for piece in self.pieces) + b"]"
        return put_together(body, self.attached) if self.attached else (body, "application/json")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a parcel."""

    verdict: Verdict
    status: int = 0
    reason: str = ""
    retry_after: str | None = None

    @property
    def trouble(self) -> str:
        """In one line."""
        return f"{self.status} {self.reason}".strip() if self.status else self.reason


def forward(session: Session, payload: Mapping[str, Any]) -> datetime | None:
    """The handler of the job of one target: send the next statements. Returns when to be called again.

    While the other store is asked, no transaction is open. The cursor moves in the transaction in which the job ends,
    after the other store has answered: whatever fails in between, the same statements are sent again.
    """
    packed = pack(session, int(payload["target"]))
    if not isinstance(packed, Parcel):
        return packed
    session.rollback()  # nothing was written: no lock is held while we wait for others
    outcome = delivered(packed)
    return settle(session, packed, outcome)


def pack(session: Session, target_id: int) -> Parcel | datetime | None:
    """What is to be sent now, or when to look again; None when there is no such target any more."""
    now = clock.now()
    target = session.scalar(select(ForwardTarget).where(ForwardTarget.id == target_id).with_for_update())
    if target is None or target.state == REMOVED:
        return None
    if target.state != ACTIVE:
        return now + RESTING
    if target.not_before is not None and target.not_before > now:
        return target.not_before
    try:
        line = line_of(session, target)
    except (InvalidToken, BadAddress) as reason:
        return halt(target, SECRET_LOST if isinstance(reason, InvalidToken) else ADDRESS_REFUSED)
    if (found := queries.first_to_replay(session, target.id)) is not None:
        data = queries.data_of(session, [found[1]])
        return Parcel(target.id, line, [found[1]], data, target.cursor, target.cursor, letter=found[0])
    before = Horizon(target.sought, frozenset(target.writers)) if target.sought is not None else None
    safe, horizon = settled(session, before)
    target.sought, target.writers = horizon.sequence, sorted(horizon.writers)
    end = queries.end_of_window(session, after=target.cursor, upto=safe)
    if end is None:
        return now + (EVERY if not horizon.writers else EVERY / 10)
    found_pieces, upto = queries.pieces(session, target, upto=end)
    if not found_pieces:
        target.cursor = upto
        return now
    return Parcel(target.id, line, found_pieces, queries.data_of(session, found_pieces), target.cursor, upto)


def line_of(session: Session, target: ForwardTarget) -> Line:
    """How to speak to the target.

    Raises `InvalidToken` when its secret was sealed with another LMS_SECRET_KEY, and `BadAddress`.
    """
    config = config_of(session)
    secret = sealing(config).decrypt(target.sealed_secret).decode()
    place = place_of(target.address, own_host=config.host, local=config.local)
    return Line(place, HEADER_OF[target.edition], target.key, secret, config.forward_to)


def delivered(parcel: Parcel) -> Outcome:
    """Ask the other store to take the statements."""
    body, content_type = parcel.content()
    try:
        answer = ask(parcel.line, "POST", "/statements", body, content_type=content_type)
        found = verdict(answer.status, parts=bool(parcel.attached))
        if found is Verdict.TAKEN and not confirms(answer, parcel.pieces):
            return Outcome(Verdict.LATER, answer.status, NO_STORE)
        if answer.status == 409 and len(parcel.pieces) == 1 and is_there(parcel.line, parcel.pieces[0]):
            return Outcome(Verdict.TAKEN)
    except Unreachable as reason:
        return Outcome(Verdict.LATER, reason=str(reason))
    return Outcome(found, answer.status, answer.reason, answer.retry_after)


def confirms(answer: Answer, pieces: Sequence[Piece]) -> bool:
    """Whether the answer names the ids of what was sent: a page of some other kind at that address is no receipt."""
    if answer.status == 204:
        return not answer.body
    try:
        named = decode(answer.body)
        return {uuid.UUID(one) for one in named} >= {one.statement_id for one in pieces}
    except (ValueError, TypeError, AttributeError, msgspec.DecodeError):
        return False


def is_there(line: Line, piece: Piece) -> bool:
    """Whether the statement under this id says the same as ours. Raises `Unreachable`."""
    for parameter in ("statementId", "voidedStatementId"):
        answer = ask(line, "GET", f"/statements?{parameter}={piece.statement_id}")
        if answer.status == 200:
            try:
                return same(decode(piece.body), decode(answer.body))
            except (ValueError, TypeError, KeyError, AttributeError, msgspec.DecodeError):
                return False
    return False


def settle(session: Session, parcel: Parcel, outcome: Outcome) -> datetime:
    """Write down what became of a parcel; returns when to go on. What somebody else has moved meanwhile stays."""
    now = clock.now()
    query = select(ForwardTarget).where(ForwardTarget.id == parcel.target_id).with_for_update()
    target = session.scalars(query.execution_options(populate_existing=True)).one()
    if target.cursor != parcel.cursor or target.state == REMOVED:
        return now
    alone = len(parcel.pieces) == 1
    denied = outcome.verdict is Verdict.DENIED
    if denied and not (outcome.status == 403 and any(piece.voids for piece in parcel.pieces)):
        return halt(target, outcome.trouble)
    if outcome.verdict is Verdict.LATER:
        target.failures += 1
        target.not_before = now + pause(target.failures, outcome.retry_after, now)
        target.failed_at, target.trouble = now, outcome.trouble
        if not stumbles(outcome.status, target.failures):
            return target.not_before
        if not alone:
            target.size = len(parcel.pieces) // 2
            return target.not_before
        if parcel.letter is None and queries.set_aside_in_a_row(session, target) >= MOST_SET_ASIDE:
            return target.not_before
    if outcome.verdict is not Verdict.TAKEN and not alone:
        target.size = len(parcel.pieces) // 2
        return now
    if outcome.verdict is Verdict.TAKEN:
        taken(session, target, parcel, now)
    else:
        set_aside(session, target, parcel.pieces[0], outcome, now)
    target.cursor = max(target.cursor, parcel.upto)
    target.failures, target.not_before, target.trouble = 0, None, None
    return now


def halt(target: ForwardTarget, trouble: str) -> datetime:
    """Send nothing until somebody has seen to it: with a wrong key every statement would be refused."""
    target.state, target.trouble, target.failed_at = HALTED, trouble, clock.now()
    return clock.now() + RESTING


def taken(session: Session, target: ForwardTarget, parcel: Parcel, now: datetime) -> None:
    """The other store has them."""
    target.sent += len(parcel.pieces)
    target.succeeded_at = now
    target.size = min(2 * target.size, MOST_AT_ONCE)
    if parcel.letter is not None and (letter := session.get(DeadLetter, parcel.letter)) is not None:
        session.delete(letter)


def set_aside(session: Session, target: ForwardTarget, piece: Piece, outcome: Outcome, now: datetime) -> None:
    """Keep what the other store refuses for people to look at, and go on with the next."""
    known = select(DeadLetter).where(DeadLetter.target_id == target.id, DeadLetter.sequence == piece.sequence)
    letter = session.scalar(known) or DeadLetter(target_id=target.id, sequence=piece.sequence)
    letter.status, letter.reason, letter.at, letter.again = outcome.status, outcome.reason, now, False
    session.add(letter)
