"""Whether a certificate says what was signed, and whether a printed code belongs to it and to the name on it."""

import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from courses.certificates.rules import CODE_LENGTH, written
from lms.config import Config


@lru_cache(maxsize=16)
def derived(secret: str, purpose: bytes) -> bytes:
    """A key that follows from LMS_SECRET_KEY and serves nothing else."""
    return HKDF(SHA256(), length=32, salt=None, info=b"lms.certificates " + purpose).derive(secret.encode())


def signed(config: Config, content: bytes) -> bytes:
    """The Ed25519 signature of this product over these bytes."""
    return Ed25519PrivateKey.from_private_bytes(derived(config.secret_key, b"signing")).sign(content)


def is_ours(config: Config, content: bytes, signature: bytes) -> bool:
    """Whether this product has signed just these bytes, with its present key or a former one."""
    for secret in (config.secret_key, *config.former_secret_keys):
        key = Ed25519PrivateKey.from_private_bytes(derived(secret, b"signing")).public_key()
        try:
            key.verify(signature, content)
        except InvalidSignature:
            continue
        return True
    return False


def code_of(config: Config, signature: bytes, name: str, *, secret: str = "") -> str:
    """The code (mã xác thực) printed on a certificate with this signature and this name."""
    key = derived(secret or config.secret_key, b"codes")
    told = hmac.new(key, signature + name.encode(), hashlib.sha256).digest()
    return written(int.from_bytes(told[:8], "big"), CODE_LENGTH)


def code_fits(config: Config, signature: bytes, name: str, code: str) -> bool:
    """Whether that is the code of this certificate with this name: printed under another name it is none."""
    secrets = (config.secret_key, *config.former_secret_keys)
    return any(hmac.compare_digest(code_of(config, signature, name, secret=one), code) for one in secrets)
