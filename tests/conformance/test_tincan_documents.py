"""A client nobody here wrote, tincan for Python, keeps states and reads profiles over a real connection."""

import json
import threading
from collections.abc import Iterator

import pytest
from tincan import Activity, Agent, RemoteLRS
from tincan.documents import StateDocument
from werkzeug.serving import make_server

from tests.conformance.resources import ACTIVITY, AGENT, LESSON, stored
from tests.make import Make
from tests.store import Outsider

AN = Agent(mbox="mailto:an@example.vn")


@pytest.fixture
def outsider(make: Make) -> Outsider:
    """A client that may keep documents."""
    return Outsider(make, "state", "profile")


@pytest.fixture
def lrs(make: Make, outsider: Outsider) -> Iterator[RemoteLRS]:
    """The store as tincan sees it."""
    server = make_server("127.0.0.1", 0, make.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield RemoteLRS(
        endpoint=f"http://127.0.0.1:{server.server_port}/xapi/",
        version="1.0.3",
        username=outsider.key,
        password=outsider.secret,
    )
    server.shutdown()
    thread.join()
    server.server_close()


def test_tincan_saves_reads_lists_and_clears_states(lrs: RemoteLRS) -> None:
    """It sends no registration when it saves."""
    lesson = Activity(id=LESSON)
    for text in ("trang 7", "trang 8"):
        content_type = "text/plain; charset=utf-8"
        state = StateDocument(id="trang", activity=lesson, agent=AN, content=text, content_type=content_type)
        assert lrs.save_state(state).success
        found = lrs.retrieve_state(lesson, AN, "trang")
        assert (found.success, bytes(found.content.content)) == (True, text.encode())
    assert lrs.retrieve_state_ids(lesson, AN).content == ["trang"]
    assert lrs.clear_state(lesson, AN).success
    assert lrs.retrieve_state_ids(lesson, AN).content == []
    assert lrs.retrieve_state(lesson, AN, "trang").response.status == 404


def test_tincan_reads_and_removes_profiles(lrs: RemoteLRS, outsider: Outsider) -> None:
    for at in (AGENT, ACTIVITY):
        stored(outsider, at, {"a": 1})
    of_agent = lrs.retrieve_agent_profile(AN, AGENT.query["profileId"])
    assert json.loads(of_agent.content.content) == {"a": 1}
    assert lrs.retrieve_agent_profile_ids(AN).content == [AGENT.query["profileId"]]
    assert lrs.delete_agent_profile(of_agent.content).success
    assert outsider.ask("GET", AGENT.path, AGENT.query).status_code == 404
    of_activity = lrs.retrieve_activity_profile(Activity(id=LESSON), ACTIVITY.query["profileId"])
    assert json.loads(of_activity.content.content) == {"a": 1}
