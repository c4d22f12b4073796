"""Codes of telephones and on paper, what they look like and when they are right; what is asked of whom. Pure."""

import hmac
import ipaddress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from lms.accounts.rules import SECOND_FACTOR

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
ENROLLING_LIFE = timedelta(minutes=20)
"""How long a new secret waits for the code that confirms it."""
RECOVERY_CODES = 10
ACTIVATION_LIFE = timedelta(days=30)
CHALLENGE_LIFE = timedelta(minutes=5)
MOST_PASSKEYS = 10
MOST_ON_A_SHEET = 500
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What codes on paper are made of: none of these is taken for another (no 0 and O, no 1 and I)."""
CODE_LENGTH = 10
CODE, ENROL = "authentication.code", "authentication.enrol"

PASSWORD, PROVIDER = "password", "provider"


def totp(secret: bytes) -> TOTP:
    """The codes of a secret as every authenticator computes them (RFC 6238: SHA-1, six digits, thirty seconds)."""
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 # nosec B303 - what every telephone uses


def matching_step(secret: bytes, code: str, *, now: datetime, last: int | None) -> int | None:
    """The time step of which this is the code: the present one or a neighbour, and later than the last one accepted."""
    digits = "".join(code.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    present, codes = int(now.timestamp()) // STEP_SECONDS, totp(secret)
    for step in (present, present - 1, present + 1):
        right = codes.generate(step * STEP_SECONDS)
        if hmac.compare_digest(right, digits.encode()) and (last is None or step > last):
            return step
    return None


def in_groups(code: str) -> str:
    """A code as it is written down: ABCDE-FGHJK."""
    return "-".join(code[start : start + 5] for start in range(0, len(code), 5))


def as_made(typed: str) -> str:
    """A code from paper as it was made, however it was typed: without strokes and spaces, in capital letters."""
    return "".join(c for c in typed.upper() if c.isalnum())


def looks_like_digits(typed: str) -> bool:
    """Whether this is meant for a code of the telephone, rather than one from paper."""
    return "".join(typed.split()).isdecimal()


def page_after(proof: str, *, required: bool, has_authenticator: bool, has_passkey: bool) -> str | None:
    """Which page comes between this proof and a session; None: no page.

    An authenticator is asked for whenever there is one. Whoever has only a passkey, or nothing, enters with the
    password alone, unless the role asks for more.
    """
    if proof == SECOND_FACTOR:
        return None
    if has_authenticator:
        return CODE
    if not required:
        return None
    return CODE if has_passkey else ENROL


def relying_party(site_url: str, *, asked_host: str, local: bool) -> str | None:
    """The name under which devices keep passkeys of this site; None where browsers allow none.

    An address in numbers has no name. A local trial may be opened as localhost as well as by its number.
    """
    host = urlsplit(f"//{asked_host}").hostname if local else urlsplit(site_url).hostname
    if not host or is_number(host):
        return None
    return host


def is_number(host: str) -> bool:
    """Whether this is an address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def multi_factor(methods: object) -> bool:
    """Whether another service says that it asked for more than one thing (`amr`, RFC 8176)."""
    return isinstance(methods, list) and "mfa" in methods
