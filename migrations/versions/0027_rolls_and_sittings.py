"""What is decided about people on a roll, sittings with meeting points, who was there, and rolls as they were."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0022"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
STANDING = sa.text("revoked_at IS NULL")
TABLES = (
    "frozen_person",
    "frozen_roll",
    "attendance",
    "reflection_result",
    "meeting_point",
    "briefing_session",
    "roll_decision",
    "assignment_choice",
)


def upgrade() -> None:
    for make in (choices, decisions, sittings, records, rolls):
        make()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def choices() -> None:
    op.create_table(
        "assignment_choice",
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('category', 'party', 'position')", name=op.f("ck_assignment_choice_kind")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_assignment_choice_assignment_id"),
        sa.PrimaryKeyConstraint("assignment_id", "kind", "value", name="pk_assignment_choice"),
    )


def decisions() -> None:
    op.create_table(
        "roll_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due_at", Moment, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("decided_at", Moment, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('exempt', 'leave', 'extension')", name=op.f("ck_roll_decision_kind")),
        sa.CheckConstraint("kind <> 'extension' OR due_at IS NOT NULL", name=op.f("ck_roll_decision_extension")),
        sa.CheckConstraint("kind <> 'exempt' OR due_at IS NULL", name=op.f("ck_roll_decision_exempt")),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_roll_decision_briefing_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_roll_decision_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_roll_decision"),
        sa.UniqueConstraint("public_id", name="uq_roll_decision_public_id"),
    )
    op.create_index("ix_roll_decision_person", "roll_decision", ["person_id"])
    op.create_index(
        "uq_roll_decision_open",
        "roll_decision",
        ["briefing_id", "person_id", "kind"],
        unique=True,
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )


def sittings() -> None:
    op.create_table(
        "briefing_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, server_default=sa.text("'conference'")),
        sa.Column("starts_at", Moment, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
        sa.CheckConstraint("kind IN ('conference', 'make_up')", name=op.f("ck_briefing_session_kind")),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_briefing_session_briefing_id"),
        sa.PrimaryKeyConstraint("id", name="pk_briefing_session"),
        sa.UniqueConstraint("public_id", name="uq_briefing_session_public_id"),
    )
    op.create_index("uq_briefing_session_code", "briefing_session", ["briefing_id", "code"], unique=True)
    op.create_table(
        "meeting_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Uuid(), nullable=True),
        sa.Column("headcount", sa.Integer(), nullable=True),
        sa.Column("connected_at", Moment, nullable=True),
        sa.Column("disconnected_at", Moment, nullable=True),
        sa.Column("reported_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["briefing_session.id"], name="fk_meeting_point_session_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_meeting_point_unit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_meeting_point"),
        sa.UniqueConstraint("public_id", name="uq_meeting_point_public_id"),
    )
    op.create_index("uq_meeting_point_code", "meeting_point", ["session_id", "code"], unique=True)
    op.create_index("ix_meeting_point_unit_id", "meeting_point", ["unit_id"])
    op.create_index("ix_meeting_point_host", "meeting_point", ["host"])


def records() -> None:
    op.create_table(
        "attendance",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('present', 'late', 'left_early', 'excused', 'unexcused')", name=op.f("ck_attendance_state")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["briefing_session.id"], name="fk_attendance_session_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_attendance_person_id"),
        sa.ForeignKeyConstraint(["point_id"], ["meeting_point.id"], name="fk_attendance_point_id"),
        sa.PrimaryKeyConstraint("session_id", "person_id", name="pk_attendance"),
    )
    op.create_index("ix_attendance_point", "attendance", ["point_id", "state"])
    op.create_index("ix_attendance_person", "attendance", ["person_id"])
    op.create_table(
        "reflection_result",
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("submitted_at", Moment, nullable=True),
        sa.Column("accepted_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_reflection_result_briefing_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_reflection_result_person_id"),
        sa.PrimaryKeyConstraint("briefing_id", "person_id", name="pk_reflection_result"),
    )
    op.create_index("ix_reflection_result_person", "reflection_result", ["person_id"])


def rolls() -> None:
    op.create_table(
        "frozen_roll",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("briefing_id", sa.Integer(), nullable=False),
        sa.Column("frozen_at", Moment, nullable=False),
        sa.Column("frozen_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name="fk_frozen_roll_briefing_id"),
        sa.PrimaryKeyConstraint("id", name="pk_frozen_roll"),
        sa.UniqueConstraint("public_id", name="uq_frozen_roll_public_id"),
    )
    op.create_index("ix_frozen_roll_briefing_id", "frozen_roll", ["briefing_id"])
    op.create_table(
        "frozen_person",
        sa.Column("roll_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("exempt", sa.Boolean(), nullable=False),
        sa.Column("member", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["roll_id"], ["frozen_roll.id"], name="fk_frozen_person_roll_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_frozen_person_person_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_frozen_person_unit_id"),
        sa.PrimaryKeyConstraint("roll_id", "person_id", name="pk_frozen_person"),
    )
    op.create_index("ix_frozen_person_unit", "frozen_person", ["roll_id", "unit_id"])
