"""Whoever comes first settles the day anew: standings reached in the Party tree go to where people are counted.

A standing stands at the unit of its person in the state tree, wherever the briefing was given. No table changes.
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def settle_again() -> None:
    """The day before is the one that is settled."""
    before = "day - 1" if op.get_bind().dialect.name == "postgresql" else "date(day, '-1 day')"
    op.execute(f"UPDATE settled_day SET day = {before}")  # noqa: S608 # nosec B608 - no word of it comes from outside


upgrade = downgrade = settle_again
