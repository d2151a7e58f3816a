"""Several Collections requests in flight: each in a thread with a client of its own, attempted once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Thread

from include.export.batch import Row
from include.export.failures import SalesforceFailure
from include.export.salesforce.answers import Unanswered
from include.export.salesforce.client import LoginNeeded, SalesforceClient
from include.export.salesforce.collections_api import CollectionsTransport, Result
from include.export.salesforce.http_errors import Busy

LOOK_SECONDS = 1.0  # between two guards of the run while its requests are in flight
GUARD_SECONDS = 10.0  # a thread sends nothing after the run was silent for so long
RequestOutcome = Future[list[Result]]


class TurnEnded(SalesforceFailure):
    """The run did not prolong its lease in time, so a request of it was not sent."""


@dataclass
class ConcurrentRequests:
    """Sends parts of a batch at the same time. Only the thread of the run guards its lease and logs in.

    Without `threads` they are sent one after the other by the run itself.
    """

    transport: CollectionsTransport
    threads: bool = True
    _guarded_at: float = field(default=0.0, init=False)

    def transmit(self, action: str, parts: Sequence[Sequence[Row]]) -> list[RequestOutcome]:
        """Send each part in a request of its own and return their outcomes in the same order, all of them known.

        Raises what the guard of the run raises. Requests that are in flight then count as still executed, as they do
        when the run is asked to end.
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
        _take_calls(run, clients)
        return outcomes

    def _guard(self, run: SalesforceClient) -> None:
        run.guard()
        self._guarded_at = time.monotonic()

    def _check(self, ended: Event) -> None:
        if ended.is_set() or time.monotonic() - self._guarded_at > GUARD_SECONDS:
            raise TurnEnded("A concurrent request was not sent: the run was silent for too long. It is sent alone.")

    def _start(
        self, run: SalesforceClient, client: SalesforceClient, action: str, rows: Sequence[Row]
    ) -> RequestOutcome:
        transport = CollectionsTransport(self.transport.stream, client, self.transport.id_field)
        work = partial(transport.transmit, action, rows, all_or_none=False)
        if self.threads:
            return _run_in_daemon(work)
        self._guard(run)
        return _run_here(work)


def may_pass_alone(failure: BaseException | None) -> bool:
    """Return whether a request that failed among others is sent again by the run: after a delay, or a new login."""
    return isinstance(failure, Busy | LoginNeeded | TurnEnded) or (isinstance(failure, Unanswered) and failure.in_time)


def _attempt_once(run: SalesforceClient, guard: Callable[[], None]) -> SalesforceClient:
    """Return a client for another thread that calls `guard` before each call and repeats none."""
    client = run.concurrent()
    client.guard, client.repeat_delays = guard, ()
    return client


def _take_calls(run: SalesforceClient, clients: Sequence[SalesforceClient]) -> None:
    """Add what the clients have counted, and what may still be executed of their calls."""
    for client in clients:
        run.take_counts_of(client)
        run.overdue |= client.overdue
    run.in_flight = run.overdue or any(client.in_flight for client in clients)


def _run_here(work: Callable[[], list[Result]]) -> RequestOutcome:
    outcome: RequestOutcome = Future()
    try:
        outcome.set_result(work())
    except Exception as failure:  # noqa: BLE001 - whoever waits for the outcome gets it
        outcome.set_exception(failure)
    return outcome


def _run_in_daemon(work: Callable[[], list[Result]]) -> RequestOutcome:
    """Start work in a thread that a run which is asked to end does not wait for, unlike those of an executor."""
    outcome: RequestOutcome = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as failure:  # whoever waits for the outcome gets it
            outcome.set_exception(failure)
            if not isinstance(failure, Exception):
                raise

    Thread(target=run, daemon=True, name="collections-request").start()
    return outcome
