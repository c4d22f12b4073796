"""The table of documents that other systems keep about activities and agents."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base
from lms.xapi.models import Sequence

NOBODY = 0  # in place of the activity or agent a document is not about
UNREGISTERED = uuid.UUID(int=0)


class XapiDocument(Base):
    """A document. Its key is what every request names, and the one index that answers them all.

    `activity_id` and `agent_id` are keys of `xapi_activity` and `xapi_agent`, whose rows never go; NOBODY where the
    kind has none, since an index takes two NULLs for different. `contents` stands last: SQLite then finds the rest of
    the row without reading through it.
    """

    __tablename__ = "xapi_document"
    __table_args__ = (
        CheckConstraint(
            "kind = 'state' AND activity_id > 0 AND agent_id > 0"
            " OR kind = 'agent' AND activity_id = 0 AND agent_id > 0"
            " OR kind = 'activity' AND activity_id > 0 AND agent_id = 0",
            name="kind",
        ),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    agent_id: Mapped[int] = mapped_column(Sequence, primary_key=True, autoincrement=False)
    registration: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    document_id: Mapped[str] = mapped_column(primary_key=True)
    content_type: Mapped[str]
    etag: Mapped[str]
    updated_at: Mapped[datetime]
    contents: Mapped[bytes] = mapped_column(LargeBinary)
