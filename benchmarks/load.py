"""Requests over kept-alive connections, each from a process of its own, with as little work a request as can be."""

import json
import multiprocessing
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

VERBS = ("completed", "initialized", "answered", "passed", "failed")
COURSES = 12
PEOPLE = 5_000


def agent(number: int) -> dict[str, object]:
    """One of the people who state something."""
    return {"objectType": "Agent", "account": {"homePage": "https://hoc.example.vn", "name": f"hv-{number}"}}


def statement(chance: Random) -> dict[str, object]:
    """A statement as content players send them: account, registration, result, parent and grouping."""
    course, lesson = chance.randrange(COURSES), chance.randrange(20)
    base = f"https://hoc.example.vn/xapi/courses/c{course}"
    verb = chance.choice(VERBS)
    return {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "actor": agent(chance.randrange(PEOPLE)),
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {"vi": verb, "en": verb}},
        "object": {
            "objectType": "Activity",
            "id": f"{base}/activities/m{lesson}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/lesson",
                "name": {"vi": f"Bài {lesson}", "en": f"Lesson {lesson}"},
            },
        },
        "result": {"score": {"scaled": chance.randrange(101) / 100}, "completion": True, "duration": "PT4M30S"},
        "context": {
            "registration": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "platform": "Thử tải",
            "language": "vi",
            "contextActivities": {
                "parent": [{"objectType": "Activity", "id": f"{base}/activities/m{lesson // 5}"}],
                "grouping": [{"objectType": "Activity", "id": base}],
            },
        },
        "timestamp": f"2026-11-{chance.randrange(1, 25):02}T08:{chance.randrange(60):02}:00.000Z",
    }


def posts(path: str, headers: dict[str, str], *, batch: int, number: int, seed: int) -> list[bytes]:
    """Whole requests, made before the clock starts."""
    chance = Random(seed)
    found = []
    for _ in range(number):
        value = [statement(chance) for _ in range(batch)] if batch > 1 else statement(chance)
        body = json.dumps(value, ensure_ascii=False).encode()
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines += [f"{name}: {one}" for name, one in headers.items()]
        found.append("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
    return found


def gets(paths: list[str], headers: dict[str, str]) -> list[bytes]:
    """Whole GET requests."""
    lines = ["Host: 127.0.0.1", *(f"{name}: {one}" for name, one in headers.items()), "", ""]
    return ["\r\n".join([f"GET {path} HTTP/1.1", *lines]).encode() for path in paths]


@dataclass(frozen=True)
class Outcome:
    """What a run of requests came to; `seconds` of the whole, `times` of each request, sorted."""

    seconds: float
    times: list[float]
    errors: int

    def percentile(self, share: float) -> float:
        """The time below which this share of the requests stayed."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]


def run(port: int, requests: Callable[[int], list[bytes]], *, connections: int) -> Outcome:
    """Send what `requests` makes for each connection, all at once from the same moment on."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(connections + 1)
    results = context.SimpleQueue()
    workers = [
        context.Process(target=send, args=(port, requests, number, ready, results)) for number in range(connections)
    ]
    for one in workers:
        one.start()
    ready.wait()
    began = time.perf_counter()
    outcomes = [results.get() for _ in workers]
    seconds = time.perf_counter() - began
    for one in workers:
        one.join()
    times = sorted(moment for outcome in outcomes for moment in outcome[0])
    return Outcome(seconds, times, sum(outcome[1] for outcome in outcomes))


def send(port: int, requests: Callable[[int], list[bytes]], number: int, ready: object, results: object) -> None:
    """One connection's requests, in a row."""
    prepared = requests(number)
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times, errors = [], 0
    ready.wait()  # type: ignore[attr-defined]  # a Barrier: its type has no public name
    for request in prepared:
        began = time.perf_counter()
        connection.sendall(request)
        status = next(answers(connection))
        times.append(time.perf_counter() - began)
        errors += status not in (200, 204)
    results.put((times, errors))  # type: ignore[attr-defined]  # a SimpleQueue


def answers(connection: socket.socket) -> Iterator[int]:
    """The status of one answer, whose body is read whole."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError("the server hung up")
        buffer += part
    head, _, body = buffer.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65_536)
    yield int(head.split(b" ", 2)[1])
