"""The exceptions that stop a run, by what the caller does next.

RunFailure
├── ConfigurationFailure   a person must change a stream file, a grant, a field: never retried
│   ├── NotFound           Salesforce does not have what the call names
│   └── SourceMissing      a table, view or column of the source does not exist, or may not be read
├── SourceFailure          Postgres did not answer, or answered with an error: retried
├── HorizonFailure         the source cannot be read now without the risk of losing rows: never retried
├── LoginFailure           Salesforce rejected the credentials: never retried
├── QuotaFailure           the org has no API calls left: not retried, the next scheduled run continues
├── CircuitFailure         every record is rejected for a reason that no record causes: never retried
├── SalesforceFailure      Salesforce did not answer, or not as documented: retried
└── LeaseLost              another process took over this stream: never retried

Rejections of records are not exceptions but data, and are returned (`salesforce/rejections.py`).
"""

from __future__ import annotations


class RunFailure(Exception):  # noqa: N818 - docs/glossary.md has the word
    """A run cannot continue; no record is to blame. The message says what failed, where, and what to do.

    `retriable`: the same run may succeed a little later without intervention.
    `retry_after`: the seconds that the other side asked to wait, if it did.
    """

    retriable = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConfigurationFailure(RunFailure):
    """A stream file, a grant, a connection or the org's setup is wrong."""


class NotFound(ConfigurationFailure):
    """Salesforce does not have what the call names."""


class SourceMissing(ConfigurationFailure):
    """A table, view or column of the source does not exist, or may not be read.

    Retriable for a stream that has exported rows: a view may be rebuilt, a grant may follow shortly.
    """


class SourceFailure(RunFailure):
    """Postgres did not answer, or answered with an error."""

    retriable = True


class HorizonFailure(RunFailure):
    """The source cannot be read without the risk of losing rows."""


class LoginFailure(RunFailure):
    """Salesforce rejected the credentials of the connection."""


class QuotaFailure(RunFailure):
    """The org has no API calls left."""


class CircuitFailure(RunFailure):
    """Salesforce rejects every record for a reason that no record causes."""


class SalesforceFailure(RunFailure):
    """Salesforce did not answer, or not as documented."""

    retriable = True


class LeaseLost(RunFailure):
    """Another process took over this stream; nothing more may be written here."""
