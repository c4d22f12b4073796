"""Queueing work, taking it, and sending mail. A job is done at least once; its handler must bear a second time."""

import smtplib
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lms import clock
from lms.config import LOOPBACK, Config
from lms.db import lock_roll
from lms.doors import doors_of
from lms.outbox.models import Job, SettledDay
from lms.outbox.rules import KEPT, LEASE, MOST_ATTEMPTS, NIGHTLY_AT, TOPICS, Hours, mail_at, wait_after

MAIL = "mail"
NIGHTLY = "nightly"
SMTP_TIMEOUT_SECONDS = 30


class JobFailed(Exception):
    """A job could not be done now. The message is kept with the job and never tells anything about a person."""


class LeaseLost(JobFailed):
    """The worker was so slow that another has taken the job: what this one did is rolled back."""


class MailFailed(JobFailed):
    """The mail could not be handed over."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job held by this worker; `attempt` and `until` tell its hold from that of any other."""

    job_id: int
    kind: str
    payload: dict[str, Any]
    attempt: int
    until: datetime


def queue(
    session: Session, kind: str, payload: Mapping[str, Any], *, due_at: datetime | None = None, key: str | None = None
) -> None:
    """Have the worker do this after the commit, not before `due_at`. Nothing happens when a job has that key already.

    `payload` is plain JSON and names people by their ids only.
    """
    now = clock.now()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"kind": kind, "key": key, "payload": dict(payload), "created_at": now, "due_at": due_at or now}
    session.execute(dialect.insert(Job).values(values).on_conflict_do_nothing(index_elements=["key"]))


def wake(session: Session, kind: str, payload: Mapping[str, Any], *, key: str) -> None:
    """Have the job with this key done as soon as may be, whether it waits, was done, was given up or is new."""
    now = clock.now()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"kind": kind, "key": key, "payload": dict(payload), "created_at": now, "due_at": now}
    held = case((Job.taken_until > now, Job.attempts), else_=0)  # whoever holds it at this moment shall not lose it
    session.execute(
        dialect.insert(Job)
        .values(values)
        .on_conflict_do_update(index_elements=["key"], set_={"due_at": now, "done_at": None, "attempts": held})
    )


def call_off(session: Session, key: str) -> None:
    """The job with that key is no longer needed. One that a worker has begun is left to it."""
    waiting = delete(Job).where(Job.key == key, Job.done_at.is_(None), Job.taken_until.is_(None))
    session.execute(waiting.execution_options(synchronize_session=False))


def due(now: datetime) -> ColumnElement[bool]:
    """Whether a job waits to be done: neither done nor given up, its time come, and held by no living worker."""
    free = or_(Job.taken_until.is_(None), Job.taken_until <= now)
    return and_(Job.done_at.is_(None), Job.attempts < MOST_ATTEMPTS, Job.due_at <= now, free)


def take(session: Session) -> Taken | None:
    """Hold the job that has waited longest, or None. To be committed at once, before the job is begun.

    Two workers never take the same: one waits for the other on SQLite, and passes over locked rows on PostgreSQL.
    """
    now = clock.now()
    job = session.scalar(
        select(Job).where(due(now)).order_by(Job.due_at, Job.id).limit(1).with_for_update(skip_locked=True)
    )
    if job is None:
        return None
    job.attempts += 1
    job.taken_until = now + LEASE
    job.last_error = "the worker stopped before the job was done"  # replaced when it does not
    return Taken(job.id, job.kind, job.payload, job.attempts, job.taken_until)


def finish(session: Session, taken: Taken, *, again: datetime | None = None) -> None:
    """The job is done, or waits until `again` with its failures forgotten. Raises `LeaseLost` when it is not held."""
    if again is None:
        change(session, taken, done_at=clock.now(), taken_until=None, last_error=None)
    else:
        change(session, taken, due_at=again, attempts=0, taken_until=None, last_error=None)


def postpone(session: Session, taken: Taken, reason: str) -> None:
    """The job failed: it waits longer each time, and is given up after ten attempts. Raises `LeaseLost`."""
    change(session, taken, due_at=clock.now() + wait_after(taken.attempt), taken_until=None, last_error=reason[:500])


