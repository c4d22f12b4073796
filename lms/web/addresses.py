"""Addresses that come from outside: where one may be sent after signing in."""

from urllib.parse import urlsplit

FORBIDDEN = frozenset("\\\t\r\n\0")


def local_path(candidate: str | None) -> str | None:
    """`candidate` when it is a path of this site, otherwise None.

    Refused are other hosts in any disguise: //host, /\\host, encoded slashes, control characters, schemes.
    """
    if not candidate or not candidate.startswith("/") or any(c in FORBIDDEN or ord(c) < 32 for c in candidate):
        return None
    lowered = candidate.lower()
    if candidate.startswith("//") or lowered.startswith(("/%2f", "/%5c", "/%09", "/%0")):
        return None
    parts = urlsplit(candidate)
    return candidate if not parts.scheme and not parts.netloc else None
