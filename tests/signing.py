"""Signers of statements: keys, certificates, and JWS made by hand."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lms.xapi.vocabulary import SIGNATURE
from tests.store import mixed, paper, part

OCTETS = "application/octet-stream"
HASHES: Mapping[str, type[HashAlgorithm]] = {"RS256": SHA256, "RS384": SHA384, "RS512": SHA512}


@cache
def key(name: str = "signer", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key by name, made once for all tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate(name: str, public: Any, *, issuer: str, by: Any) -> str:
    """A certificate of this key in base64, as x5c carries it."""
    subject, authority = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority)
        .public_key(public)
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(by, SHA256())
    )
    return base64.b64encode(built.public_bytes(Encoding.DER)).decode()


@cache
def chain() -> tuple[str, str]:
    """The certificate of the signer, and that of the authority which certified it."""
    return (
        certificate("signer", key().public_key(), issuer="authority", by=key("authority")),
        certificate("authority", key("authority").public_key(), issuer="authority", by=key("authority")),
    )


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def jws(payload: Any, *, by: rsa.RSAPrivateKey | None = None, alg: str = "RS256", **header: Any) -> bytes:
    """A JWS in compact serialization; bytes are signed as they are."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = base64url(json.dumps({"alg": alg, **header}).encode()) + b"." + base64url(raw)
    return text + b"." + base64url((by or key()).sign(text, PKCS1v15(), HASHES.get(alg, SHA256)()))


def signature(data: bytes, **changes: Any) -> dict[str, Any]:
    """What a statement says of its signature."""
    return paper(data, kind=OCTETS, usageType=SIGNATURE, **changes)


def signed(document: dict[str, Any], data: bytes, **changes: Any) -> bytes:
    """A request with the statement and its signature."""
    whole = {**document, "attachments": [*document.get("attachments", ()), signature(data, **changes)]}
    return mixed(whole, part(data, Content_Type=None))
