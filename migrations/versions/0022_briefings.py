"""Briefings: every assignment belongs to one, and standings and tallies are counted in it.

For each course that was ever assigned a plain briefing is opened, of the same code. Standings and tallies follow from
other rows: they are carried over, and `lms verify --repair` would write the same.
"""

import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
PLAIN = sa.text("plain")
COUNTS = (
    *("people", "started", "briefed", "completed", "by_point", "online", "made_up", "excused", "unexcused"),
    *("submitted", "accepted", "tested", "scored", "score", "exempt", "members"),
)
STATES = "'not_started', 'in_progress', 'briefed', 'completed'"
PROJECTIONS = ("standing", "tally")
NEVER_DUE = "9999-01-01 00:00:00.000000"


def upgrade() -> None:
    briefings()
    open_plain_briefings()
    for table in (*PROJECTIONS, *pointing()):
        set_aside(table)
    op.drop_index("ix_assignment_unit", "assignment")
    op.drop_index("uq_assignment_open", "assignment")
    with op.batch_alter_table("assignment") as batch:
        batch.alter_column("briefing_id", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("due_at", existing_type=Moment, nullable=True)
        batch.drop_column("policy_version")
        batch.create_foreign_key("fk_assignment_briefing_id", "briefing", ["briefing_id"], ["id"])
        batch.create_check_constraint(op.f("ck_assignment_due"), "due_at IS NULL OR due_days IS NULL")
    op.create_index("ix_assignment_unit", "assignment", ["briefing_id", "tree", "unit_id"])
    op.create_index("ix_assignment_course_id", "assignment", ["course_id"])
    open_once(["briefing_id", "unit_id", "tree", "due_at"])
    handovers()
    standings("briefing_id")
    tallies()
    op.execute(
        "INSERT INTO standing (briefing_id, person_id, unit_id, assignment_id, due_at, exempt, leave, member, state, "
        "way, absence, started_at, briefed_at, tested_at, completed_at, score) "
        "SELECT assignment.briefing_id, old.person_id, old.unit_id, old.assignment_id, assignment.due_at, false, "
        "false, person.party IN ('chinh_thuc', 'du_bi'), old.state, "
        "CASE WHEN old.briefed_at IS NULL THEN '' ELSE 'online' END, '', old.started_at, old.briefed_at, "
        "old.completed_at, old.completed_at, NULL "
        "FROM standing_before AS old JOIN assignment ON assignment.id = old.assignment_id "
        "JOIN person ON person.id = old.person_id"
    )
    count_anew()
    settle_again()


def pointing() -> tuple[str, ...]:
    """What points at assignments: SQLite makes their table anew, and drops none that others point at."""
    return () if op.get_bind().dialect.name == "postgresql" else ("assignment_handover",)


def handovers() -> None:
    """The table of handovers where it was set aside, with its rows."""
    for table in pointing():
        targets = {"operation_id": "unit_operation", "assignment_id": "assignment", "begun_id": "assignment"}
        needed = ("operation_id", "assignment_id")
        op.create_table(
            table,
            sa.Column("id", sa.Integer(), nullable=False),
            *(
                sa.Column(
                    column,
                    sa.Integer(),
                    sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}"),
                    nullable=column not in needed,
                )
                for column, target in {**targets, "to_unit_id": "unit"}.items()
            ),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_operation_id", table, ["operation_id"])
        columns = ", ".join(("id", *targets, "to_unit_id"))
        op.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_before")  # noqa: S608 # nosec B608
        op.drop_table(f"{table}_before")


def set_aside(table: str) -> None:
    """Keep the rows under another name: on PostgreSQL a table that is renamed keeps the names of its constraints."""
    op.execute(f"CREATE TABLE {table}_before AS SELECT * FROM {table}")  # noqa: S608 # nosec B608
    op.drop_table(table)


def settle_again() -> None:
    """Nothing is left aside, and whoever comes first settles the day anew: scores, for one, are filled in then."""
    for table in PROJECTIONS:
        op.drop_table(f"{table}_before")
    before = "day - 1" if op.get_bind().dialect.name == "postgresql" else "date(day, '-1 day')"
    op.execute(f"UPDATE settled_day SET day = {before}")  # noqa: S608 # nosec B608


def count_anew() -> None:
    """Tallies of the standings as they were carried over; nobody is exempt yet."""
    counted = {
        "people": "1",
        "started": "state <> 'not_started'",
        "briefed": "briefed_at IS NOT NULL",
        "completed": "completed_at IS NOT NULL",
        "online": "way = 'online'",
        "tested": "tested_at IS NOT NULL",
        "members": "member",
    }
    sums = [f"sum(CASE WHEN {counted.get(one, 'false')} THEN 1 ELSE 0 END)" for one in COUNTS]
    sums[0] = "count(*)"
    op.execute(
        f"INSERT INTO tally (briefing_id, unit_id, due_at, {', '.join(COUNTS)}) "  # noqa: S608 # nosec B608
        f"SELECT briefing_id, unit_id, due_at, {', '.join(sums)} FROM standing GROUP BY briefing_id, unit_id, due_at"
    )


def open_once(columns: list[str]) -> None:
    held = sa.text("withdrawn_at IS NULL")
    op.create_index("uq_assignment_open", "assignment", columns, unique=True, sqlite_where=held, postgresql_where=held)


def briefings() -> None:
    op.create_table(
        "briefing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("plain", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("documents", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
        sa.Column("policy", sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("policy_number", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("opened_at", Moment, nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_briefing_course_id"),
        sa.PrimaryKeyConstraint("id", name="pk_briefing"),
        sa.UniqueConstraint("code", name="uq_briefing_code"),
        sa.UniqueConstraint("public_id", name="uq_briefing_public_id"),
    )
    op.create_index("ix_briefing_course_id", "briefing", ["course_id"])
    op.create_index(
        "uq_briefing_plain", "briefing", ["course_id"], unique=True, sqlite_where=PLAIN, postgresql_where=PLAIN
    )
    op.create_table(
        "briefing_policy",
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("decided_at", Moment, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_briefing_policy_briefing_id"),
        sa.PrimaryKeyConstraint("briefing_id", "number", name="pk_briefing_policy"),
    )
    op.add_column("assignment", sa.Column("briefing_id", sa.Integer(), nullable=True))
    op.add_column("assignment", sa.Column("due_days", sa.Integer(), nullable=True))


def open_plain_briefings() -> None:
    bind = op.get_bind()
    courses = sa.text(
        "SELECT course.id, course.code, min(assignment.assigned_at) AS opened_at FROM course "
        "JOIN assignment ON assignment.course_id = course.id GROUP BY course.id, course.code ORDER BY course.id"
    ).columns(opened_at=Moment)
    table = sa.table(
        "briefing",
        sa.column("public_id", sa.Uuid()),
        sa.column("code"),
        sa.column("course_id"),
        sa.column("plain", sa.Boolean()),
        sa.column("title"),
        sa.column("title_en"),
        sa.column("opened_at", Moment),
    )
    for one in bind.execute(courses).all():
        values = {"public_id": uuid.uuid4(), "code": one.code, "course_id": one.id, "plain": True}
        bind.execute(table.insert().values(**values, title="", title_en="", opened_at=one.opened_at))
    op.execute(
        "UPDATE assignment SET briefing_id = (SELECT briefing.id FROM briefing "
        "WHERE briefing.course_id = assignment.course_id)"
    )


def standings(of: str) -> None:
    """The table of standings, of briefings or (going back) of courses."""
    other = of == "course_id"
    table, name = ("course", "standing") if other else ("briefing", "standing")
    more: list[Any] = (
        []
        if other
        else [
            sa.Column("due_at", Moment, nullable=True),
            *(sa.Column(one, sa.Boolean(), nullable=False) for one in ("exempt", "leave", "member")),
            *(sa.Column(one, sa.String(), nullable=False) for one in ("way", "absence")),
            *(sa.Column(one, Moment, nullable=True) for one in ("tested_at", "submitted_at", "accepted_at")),
            sa.Column("score", sa.Double(), nullable=True),
            sa.CheckConstraint("way IN ('', 'point', 'online', 'make_up')", name=op.f("ck_standing_way")),
            sa.CheckConstraint("absence IN ('', 'excused', 'unexcused')", name=op.f("ck_standing_absence")),
        ]
    )
    op.create_table(
        name,
        sa.Column(of, sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        *(sa.Column(one, Moment, nullable=True) for one in ("started_at", "briefed_at", "completed_at")),
        *more,
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_standing_state")),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_standing_{column}")
            for column, target in (
                (of, table),
                ("person_id", "person"),
                ("unit_id", "unit"),
                ("assignment_id", "assignment"),
            )
        ),
        sa.PrimaryKeyConstraint(of, "person_id", name="pk_standing"),
    )
    op.create_index("ix_standing_person_id", "standing", ["person_id"])
    op.create_index("ix_standing_unit", "standing", [of, "unit_id", "state"])


def tallies() -> None:
    op.create_table(
        "tally",
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_tally_briefing_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_tally_unit_id"),
        sa.PrimaryKeyConstraint("briefing_id", "unit_id", "due_at", name="pk_tally"),
    )
    op.create_index("ix_tally_unit", "tally", ["unit_id", "briefing_id"])


def downgrade() -> None:
    for table in (*PROJECTIONS, *pointing()):
        set_aside(table)
    assignments_of_courses()
    handovers()
    standings("course_id")
    op.execute(
        "INSERT INTO standing (course_id, person_id, unit_id, assignment_id, state, started_at, briefed_at, "
        "completed_at) "
        "SELECT briefing.course_id, new.person_id, new.unit_id, new.assignment_id, new.state, new.started_at, "
        "new.briefed_at, new.completed_at FROM standing_before AS new "
        "JOIN briefing ON briefing.id = new.briefing_id AND briefing.plain WHERE NOT new.exempt"
    )
    tallies_of_courses()
    for table in PROJECTIONS:
        op.drop_table(f"{table}_before")
    for table in ("briefing_policy", "briefing"):
        op.drop_table(table)


def assignments_of_courses() -> None:
    op.drop_index("ix_assignment_unit", "assignment")
    op.drop_index("ix_assignment_course_id", "assignment")
    op.drop_index("uq_assignment_open", "assignment")
    op.execute(f"UPDATE assignment SET due_at = '{NEVER_DUE}' WHERE due_at IS NULL")  # noqa: S608 # nosec B608
    op.execute(
        "UPDATE assignment SET withdrawn_at = assigned_at WHERE withdrawn_at IS NULL AND briefing_id IN "
        "(SELECT id FROM briefing WHERE NOT plain)"
    )
    with op.batch_alter_table("assignment") as batch:
        batch.drop_constraint(op.f("ck_assignment_due"), type_="check")
        batch.drop_constraint("fk_assignment_briefing_id", type_="foreignkey")
        batch.drop_column("briefing_id")
        batch.drop_column("due_days")
        batch.alter_column("due_at", existing_type=Moment, nullable=False)
        batch.add_column(sa.Column("policy_version", sa.Integer(), nullable=False, server_default=sa.text("1")))
    with op.batch_alter_table("assignment") as batch:
        batch.alter_column("policy_version", existing_type=sa.Integer(), server_default=None)
    op.create_index("ix_assignment_unit", "assignment", ["course_id", "tree", "unit_id"])
    open_once(["course_id", "unit_id", "tree", "due_at"])


def tallies_of_courses() -> None:
    counts = ("people", "started", "briefed", "completed")
    op.create_table(
        "tally",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_tally_assignment_id"),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name="fk_tally_course_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_tally_unit_id"),
        sa.PrimaryKeyConstraint("course_id", "unit_id", "assignment_id", name="pk_tally"),
    )
    op.create_index("ix_tally_unit", "tally", ["unit_id", "course_id"])
    op.execute(
        "INSERT INTO tally (course_id, unit_id, assignment_id, people, started, briefed, completed) "
        "SELECT course_id, unit_id, assignment_id, count(*), sum(CASE WHEN state <> 'not_started' THEN 1 ELSE 0 END), "
        "sum(CASE WHEN briefed_at IS NOT NULL THEN 1 ELSE 0 END), "
        "sum(CASE WHEN completed_at IS NOT NULL THEN 1 ELSE 0 END) "
        "FROM standing GROUP BY course_id, unit_id, assignment_id"
    )
