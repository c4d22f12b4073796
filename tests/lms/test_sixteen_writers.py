"""Sixteen processes write statements, data and documents to one SQLite file at once: none is told that it is locked."""

import json
import os
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from lms.cli import check_projections
from lms.xapi import vocabulary
from lms.xapi.models import XapiAttachment, XapiStatement, XapiStatementAttachment
from tests.conformance.resources import ACTIVITY
from tests.courses.learner import HOME, give
from tests.library_course import CODE, load_small_course
from tests.make import Make
from tests.store import Outsider, mixed, new_id, paper, part, statement

WRITERS, ROUNDS = 16, 12
SHARED = ACTIVITY
LESSONS = ("m1-1", "m1-2", "m2-1", "m2-2")


def finished(account: str, turn: int) -> list[dict[str, Any]]:
    """What counts, about one of a few activities that all write about, and what nobody has met before."""
    actor = {"account": {"homePage": HOME, "name": account}}
    lesson = {"id": vocabulary.activity_iri(HOME, CODE, LESSONS[turn % len(LESSONS)])}
    counts = statement(id=new_id(), actor=actor, verb={"id": vocabulary.COMPLETED}, object=lesson)
    return [counts, statement(actor={"mbox": f"mailto:{new_id()}@example.vn"}, object=lesson)]


def write(outsider: Outsider, account: str) -> list[int | str]:
    """Read, then write, time after time: the status of each answer; its text where it is no success.

    All merge into one document. All bring data, some of which all bring.
    """
    told: list[int | str] = []
    for turn in range(ROUNDS):
        sent = finished(account, turn) if turn % 2 else statement(object={"id": f"https://example.vn/{turn % 3}"})
        works: list[Callable[[], TestResponse]] = [partial(outsider.get, limit="5"), partial(outsider.post, sent)]
        if turn % 3 == 0:
            data = f"trang {turn}".encode() if turn % 2 else f"{account} {turn}".encode()
            body = mixed(statement(attachments=[paper(data)]), part(data))
            merged = {f"{account} {turn}": turn}
            works += [partial(outsider.send, body), partial(outsider.ask, "POST", SHARED.path, SHARED.query, merged)]
        for work in works:
            answer = work()
            success = answer.status_code in {200, 204}
            told.append(answer.status_code if success else f"{answer.status_code} {answer.text}")
            answer.close()
    return told


def in_processes(make: Make, outsiders: list[Outsider], accounts: list[str]) -> list[Any]:
    """What each writer was told, all writing at once in processes of their own that begin together."""
    make.database.dispose()  # a connection must not be in two processes
    begin, give_sign = os.pipe()
    ears = []
    for outsider, account in zip(outsiders, accounts, strict=True):
        told, tell = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn where the test run has threads
            child = os.fork()
        if child == 0:
            try:
                os.close(give_sign)
                os.read(begin, 1)  # nothing comes: it ends when the test closes its end
                os.write(tell, json.dumps(write(outsider, account)).encode())
            except BaseException:  # whatever it was, this process never returns into the test
                os.write(tell, json.dumps([traceback.format_exc()]).encode())
            finally:
                os._exit(0)
        os.close(tell)
        ears.append((child, told))
    os.close(begin)
    os.close(give_sign)
    heard = []
    for child, told in ears:
        with os.fdopen(told) as lines:
            heard.append(json.load(lines))
        os.waitpid(child, 0)
    return heard


@pytest.mark.parametrize("backend", ["sqlite"])
def test_sixteen_processes_that_read_and_write_all_succeed_and_nothing_is_lost(
    make: Make, tmp_path: Path, backend: str
) -> None:
    load_small_course(make, tmp_path)
    unit = make.unit("Sở Y tế")
    give(make, unit)
    prefix = f"{HOME}/xapi/courses/{CODE}"
    outsiders = [Outsider(make, "all", counts_prefix=prefix, name=f"Điểm cầu {n}") for n in range(WRITERS)]
    accounts = [str(make.person(unit=unit).public_id) for _ in range(WRITERS)]
    heard = in_processes(make, outsiders, accounts)
    further = WRITERS * ROUNDS // 3  # requests in parts, and as many that merge
    assert Counter(one for told in heard for one in told) == {200: WRITERS * ROUNDS * 2 + further, 204: further}
    with make.reading() as session:
        stored = session.scalar(select(func.count()).select_from(XapiStatement))
        came = session.scalar(select(func.count()).select_from(XapiStatementAttachment))
        data = session.scalar(select(func.count()).select_from(XapiAttachment))
    assert stored == WRITERS * ROUNDS // 2 * 3 + further
    assert (came, data) == (further, further // 2 + ROUNDS // 6)
    assert len(outsiders[0].ask("GET", SHARED.path, SHARED.query).get_json()) == further
    assert [line for lines in check_projections(make.database).values() for line in lines] == []
