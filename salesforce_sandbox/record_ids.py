"""Salesforce record ids: 15 characters and a checksum of 3 for the letter case (salesforce-wire.md section 2)."""

from __future__ import annotations

import re
import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECK = string.ascii_uppercase + "012345"


def make_id(prefix: str, number: int) -> str:
    """Return the 18-character id of the n-th record of an object."""
    digits = ""
    for _ in range(12):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return add_checksum(prefix + digits)


def add_checksum(short: str) -> str:
    """Return the 18-character form of a 15-character id."""
    check = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(short[start : start + 5]) if char.isupper())
        check += _CHECK[bits]
    return short + check


def normalise_id(value: object) -> str | None:
    """Return the 18-character form of an id, None for anything that is none."""
    text = str(value)
    if re.fullmatch(r"[A-Za-z0-9]{15}", text):
        return add_checksum(text)
    return text if re.fullmatch(r"[A-Za-z0-9]{18}", text) else None
