"""Whether what a device signed is what it was asked to sign, for this site, by the key it registered (WebAuthn)."""

import json
from dataclasses import dataclass
from typing import Any

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException


class NotAccepted(Exception):
    """The device's answer proves nothing. The message is for tests and never for people."""


@dataclass(frozen=True, slots=True)
class Site:
    """For whom keys are: the name devices keep them under, and the origin of its pages."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key a device has made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brought: JSON, and in it the challenge it says it signed, with which key, of whom."""

    credential: dict[str, Any]
    challenge: bytes
    credential_id: bytes
    user_handle: bytes


def answer_in(text: str) -> Answer:
    """The parts of a browser's answer, before anything of it is believed. Raises `NotAccepted`."""
    try:
        credential = json.loads(text)
        response = credential["response"]
        told = json.loads(base64url_to_bytes(response["clientDataJSON"]))
        return Answer(
            credential,
            base64url_to_bytes(told["challenge"]),
            base64url_to_bytes(credential["rawId"]),
            base64url_to_bytes(response.get("userHandle") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAccepted(f"not an answer of a browser: {type(error).__name__}") from error


def registered(answer: Answer, *, challenge: bytes, site: Site) -> NewKey:
    """The key a device made for this site, its owner having been verified by the device. Raises `NotAccepted`."""
    try:
        made = verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted(str(error)) from error
    return NewKey(made.credential_id, made.credential_public_key, made.sign_count)


def signed(answer: Answer, *, challenge: bytes, site: Site, public_key: bytes, sign_count: int) -> int:
    """The device's new counter, when the key signed this challenge for this site. Raises `NotAccepted`.

    A counter that does not rise means that somebody has a copy of the key. Devices that do not count stay at zero.
    """
    try:
        verified = verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted(str(error)) from error
    return verified.new_sign_count


def as_text(data: bytes) -> str:
    """Bytes as they travel in these messages."""
    return bytes_to_base64url(data)