def change(session: Session, taken: Taken, **values: Any) -> None:
    """Change the row of a job that is still held by this worker."""
    changed = session.scalar(
        update(Job)
        .where(
            Job.id == taken.job_id,
            Job.attempts == taken.attempt,
            Job.taken_until == taken.until,
            Job.done_at.is_(None),
        )
        .values(values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        raise LeaseLost(f"job {taken.job_id} was taken by another worker")


def night_of(now: datetime) -> str:
    """The key of the nightly job of that day, which begins at five past midnight in Vietnam: nightly 2026-11-23."""
    return f"{NIGHTLY} {clock.day_of(now - NIGHTLY_AT).isoformat()}"


def queue_nightly(session: Session, now: datetime) -> None:
    """Queue the work of the night, once on however many hosts. A night on which no worker ran is made up for later."""
    queue(session, NIGHTLY, {}, key=night_of(now))


def settled_day(session: Session) -> date | None:
    """The day up to which everything that changes with the day has been settled; None before the first time."""
    return session.scalar(select(SettledDay.day))


def settle_day(session: Session) -> date:
    """Bring everything that changes with the day to today, unless it is there; returns the day it now stands at.

    Whoever asks again on the same day costs one query, and a day that has come never goes back. The roll is locked
    while the day is settled, so that one transaction does it and none reads half of it.
    """
    today = clock.today()
    if (settled := settled_day(session)) is not None and settled >= today:
        return settled
    lock_roll(session)
    if (settled := settled_day(session)) is not None and settled >= today:  # another was settling it
        return settled
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = dialect.insert(SettledDay).values(id=1, day=today)
    session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"day": today}))
    for hook in doors_of(session).daybreak:
        hook(session, today)
    return today


def run_nightly(session: Session, _payload: Mapping[str, Any]) -> None:
    """The handler of the nightly job: the new day, then everything registered for the night, in one transaction."""
    settle_day(session)
    for hook in doors_of(session).nightly:
        hook(session, clock.now())


def forget_done(session: Session, now: datetime) -> None:
    """Remove jobs that were done a month ago. Those given up stay."""
    session.execute(delete(Job).where(Job.done_at < now - KEPT).execution_options(synchronize_session=False))


def send_mail(
    session: Session,
    to_person_id: int,
    *,
    subject: str,
    template: str,
    topic: str,
    values: Mapping[str, str] | None = None,
    hours: Hours | None = None,
    of_today: bool = False,
    key: str | None = None,
) -> None:
    """Mail a person, after the commit. Somebody without an address gets none, nor who wants none about the topic.

    `hours`: it goes out between these alone, however long it waits or fails; None: at any. `of_today`: and not any more
    once the day is over.

    `topic` is one of `rules.TOPICS`; ValueError for any other. What somebody asked for themselves, such as a new
    password, is no topic and does not go this way.
    `template` is "package.feature/file": a text in the mail/ folder of that feature with $words, replaced by `values`
    and, when the mail is sent, by $name (of the person) and $site (the address of the site). A word left over is an
    error here, not at night.
    """
    if topic not in TOPICS:
        raise ValueError(f"no topic of mail is called {topic!r}")
    values = dict(values or {})
    Template(template_text(template)).substitute(values | {"name": "", "site": ""})
    now, payload = clock.now(), {"person_id": to_person_id, "subject": subject, "template": template, "topic": topic}
    payload |= {"values": values, "day": clock.day_of(now).isoformat() if of_today else None}
    payload["hours"] = [hours.from_hour, hours.to_hour] if hours is not None else None
    queue(session, MAIL, payload, due_at=mail_at(hours, now) if hours is not None else None, key=key)


def template_text(template: str) -> str:
    """The text of a mail template."""
    package, name = template.split("/")
    return (files(package) / "mail" / name).read_text(encoding="utf-8")


def deliver(config: Config, *, address: str, name: str, payload: Mapping[str, Any]) -> None:
    """Hand a queued mail to the mail server, or write it to the folder `mail` when none is configured."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = payload["subject"]
    message["From"] = config.mail_from or f"no-reply@{urlsplit(config.site_url).hostname}"
    message["To"] = address
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=urlsplit(config.site_url).hostname)
    message["Auto-Submitted"] = "auto-generated"
    words = {**payload["values"], "name": name, "site": config.site_url}
    message.set_content(Template(template_text(payload["template"])).substitute(words))
    if config.smtp_url:
        by_smtp(config.smtp_url, message)
    else:
        as_file(config.data_dir / "mail", message)


def by_smtp(url: str, message: EmailMessage) -> None:
    """Speak to the server named by LMS_SMTP_URL: smtps:// over TLS, smtp:// with TLS where the server offers it."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise MailFailed("LMS_SMTP_URL must look like smtps://user:password@mail.example.gov.vn")
    context = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(parts.hostname, parts.port or 465, timeout=SMTP_TIMEOUT_SECONDS, context=context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(parts.hostname, parts.port or 25, timeout=SMTP_TIMEOUT_SECONDS)
        ) as server:
            server.ehlo_or_helo_if_needed()
            private = parts.scheme == "smtps" or parts.hostname in LOOPBACK
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                private = True
            if parts.username:
                if not private:
                    raise MailFailed("the mail server offers no TLS, and a password is not sent over an open line")
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPException as error:
        code = getattr(error, "smtp_code", "")
        raise MailFailed(f"the mail server refused: {type(error).__name__} {code}".rstrip()) from error
    except OSError as error:
        raise MailFailed(f"the mail server did not answer: {type(error).__name__}") from error


def as_file(folder: Path, message: EmailMessage) -> None:
    """Write the mail as an .eml file that mail programs open. Only whoever runs the product may read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{clock.now():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}.eml"
    unfinished = path.with_suffix(".part")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(message.as_bytes())
    unfinished.rename(path)
