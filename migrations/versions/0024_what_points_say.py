"""What each meeting point says of people, and whether they may check themselves in there."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
STATES = "state IN ('present', 'late', 'left_early', 'excused', 'unexcused')"


def upgrade() -> None:
    op.create_table(
        "point_sighting",
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(STATES, name=op.f("ck_point_sighting_state")),
        sa.ForeignKeyConstraint(["point_id"], ["meeting_point.id"], name="fk_point_sighting_point_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_point_sighting_person_id"),
        sa.PrimaryKeyConstraint("point_id", "person_id", name="pk_point_sighting"),
    )
    op.create_index("ix_point_sighting_person", "point_sighting", ["person_id"])
    op.create_table(
        "point_check_in",
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", Moment, nullable=False),
        sa.Column("closed_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["point_id"], ["meeting_point.id"], name="fk_point_check_in_point_id"),
        sa.PrimaryKeyConstraint("point_id", name="pk_point_check_in"),
    )


def downgrade() -> None:
    op.drop_table("point_check_in")
    op.drop_table("point_sighting")
