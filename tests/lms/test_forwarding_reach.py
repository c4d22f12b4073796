"""Where forwarding may call at all: other hosts by TLS, nothing inside one's own network, and not for ever."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lms.forwarding import delivery
from lms.forwarding.delivery import Line, Unreachable, ask
from lms.forwarding.rules import (
    MOST_BYTES,
    MOST_DATA,
    BadAddress,
    Load,
    Place,
    is_inside,
    pause,
    place_of,
    together,
    trimmed,
    verdict,
    wish,
)
from tests.servers import answers, drips, hangs_up, hostile, never_ends

INSIDE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2001:db8::1",
]  # fmt: skip
LARGE = 24_000_000  # more than lies between two sockets
OUTSIDE = ["8.8.8.8", "203.113.131.1", "2606:4700::1111"]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_this_machine_and_its_networks_are_inside(address: str) -> None:
    assert is_inside(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_addresses_of_others_are_not(address: str) -> None:
    assert not is_inside(address)


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("ftp://lrs.example.vn/xapi", "form"),
        ("lrs.example.vn/xapi", "form"),
        ("https://", "form"),
        ("https://user:secret@lrs.example.vn/xapi", "form"),
        ("https://lrs.example.vn/xapi?x=1", "form"),
        ("https://lrs.example.vn/xapi#x", "form"),
        ("https://lrs.example.vn:99999/xapi", "form"),
        ("https://lrs.example.vn/x api", "form"),
        ("https://lrs.example.vn/xapi\r\nX: y", "form"),
        ("https://[::1/xapi", "form"),
        ("http://lrs.example.vn/xapi", "open_line"),
        ("http://10.0.0.1/xapi", "open_line"),
        ("https://hoc.example.vn/xapi", "ourselves"),
        ("https://HOC.example.vn:443/xapi", "ourselves"),
        ("https://hoc.example.vn./xapi", "ourselves"),
    ],
)
def test_an_address_that_cannot_be_that_of_another_store_is_refused(address: str, fault: str) -> None:
    with pytest.raises(BadAddress) as refused:
        place_of(address, own_host="hoc.example.vn", local=True)
    assert refused.value.fault == fault


def test_plain_http_is_for_a_local_trial_and_its_own_machine_only() -> None:
    assert place_of("http://127.0.0.1:9000/xapi/", own_host="127.0.0.1:8000", local=True).path == "/xapi"
    with pytest.raises(BadAddress, match="open_line"):
        place_of("http://127.0.0.1:9000/xapi/", own_host="127.0.0.1:8000", local=False)
    place = place_of("https://LRS.example.vn/data/xAPI/statements", own_host="h", local=False)
    assert place == Place("https", "lrs.example.vn", 443, "/data/xAPI")


def line(port: int, *, host: str = "127.0.0.1", scheme: str = "http", allowed: bool = True) -> Line:
    """How to speak to a server on this machine."""
    place = Place(scheme, host, port, "/xapi")
    return Line(place, "1.0.3", "key", "secret", frozenset({place.name} if allowed else ()))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_nothing_inside_is_called_unless_the_setting_names_it(host: str) -> None:
    with hostile(answers(200, b"[]")) as other:
        for one in (
            line(other.port, host=host, allowed=False),
            line(other.port, host=host, scheme="https", allowed=False),
        ):
            with pytest.raises(Unreachable, match="LMS_FORWARD_TO"):
                ask(one, "GET", "/about")
        elsewhere = Line(
            Place("http", host, other.port, ""), "1.0.3", "k", "s", frozenset({f"{host}:{other.port + 1}"})
        )
        with pytest.raises(Unreachable, match="LMS_FORWARD_TO"):
            ask(elsewhere, "GET", "/about")
        assert other.requests == []
        assert ask(line(other.port), "GET", "/about").status == 200


def resolving(monkeypatch: pytest.MonkeyPatch, *answers_in_turn: list[str]) -> list[str]:
    """Let names mean these addresses, another list each time; returns what was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if not host.endswith(".example.vn"):
            return real(host, port, *arguments, **options)
        found = answers_in_turn[min(len(asked), len(answers_in_turn) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_of_which_one_address_lies_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["203.113.131.1", "169.254.169.254"])
    with pytest.raises(Unreachable, match="inside this network"):
        ask(line(443, host="lrs.example.vn", scheme="https", allowed=False), "GET", "/about")


def test_the_address_that_was_looked_at_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, ["203.113.131.1"], ["127.0.0.1"])
    called: list[object] = []

    def connect(address: object, *_arguments: object, **_options: object) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unreachable):
        ask(line(443, host="lrs.example.vn", scheme="https", allowed=False), "GET", "/about")
    assert (asked, called) == (["lrs.example.vn"], [("203.113.131.1", 443)])


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with hostile(answers(200)) as inner, hostile(answers(302, Location=f"http://127.0.0.1:{inner.port}/")) as other:
        assert ask(line(other.port), "POST", "/statements", b"[]").status == 302
        assert inner.requests == []


def test_no_proxy_of_the_environment_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile(answers(200)) as proxy, hostile(answers(200)) as other:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert ask(line(other.port), "GET", "/about").status == 200
        assert proxy.requests == []


def test_an_answer_without_end_is_cut_off() -> None:
    with hostile(never_ends) as other, pytest.raises(Unreachable, match="too long"):
        ask(line(other.port), "GET", "/about")


