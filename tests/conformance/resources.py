"""The three resources of documents, as tests of the standard ask for them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from tests.store import Outsider

AN = '{"mbox":"mailto:an@example.vn"}'
BINH = '{"mbox":"mailto:binh@example.vn"}'
LESSON, OTHER = "https://example.vn/bai-1", "https://example.vn/bai-2"
EDITIONS = ["1.0.3", "2.0.0"]
NEW = {"If_None_Match": "*"}


class Resource(NamedTuple):
    """A resource of documents: its address, the parameters of one document there, and the scope that opens it."""

    path: str
    query: Mapping[str, str]
    named: str
    scope: str

    @property
    def about(self) -> dict[str, str]:
        """The parameters of all its documents."""
        return {name: value for name, value in self.query.items() if name != self.named}


STATE = Resource("activities/state", {"activityId": LESSON, "agent": AN, "stateId": "trang"}, "stateId", "state")
AGENT = Resource("agents/profile", {"agent": AN, "profileId": "https://example.vn/ho-so"}, "profileId", "profile")
ACTIVITY = Resource("activities/profile", {"activityId": LESSON, "profileId": "cấu hình"}, "profileId", "profile")
every_resource = pytest.mark.parametrize("at", [pytest.param(one, id=one.path) for one in (STATE, AGENT, ACTIVITY)])


def stored(outsider: Outsider, at: Resource, body: Any, *, content_type: str = "application/json") -> str:
    """Store a new document; returns its ETag."""
    assert outsider.ask("PUT", at.path, at.query, body, content_type=content_type, **NEW).status_code == 204
    return outsider.ask("GET", at.path, at.query).headers["ETag"]
