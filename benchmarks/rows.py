"""The rows of the benchmarks: twenty columns, about 355 bytes, always the same for a number."""

from __future__ import annotations

COLUMNS = (
    "Key__c", "Name", "Email__c", "City__c", "Country__c", "Active__c", "Score__c", "Amount__c", "Visits__c",
    "Since__c", "Seen__c", "Channel__c", "Medium__c", "Source__c", "Landing_Page__c", "Referrer__c", "Campaign__c",
    "Keyword__c", "Notes__c", "Reject__c",
)  # fmt: skip
_COUNTRIES, _CHANNELS = ("BR", "DE", "US", "JP"), ("Paid Search.AdWords", "Organic Search.Google", "Email", "Direct")


def make_row(number: int, *, reject_every: int = 0) -> tuple[str, ...]:
    """Return the n-th row as text; each `reject_every`-th holds a value that the org rejects."""
    rejected = reject_every and number % reject_every == 0
    return (
        f"K{number:09d}", f"Person number {number}", f"person{number}@example.com", f"City {number % 977}",
        _COUNTRIES[number % 4], "true" if number % 3 else "false", f"{number % 1000}.25", f"{number % 100000}.5",
        str(number % 365), "2026-03-07", "2026-03-07T10:11:12.131Z", _CHANNELS[number % 4], "cpc", "google",
        f"https://www.example.com/landing/{number % 5000}?utm_source=google&utm_medium=cpc",
        f"https://www.google.com/search?q=term+{number % 700}", f"CMP_{number % 300:06d}", f"keyword {number % 900}",
        f"Met at the fair, hall {number % 12}; wants an offer", "yes" if rejected else "no",
    )  # fmt: skip


def make_line(number: int, *, reject_every: int = 0) -> str:
    """Return the n-th row as a line of CSV; no value needs quotes."""
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in make_row(number, reject_every=reject_every)) + "\n"
