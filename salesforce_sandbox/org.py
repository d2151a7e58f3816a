"""An org at work: its definition, records, rules, sessions, limits, faults and the log of requests."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salesforce_sandbox.chunk import Chunk
from salesforce_sandbox.definition import BulkSettings, OrgDefinition, User
from salesforce_sandbox.faults import Faults, JobFault
from salesforce_sandbox.record_ids import make_id
from salesforce_sandbox.refusals import RequestRefused
from salesforce_sandbox.rules import RuleBook
from salesforce_sandbox.schema import Schema
from salesforce_sandbox.storage import Storage
from salesforce_sandbox.writing import Writer

LOGGED_BODY = 1_000_000  # characters of a request body kept in the log
LOGGED_REQUESTS = 20_000


@dataclass
class LoggedRequest:
    """A request on a Salesforce path."""

    n: int
    method: str
    path: str
    body: str
    status: int = 0


def user_id(number: int = 0) -> str:
    """Return the id of the n-th user of an org."""
    return make_id("005", 1_000_001 + number)


@dataclass
class Org:
    """The org that a sandbox serves."""

    definition: OrgDefinition
    folder: Path
    storage: Storage = field(init=False)
    rules: RuleBook = field(init=False)
    faults: Faults = field(default_factory=Faults)
    bulk: BulkSettings = field(init=False)
    job_faults: list[JobFault] = field(default_factory=list)
    soap_login: bool = True
    used: Counter[str] = field(default_factory=Counter)
    saving: threading.RLock = field(default_factory=threading.RLock)
    at_reset: list[Callable[[], None]] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    requests: list[LoggedRequest] = field(default_factory=list)
    _tokens: set[str] = field(default_factory=set)
    _serial: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Open the storage."""
        self.storage = Storage(self.folder / "org.sqlite")
        self._start_over()

    def reset(self) -> None:
        """Go back to the definition: no records, no faults, full limits, every session valid no more."""
        for forget in self.at_reset:
            forget()
        with self.saving:
            self.storage.clear()
        self._start_over()

    def _start_over(self) -> None:
        self.definition = self.definition.model_copy(deep=True)
        self.rules = RuleBook.open(self.definition.rules)
        self.faults.clear()
        self.job_faults.clear()
        self.bulk = self.definition.bulk.model_copy()
        self.soap_login = self.definition.soap_login
        self.limits = dict(self.definition.limits)
        self.used.clear()
        self.requests.clear()
        self._add_built_in()

    def _add_built_in(self) -> None:
        writer, organization = self.writer(), self.definition.organization
        with writer.chunk.transaction():
            details = {"Id": organization.id, "Name": organization.name, "InstanceName": "LOCAL", "IsSandbox": True,
                       "OrganizationType": "Developer Edition"}  # fmt: skip
            writer.import_record(writer.schema.object("Organization"), details)
            for number, user in enumerate(self.definition.users or [User(username="user@sandbox.local", password="")]):
                name = {"Id": user_id(number), "Username": user.username, "Name": user.username, "Email": user.username}
                writer.import_record(writer.schema.object("User"), name | {"IsActive": True})

    def writer(self, storage: Storage | None = None) -> Writer:
        """Return a writer for one request, or for a thread with a storage of its own."""
        chunk = Chunk(storage or self.storage, self.saving, self.requests[-1].n if self.requests else 0)
        return Writer(Schema(self.definition.objects), self.rules, chunk)

    @property
    def username(self) -> str:
        """Return the name of the user that every session stands for."""
        return self.definition.users[0].username if self.definition.users else "user@sandbox.local"

    def new_token(self) -> str:
        """Start a session and return its access token, in the form that clients check (section 1.2)."""
        token = f"{self.definition.organization.id}!AQ.sandbox_{next(self._serial)}"
        self._tokens.add(token)
        return token

    def expire_sessions(self) -> None:
        """End every session."""
        self._tokens.clear()

    def check_token(self, token: str) -> None:
        """Raise RequestRefused (401) unless a session has this token."""
        if token not in self._tokens:
            raise RequestRefused(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def spend_call(self) -> None:
        """Count an API call; raises RequestRefused (403) when the day's are spent."""
        if self.left("DailyApiRequests") <= 0:
            raise RequestRefused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.used["DailyApiRequests"] += 1

    def left(self, limit: str) -> int:
        """Return how much of a limit is left."""
        return self.limits[limit] - self.used[limit]

    @property
    def limit_info(self) -> str:
        """Return the header Sforce-Limit-Info."""
        return f"api-usage={self.used['DailyApiRequests']}/{self.limits['DailyApiRequests']}"

    def log_request(self, method: str, path: str, body: str) -> LoggedRequest:
        """Keep a request in the log."""
        logged = LoggedRequest(next(self._numbers), method, path, body[:LOGGED_BODY])
        self.requests.append(logged)
        del self.requests[:-LOGGED_REQUESTS]
        return logged

    def counts(self) -> dict[str, int]:
        """Return how many living records each object has."""
        return {name: self.storage.count(entity.prefix) for name, entity in self.definition.objects.items()}

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """Return every record of an object for people and tests, the recycle bin included."""
        found = self.storage.find_all(self.writer().schema.object(object_name).prefix, deleted=True)
        return [{"id": record.id, "fields": record.fields, "deleted": record.deleted} for record in found]
