"""A column that holds one word of a closed vocabulary: the database takes no other, and it is that of the code."""

import re
from collections.abc import Iterable
from typing import get_args, get_type_hints

import pytest
import sqlalchemy as sa
from alembic import command
from flask import Flask
from sqlalchemy.exc import IntegrityError

from courses.catalog.loader import QuestionFile
from courses.certificates.rules import REASONS, STANDING
from courses.meetings.rules import STATES
from lms.accounts.forms import CATEGORIES, PARTY
from lms.accounts.rules import SECOND_FACTOR
from lms.accounts.vocabulary import ROLES
from lms.audit.vocabulary import UNIT_KINDS
from lms.authentication.rules import PASSWORD, PROVIDER
from lms.cli import migrate
from lms.db import Base, Database
from lms.forwarding import rules as forwarding
from lms.organisation.models import TREES
from lms.roster import rehearsal
from lms.web.shell import LANGUAGES
from lms.webhooks import rules as webhooks
from tests.lms.test_migrations import settings
from tests.make import Make

NAMES = (
    "absence", "category", "edition", "every", "form", "kind", "language", "level", "outcome", "party", "proof", "role",
    "state", "tree", "verdict", "way",
)  # fmt: skip
"""What columns are called that hold such a word."""
OPEN = {
    "audit_entry": "the log keeps what was written, also by programs before this one",
    "job": "each package registers its own (`Doors.jobs`)",
}
PROOFS = {PASSWORD, PROVIDER, SECOND_FACTOR}
WORDS: dict[str, Iterable[str]] = {
    "unit.kind": UNIT_KINDS,
    "unit_name.kind": UNIT_KINDS,
    "unit_closure.tree": TREES,
    "person.language": LANGUAGES,
    "person.category": CATEGORIES,
    "person.party": PARTY,
    "assignment_choice.category": ("category", *CATEGORIES),
    "assignment_choice.party": ("party", *PARTY),
    "attendance.state": STATES,
    "role_grant.role": ROLES,
    "user_session.proof": {"", *PROOFS},
    "sign_in_step.proof": PROOFS,
    "roster_line.outcome": rehearsal.KINDS,
    "forward_target.state": (forwarding.ACTIVE, forwarding.PAUSED, forwarding.HALTED, forwarding.REMOVED),
    "forward_target.edition": forwarding.HEADER_OF,
    "webhook_message.kind": (*webhooks.KINDS, webhooks.TRIAL),
    "question_version.level": get_args(get_type_hints(QuestionFile)["level"]),
    "certificate.reason": {"", STANDING, *REASONS},
}


def words_of(condition: object) -> set[str]:
    """The words between quotation marks."""
    return set(re.findall(r"'([^']*)'", str(condition)))


def short(table: str, name: object) -> str:
    """The table and what the condition is about; the oldest ones name the table twice, or not at all."""
    return f"{table}.{str(name).replace(f'ck_{table}_', '')}"


def conditions() -> dict[str, sa.CheckConstraint]:
    """Every named condition of the models."""
    return {
        short(table.name, one.name): one
        for table in Base.metadata.sorted_tables
        for one in table.constraints
        if isinstance(one, sa.CheckConstraint)
    }


def test_every_column_that_is_called_like_one_of_a_vocabulary_has_a_condition() -> None:
    for table in Base.metadata.sorted_tables:
        named = " ".join(
            re.sub(r"'[^']*'", "", str(one.sqltext)) for one in table.constraints if isinstance(one, sa.CheckConstraint)
        )
        for column in table.columns:
            if isinstance(column.type, sa.String) and column.name in NAMES and table.name not in OPEN:
                assert re.search(rf"\b{column.name}\b", named), column


@pytest.mark.parametrize("name", WORDS)
def test_the_words_of_a_condition_are_those_of_the_code(name: str) -> None:
    assert words_of(conditions()[name].sqltext) == set(WORDS[name])


def test_the_database_has_the_words_of_the_models(app: Flask) -> None:
    database: Database = app.extensions["database"]
    with database.write_engine.connect() as connection:
        inspector = sa.inspect(connection)
        there = {
            short(table, one["name"]): words_of(one["sqltext"])
            for table in Base.metadata.tables
            for one in inspector.get_check_constraints(table)
        }
    for name, one in conditions().items():
        assert there[name] == words_of(one.sqltext), name


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE unit SET kind = 'x'",
        "UPDATE unit_name SET kind = 'x'",
        "UPDATE person SET language = 'fr'",
        "UPDATE user_session SET proof = 'x'",
    ],
)
def test_another_word_is_refused(make: Make, change: str) -> None:
    make.browser(make.person("Lý A Hoa", unit=make.unit("Sở Y tế")))
    with pytest.raises(IntegrityError), make.writing() as session:
        session.execute(sa.text(change))


def test_an_upgrade_stops_at_a_row_that_holds_another_word_and_leaves_everything_as_it_was(make: Make) -> None:
    make.unit("Sở Y tế")
    with make.database.write_engine.connect() as connection:
        config = settings()
        config.attributes["connection"] = connection
        command.downgrade(config, "0037-1")
        connection.execute(sa.text("UPDATE unit SET kind = 'x'"))
        connection.commit()
    with pytest.raises((ValueError, IntegrityError), match="kind"):
        migrate(make.database)
    with make.writing() as session:
        assert session.scalar(sa.text("SELECT count(*) FROM unit WHERE kind = 'x'")) == 1
        session.execute(sa.text("UPDATE unit SET kind = 'office'"))
    migrate(make.database)
    with pytest.raises(IntegrityError), make.writing() as session:
        session.execute(sa.text("UPDATE unit SET kind = 'x'"))
