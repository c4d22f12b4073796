"""What projectors hear of a statement is the same when it arrives, and when it is read again as it was kept."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from sqlalchemy import literal, null, select, type_coerce

from lms.db import UtcDateTime
from lms.xapi.projection import Recorded, Said, said_in, seen
from tests.make import Make

HOME = "https://quan-triet.example"
PERSON = "0192f0c1-7a7e-4c55-8c55-3a1f7a5b2c3d"
OURS = {"objectType": "Agent", "account": {"homePage": HOME, "name": PERSON}}
DONE = {"actor": OURS, "verb": {"id": "http://verb.example/done"}, "object": {"id": "http://activity.example/1"}}
AT = datetime(2026, 11, 27, 8, tzinfo=UTC)


def heard(said: Said) -> Recorded | None:
    return seen(said, sequence=1, statement_id=str(uuid.UUID(int=7)), timestamp=AT, stored=AT, client=None, home=HOME)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, {"scaled": None, "response": None, "registration": None, "revision": None}),
        ({"result": {"score": {"scaled": 1, "raw": 10}, "response": "late"}}, {"scaled": 1, "response": "late"}),
        ({"result": {"score": {"scaled": 0.125}, "extensions": {"http://x.example": None}}}, {"scaled": 0.125}),
        ({"result": {"score": {"raw": 3}}}, {"scaled": None}),
        ({"context": {"revision": "2", "registration": PERSON.upper()}}, {"registration": uuid.UUID(PERSON)}),
        ({"object": {"objectType": "StatementRef", "id": PERSON}}, None),
        ({"object": {**DONE, "objectType": "SubStatement"}}, None),
        ({"object": {**OURS}}, None),
        ({"actor": {"mbox": "mailto:an@example.com"}}, None),
        ({"actor": {"objectType": "Group", "member": [OURS]}}, None),
        ({"actor": {"account": {"homePage": f"{HOME}/", "name": PERSON}}}, None),
        ({"actor": {"account": {"homePage": HOME, "name": PERSON.upper()}}}, None),
    ],
)
def test_what_is_heard_of_a_statement_is_heard_again(more: dict[str, Any], told: dict[str, Any] | None) -> None:
    document = {**DONE, **more}
    arriving, kept = heard(msgspec.convert(document, Said)), heard(said_in(msgspec.json.encode(document)))
    assert arriving == kept
    assert (kept is None) is (told is None)
    if kept is not None and told is not None:
        assert {name: getattr(kept, name) for name in told} == told
        assert type(kept.scaled) is type(told.get("scaled"))  # a whole number is told as one wherever it is compared
        assert (kept.account, kept.statement_id) == (PERSON, uuid.UUID(int=7))


@pytest.mark.parametrize(
    "moment",
    [AT, AT.replace(microsecond=1), AT.astimezone(timezone(timedelta(hours=7))), datetime.max.replace(tzinfo=UTC)],
)
def test_a_moment_is_read_as_it_was_kept(make: Make, moment: datetime) -> None:
    with make.reading() as session:
        read = session.scalar(select(literal(moment, UtcDateTime)))
        assert (read, read and read.tzinfo) == (moment, UTC)
        assert session.scalar(select(type_coerce(null(), UtcDateTime))) is None
