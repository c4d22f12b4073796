"""How a database would answer a query: the plan instead of the rows."""

import re
from typing import Any

from sqlalchemy import Executable, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement

from tests.make import Make

STEP = re.compile(r"(?:SEARCH|SCAN) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?|Scan(?: Backward)? using (\w+) on")
SORTED = ("TEMP B-TREE", "Sort", "Seq Scan", "Bitmap", "Hash", "Merge")


class Explained(Executable, ClauseElement):
    """A query, to be explained instead of answered."""

    inherit_cache = False

    def __init__(self, query: Any) -> None:
        self.query = query


@compiles(Explained)
def explain(element: Explained, compiler: Any, **more: Any) -> str:
    word = "EXPLAIN" if compiler.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return f"{word} {compiler.process(element.query, **more)}"


def plan_of(make: Make, query: Any) -> str:
    """On PostgreSQL as if the table were large: what can be read in order by an index is not gathered and sorted."""
    with make.reading() as session:
        if session.get_bind().dialect.name == "postgresql":
            for other_way in ("seqscan", "bitmapscan", "sort", "hashjoin"):
                session.execute(text(f"SET LOCAL enable_{other_way} = off"))
        return "\n".join(str(row[-1]) for row in session.execute(Explained(query)))


def walked(plan: str) -> str:
    """The index that gives a plan its order: the first by which no moment or name is looked up. Nothing is sorted."""
    assert not [word for word in SORTED if word in plan], plan
    found = [index or mine or f"pk_{table}" for table, index, mine in STEP.findall(plan)]
    return next(one for one in found if "stored" not in one and not one.startswith("uq_"))
