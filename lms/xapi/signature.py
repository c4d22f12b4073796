"""Signed statements: whether a signature is well formed, and signs the statement it came with.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Data = part two); RFC 7515 and 7518 define JWS.
"""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from lms.xapi.loader import Received, check_depth, listed_activities, read_json
from lms.xapi.matching import same
from lms.xapi.parts import Data, media_type
from lms.xapi.rules import Malformed, shown
from lms.xapi.validation import check_statement
from lms.xapi.vocabulary import SIGNATURE

ALGORITHMS: Mapping[str, type[HashAlgorithm]] = {"RS256": SHA256, "RS384": SHA384, "RS512": SHA512}
COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
SMALLEST_KEY, LARGEST_KEY = 2_048, 8_192  # bits (RFC 7518, 3.3); a larger one costs more to look at than it is worth
LONGEST_CHAIN = 10  # certificates


def check_signatures(received: Sequence[Received], data: Data, *, listed: bool, two: bool) -> None:
    """Refuse malformed signatures, and those of other statements (4.2.6 / Data 2.6).

    Without a certificate only the form of a signature can be judged. With one, it is verified by that certificate;
    nobody asks whether the certificate is to be trusted: that is left to whoever relies on the signature.
    """
    for number, (document, _) in enumerate(received):
        path = f"statements[{number}]" if listed else "statement"
        for place, one in enumerate(document.get("attachments", ())):
            if one["usageType"] == SIGNATURE:
                check_signature(document, one, data, f"{path}.attachments[{place}]", two=two)


def check_signature(
    document: Mapping[str, Any], attachment: Mapping[str, Any], data: Data, path: str, *, two: bool
) -> None:
    """One signature of this statement."""
    if media_type(attachment["contentType"]) != "application/octet-stream":
        raise Malformed(f"{path}.contentType", "expected application/octet-stream, since it is a signature")
    found = COMPACT.fullmatch(data[attachment["sha2"].lower()].data)
    if found is None:
        raise Malformed(path, "is no JWS in compact serialization: three texts in base64url with points between")
    head, payload, signature = (decoded(part, path) for part in found.groups())
    header = read_json(head, f"{path} (JWS header)")
    if not isinstance(header, dict):
        raise Malformed(f"{path} (JWS header)", f"expected an object, got {shown(header)}")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Malformed(f"{path} (JWS header).alg", f"expected {' or '.join(ALGORITHMS)}, got {shown(algorithm)}")
    if "crit" in header:
        raise Malformed(f"{path} (JWS header).crit", "names extensions that are not understood here")
    if "x5c" in header:
        key = certified_key(header["x5c"], f"{path} (JWS header).x5c")
        verify(key, signature, b".".join(found.groups()[:2]), ALGORITHMS[algorithm](), path)
    check_same(document, payload, f"{path} (JWS payload)", two=two)


def decoded(text: bytes, path: str) -> bytes:
    """The bytes of a text in base64url, which has no padding (RFC 7515, 2)."""
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as reason:
        raise Malformed(path, "is no JWS: a part of it is no base64url") from reason


def certified_key(chain: Any, path: str) -> RSAPublicKey:
    """The public key of the first certificate of a chain, in which each is certified by the next (RFC 7515, 4.1.6)."""
    if not isinstance(chain, list) or not 0 < len(chain) <= LONGEST_CHAIN:
        raise Malformed(path, f"expected a list of 1 to {LONGEST_CHAIN} certificates")
    try:
        certificates = [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in chain]
        keys = [one.public_key() for one in certificates]
    except (TypeError, ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as reason:
        raise Malformed(path, "holds what is no X.509 certificate in base64") from reason
    key = keys[0]
    if not isinstance(key, RSAPublicKey) or not SMALLEST_KEY <= key.key_size <= LARGEST_KEY:
        raise Malformed(f"{path}[0]", f"expected the certificate of an RSA key of {SMALLEST_KEY} to {LARGEST_KEY} bits")
    for number, (one, issuer) in enumerate(pairwise(certificates)):
        try:
            one.verify_directly_issued_by(issuer)
        except (TypeError, ValueError, InvalidSignature, UnsupportedAlgorithm) as reason:
            raise Malformed(f"{path}[{number}]", "is not certified by the certificate after it") from reason
    return key


def verify(key: RSAPublicKey, signature: bytes, signed: bytes, algorithm: HashAlgorithm, path: str) -> None:
    """The signature is the one this key makes (RFC 7518, 3.3)."""
    try:
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except InvalidSignature as reason:
        raise Malformed(path, "the signature is not that of the certificate in x5c") from reason


def check_same(document: Mapping[str, Any], payload: bytes, path: str, *, two: bool) -> None:
    """What was signed is this statement, as it was before the signature was added (4.2.6 / Data 2.6).

    Attachments are compared when something was signed of them; an id, when one was signed.
    """
    signed = read_json(payload, path)
    check_depth(signed, payload, path)
    check_statement(signed, path, two=two)
    for part in (signed, signed["object"]):
        listed_activities(part)
    if "id" in signed and ("id" not in document or uuid.UUID(signed["id"]) != uuid.UUID(document["id"])):
        raise Malformed(f"{path}.id", "is not the id of the statement")
    told = {name: value for name, value in document.items() if name != "attachments"}
    if "attachments" in signed:
        told["attachments"] = [one for one in document["attachments"] if one["usageType"] != SIGNATURE]
    if not same(told, signed):
        raise Malformed(path, "says something else than the statement")
