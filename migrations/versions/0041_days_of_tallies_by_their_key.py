"""On SQLite the tallies of days are their primary key too: a page of the province reads some thousand in that order."""

from migrations.keys import make_anew

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_anew("tally_day", with_rowid=False)


def downgrade() -> None:
    make_anew("tally_day", with_rowid=True)
