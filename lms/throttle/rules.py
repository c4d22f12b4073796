"""How many attempts, in how long, and how the wait grows. Pure."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOWS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60))
"""How long a window lasts: five minutes, and twice as long after each that was filled, up to an hour."""

FORGOTTEN_AFTER = timedelta(days=1)
"""After so long without an attempt everything begins anew."""

PER_ACCOUNT = 10
PER_ACCOUNT_IN_ALL = 100
"""From all networks together: one network alone uses up none of what others have (decision 0040)."""
PER_ADDRESS = 60
PER_RESET = 3
PER_RESET_IN_ALL = 12
PER_CODE = 5
"""Guesses at six digits, of somebody who has the password already; from wherever."""
PER_TYPED = 200
"""Questions for people's names while one types: far more than anybody types, far fewer than take out a province."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many attempts under one key. `subject`: what they are about, when an administrator may forgive them."""

    kind: str
    value: str
    limit: int
    subject: str = ""


SITE_BITS = 48
"""Networks of IPv6 that one office, or whoever rents a machine, is given together."""


def network_of(address: str, *, bits: int = 64) -> str:
    """Under what an address is counted: whoever has one of IPv6 has all 2**64 of that network."""
    if ":" not in address:
        return address
    try:
        number = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(number.ipv4_mapped or ipaddress.ip_network((number, bits), strict=False))


def window_of(strikes: int) -> timedelta:
    """How long the window lasts after so many that were filled."""
    return WINDOWS[min(strikes, len(WINDOWS) - 1)]


def minutes_until(moment: datetime, now: datetime) -> int:
    """For people who wait: whole minutes, rounded up, at least one."""
    return max(1, -int((now - moment).total_seconds() // 60))
