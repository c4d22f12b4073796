"""How many people of a unit were briefed, and completed a briefing, on each day; the first history from standings."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0026"
branch_labels = None
depends_on = None

DAY = {
    "sqlite": "date({moment}, '+7 hours')",
    "postgresql": "CAST({moment} AT TIME ZONE 'UTC' + interval '7 hours' AS date)",
}
"""The day in Vietnam of a moment."""

FILL = """
INSERT INTO tally_day (briefing_id, unit_id, day, briefed, completed)
SELECT briefing_id, unit_id, day, SUM(briefed), SUM(completed) FROM (
  SELECT briefing_id, unit_id, {briefed} AS day, 1 AS briefed, 0 AS completed FROM standing
  WHERE NOT exempt AND briefed_at IS NOT NULL
  UNION ALL
  SELECT briefing_id, unit_id, {completed}, 0, 1 FROM standing WHERE NOT exempt AND completed_at IS NOT NULL
) AS each GROUP BY briefing_id, unit_id, day
"""


def upgrade() -> None:
    op.create_table(
        "tally_day",
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("briefing_id", "unit_id")),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("briefed", "completed")),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefing.id"], name=op.f("fk_tally_day_briefing_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_tally_day_unit_id")),
        sa.PrimaryKeyConstraint("briefing_id", "unit_id", "day", name=op.f("pk_tally_day")),
    )
    op.execute(first_history(op.get_bind().dialect.name))


def first_history(dialect: str) -> str:
    """The statement that counts the days of all standings there are."""
    return FILL.format(**{name: DAY[dialect].format(moment=f"{name}_at") for name in ("briefed", "completed")})


def downgrade() -> None:
    op.drop_table("tally_day")
