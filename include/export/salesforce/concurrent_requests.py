"""Concurrent Collections requests: each is sent once, in a thread with a client of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from include.export.background import start_work
from include.export.batch import Row
from include.export.failures import SalesforceFailure
from include.export.salesforce.answers import Unanswered
from include.export.salesforce.client import LoginNeeded, SalesforceClient
from include.export.salesforce.collections_api import CollectionsTransport, Result
from include.export.salesforce.http_errors import Busy

LOOK_SECONDS = 1.0  # between two calls of the run's guard while its requests are in flight
GUARD_SECONDS = 10.0  # a thread sends nothing once the run's guard was not called for this long
RequestOutcome = Future[list[Result]]


class GuardMissed(SalesforceFailure):
    """The run did not renew its lease in time, so one of its requests was not sent."""


@dataclass
class ConcurrentRequests:
    """Sends parts of a batch concurrently. Only the run's own thread guards its lease and logs in.

    Without `threads`, the run itself sends them one after the other.
    """

    transport: CollectionsTransport
    threads: bool = True
    _guarded_at: float = field(default=0.0, init=False)

    def transmit(self, action: str, parts: Sequence[Sequence[Row]]) -> list[RequestOutcome]:
        """Send each part in a request of its own and return the completed outcomes in the same order.

        Raises what the run's guard raises. Requests that are then in flight count as still being executed, as when the
        run is asked to end.
        """
        run = self.transport.client
        ended = Event()
        self._guard(run)
        clients = [_attempt_once(run, partial(self._check, ended)) for _ in parts]
        run.in_flight = True
        try:
            outcomes = [self._start(run, client, action, part) for client, part in zip(clients, parts, strict=True)]
            while wait(outcomes, LOOK_SECONDS).not_done:
                self._guard(run)
        finally:
            ended.set()
            for client in clients:
                run.take_counts_of(client)
        _keep_overdue(run, clients)
        return outcomes

    def _guard(self, run: SalesforceClient) -> None:
        run.guard()
        self._guarded_at = time.monotonic()

    def _check(self, ended: Event) -> None:
        if ended.is_set() or time.monotonic() - self._guarded_at > GUARD_SECONDS:
            raise GuardMissed("A concurrent request was not sent: the lease was not renewed in time. The run sends it.")

    def _start(
        self, run: SalesforceClient, client: SalesforceClient, action: str, rows: Sequence[Row]
    ) -> RequestOutcome:
        transport = CollectionsTransport(self.transport.stream, client, self.transport.id_field)
        work = partial(transport.transmit, action, rows, all_or_none=False)
        if not self.threads:
            self._guard(run)
        return start_work(work, threads=self.threads, name="collections-request")


def may_pass_alone(failure: BaseException | None, rows: int) -> bool:
    """Return whether the run should send a failed concurrent request again by itself, after a delay or a new login.

    A request with several rows that timed out is halved instead.
    """
    if isinstance(failure, Unanswered):
        return failure.in_time or rows == 1
    return isinstance(failure, Busy | LoginNeeded | GuardMissed)


def may_be_executed(failure: BaseException) -> bool:
    """Return whether Salesforce may have executed a concurrent request that failed; a gateway may answer for it."""
    return isinstance(failure, Busy) or (isinstance(failure, Unanswered) and failure.left)


def _attempt_once(run: SalesforceClient, guard: Callable[[], None]) -> SalesforceClient:
    """Return a client for another thread; it calls `guard` before each call and does not repeat writes."""
    client = run.concurrent()
    client.guard, client.repeats_writes = guard, False
    return client


def _keep_overdue(run: SalesforceClient, clients: Sequence[SalesforceClient]) -> None:
    """Note whether a write of the clients may still be executed: the answer to another call does not prove its end."""
    run.overdue |= any(client.overdue or client.in_flight for client in clients)
    run.in_flight = run.overdue
