"""Salesforce record ids: 15 characters, and a checksum of 3 characters for the letter case."""

from __future__ import annotations

import itertools
import re
import string
from functools import lru_cache

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = ["".join(pair) for pair in itertools.product(_DIGITS, repeat=2)]
_CHECK = string.ascii_uppercase + "012345"
_BITS = str.maketrans({char: str(int(char.isupper())) for char in _DIGITS})
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def make_id(prefix: str, number: int) -> str:
    """Return the 18-character id of the n-th record of an object."""
    high, low = divmod(number, 62**4)
    first, second = divmod(low, 62**2)
    return add_checksum(f"{prefix}{_high_digits(high)}{_PAIRS[first]}{_PAIRS[second]}")


@lru_cache(maxsize=100)
def _high_digits(number: int) -> str:
    pairs = []
    for _ in range(4):
        number, pair = divmod(number, 62**2)
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))


def add_checksum(short: str) -> str:
    """Return the 18-character form of a 15-character id."""
    return short + _check_high(short[:10]) + _check(short[10:])


@lru_cache(maxsize=10_000)
def _check_high(ten: str) -> str:
    return _check(ten[:5]) + _check(ten[5:])


def _check(five: str) -> str:
    """Return the letter for which characters are upper case; the first is the lowest bit."""
    return _CHECK[int(five[::-1].translate(_BITS), 2)]


def normalise_id(value: object) -> str | None:
    """Return the 18-character form of an id, None for anything else; the checksum restores a lost letter case."""
    text = str(value)
    if not _ID.fullmatch(text):
        return None
    if len(text) == 15:
        return add_checksum(text)
    if add_checksum(text[:15]) == text:
        return text
    return _restore_case(text) if text in {text.lower(), text.upper()} else None


def _restore_case(text: str) -> str | None:
    """Return an 18-character id in the letter case of its checksum, None if the checksum is wrong."""
    try:
        bits = "".join(f"{_CHECK.index(char):05b}"[::-1] for char in text[15:].upper())
    except ValueError:
        return None
    short = "".join(char.upper() if bit == "1" else char.lower() for char, bit in zip(text[:15], bits, strict=True))
    restored = add_checksum(short)
    return restored if restored[15:] == text[15:].upper() else None


def range_of_ids(prefix: str) -> tuple[str, str]:
    """Return the bounds of the ids that begin with an object's prefix, the second one excluded."""
    return prefix, prefix + chr(0x10FFFF)
