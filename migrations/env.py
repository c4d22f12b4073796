"""How Alembic reaches the database: through the connection that `lms.cli.migrate` hands over."""

from alembic import context

import analytics.app
import assessments.app
import courses.app
from lms.accounts import models as accounts
from lms.announcements import models as announcements
from lms.audit import models as audit
from lms.authentication import models as authentication
from lms.db import Base
from lms.documents import models as documents
from lms.forwarding import models as forwarding
from lms.notices import models as notices
from lms.organisation import models as organisation
from lms.outbox import models as outbox
from lms.privacy import models as privacy
from lms.roster import models as roster
from lms.throttle import models as throttle
from lms.webhooks import models as webhooks
from lms.xapi import models as xapi
from migrations.statistics import write_statistics

ALL_MODELS = (
    analytics.app.MODELS,
    assessments.app.MODELS,
    courses.app.MODELS,
    accounts,
    announcements,
    authentication,
    organisation,
    audit,
    forwarding,
    notices,
    outbox,
    privacy,
    roster,
    throttle,
    webhooks,
    xapi,
    documents,
)

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql("SET lock_timeout = '4s'")
applied: list[object] = []
context.configure(
    connection=connection,
    on_version_apply=lambda **told: applied.append(told["step"]),
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
    if applied and connection.dialect.name == "sqlite":
        write_statistics(connection)
