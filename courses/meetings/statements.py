"""The sentence by which a wrong entry, or a wrong verdict, is taken back."""

import uuid
from datetime import datetime
from typing import Any

from lms.xapi.rules import rfc3339
from lms.xapi.vocabulary import VOIDED


def taken_back(home: str, statement_id: uuid.UUID, *, at: datetime, by: uuid.UUID) -> dict[str, Any]:
    """This person says that the statement counts no more."""
    return {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "account": {"homePage": home, "name": str(by)}},
        "verb": {"id": VOIDED, "display": {"vi": "hủy", "en": "voided"}},
        "object": {"objectType": "StatementRef", "id": str(statement_id)},
        "timestamp": rfc3339(at),
    }