def test_an_answer_that_comes_byte_by_byte_is_cut_off_when_the_time_is_over() -> None:
    began = time.monotonic()
    with hostile(drips) as other, pytest.raises(Unreachable, match="took too long"):
        ask(line(other.port), "GET", "/about", deadline=0.3)
    assert time.monotonic() - began < delivery.PAUSE_SECONDS / 2


def test_who_hangs_up_or_is_not_there_is_told_apart_from_an_answer() -> None:
    with hostile(hangs_up) as other:
        with pytest.raises(Unreachable, match="no answer"):
            ask(line(other.port), "GET", "/about")
        port = other.port
    with pytest.raises(Unreachable, match="no answer"):
        ask(line(port), "GET", "/about")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lrs")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "lrs.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return tmp_path / "lrs.pem"


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    """A server that speaks TLS and answers every request with 204."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(65_536)
                    secure.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            except OSError:
                plain.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield int(listening.getsockname()[1])
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_a_certificate_nobody_vouches_for_ends_the_call(tls_port: int) -> None:
    with pytest.raises(Unreachable, match="certificate"):
        ask(line(tls_port, scheme="https"), "GET", "/about")


def test_a_certificate_of_another_name_ends_the_call(
    tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(Unreachable, match="certificate"):
        ask(line(tls_port, host="localhost", scheme="https"), "GET", "/about")


def test_a_host_that_shows_who_it_is_is_spoken_to(
    tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ask(line(tls_port, scheme="https"), "GET", "/about").status == 204


def test_pauses_grow_to_an_hour_and_heed_what_was_asked_for() -> None:
    now = datetime.datetime(2026, 11, 23, 8, tzinfo=datetime.UTC)
    seconds = [pause(failures, None, now).total_seconds() for failures in (1, 2, 3, 4, 9, 10, 10_000)]
    assert seconds == [10, 20, 40, 80, 2560, 3600, 3600]
    assert pause(1, "120", now).total_seconds() == 120
    assert pause(5, "1", now).total_seconds() == 160
    assert pause(1, "99999999999999", now) == datetime.timedelta(days=1)
    assert wish("Mon, 23 Nov 2026 08:05:00 GMT", now).total_seconds() == 300
    for text in (None, "", "soon", "-5", "1.5", "²", "Mon, 23 Nov 2025 08:05:00 GMT"):
        assert wish(text, now) == datetime.timedelta()


def test_only_refusals_that_speak_of_the_statement_set_it_aside() -> None:
    found = {status: str(verdict(status)) for status in range(100, 600)}
    assert {status for status, meaning in found.items() if meaning == "taken"} == {200, 204}
    assert {status for status, meaning in found.items() if meaning == "denied"} == {401, 403}
    assert {status for status, meaning in found.items() if meaning == "refused"} == {400, 409, 413, 422}


def test_what_others_say_is_kept_short_on_one_line_and_without_our_secret() -> None:
    assert trimmed(b"a\x00b\r\n\tc\xff secret d", "secret") == "a b c\ufffd … d"
    assert len(trimmed(b"x" * 5_000)) == 300


def test_a_store_that_answers_before_it_has_read_everything_is_heard() -> None:
    """Such as to a request that is too large: the rest of it has nowhere to go."""
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def refuse() -> None:
            visitor, _ = door.accept()
            told.append(visitor.recv(1_000))
            visitor.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            visitor.shutdown(socket.SHUT_RDWR)  # what was not read stays unread: no more can be sent
            over.wait(30)
            visitor.close()

        over = threading.Event()
        thread = threading.Thread(target=refuse)
        thread.start()
        try:
            assert ask(line(door.getsockname()[1]), "POST", "/statements", b"x" * LARGE).status == 413
        finally:
            over.set()
            thread.join()
    assert b"Content-Length: 24000000" in told[0]


def test_a_large_request_has_the_time_it_needs_over_a_slow_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent in one step has the time of one step, and the whole as much more as there is to send."""
    steps: list[int] = []
    whole: list[float] = []
    sendall, timer = socket.socket.sendall, threading.Timer

    def step(self: socket.socket, data: Any, *flags: int) -> None:
        steps.append(len(data))
        sendall(self, data, *flags)

    def timed(seconds: float, work: Any) -> threading.Timer:
        whole.append(seconds)
        return timer(seconds, work)

    with hostile(answers(200, b"[]")) as other:
        monkeypatch.setattr(socket.socket, "sendall", step)
        monkeypatch.setattr(threading, "Timer", timed)
        assert ask(line(other.port), "POST", "/statements", b"x" * 3_000_000).status == 200
    assert other.requests[0].body == b"x" * 3_000_000
    assert max(steps) < 100_000
    assert whole == [delivery.DEADLINE_SECONDS + 30]


@pytest.mark.parametrize(
    ("loads", "taken"),
    [
        ([(9, 0), (9, 0), (9, 1)], 2),
        ([(9, 1), (9, 0)], 1),
        ([(9, 1), (9, 3)], 2),
        ([(MOST_BYTES + 1, 0), (9, 0)], 1),
        ([(MOST_BYTES, 0), (1, 0)], 1),
        ([(MOST_BYTES - 1, 0), (1, 0)], 2),
        ([(9, MOST_DATA), (9, 1)], 1),
        ([(9, MOST_DATA + 1)], 1),
        ([(9, 1), (9, MOST_DATA)], 1),
    ],
)
def test_what_goes_into_one_request(loads: list[tuple[int, int]], taken: int) -> None:
    assert together([Load(*one) for one in loads]) == taken
