"""Messages to other channels: signed, told once, tried again, dead and replayed; and where they may not go."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

import wsgi
from lms import clock
from lms.app import create_app
from lms.forwarding.cli import destination_of
from lms.forwarding.rules import BadAddress
from lms.outbox.cli import Worker
from lms.outbox.rules import Hours
from lms.webhooks.actions import (
    add_webhook,
    announce,
    keep_going,
    payload_of,
    remove_webhook,
    renew_secret,
    replay,
    resume,
    settle,
    try_out,
)
from lms.webhooks.actions import pause_webhook as pause
from lms.webhooks.cli import webhook
from lms.webhooks.models import Webhook, WebhookMessage
from lms.webhooks.rules import (
    ANY_HOUR,
    DEAD,
    KINDS,
    MOST_ATTEMPTS,
    REMINDER,
    REMOVED,
    TAKEN,
    Between,
    address_of,
    signature,
)
from tests.conftest import config_for
from tests.make import Make
from tests.servers import Hostile, Request, answers, hangs_up, hostile
from tests.together import until_somebody_waits


class Channel:
    """A product, a channel of it on this machine, and a worker that one lets run as far as it gets."""

    def __init__(self, url: str, folder: Path, other: Hostile) -> None:
        allowed = frozenset({f"127.0.0.1:{other.port}"})
        self.make = Make(create_app(replace(config_for(url, folder), forward_to=allowed), wsgi.PACKAGES))
        self.other = other
        with self.make.writing() as session:
            address = f"http://127.0.0.1:{other.port}/nhan-tin/"
            self.hook, self.secret = add_webhook(session, name="Cổng Zalo", address=address, kinds=KINDS)
        self.later = timedelta()

    def tell(self, key: str = "an event", *, hours: Hours = ANY_HOUR) -> None:
        """Let something happen that the channel wants to hear of, within these hours."""
        with clock.moved_to(clock.now() + self.later), self.make.writing() as session:
            announce(session, REMINDER, {"briefing": "nq48", "people": ["an-id"]}, key=key, hours=hours)

    def run(self, after: timedelta = timedelta()) -> None:
        """Let so much time pass, then let two workers do what is due."""
        self.later += after
        with clock.moved_to(clock.now() + self.later):
            for worker in (Worker(self.make.database), Worker(self.make.database)):
                while worker.step():
                    pass

    def messages(self) -> list[WebhookMessage]:
        """All of them as they stand."""
        with self.make.reading() as session:
            return list(session.scalars(select(WebhookMessage).order_by(WebhookMessage.id)))


@pytest.fixture
def other() -> Iterator[Hostile]:
    """The server of the channel, which takes what comes."""
    with hostile(answers(204)) as server:
        yield server


@pytest.fixture
def channel(database_url: str, tmp_path: Path, other: Hostile) -> Iterator[Channel]:
    """The channel of a product."""
    found = Channel(database_url, tmp_path, other)
    yield found
    found.make.database.dispose()


def verified(request: Request, secret: str, *, now: float) -> bool:
    """What docs/webhooks.md tells receivers to do."""
    message, sent = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    if abs(now - int(sent)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    own = hmac.new(key, f"{message}.{sent}.".encode() + request.body, hashlib.sha256).digest()
    given = [part.removeprefix("v1,") for part in request.headers["webhook-signature"].split()]
    return any(hmac.compare_digest(base64.b64encode(own).decode(), one) for one in given)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the libraries of Standard Webhooks."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_is_told_once_signed_and_without_names(channel: Channel) -> None:
    for _ in range(2):
        channel.tell()
        channel.run()
    [request] = channel.other.requests
    assert (request.method, request.path) == ("POST", "/nhan-tin/")
    body = json.loads(request.body)
    assert (body["type"], body["data"]) == ("reminder", {"briefing": "nq48", "people": ["an-id"]})
    now = clock.now().timestamp()
    assert verified(request, channel.secret, now=now)
    assert not verified(request, channel.secret, now=now + 301)
    assert not verified(replace(request, body=request.body + b" "), channel.secret, now=now)
    assert [one.state for one in channel.messages()] == [TAKEN]


def test_what_does_not_arrive_is_tried_again_under_the_same_id_then_dead_and_can_be_replayed(channel: Channel) -> None:
    channel.other.behaviours = [hangs_up, answers(503, b"busy"), answers(302, Location="http://127.0.0.1/")]
    channel.tell()
    for _ in range(MOST_ATTEMPTS + 2):
        channel.run(after=timedelta(hours=1))
    requests = channel.other.requests
    assert len(requests) == MOST_ATTEMPTS
    assert len({one.headers["webhook-id"] for one in requests}) == 1
    assert len({one.headers["webhook-signature"] for one in requests}) == MOST_ATTEMPTS
    [message] = channel.messages()
    assert (message.state, message.failures, message.trouble) == (DEAD, MOST_ATTEMPTS, "302")
    channel.other.behaviours = [answers(200)]
    browser = channel.make.browser(channel.make.person(role="administrator"))
    page = browser.get(f"/webhooks/{channel.hook.public_id}").text
    assert "1 tin không đến nơi" in page
    browser.submit(f"/webhooks/{channel.hook.public_id}/messages/{message.message_id}/replay")
    channel.run()
    assert [one.state for one in channel.messages()] == [TAKEN]


def test_no_attempt_is_made_outside_the_hours_of_mail_but_a_trial_goes_out_at_once(channel: Channel) -> None:
    def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
        return datetime(2026, 11, 27 + day, hour, minute, tzinfo=clock.VIETNAM)

    def hours_seen(*moments: datetime) -> list[int]:
        channel.other.requests.clear()
        for moment in moments:
            with clock.moved_to(moment):
                worker = Worker(channel.make.database)
                while worker.step():
                    pass
        return [
            datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), tz=clock.VIETNAM).hour
            for one in channel.other.requests
        ]

    channel.other.behaviours = [answers(400)]
    with clock.moved_to(at(18, 30)), channel.make.writing() as session:
        announce(session, REMINDER, {}, key="an event", hours=Between(7, 19))
    assert hours_seen(at(18, 30), at(18, 59), at(19), at(23), at(6, 59, day=1)) == [18, 18]
    with clock.moved_to(at(23, 10)), channel.make.writing() as session:
        hook = session.get_one(Webhook, channel.hook.id)
        resume(session, hook)
        try_out(session, hook)
    assert hours_seen(at(23, 10)) == [23]
    assert [json.loads(one.body)["type"] for one in channel.other.requests] == ["test"]
    channel.other.behaviours = [answers(204)]
    assert hours_seen(at(7, day=1), at(8, day=1))[0] == 7
    assert {one.state for one in channel.messages()} == {TAKEN}


def test_of_many_messages_to_a_channel_that_is_down_one_tries_and_after_a_day_all_are_dead(channel: Channel) -> None:
    channel.other.behaviours = [answers(503)]
    for number in range(5):
        channel.tell(f"event {number}")
    channel.run()
    assert len(channel.other.requests) == 1
    channel.run(after=timedelta(seconds=11))
    assert len(channel.other.requests) == 2
    channel.run(after=timedelta(hours=25))
    assert {one.state for one in channel.messages()} == {DEAD}
    channel.other.behaviours = [answers(400)]  # not down: this message is not wanted, others may be
    for number in range(3):
        channel.tell(f"other {number}")
    channel.run(after=timedelta(hours=2))
    assert len(channel.other.requests) == 2 + 3


def test_a_paused_channel_keeps_what_happens_and_a_removed_one_forgets_its_secret(channel: Channel) -> None:
    def do(act: object, *args: object) -> object:
        with channel.make.writing() as session:
            assert callable(act)
            return act(session, session.get_one(Webhook, channel.hook.id), *args)

    do(pause)
    channel.tell()
    channel.run()
    assert channel.other.requests == []
    renewed = do(renew_secret)
    do(resume)
    channel.run()
    [request] = channel.other.requests
    assert verified(request, str(renewed), now=clock.now().timestamp() + channel.later.total_seconds())
    assert not verified(request, channel.secret, now=clock.now().timestamp())
    channel.tell("another event")
    do(remove_webhook)
    channel.run()
    assert len(channel.other.requests) == 1
    with channel.make.writing() as session:
        assert session.get_one(Webhook, channel.hook.id).sealed_secret == b""
        keep_going(session, clock.now() + timedelta(days=31))
    assert [one.state for one in channel.messages()] == [DEAD]  # what was taken is forgotten after a month


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("https://zalo.example.gov.vn/hook", None),
        ("https://10.1.2.3/hook", "inside"),
        ("https://10.1.2.4:8443/hook", None),
        ("https://[::1]/hook", "inside"),
        ("https://[::ffff:192.168.1.1]/", "inside"),
        ("https://169.254.169.254/latest", "inside"),
        ("https://localhost/hook", "inside"),
        ("http://zalo.example.gov.vn/hook", "open_line"),
        ("http://127.0.0.1:5000/", "open_line"),
        ("https://a:b@zalo.example.gov.vn/", "form"),
        ("https://hoc.example.gov.vn/", "ourselves"),
        ("ftp://zalo.example.gov.vn/", "form"),
    ],
)
def test_messages_go_by_https_to_places_outside_unless_a_setting_names_one(address: str, fault: str | None) -> None:
    here = {"own_host": "hoc.example.gov.vn", "local": False, "allowed": {"10.1.2.4:8443"}}
    found = None
    try:
        assert address_of(address, **here).path.startswith("/")  # type: ignore[arg-type]  # one dict for all
    except BadAddress as reason:
        found = reason.fault
    assert found == fault


def test_a_name_that_leads_inside_is_refused_when_something_is_sent(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with channel.make.writing() as session:
        session.get_one(Webhook, channel.hook.id).address = "https://zalo.example.gov.vn/hook"
    inside = [(2, 1, 6, "", ("10.0.0.9", 443))]
    monkeypatch.setattr("lms.forwarding.delivery.socket.getaddrinfo", lambda *_args, **_options: inside)
    channel.tell()
    channel.run()
    [message] = channel.messages()
    assert message.trouble == "the address lies inside this network, and LMS_FORWARD_TO does not name it"


def test_channels_are_kept_on_the_command_line_too(channel: Channel) -> None:
    def lms(*words: str) -> str:
        answer = CliRunner().invoke(webhook, words, obj=lambda: channel.make.database)
        return answer.output + ("" if answer.exit_code == 0 else "FAILED")

    assert "LMS_FORWARD_TO does not name it.\nFAILED" in lms("add", "--name", "SMS", "--address", "https://10.0.0.1/")
    added = lms("add", "--name", "SMS", "--address", "https://sms.example.gov.vn/", "--kind", "reminder")
    public_id, secret = added.split()[0], added.split()[-1]
    assert secret.startswith("whsec_")
    assert lms("renew", public_id).startswith("whsec_")
    lms("pause", public_id)
    channel.tell()
    assert f"{public_id}  paused   waiting 1, dead 0  SMS  https://sms.example.gov.vn/" in lms("list")
    assert lms("replay", public_id) == "0 to be sent once more.\n"
    assert "has been removed" in lms("remove", public_id, "--yes")
    assert "There is no channel" in lms("resume", public_id)


def test_an_administrator_adds_a_channel_and_sees_its_secret_once(make: Make) -> None:
    browser = make.browser(make.person(role="administrator"))
    given: dict[str, Any] = {"name": "Cổng SMS", "address": "https://10.0.0.1/", "kinds": ["reminder"]}
    browser.get("/webhooks/new")
    answer = browser.submit("/webhooks/new", **given)
    assert answer.status_code == 422
    assert "Địa chỉ nằm trong mạng nội bộ" in answer.text
    answer = browser.submit("/webhooks/new", **{**given, "address": "https://sms.example.gov.vn/tin"})
    assert "whsec_" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    with make.reading() as session:
        hook = session.scalars(select(Webhook)).one()
    assert hook.kinds == ["reminder"]
    assert b"whsec_" not in hook.sealed_secret
    page = browser.get(f"/webhooks/{hook.public_id}").text
    assert "whsec_" not in page + browser.get("/webhooks").text
    assert make.browser(make.person(role="trainer")).get("/webhooks").status_code in {403, 404}


def test_what_waited_longer_than_a_day_while_paused_is_dead_and_can_be_replayed(channel: Channel) -> None:
    with channel.make.writing() as session:
        pause(session, session.get_one(Webhook, channel.hook.id))
    channel.tell()
    with clock.moved_to(clock.now() + timedelta(days=3)):
        with channel.make.writing() as session:
            resume(session, session.get_one(Webhook, channel.hook.id))
        channel.run()
        assert channel.other.requests == []
        assert [one.state for one in channel.messages()] == [DEAD]
        with channel.make.writing() as session:
            assert replay(session, session.get_one(Webhook, channel.hook.id)) == 1
        channel.run()
    assert [one.state for one in channel.messages()] == [TAKEN]


def test_a_channel_that_is_removed_while_an_attempt_is_written_down_waits_for_it(make: Make) -> None:
    with make.writing() as session:
        hook, _secret = add_webhook(session, name="Zalo", address="https://zalo.example.gov.vn/hook", kinds=KINDS)
    with make.writing() as session:
        announce(session, REMINDER, {}, key="k", hours=ANY_HOUR)
    with make.reading() as session:
        payload = payload_of(hook.id, session.scalars(select(WebhookMessage.message_id)).one())

    def remove() -> None:
        with make.writing() as session:
            remove_webhook(session, destination_of(session, Webhook, hook.public_id, held=True))

    with ThreadPoolExecutor(1) as pool:
        with make.writing() as session:
            settle(session, payload, "503", down=True)
            session.flush()
            removing = pool.submit(remove)
            until_somebody_waits(make)
        removing.result()
    with make.reading() as session:
        assert session.scalars(select(Webhook.state)).one() == REMOVED
