"""The benchmark fills a store without sending what it stores: with the rows that sending would have left there."""

import json
from random import Random
from typing import Any

from sqlalchemy import select

from benchmarks import load
from benchmarks.store import put_in
from lms.xapi.access import Client
from lms.xapi.actions import speaking
from lms.xapi.models import XapiBody, XapiStatement, XapiStatementActivity
from tests.make import Make
from tests.store import Outsider, new_id

ITS_OWN = {"sequence", "statement_id", "stored", "digest"}  # the digest is that of the bytes, which hold the id


def kept(make: Make) -> list[dict[str, Any]]:
    """All that is known of each statement, but for what no two have in common."""
    found = []
    with make.reading() as session:
        for row in session.scalars(select(XapiStatement).order_by(XapiStatement.sequence)):
            body = json.loads(session.get_one(XapiBody, row.sequence).body)
            within = select(XapiStatementActivity.activity_id).where(XapiStatementActivity.sequence == row.sequence)
            columns = {name: getattr(row, name) for name in set(XapiStatement.__table__.c.keys()) - ITS_OWN}
            found.append(
                columns
                | {"within": sorted(session.scalars(within))}
                | {"said": {name: part for name, part in body.items() if name not in {"id", "stored"}}}
            )
    return found


def test_what_fills_a_store_leaves_the_rows_that_sending_it_would(make: Make) -> None:
    outsider = Outsider(make, "all")
    client = Client(outsider.id, outsider.key, outsider.row.name, frozenset({"all"}), None)
    chance = Random(7)
    sent = [load.statement(chance) for _ in range(12)]
    assert outsider.post(sent).status_code == 200
    put_in(make.database, [{**one, "id": new_id()} for one in sent], speaking(make.database.config.iri_base, client))
    rows = kept(make)
    assert len(rows) == 24
    assert rows[12:] == rows[:12]
