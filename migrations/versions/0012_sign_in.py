"""Signing in: second factors, passkeys, codes on paper, other services, steps on the way in, waits that grow."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)
Digest = sa.LargeBinary(length=32)
TABLES = (
    "external_identity",
    "activation_code",
    "passkey_challenge",
    "passkey",
    "recovery_code",
    "authenticator",
    "sign_in_step",
    "password_before",
)


def of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=f"fk_{table}_person_id")


def upgrade() -> None:
    op.create_index("ix_person_email", "person", ["email"])
    op.add_column(
        "sign_in_account", sa.Column("short_password", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("throttle_counter", sa.Column("strikes", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("throttle_counter", sa.Column("subject", Digest, nullable=True))
    op.create_index("ix_throttle_counter_subject", "throttle_counter", ["subject"])
    create_tables_of_accounts()
    create_authenticators()
    create_passkeys()
    create_codes_and_identities()
    for table in ("password_before", "sign_in_step", "authenticator", "recovery_code", "passkey", "external_identity"):
        op.create_index(f"ix_{table}_person_id", table, ["person_id"])


def once(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], unique=True, sqlite_where=condition, postgresql_where=condition)


def create_tables_of_accounts() -> None:
    op.create_table(
        "password_before",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("replaced_at", Moment, nullable=False),
        of_person("password_before"),
        sa.PrimaryKeyConstraint("id", name="pk_password_before"),
    )
    op.create_table(
        "sign_in_step",
        sa.Column("key_digest", Digest, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        of_person("sign_in_step"),
        sa.PrimaryKeyConstraint("key_digest", name="pk_sign_in_step"),
    )


def create_authenticators() -> None:
    op.create_table(
        "authenticator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("confirmed_at", Moment, nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=True),
        of_person("authenticator"),
        sa.PrimaryKeyConstraint("id", name="pk_authenticator"),
    )
    once("uq_authenticator_confirmed", "authenticator", "person_id", "confirmed_at IS NOT NULL")
    once("uq_authenticator_new", "authenticator", "person_id", "confirmed_at IS NULL")
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_digest", Digest, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment, nullable=True),
        of_person("recovery_code"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
    )


def create_passkeys() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment, nullable=True),
        of_person("passkey"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
        sa.UniqueConstraint("public_id", name="uq_passkey_public_id"),
    )
    op.create_table(
        "passkey_challenge",
        sa.Column("challenge", Digest, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", Moment, nullable=False),
        of_person("passkey_challenge"),
        sa.PrimaryKeyConstraint("challenge", name="pk_passkey_challenge"),
    )
    op.create_index("ix_passkey_challenge_expires_at", "passkey_challenge", ["expires_at"])


def create_codes_and_identities() -> None:
    op.create_table(
        "activation_code",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_digest", Digest, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        of_person("activation_code"),
        sa.PrimaryKeyConstraint("person_id", name="pk_activation_code"),
    )
    op.create_table(
        "external_identity",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        of_person("external_identity"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_external_identity"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_throttle_counter_subject", "throttle_counter")
    op.drop_column("throttle_counter", "subject")
    op.drop_column("throttle_counter", "strikes")
    op.drop_column("sign_in_account", "short_password")
    op.drop_index("ix_person_email", "person")
