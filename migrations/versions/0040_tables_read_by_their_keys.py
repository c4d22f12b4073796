"""On SQLite two tables that pages of leaders walk are their primary key, with no second tree to look rows up in.

A page of the province reads some thousand rows of each in the order of the key; each was looked up once more by the
number of its row, for the columns beside the key.
"""

from migrations.keys import make_anew

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_anew("unit_closure", "tally", with_rowid=False)


def downgrade() -> None:
    make_anew("unit_closure", "tally", with_rowid=True)
