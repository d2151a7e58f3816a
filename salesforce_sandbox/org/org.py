"""A running org: its definition, records, rules, sessions, limits, faults and the log of requests."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from salesforce_sandbox.definition.definition import OrgDefinition
from salesforce_sandbox.definition.settings import BulkSettings, RequestSettings
from salesforce_sandbox.org.faults import Faults, JobFault
from salesforce_sandbox.org.parent_locks import ParentLocks
from salesforce_sandbox.org.sessions import Sessions
from salesforce_sandbox.records.chunk import Chunk
from salesforce_sandbox.records.record_ids import make_id
from salesforce_sandbox.records.rejections import RequestRejected
from salesforce_sandbox.records.rules import RuleBook
from salesforce_sandbox.records.schema import Schema
from salesforce_sandbox.records.storage import Storage
from salesforce_sandbox.records.writing import Writer

LOGGED_BODY = 1_000_000  # characters of a request body kept in the log
LOGGED_REQUESTS = 20_000
LOGGED = "salesforce_sandbox.logged"  # the key of a request's log entry in its scope


@dataclass
class LoggedRequest:
    """A request on a Salesforce path; `user` is empty until its session is known."""

    n: int
    method: str
    path: str
    body: str
    status: int = 0
    user: str = ""


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
    request_settings: RequestSettings = field(init=False)
    job_faults: list[JobFault] = field(default_factory=list)
    soap_login: bool = True
    used: Counter[str] = field(default_factory=Counter)
    saving: threading.RLock = field(default_factory=threading.RLock)
    at_reset: list[Callable[[], None]] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    requests: list[LoggedRequest] = field(default_factory=list)
    maintenance: bool = False
    sessions: Sessions = field(init=False)
    parent_locks: ParentLocks = field(default_factory=ParentLocks)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Open the storage."""
        self._as_written = self.definition
        self.storage = Storage(self.folder / "org.sqlite")
        form = self.definition.token_form
        self.sessions = Sessions(self.definition.organization.id, self.definition.session_seconds, form)
        self._start_over()

    def reset(self) -> None:
        """Reset to the definition: no records, jobs or faults, full limits. Sessions are kept."""
        for forget in self.at_reset:
            forget()
        with self.saving:
            self.storage.clear()
        self._start_over()

    def _start_over(self) -> None:
        self.definition = self._as_written.model_copy(deep=True)
        self.rules = RuleBook.open(self.definition.rules)
        self.faults.clear()
        self.job_faults.clear()
        self.bulk = self.definition.bulk.model_copy()
        self.request_settings = self.definition.requests.model_copy(deep=True)
        self.soap_login = self.definition.soap_login
        self.sessions.form = self.definition.token_form
        self.maintenance = False
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
            for number, user in enumerate(self.definition.users):
                name = {"Id": user_id(number), "Username": user.username, "Name": user.username, "Email": user.username}
                writer.import_record(writer.schema.object("User"), name | {"IsActive": user.active})

    def writer(self, by: LoggedRequest | None = None, storage: Storage | None = None) -> Writer:
        """Return a writer for a request, or for the control API; another thread passes its own storage."""
        number, user = (by.n, by.user) if by else (0, "")
        chunk = Chunk(storage or self.storage, self.saving, number, user)
        return Writer(Schema(self.definition.objects, self.definition.lenient), self.rules, chunk)

    def id_of_user(self, username: str) -> str:
        """Return the id of a user by name."""
        return user_id([user.username for user in self.definition.users].index(username))

    def spend_call(self) -> None:
        """Count an API call; raises RequestRejected (403) when the daily limit is used up."""
        if self.left("DailyApiRequests") <= 0:
            raise RequestRejected(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.used["DailyApiRequests"] += 1

    def automation_seconds(self, object_name: str, count: int) -> float:
        """Return how long triggers and flows run when records of an object are saved."""
        seconds = self.request_settings.automation_seconds
        return count * seconds.get(object_name, 0.0) if seconds else 0.0

    def left(self, limit: str) -> int:
        """Return how much of a limit is left."""
        return self.limits[limit] - self.used[limit]

    @property
    def limit_info(self) -> str:
        """Return the header Sforce-Limit-Info."""
        return f"api-usage={self.used['DailyApiRequests']}/{self.limits['DailyApiRequests']}"

    def log_request(self, method: str, path: str, body: str) -> LoggedRequest:
        """Add a request to the log."""
        logged = LoggedRequest(next(self._numbers), method, path, body[:LOGGED_BODY])
        self.requests.append(logged)
        del self.requests[:-LOGGED_REQUESTS]
        return logged

    def counts(self) -> dict[str, int]:
        """Return how many living records each object has."""
        return {name: self.storage.count(entity.prefix) for name, entity in self.definition.objects.items()}

    def records(self, object_name: str) -> list[dict[str, Any]]:
        """Return every record of an object, the recycle bin included."""
        found = self.storage.find_all(self.writer().schema.object(object_name).prefix, deleted=True)
        return [{"id": record.id, "fields": record.fields, "deleted": record.deleted} for record in found]
